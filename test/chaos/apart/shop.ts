// The shop without its services: what `npm start` runs, except that each attempt at an operation is a request to another
// process (BALLET_SERVICES_AT). Its own books stay empty but for the price list. It says of itself what the shop says, as far as
// whoever starts it listens for that.
import { ballet, open } from 'ballet'
import { elsewhere } from 'ballet/http'
import { serve } from 'ballet/server'
import { checkoutWorkflow } from '../../../examples/shop/checkout.ts'
import { fulfilment } from '../../../examples/shop/choreography.ts'
import { shopRoutes } from '../../../examples/shop/http.ts'
import { connect } from '../../../examples/shop/reactions.ts'
import { openServices } from '../../../examples/shop/services.ts'
import { shopPlace } from '../../../examples/shop/shop.ts'
import { SECRET } from './secret.ts'

const where = { url: process.env['BALLET_SERVICES_AT'] ?? '', secrets: [SECRET] }

const leaving = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => leaving.abort())
const asked = new Promise<void>((resolve) => leaving.signal.addEventListener('abort', () => resolve()))

const { services, books, faults, ledger } = openServices(null)
const reserveItems = connect(services)
const checkout = checkoutWorkflow(services)
const definition = ballet({
  name: 'shop',
  version: '1',
  services: Object.values(services).map((service) => elsewhere(service, where)),
  workflows: [checkout, reserveItems],
  choreographies: [fulfilment],
  http: shopRoutes({ services, books, checkout, faults, ledger }),
})

const ready = Promise.withResolvers<Awaited<ReturnType<typeof open>>>()
const serving = await serve(ready.promise, {
  port: Number(process.env['PORT'] ?? 0),
  nodeSecret: process.env['BALLET_NODE_SECRET'],
})
const app = await open(definition, { store: shopPlace(process.env).store, address: serving.url })
ready.resolve(app)
console.log(`  address   http://localhost:${serving.port}`)
console.log('Ctrl-C closes the shop.')
const failure = await Promise.race([asked.then(() => null), app.stopped])
// Where nodes share the store, another takes over while the last answers are written.
await Promise.all([serving.close(), app.close()])
if (failure !== null) throw failure

// The shop without its services: what `npm start` runs, except that its services are elsewhere, all in one process
// (BALLET_SERVICES_AT) or each in its own (PAYMENT_URL and its like). Its own books stay empty but for the price list.
// BALLET_TIMETABLE names the file of what goes on by the clock beside the orders, if anything does. It says of itself
// what the shop says, as far as whoever starts it listens for that.
import { open } from 'ballet'
import { serve } from 'ballet/server'
import { placeOf } from '../../../examples/shop/apart/places.ts'
import { shopElsewhere } from '../../../examples/shop/apart/placed.ts'
import { counterOf } from '../../../examples/shop/counter.ts'
import { openServices } from '../../../examples/shop/services.ts'
import { shopPlace } from '../../../examples/shop/shop.ts'
import { withTimetable } from '../timetable.ts'
import { SECRET } from './secret.ts'

const together = process.env['BALLET_SERVICES_AT']

const leaving = new AbortController()
for (const signal of ['SIGINT', 'SIGTERM'] as const) process.once(signal, () => leaving.abort())
const asked = new Promise<void>((resolve) => leaving.signal.addEventListener('abort', () => resolve()))

const shop = shopElsewhere({
  urlOf: (service) => together ?? placeOf(service, process.env),
  secrets: [SECRET],
  counter: counterOf(openServices(null)),
})
const timetable = process.env['BALLET_TIMETABLE']
const definition = timetable === undefined ? shop : withTimetable(shop, timetable)

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

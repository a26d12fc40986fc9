// The shop as an application of Ballet: its services, connected in both styles. The default export is what the command
// line loads (`ballet dev examples/shop/shop.ts`); tests make shops of their own.
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ballet } from 'ballet'
import { checkoutWorkflow } from './checkout.js'
import { fulfilment } from './choreography.js'
import { shopRoutes } from './http.js'
import { connect } from './reactions.js'
import { openServices } from './services.js'
/**
 * A shop of its own: its definition, to be opened on a store, and its services.
 * @param folder where the services keep their databases; null keeps them in memory.
 * @param now the clock of the faults that end by themselves.
 */
export function makeShop(folder, now) {
  const { services, books, faults, ledger, open, close } = openServices(folder, now)
  const reserveItems = connect(services)
  const checkout = checkoutWorkflow(services)
  const definition = ballet({
    name: 'shop',
    version: '1',
    services: Object.values(services),
    workflows: [checkout, reserveItems],
    choreographies: [fulfilment],
    http: shopRoutes({ services, books, checkout, faults, ledger }),
  })
  return { definition, books, ledger, open, close }
}
/**
 * Where the shop stands, as the environment says: BALLET_STORE is a file, `postgres://...` or `memory:`. Beside a database
 * there is no folder: then the services are in that of BALLET_SERVICES.
 */
export function shopPlace(env) {
  const store = env['BALLET_STORE'] || '.ballet/shop.db'
  if (store === 'memory:') return { store, folder: null }
  if (/^postgres(ql)?:/.test(store)) return { store, folder: env['BALLET_SERVICES'] || '.ballet/services' }
  if (store.includes('://')) return { store, folder: besideUrl(store) }
  const file = store.replace(/^file:/, '')
  return { store: `file:${file}`, folder: join(dirname(file), 'services') }
}
/** Null for an address that is no file's: `open` refuses it, and taken as a path it would become a folder of that name. */
function besideUrl(url) {
  try {
    return join(dirname(fileURLToPath(url)), 'services')
  } catch {
    return null
  }
}
export default makeShop(shopPlace(process.env).folder).definition

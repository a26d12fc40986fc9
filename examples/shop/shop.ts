// The shop as an application of Ballet: its services, connected in both styles. The default export is what the command
// line loads (`ballet dev examples/shop/shop.ts`); tests make shops of their own.
import { dirname, join } from 'node:path'
import { fileURLToPath } from 'node:url'
import { ballet } from 'ballet'
import { checkoutWorkflow } from './checkout.ts'
import { fulfilment } from './choreography.ts'
import { comparisonOf } from './comparison.ts'
import { counterOf, type Counter } from './counter.ts'
import { shopRoutes } from './http.ts'
import { connect } from './reactions.ts'
import { openServices, type Services } from './services.ts'

/**
 * A shop of its own: its definition, to be opened on a store, and its services.
 * @param folder where the services keep their databases; null keeps them in memory.
 * @param payments `postgres://...` of the database in which Payment keeps its accounts; null for one in the folder.
 * @param now the clock of the faults that end by themselves.
 */
export function makeShop(folder: string | null, payments: string | null = null, now?: () => number) {
  const opened = openServices(folder, payments, now)
  const { faults, ledgers, ledger, open, close } = opened
  return { ...shopOf(opened.services, counterOf(opened)), faults, ledgers, ledger, open, close }
}

/** The application, wherever its services are. */
export function shopOf(services: Services, counter: Counter) {
  const reserveItems = connect(services)
  const checkout = checkoutWorkflow(services)
  const desk = { services, checkout, counter }
  const definition = ballet({
    name: 'shop',
    version: '1',
    services: Object.values(services),
    workflows: [checkout, reserveItems],
    choreographies: [fulfilment],
    http: shopRoutes(desk),
  })
  return { definition, desk }
}

export interface ShopPlace {
  /** `file:<path>`, `postgres://...` or `memory:`, or an address that `open` will refuse. */
  readonly store: string
  /** Where the services keep their databases: beside the store, if it is a file. */
  readonly folder: string | null
  /** The PostgreSQL database in which Payment keeps its accounts; null when they stand with the others. */
  readonly payments?: string | null
}

/**
 * Where the shop stands, as the environment says: BALLET_STORE is a file, `postgres://...` or `memory:`. Beside a database
 * there is no folder: then the services are in that of BALLET_SERVICES, but for Payment, which is in the same database, or in
 * that of BALLET_PAYMENTS.
 */
export function shopPlace(env: Readonly<Record<string, string | undefined>>): ShopPlace {
  const store = env['BALLET_STORE'] || '.ballet/shop.db'
  const payments = env['BALLET_PAYMENTS'] || (isPostgres(store) ? store : null)
  if (store === 'memory:') return { store, folder: null, payments }
  if (isPostgres(store)) return { store, folder: env['BALLET_SERVICES'] || '.ballet/services', payments }
  if (store.includes('://')) return { store, folder: besideUrl(store), payments }
  const file = store.replace(/^file:/, '')
  return { store: `file:${file}`, folder: join(dirname(file), 'services'), payments }
}

const isPostgres = (store: string): boolean => /^postgres(ql)?:/.test(store)

/** Null for an address that is no file's: `open` refuses it, and taken as a path it would become a folder of that name. */
function besideUrl(url: string): string | null {
  try {
    return join(dirname(fileURLToPath(url)), 'services')
  } catch {
    return null
  }
}

const { folder, payments } = shopPlace(process.env)
export default makeShop(folder, payments).definition

/** How `ballet compare` carries orders through it. */
export const comparison = comparisonOf(makeShop)

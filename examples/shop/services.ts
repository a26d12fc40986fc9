// The five services of one shop, each with books of its own. They share nothing but the contracts.
import { Books } from './books.ts'
import { Faults, type ServiceName } from './faults.ts'
import { ledgerLines, type LedgerRow } from './ledger.ts'
import { PostgresAccounts } from './postgres-accounts.ts'
import { cartService, cartTables } from './services/cart.ts'
import { catalogService, catalogTables } from './services/catalog.ts'
import { notificationService, notificationTables } from './services/notification.ts'
import { paymentService } from './services/payment.ts'
import { shippingService, shippingTables } from './services/shipping.ts'
import { SqliteAccounts } from './sqlite-accounts.ts'

export type Services = ReturnType<typeof openServices>['services']

/**
 * @param folder where the databases of the services stand; null keeps them in memory.
 * @param payments `postgres://...` of the database in which Payment keeps its accounts; null for one in the folder.
 * @param now the clock of the faults that end by themselves.
 */
export function openServices(folder: string | null, payments: string | null = null, now?: () => number) {
  const faults = new Faults(now)
  const books = {
    catalog: new Books('catalog', catalogTables, folder, faults),
    cart: new Books('cart', cartTables, folder, faults),
    shipping: new Books('shipping', shippingTables, folder, faults),
    notification: new Books('notification', notificationTables, folder, faults),
  }
  const accounts = payments === null ? new SqliteAccounts(folder, faults) : new PostgresAccounts(payments, faults)
  const services = {
    catalog: catalogService(books.catalog),
    cart: cartService(books.cart),
    payment: paymentService(accounts),
    shipping: shippingService(books.shipping),
    notification: notificationService(books.notification),
  }
  /** Who keeps what a service wrote. */
  const keepers = { ...books, payment: accounts }
  /** What a service wrote, oldest first. */
  const ledgerOf = async (service: ServiceName): Promise<LedgerRow[]> => keepers[service].ledger()
  /** That of each. */
  const ledgers = () =>
    Promise.all(
      (['catalog', 'cart', 'shipping', 'notification', 'payment'] as const).map(async (service) => ({
        service,
        rows: await ledgerOf(service),
      })),
    )
  return {
    services,
    books,
    faults,
    ledgerOf,
    ledgers,
    /** The ledgers of all services as JSON lines, oldest first. */
    ledger: async () => ledgerLines((await ledgers()).map(({ rows }) => rows)),
    /** Opens the databases now instead of when they are needed first. */
    open: async () => {
      for (const keeper of Object.values(keepers)) await keeper.open()
    },
    /** That of one service alone: the others are somewhere else. */
    openOne: async (service: ServiceName) => {
      await keepers[service].open()
    },
    close: async () => {
      for (const book of Object.values(books)) book.close()
      await accounts.close()
    },
  }
}

// The five services of one shop, each with books of its own. They share nothing but the contracts.
import { Books } from './books.js'
import { Faults } from './faults.js'
import { ledgerLines } from './ledger.js'
import { cartService, cartTables } from './services/cart.js'
import { catalogService, catalogTables } from './services/catalog.js'
import { notificationService, notificationTables } from './services/notification.js'
import { paymentService, paymentTables } from './services/payment.js'
import { shippingService, shippingTables } from './services/shipping.js'
/** @param folder where the databases of the services stand; null keeps them in memory. */
export function openServices(folder, now) {
  const faults = new Faults(now)
  const books = {
    catalog: new Books('catalog', catalogTables, folder, faults),
    cart: new Books('cart', cartTables, folder, faults),
    payment: new Books('payment', paymentTables, folder, faults),
    shipping: new Books('shipping', shippingTables, folder, faults),
    notification: new Books('notification', notificationTables, folder, faults),
  }
  const services = {
    catalog: catalogService(books.catalog),
    cart: cartService(books.cart),
    payment: paymentService(books.payment),
    shipping: shippingService(books.shipping),
    notification: notificationService(books.notification),
  }
  return {
    services,
    books,
    faults,
    /** The ledgers of all services as JSON lines, oldest first. */
    ledger: () => ledgerLines(Object.values(books).map((book) => book.ledger())),
    /** Opens the databases now instead of when they are needed first. */
    open: () => {
      for (const book of Object.values(books)) book.open()
    },
    close: () => {
      for (const book of Object.values(books)) book.close()
    },
  }
}

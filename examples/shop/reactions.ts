// The order process as a choreography: each service reacts to what the others tell, and nobody is in charge. Read it
// from top to bottom and you have the flow; the services themselves know nothing of it. What goes wrong is taken back
// by a chain in reverse order, each link waiting for the one before.
import {
  OrderCreated,
  OrderShipped,
  PaymentApproved,
  PaymentDeclined,
  PaymentRefunded,
  ShippingFailed,
  StockReleased,
  StockReserved,
  StockShort,
} from './contracts.ts'
import type { Services } from './services.ts'

/** Connects the services by their reactions. */
export function connect({ catalog, payment, shipping, notification }: Services): void {
  catalog.on(OrderCreated, (order) => catalog.reserve(order))
  payment.on(StockReserved, ({ orderId, total, customer }) => payment.charge({ orderId, amount: total, customer }))
  shipping.on(PaymentApproved, ({ orderId, customer }) => shipping.ship({ orderId, customer }))
  notification.on(OrderShipped, ({ orderId, customer, tracking }) =>
    notification.notify({ orderId, customer, ending: 'confirmed', detail: tracking }),
  )

  // Out of stock: nothing to take back.
  notification.on(StockShort, ({ orderId, customer, reason }) =>
    notification.notify({ orderId, customer, ending: 'declined', detail: reason }),
  )
  // Declined: release the stock, then tell.
  catalog.on(PaymentDeclined, ({ orderId, customer, reason }) =>
    catalog.release({ orderId, told: { customer, ending: 'declined', detail: reason } }),
  )
  // Not deliverable: refund, then release the stock, then tell.
  payment.on(ShippingFailed, ({ orderId, customer, reason }) =>
    payment.refund({ orderId, told: { customer, ending: 'refunded', detail: reason } }),
  )
  catalog.on(PaymentRefunded, ({ orderId, told }) => catalog.release({ orderId, told }))
  notification.on(StockReleased, ({ orderId, told }) =>
    told === undefined ? null : notification.notify({ orderId, ...told }),
  )
}

// The order process as a choreography: each service reacts to what the others tell, and nobody is in charge. Read it
// from top to bottom and you have the flow; the services themselves know nothing of it. What goes wrong is taken back
// by a chain in reverse order, each link waiting for the one before. README.md says why it is built so.
import { workflow } from 'ballet'
import { z } from 'zod'
import {
  Order,
  OrderCancelled,
  OrderCreated,
  OrderShipped,
  PaymentApproved,
  PaymentDeclined,
  PaymentRefunded,
  ShippingFailed,
  ShippingStopped,
  StockReleased,
  StockReserved,
  StockShort,
  StopTooLate,
} from './contracts.js'
/** Connects the services by their reactions. Returns the workflow with which the catalog answers an order. */
export function connect(services) {
  const { catalog, payment, shipping, notification } = services
  const reserveItems = reserveItemsWorkflow(services)
  // All is well. The catalog's answer for the last item of an order is StockReserved.
  catalog.on(OrderCreated, (order) => reserveItems(order), { calls: ['catalog.reserve'] })
  payment.on(StockReserved, ({ total, ...order }) => payment.charge({ ...order, amount: total }))
  shipping.on(PaymentApproved, (order) => shipping.ship(order))
  notification.on(OrderShipped, ({ tracking, ...order }) =>
    notification.notify({ ...order, news: 'confirmed', detail: tracking }),
  )
  // Out of stock: release what there was, then tell.
  catalog.on(StockShort, (order) => releaseLast(amend(order, 'declined', order.reserved)))
  notification.on(StockShort, (order) => tellIfDone(amend(order, 'declined', order.reserved)))
  // Declined: release, then tell.
  catalog.on(PaymentDeclined, (order) => releaseLast(amend(order, order.news)))
  // Not deliverable: refund, then release, then tell.
  payment.on(ShippingFailed, (order) => (order.stopped ? null : payment.refund(amend(order, 'refunded'))))
  catalog.on(PaymentRefunded, releaseLast)
  // One item after the other, the last one first.
  catalog.on(StockReleased, releaseLast)
  notification.on(StockReleased, tellIfDone)
  // Cancelled: shipping decides whether that comes in time, and does not let it wait behind a parcel that is stuck.
  shipping.on(OrderCancelled, (order) => shipping.stop(order), { order: 'none' })
  payment.on(ShippingStopped, (order) => payment.refund(amend(order, 'cancelled')), { order: 'none' })
  notification.on(StopTooLate, ({ tracking, ...order }) =>
    tracking === null ? null : notification.notify({ ...order, news: 'too late', detail: tracking }),
  )
  /** The next link of a chain: releases the last item of those that are left. */
  function releaseLast({ orderId, amends }) {
    const sku = amends?.release.at(-1)
    if (amends === undefined || sku === undefined) return null
    return catalog.release({ orderId, sku, amends: { ...amends, release: amends.release.slice(0, -1) } })
  }
  /** The end of a chain: tells the customer when nothing is left to release. */
  function tellIfDone({ orderId, amends }) {
    return amends?.release.length === 0 ? notification.notify({ orderId, ...amends }) : null
  }
  return reserveItems
}
/** One event becomes a reservation for each item. It starts them and waits for none: the catalog counts its answers. */
const reserveItemsWorkflow = ({ catalog }) =>
  workflow('reserve-items', { input: Order, output: z.null(), key: 'orderId' }, async (run, order) => {
    for (const { sku } of order.items) run.start(catalog.reserve({ ...order, sku }), { id: sku })
    return null
  })
/** The beginning of such a chain: all items are to be released, unless it is said which. */
function amend({ orderId, items, customer, reason: detail }, news, release = items.map(({ sku }) => sku)) {
  return { orderId, amends: { release: [...release], customer, news, detail } }
}

// What the five services say to each other: the schemas of their data and the events that they answer with. An order
// travels whole: every event on the way forward carries it, so that no service asks another one back. On the way back
// travels what is still to be made good (Amends). Money is in cents. All events are keyed by the order, so that
// everything about an order stands in one sequence.
import { event, signal } from 'ballet'
import { z } from 'zod'
export const OrderId = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'use 1 to 64 letters, digits and . _ -')
export const CartId = z.string().regex(/^[A-Za-z0-9._-]{1,50}$/, 'use 1 to 50 letters, digits and . _ -')
export const Sku = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'use 1 to 64 letters, digits and . _ -')
export const Item = z.object({ sku: Sku, qty: z.int().min(1).max(1_000) })
export const Items = z
  .array(Item)
  .min(1)
  .max(50)
  .refine((items) => new Set(items.map(({ sku }) => sku)).size === items.length, 'name each product once')
/** A card called `card-declined` is declined, and a parcel to `Atlantis` cannot be delivered. */
export const Customer = z.object({
  name: z.string().min(1).max(200),
  email: z.email().max(200),
  card: z.string().min(1).max(64),
  city: z.string().min(1).max(100),
})
export const Order = z.object({ orderId: OrderId, items: Items, customer: Customer })
/** The ways in which an order ends. They are the same in both styles. */
export const Ending = z.enum(['confirmed', 'declined', 'refunded', 'cancelled'])
/** What a customer is told: how the order ended, or that it could not be cancelled any more. */
export const News = z.enum([...Ending.options, 'too late'])
/** Travels along a chain that takes things back: the stock that is still to be released, then what the customer is told. */
export const Amends = z.object({ release: z.array(Sku), customer: Customer, news: News, detail: z.string() })
/** Who cancels. */
export const By = z.string().min(1).max(100)
const key = { key: 'orderId' }
const about = z.object({ orderId: OrderId })
const madeGood = about.extend({ amends: Amends.optional() })
export const OrderCreated = event('order.created', Order, key)
/** The customer's wish, as an event for the services and as a signal for a workflow. */
export const OrderCancelled = event('order.cancelled', Order.extend({ by: By }), key)
export const CancelOrder = signal('cancel-order', z.object({ by: By }))
export const CartCheckedOut = event('cart.checked-out', about.extend({ cartId: CartId, items: Items }), key)
export const CartRefused = event('cart.refused', about.extend({ cartId: CartId, reason: z.string() }), key)
/**
 * The answer for one item; `short` says why it is not reserved. The answer for the last item of an order is a `stock`
 * event, and says how all of them went.
 */
const item = Order.extend({ sku: Sku, price: z.int(), short: z.string().optional() })
export const ItemReserved = event('item.reserved', item, key)
export const ItemShort = event('item.short', item, key)
export const StockReserved = event('stock.reserved', item.extend({ total: z.int() }), key)
export const StockShort = event('stock.short', item.extend({ reason: z.string(), reserved: z.array(Sku) }), key)
export const StockReleased = event('stock.released', madeGood.extend({ sku: Sku }), key)
export const PaymentApproved = event('payment.approved', Order.extend({ amount: z.int(), receipt: z.string() }), key)
export const PaymentDeclined = event('payment.declined', Order.extend({ reason: z.string(), news: News }), key)
export const PaymentRefunded = event('payment.refunded', madeGood.extend({ amount: z.int() }), key)
export const NothingToRefund = event('payment.nothing-to-refund', about, key)
export const OrderShipped = event('order.shipped', Order.extend({ tracking: z.string() }), key)
/** `stopped`: because of a cancellation that has been answered with ShippingStopped. */
export const ShippingFailed = event('shipping.failed', Order.extend({ reason: z.string(), stopped: z.boolean() }), key)
export const ShippingStopped = event('shipping.stopped', Order.extend({ reason: z.string() }), key)
/** The cancellation came too late; `tracking` is null when shipping had failed for another reason. */
export const StopTooLate = event('shipping.stop-too-late', Order.extend({ tracking: z.string().nullable() }), key)
export const CustomerNotified = event('customer.notified', about.extend({ news: News, detail: z.string() }), key)

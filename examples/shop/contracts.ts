// What the five services say to each other: the schemas of their data and the events that they answer with. Every
// event carries what the next service needs (the customer, the total), so that no service asks another one back.
// Money is in cents. All events are keyed by the order, so that everything about an order stands in one sequence.
import { event } from 'ballet'
import { z } from 'zod'

export const OrderId = z.string().regex(/^[A-Za-z0-9._-]{1,64}$/, 'use 1 to 64 letters, digits and . _ -')
export const CartId = z.string().regex(/^[A-Za-z0-9._-]{1,50}$/, 'use 1 to 50 letters, digits and . _ -')
export const Item = z.object({ sku: z.string().min(1).max(64), qty: z.int().min(1).max(1_000) })
export const Items = z.array(Item).min(1).max(50)

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

/** What the customer is to be told at the end of a chain that takes things back: it travels along the chain. */
export const Told = z.object({ customer: Customer, ending: Ending, detail: z.string() })

export type Item = z.infer<typeof Item>
export type Customer = z.infer<typeof Customer>
export type Order = z.infer<typeof Order>
export type Ending = z.infer<typeof Ending>

const key = { key: 'orderId' } as const
const about = z.object({ orderId: OrderId })
const refusal = about.extend({ reason: z.string(), customer: Customer })

export const OrderCreated = event('order.created', Order, key)

export const CartCheckedOut = event('cart.checked-out', about.extend({ cartId: CartId, items: Items }), key)
export const CartRefused = event('cart.refused', about.extend({ cartId: CartId, reason: z.string() }), key)

export const StockReserved = event('stock.reserved', about.extend({ total: z.int(), customer: Customer }), key)
export const StockShort = event('stock.short', refusal, key)
export const StockReleased = event('stock.released', about.extend({ told: Told.optional() }), key)

const payment = about.extend({ amount: z.int(), receipt: z.string(), customer: Customer })
export const PaymentApproved = event('payment.approved', payment, key)
export const PaymentDeclined = event('payment.declined', refusal, key)
export const PaymentRefunded = event('payment.refunded', about.extend({ amount: z.int(), told: Told.optional() }), key)

export const OrderShipped = event('order.shipped', about.extend({ tracking: z.string(), customer: Customer }), key)
export const ShippingFailed = event('shipping.failed', refusal, key)

export const CustomerNotified = event('customer.notified', about.extend({ ending: Ending, detail: z.string() }), key)

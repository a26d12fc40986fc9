// What the services say to each other. Every event is about one order, by its key, so that everything about an order
// stands in one sequence.
import { event } from 'ballet'
import { z } from 'zod'

export const Order = z.object({ orderId: z.string().min(1), item: z.string().min(1), amount: z.int().min(1) })
const About = z.object({ orderId: z.string() })
const key = { key: 'orderId' } as const

export const StockReserved = event('stock.reserved', About, key)
export const StockShort = event('stock.short', About, key)
export const StockReleased = event('stock.released', About, key)
export const PaymentApproved = event('payment.approved', About.extend({ receipt: z.string() }), key)
export const PaymentDeclined = event('payment.declined', About, key)
export const PaymentRefunded = event('payment.refunded', About, key)
export const ReceiptSent = event('receipt.sent', About, key)
export const OrderConfirmed = event('order.confirmed', Order, key)

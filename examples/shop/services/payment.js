// Payment: charges an order, and gives the money back. Nothing here says which style asks. Money is in cents. An order is
// refunded at most once; one that is to be refunded before it was charged is closed, and a charge that comes late is
// declined.
import { operation, service } from 'ballet'
import { z } from 'zod'
import { applied, refused } from '../books.js'
import {
  Amends,
  NothingToRefund,
  Order,
  OrderId,
  PaymentApproved,
  PaymentDeclined,
  PaymentRefunded,
} from '../contracts.js'
export const paymentTables = `
  CREATE TABLE IF NOT EXISTS charges (order_id TEXT PRIMARY KEY, amount INTEGER NOT NULL, refunded INTEGER NOT NULL DEFAULT 0);
  CREATE TABLE IF NOT EXISTS closed (order_id TEXT PRIMARY KEY, reason TEXT NOT NULL);
`
const Charged = z.object({ amount: z.number() })
const Closed = z.object({ reason: z.string() })
export const paymentService = (books) =>
  service('payment', {
    charge: operation({
      input: Order.extend({ amount: z.int() }),
      outcomes: [PaymentApproved, PaymentDeclined],
      // Carries an outage of a minute over: so many attempts last for 111 seconds at least.
      retry: { attempts: 12, backoff: '200ms' },
      timeout: '10s',
      run: ({ amount, ...order }, context) =>
        books.once(context, { orderId: order.orderId, operation: 'charge' }, () => {
          const { orderId, customer } = order
          const closed = books.db.prepare('SELECT reason FROM closed WHERE order_id = ?').get(orderId)
          if (closed !== undefined) {
            return refused(PaymentDeclined({ ...order, reason: Closed.parse(closed).reason, news: 'cancelled' }))
          }
          if (customer.card === 'card-declined' || books.declines) {
            return refused(PaymentDeclined({ ...order, reason: 'the card was declined', news: 'declined' }))
          }
          books.db.prepare('INSERT INTO charges (order_id, amount) VALUES (?, ?)').run(orderId, amount)
          return applied(PaymentApproved({ ...order, amount, receipt: `receipt-${orderId}` }), amount)
        }),
    }),
    refund: operation({
      input: z.object({ orderId: OrderId, amends: Amends.optional() }),
      undoes: 'charge',
      outcomes: [PaymentRefunded, NothingToRefund],
      retry: { attempts: 12, backoff: '200ms' },
      run: ({ orderId, amends }, context) =>
        books.once(context, { orderId, operation: 'refund' }, () => {
          const { db } = books
          const row = db.prepare('SELECT amount FROM charges WHERE order_id = ? AND refunded = 0').get(orderId)
          if (row === undefined) {
            db.prepare('INSERT OR IGNORE INTO closed VALUES (?, ?)').run(orderId, amends?.detail ?? 'it was taken back')
            return refused(NothingToRefund({ orderId }))
          }
          const { amount } = Charged.parse(row)
          db.prepare('UPDATE charges SET refunded = 1 WHERE order_id = ?').run(orderId)
          return applied(PaymentRefunded({ orderId, amount, amends }), amount)
        }),
    }),
  })

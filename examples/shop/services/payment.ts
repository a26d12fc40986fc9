// Payment: charges an order, and gives the money back. Nothing here says which style asks. Money is in cents.
import { operation, service } from 'ballet'
import { z } from 'zod'
import { applied, refused, type Books } from '../books.ts'
import { Customer, OrderId, PaymentApproved, PaymentDeclined, PaymentRefunded, Told } from '../contracts.ts'

export const paymentTables = `
  CREATE TABLE IF NOT EXISTS charges (
    key TEXT PRIMARY KEY, order_id TEXT NOT NULL, amount INTEGER NOT NULL, refunded INTEGER NOT NULL DEFAULT 0);
  CREATE INDEX IF NOT EXISTS charges_order ON charges (order_id);
`

const Charged = z.object({ key: z.string(), amount: z.number() })

export const paymentService = (books: Books) =>
  service('payment', {
    charge: operation({
      input: z.object({ orderId: OrderId, amount: z.int(), customer: Customer }),
      outcomes: [PaymentApproved, PaymentDeclined],
      retry: { attempts: 10, backoff: '200ms' },
      timeout: '10s',
      run: ({ orderId, amount, customer }, context) =>
        books.once(context, { orderId, operation: 'charge' }, () => {
          if (customer.card === 'card-declined' || books.declines) {
            return refused(PaymentDeclined({ orderId, reason: 'the card was declined', customer }))
          }
          books.db
            .prepare('INSERT INTO charges (key, order_id, amount) VALUES (?, ?, ?)')
            .run(context.idempotencyKey, orderId, amount)
          return applied(PaymentApproved({ orderId, amount, receipt: `receipt-${orderId}`, customer }), amount)
        }),
    }),

    refund: operation({
      input: z.object({ orderId: OrderId, told: Told.optional() }),
      undoes: 'charge',
      outcomes: [PaymentRefunded],
      run: ({ orderId, told }, context) =>
        books.once(context, { orderId, operation: 'refund' }, () => {
          const row = books.db
            .prepare(
              'SELECT key, amount FROM charges WHERE order_id = ? AND key = coalesce(?, key) AND refunded = 0 ORDER BY rowid DESC',
            )
            .get(orderId, context.undoes)
          if (row === undefined) return refused(PaymentRefunded({ orderId, amount: 0, told }))
          const { key, amount } = Charged.parse(row)
          books.db.prepare('UPDATE charges SET refunded = 1 WHERE key = ?').run(key)
          return applied(PaymentRefunded({ orderId, amount, told }), amount)
        }),
    }),
  })

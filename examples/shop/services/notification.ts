// Customer Notification: tells the customer how the order ended. Its ledger calls good news `notify` and everything
// else `apologise`, because the first must come after the shipment and the second after the last thing taken back.
import { operation, service } from 'ballet'
import { z } from 'zod'
import { applied, type Books } from '../books.ts'
import { Customer, CustomerNotified, Ending, OrderId } from '../contracts.ts'

export const notificationTables = `
  CREATE TABLE IF NOT EXISTS messages (key TEXT PRIMARY KEY, order_id TEXT NOT NULL, email TEXT NOT NULL, text TEXT NOT NULL);
`

const sentences: Readonly<Record<Ending, string>> = {
  confirmed: 'is on its way',
  declined: 'could not be accepted',
  refunded: 'could not be delivered, and you have your money back',
  cancelled: 'was cancelled',
}

export const notificationService = (books: Books) =>
  service('notification', {
    notify: operation({
      input: z.object({ orderId: OrderId, customer: Customer, ending: Ending, detail: z.string() }),
      outcomes: [CustomerNotified],
      run: ({ orderId, customer, ending, detail }, context) => {
        const step = ending === 'confirmed' ? 'notify' : 'apologise'
        return books.once(context, { orderId, operation: 'notify', step }, () => {
          const text = `${customer.name}, your order ${orderId} ${sentences[ending]}: ${detail}.`
          books.db
            .prepare('INSERT INTO messages VALUES (?, ?, ?, ?)')
            .run(context.idempotencyKey, orderId, customer.email, text)
          return applied(CustomerNotified({ orderId, ending, detail }))
        })
      },
    }),
  })

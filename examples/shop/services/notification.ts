// Customer Notification: tells the customer how the order ended. Its ledger calls good news `notify`, bad news
// `apologise`, and the word that a cancellation came too late `regret`, because each comes after something else: the
// shipment, the last thing that was taken back, the cancellation.
import { operation, service } from 'ballet'
import { z } from 'zod'
import type { Books } from '../books.ts'
import { Customer, CustomerNotified, News, OrderId } from '../contracts.ts'
import { applied } from '../effects.ts'

export const notificationTables = `
  CREATE TABLE IF NOT EXISTS messages (key TEXT PRIMARY KEY, order_id TEXT NOT NULL, email TEXT NOT NULL, text TEXT NOT NULL);
`

const kinds: Readonly<Record<News, readonly [step: string, sentence: string]>> = {
  confirmed: ['notify', 'is on its way'],
  declined: ['apologise', 'could not be accepted'],
  refunded: ['apologise', 'could not be delivered, and you have your money back'],
  cancelled: ['apologise', 'was cancelled'],
  'too late': ['regret', 'had left before you cancelled it'],
}

export const notificationService = (books: Books) =>
  service('notification', {
    notify: operation({
      input: z.object({ orderId: OrderId, customer: Customer, news: News, detail: z.string() }),
      outcomes: [CustomerNotified],
      run: ({ orderId, customer, news, detail }, context) => {
        const [step, sentence] = kinds[news]
        return books.once(context, { orderId, operation: 'notify', step }, () => {
          const text = `${customer.name}, your order ${orderId} ${sentence}: ${detail}.`
          books.db
            .prepare('INSERT INTO messages VALUES (?, ?, ?, ?)')
            .run(context.idempotencyKey, orderId, customer.email, text)
          return applied(CustomerNotified({ orderId, news, detail }))
        })
      },
    }),
  })

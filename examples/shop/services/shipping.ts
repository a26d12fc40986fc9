// Shipping: hands a parcel to the carrier. What has left the house cannot be taken back, so this is where it is decided
// whether a cancellation comes in time: `ship` and `stop` look at the same row, and whoever writes it first decides.
import { operation, service } from 'ballet'
import { z } from 'zod'
import type { Books } from '../books.ts'
import { By, Order, OrderShipped, ShippingFailed, ShippingStopped, StopTooLate } from '../contracts.ts'
import { applied, refused } from '../effects.ts'

export const shippingTables = `
  CREATE TABLE IF NOT EXISTS decisions (order_id TEXT PRIMARY KEY, decision TEXT NOT NULL, detail TEXT NOT NULL);
`

const Decision = z.object({ decision: z.enum(['shipped', 'failed', 'stopped']), detail: z.string() })
type Decision = z.infer<typeof Decision>

export const shippingService = (books: Books) =>
  service('shipping', {
    ship: operation({
      input: Order,
      outcomes: [OrderShipped, ShippingFailed],
      run: (order, context) =>
        books.once(context, { orderId: order.orderId, operation: 'ship' }, () => {
          const { orderId, customer } = order
          const fails = customer.city === 'Atlantis' || books.declines
          const { decision, detail } = decide(
            books,
            orderId,
            fails
              ? { decision: 'failed', detail: `no carrier goes to ${customer.city}` }
              : { decision: 'shipped', detail: `parcel-${orderId}` },
          )
          if (decision === 'shipped') return applied(OrderShipped({ ...order, tracking: detail }))
          return refused(ShippingFailed({ ...order, reason: detail, stopped: decision === 'stopped' }))
        }),
    }),

    /** Keeps a parcel in the house, if it is still there: from then on it is not shipped. */
    stop: operation({
      input: Order.extend({ by: By }),
      undoes: 'ship',
      outcomes: [ShippingStopped, StopTooLate],
      run: ({ by, ...order }, context) =>
        books.once(context, { orderId: order.orderId, operation: 'stop' }, () => {
          const stop: Decision = { decision: 'stopped', detail: `at the wish of ${by}` }
          const { decision, detail } = decide(books, order.orderId, stop)
          if (decision === 'stopped') return applied(ShippingStopped({ ...order, reason: detail }))
          return refused(StopTooLate({ ...order, tracking: decision === 'shipped' ? detail : null }))
        }),
    }),
  })

/** What was decided about an order: this, unless something else was before. */
function decide({ db }: Books, orderId: string, { decision, detail }: Decision): Decision {
  db.prepare('INSERT OR IGNORE INTO decisions VALUES (?, ?, ?)').run(orderId, decision, detail)
  return Decision.parse(db.prepare('SELECT decision, detail FROM decisions WHERE order_id = ?').get(orderId))
}

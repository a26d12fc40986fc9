// Shipping: hands a parcel to the carrier. What has left the house cannot be taken back.
import { operation, service } from 'ballet'
import { z } from 'zod'
import { applied, refused, type Books } from '../books.ts'
import { Customer, OrderId, OrderShipped, ShippingFailed } from '../contracts.ts'

export const shippingTables = `
  CREATE TABLE IF NOT EXISTS parcels (key TEXT PRIMARY KEY, order_id TEXT NOT NULL, city TEXT NOT NULL, tracking TEXT NOT NULL);
`

export const shippingService = (books: Books) =>
  service('shipping', {
    ship: operation({
      input: z.object({ orderId: OrderId, customer: Customer }),
      outcomes: [OrderShipped, ShippingFailed],
      run: ({ orderId, customer }, context) =>
        books.once(context, { orderId, operation: 'ship' }, () => {
          const { city } = customer
          if (city === 'Atlantis' || books.declines) {
            return refused(ShippingFailed({ orderId, reason: `no carrier goes to ${city}`, customer }))
          }
          const tracking = `parcel-${orderId}`
          books.db
            .prepare('INSERT INTO parcels VALUES (?, ?, ?, ?)')
            .run(context.idempotencyKey, orderId, city, tracking)
          return applied(OrderShipped({ orderId, tracking, customer }))
        }),
    }),
  })

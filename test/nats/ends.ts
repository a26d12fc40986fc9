// Both ends of the wire of the tests: a shop that places orders, and a warehouse that ships them.
import { z } from 'zod'
import { ballet, event, operation, service } from '../../src/index.ts'
import type { EventTransport } from '../../src/nats.ts'

const fields = z.object({ orderId: z.string(), number: z.number() })
const key = { key: 'orderId' } as const
export const Placed = event('order.placed', fields, key)
export const Shipped = event('order.shipped', fields, key)

/** Takes orders and hears what became of them. */
export const shopOf = (transport: EventTransport) =>
  ballet({ name: 'shop', services: [], events: [Placed, Shipped], transports: [transport] })

/** Ships what is placed. */
export function warehouseOf(transport: EventTransport) {
  const shipping = service('shipping', {
    ship: operation({ input: fields, outcomes: [Shipped], run: (input) => Shipped(input) }),
  })
  shipping.on(Placed, (order) => shipping.ship(order))
  return ballet({ name: 'warehouse', services: [shipping], transports: [transport] })
}

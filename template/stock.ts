// What there is to sell. A real service keeps this in its database; what matters here is that a second attempt of the
// same call does no harm, and that there may be nothing to release.
import { operation, service } from 'ballet'
import { z } from 'zod'
import { StockReleased, StockReserved, StockShort } from './events.ts'

const pieces = new Map([
  ['tutu', 2],
  ['ribbon', 1000],
])
const reservations = new Map<string, string>()

/** How many pieces of an item are left. */
export const piecesOf = (item: string): number => pieces.get(item) ?? 0

export const stock = service('stock', {
  reserve: operation({
    input: z.object({ orderId: z.string(), item: z.string() }),
    outcomes: [StockReserved, StockShort],
    run({ orderId, item }) {
      if (reservations.has(orderId)) return StockReserved({ orderId })
      if (piecesOf(item) === 0) return StockShort({ orderId })
      pieces.set(item, piecesOf(item) - 1)
      reservations.set(orderId, item)
      return StockReserved({ orderId })
    },
  }),

  release: operation({
    input: z.object({ orderId: z.string() }),
    undoes: 'reserve',
    outcomes: [StockReleased],
    run({ orderId }) {
      const item = reservations.get(orderId)
      if (item !== undefined) pieces.set(item, piecesOf(item) + 1)
      reservations.delete(orderId)
      return StockReleased({ orderId })
    },
  }),
})

// What there is to sell. A real service keeps this in its database; what matters here is that a second attempt of the
// same call does no harm, that there may be nothing to release, and that a call may arrive behind its own undo.
import { operation, service, TerminalError } from 'ballet'
import { z } from 'zod'
import { StockReleased, StockReserved, StockShort } from './events.ts'

const pieces = new Map([
  ['tutu', 2],
  ['ribbon', 1000],
])
const reservations = new Map<string, string>()
/** Keys of the calls that were taken back. */
const takenBack = new Set<string>()

/** How many pieces of an item are left. */
export const piecesOf = (item: string): number => pieces.get(item) ?? 0

export const stock = service('stock', {
  reserve: operation({
    input: z.object({ orderId: z.string(), item: z.string() }),
    outcomes: [StockReserved, StockShort],
    run({ orderId, item }, { idempotencyKey }) {
      if (takenBack.has(idempotencyKey)) throw new TerminalError('this reservation was taken back')
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
    run({ orderId }, { undoes }) {
      if (undoes !== null) takenBack.add(undoes)
      const item = reservations.get(orderId)
      if (item !== undefined) pieces.set(item, piecesOf(item) + 1)
      reservations.delete(orderId)
      return StockReleased({ orderId })
    },
  }),
})

// What there is to sell. A real service keeps this in its database; what matters here is that each attempt of a call has the
// same answer and does no harm, that there may be nothing to release, and that a call may arrive behind its own undo.
import { operation, service, TerminalError } from 'ballet'
import { z } from 'zod'
import { StockReleased, StockReserved, StockShort } from './events.ts'

/** A stock of its own, for the application and for each test that must not see what another has reserved. */
export function makeStock() {
  const pieces = new Map([
    ['tutu', 2],
    ['ribbon', 1000],
  ])
  const reservations = new Map<string, string>()
  /** What each call came to, by its key. An attempt may be late, behind one that was answered, when the shelf is another. */
  const answers = new Map<string, 'reserved' | 'short' | 'taken back'>()

  /** How many pieces of an item are left. */
  const piecesOf = (item: string): number => pieces.get(item) ?? 0

  const stock = service('stock', {
    reserve: operation({
      input: z.object({ orderId: z.string(), item: z.string() }),
      outcomes: [StockReserved, StockShort],
      run({ orderId, item }, { idempotencyKey }) {
        const before = answers.get(idempotencyKey)
        if (before === 'taken back') throw new TerminalError('this reservation was taken back')
        const answer = before ?? (piecesOf(item) > 0 ? 'reserved' : 'short')
        if (before === undefined && answer === 'reserved') {
          pieces.set(item, piecesOf(item) - 1)
          reservations.set(orderId, item)
        }
        answers.set(idempotencyKey, answer)
        return answer === 'reserved' ? StockReserved({ orderId }) : StockShort({ orderId })
      },
    }),

    release: operation({
      input: z.object({ orderId: z.string() }),
      undoes: 'reserve',
      outcomes: [StockReleased],
      run({ orderId }, { undoes }) {
        if (undoes !== null) answers.set(undoes, 'taken back')
        const item = reservations.get(orderId)
        if (item !== undefined) pieces.set(item, piecesOf(item) + 1)
        reservations.delete(orderId)
        return StockReleased({ orderId })
      },
    }),
  })

  return { stock, piecesOf }
}

export const { stock, piecesOf } = makeStock()

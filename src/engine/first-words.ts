// What a node says to the store of nodes before it is open: where it is, and what it takes. All of it may be said twice, so
// what fails in passing (a connection that is cut, an answer that does not come) is said again: a process that ended for it
// would have to be started anew, and leave a lease behind that others wait for. Used by Ownership and Shares.
import { elapsedOf, type Clock } from '../core/clock.ts'
import { again } from './again.ts'
import { isOutOfReach } from './store-faults.ts'

/** The pause before it is said again, milliseconds. */
const PAUSE_MS = 100

interface Saying {
  readonly clock: Clock
  /** For so long, milliseconds. */
  readonly mostMs: number
  /** Nobody wants it said any more. */
  readonly isOver: () => boolean
}

/** @throws what `say` does, when that does not pass, or has not within the time */
export function insist<T>({ clock, mostMs, isOver }: Saying, say: () => Promise<T>): Promise<T> {
  const until = elapsedOf(clock) + mostMs
  const isWorthIt = (error: unknown): boolean =>
    isOutOfReach(error) && !isOver() && elapsedOf(clock) + PAUSE_MS <= until
  return again(clock, PAUSE_MS, say, isWorthIt)
}

// The time by which something is erased. A clock may be wrong, and what was erased by it does not come back when it is set
// right: one that is ahead of the time that has passed is believed when it has been so for a while, and one that is behind
// at once. What a process did not see pass (it was down, or the machine slept) is such a lead too; of that the rows tell
// that were there when it took over. Used by retention.ts.
import { elapsedOf, type Clock } from '../core/clock.ts'
import type { StoreReader } from '../core/store.ts'
import { isUnread, orFailure, runRows } from './run-rows.ts'

export class CautiousClock {
  readonly #clock: Clock
  readonly #waitMs: number
  /** What it said last, and when that was, by time that passes. */
  #time: number
  #at: number
  /** By how much the clock was ahead of it at least, and since when. */
  #lead = Number.POSITIVE_INFINITY
  #since: number

  /**
   * @param time it is that late at least.
   * @param waitMs how long the clock has to be ahead of it to be believed.
   */
  constructor(clock: Clock, time: number, waitMs: number) {
    this.#clock = clock
    this.#waitMs = waitMs
    this.#time = time
    this.#at = this.#since = elapsedOf(clock)
    this.now()
  }

  /** The clock as far as it is believed, in whole milliseconds. It has to be asked now and then: what it shows is compared each time. */
  now(): number {
    const at = elapsedOf(this.#clock)
    this.#time += at - this.#at
    this.#at = at
    const lead = this.#clock.now() - this.#time
    this.#lead = Math.min(this.#lead, lead)
    if (lead < 0 || at - this.#since >= this.#waitMs) {
      this.#time += this.#lead
      this.#lead = lead - this.#lead
      this.#since = at
    }
    return Math.floor(this.#time)
  }

  /** It is that late at least: rows say so. */
  atLeast(time: number): void {
    const more = Math.min(time, this.#clock.now()) - this.now()
    if (more <= 0) return
    this.#time += more
    this.#lead -= more
  }
}

/**
 * When the newest run or event of a shard came, of those that were there when it was taken over; 0 without any.
 * @param head the last position that was durable then.
 */
export async function newestAt(store: StoreReader, shard: number, ns: string, head: number): Promise<number> {
  const [run] = await runRows(store, shard, { ns, before: head + 1, limit: 1 })
  let newest = run === undefined || isUnread(run) ? 0 : run.created
  // Events are read oldest first alone: the last one is searched for.
  for (let [low, high] = [0, head]; low < high;) {
    const middle = Math.floor((low + high) / 2)
    const page = await orFailure(store.agedEvents(shard, ns, middle, 1))
    // What cannot be read tells nothing.
    if (page instanceof Error) break
    const [next] = page
    if (next === undefined || next.pos > head) high = middle
    else {
      low = next.pos
      newest = Math.max(newest, next.at)
    }
  }
  return newest
}

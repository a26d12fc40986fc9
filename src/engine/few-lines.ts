// Lines of the log that can come by the thousand: the first few of a kind in a minute are written one by one, and how many more there were
// in one line at its end. Kept by stuck-lines.ts.
import { elapsedOf, type Cancel, type Clock } from '../core/clock.ts'

/** Lines of one kind within a minute. */
const MOST = 10
const MINUTE_MS = 60_000

interface Minute {
  readonly since: number
  lines: number
  more: number
  sum: (more: number) => void
  cancel: Cancel
}

export class FewLines {
  readonly #clock: Clock
  readonly #minutes = new Map<string, Minute>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** @param write writes this one. @param sum writes how many more there were, of which this is the last. */
  say(kind: string, write: () => void, sum: (more: number) => void): void {
    const minute = this.#minuteOf(kind)
    minute.sum = sum
    minute.lines += 1
    if (minute.lines <= MOST) return write()
    minute.more += 1
    if (minute.more > 1) return
    const left = minute.since + MINUTE_MS - elapsedOf(this.#clock)
    minute.cancel = this.#clock.after(left, () => this.#end(kind, minute))
  }

  /** Nothing more comes: what was not told yet is. */
  close(): void {
    for (const [kind, minute] of this.#minutes) this.#end(kind, minute)
  }

  #minuteOf(kind: string): Minute {
    const now = elapsedOf(this.#clock)
    const known = this.#minutes.get(kind)
    if (known !== undefined && now - known.since < MINUTE_MS) return known
    if (known !== undefined) this.#end(kind, known)
    const minute: Minute = { since: now, lines: 0, more: 0, sum: () => {}, cancel: () => {} }
    this.#minutes.set(kind, minute)
    return minute
  }

  #end(kind: string, { more, sum, cancel }: Minute): void {
    cancel()
    this.#minutes.delete(kind)
    if (more > 0) sum(more)
  }
}

export const timesWords = (more: number): string => (more === 1 ? 'once more' : `${more} more times`)

// How many sign-ins with a wrong token are judged: some at once, and then one now and then, whoever sends them. What comes
// meanwhile is refused unread, so that guessing is no faster with more connections. One number for all, since behind a proxy
// everybody comes from one address: while somebody guesses nobody can sign in anew, but who has signed in or bears a token is
// not touched. The log has a line a minute at most, with how many there were.
import { elapsedOf, type Clock } from '../core/clock.ts'
import { fault } from '../core/errors.ts'
import type { Log } from '../define/definition.ts'

/** Wrong ones that are judged at once. */
const AT_ONCE = 10
/** How long it takes until one more is. */
const EACH_MS = 6000
const LINE_MS = 60_000

export class FailedSignIns {
  readonly #clock: Clock
  readonly #log: Log
  #left = AT_ONCE
  /** When what is left was counted. */
  #countedAt: number
  #untold = 0
  #toldAt = -Infinity

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
    this.#countedAt = elapsedOf(clock)
  }

  /** Asked before a token is looked at. @throws SIGN_IN_LATER */
  admit(): void {
    const now = elapsedOf(this.#clock)
    this.#left = Math.min(AT_ONCE, this.#left + Math.max(0, now - this.#countedAt) / EACH_MS)
    this.#countedAt = now
    if (this.#left >= 1) return
    this.#tell(now)
    throw fault('SIGN_IN_LATER', { seconds: Math.ceil(((1 - this.#left) * EACH_MS) / 1000) })
  }

  /** The token was a wrong one. */
  add(): void {
    this.#left -= 1
    this.#tell(elapsedOf(this.#clock))
  }

  #tell(now: number): void {
    this.#untold += 1
    if (now - this.#toldAt < LINE_MS) return
    const count = this.#untold === 1 ? 'a sign-in was' : `${this.#untold} sign-ins were`
    this.#log.warn(`${count} refused: a wrong token, or too many of them`)
    this.#toldAt = now
    this.#untold = 0
  }
}

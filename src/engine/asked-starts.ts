// Which starts this process has asked for elsewhere, for as long as that tells anything: such a run is not looked for at once, and is
// not taken for one that does not exist. No timer forgets them: that would keep a process from its end. Kept by elsewhere.ts.
import { elapsedOf, type Clock } from '../core/clock.ts'
import { TAKEN_MS } from './aside.ts'

export class AskedStarts {
  readonly #clock: Clock
  /** Oldest first, and until when. */
  readonly #runs = new Map<string, number>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  add(run: string): void {
    const now = elapsedOf(this.#clock)
    for (const [other, until] of this.#runs) {
      if (until > now) break
      this.#runs.delete(other)
    }
    this.#runs.delete(run)
    this.#runs.set(run, now + TAKEN_MS)
  }

  has(run: string): boolean {
    return (this.#runs.get(run) ?? 0) > elapsedOf(this.#clock)
  }

  delete(run: string): void {
    this.#runs.delete(run)
  }
}

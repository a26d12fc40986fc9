// Looks again and again for what another node is to do, until it is there or has had its time. Used by elsewhere.ts and
// flows-elsewhere.ts.
import type { Clock } from '../core/clock.ts'

/** Pauses between looks: the first, and the longest; milliseconds. */
export const LOOK_MS = [4, 250] as const

export class Patience {
  readonly #clock: Clock

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** What is not null, or null when that takes too long. */
  async until<T>(
    look: () => Promise<T | null>,
    mostMs: number,
    [first, longest]: readonly [first: number, longest: number] = LOOK_MS,
  ): Promise<T | null> {
    const until = this.#clock.now() + mostMs
    for (let pause = first; ; pause = Math.min(pause * 2, longest)) {
      const found = await look()
      if (found !== null || this.#clock.now() >= until) return found
      await this.pause(pause)
    }
  }

  pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#clock.after(ms, resolve))
  }
}

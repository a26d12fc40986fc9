// One tick for all shards of a process, so that what each of them looks for now and then is asked for in one moment, and the
// store can answer all of it at once. Kept by RunningApplication.
import type { Cancel, Clock } from '../core/clock.ts'

export class Pulse {
  readonly #clock: Clock
  readonly #everyMs: number
  readonly #listeners = new Set<() => void>()
  #cancel: Cancel | null = null

  constructor(clock: Clock, everyMs: number) {
    this.#clock = clock
    this.#everyMs = everyMs
  }

  /** Calls back with every tick, until what it returns is called. */
  join(listener: () => void): Cancel {
    this.#listeners.add(listener)
    if (this.#cancel === null) this.#next()
    return () => {
      this.#listeners.delete(listener)
      if (this.#listeners.size > 0) return
      this.#cancel?.()
      this.#cancel = null
    }
  }

  #next(): void {
    this.#cancel = this.#clock.after(this.#everyMs, () => {
      this.#cancel = null
      // A tick that was called off may come all the same.
      if (this.#listeners.size === 0) return
      this.#next()
      // A copy: a listener may leave.
      const listeners = [...this.#listeners]
      for (const listener of listeners) listener()
    })
  }
}

// Clocks for tests that cannot wait as long as the engine does.
import type { Cancel, Clock } from '../../src/core/clock.ts'
import { systemClock } from '../../src/engine/clock.ts'

/** The clock of the machine, `times` as fast from now on: a minute of the engine is a second of the test, for 60. */
export function fastClock(times: number): Clock {
  const began = systemClock.now()
  return {
    now: () => began + (systemClock.now() - began) * times,
    after: (delayMs, callback) => systemClock.after(Math.ceil(delayMs / times), callback),
  }
}

/** A clock that stands still until it is told to go on. */
export class HandClock implements Clock {
  readonly #alarms = new Set<{ readonly due: number; readonly ring: () => void }>()
  #now: number

  constructor(nowMs = Date.UTC(2030, 0, 1)) {
    this.#now = nowMs
  }

  now(): number {
    return this.#now
  }

  after(delayMs: number, ring: () => void): Cancel {
    const alarm = { due: this.#now + Math.max(0, delayMs), ring }
    if (delayMs <= 0) setImmediate(() => this.#ring(alarm))
    this.#alarms.add(alarm)
    return () => void this.#alarms.delete(alarm)
  }

  /** Lets time pass: everything that is due by then is called, in order. */
  pass(ms: number): void {
    const until = this.#now + ms
    for (;;) {
      const [next] = [...this.#alarms].filter(({ due }) => due <= until).sort((a, b) => a.due - b.due)
      if (next === undefined) break
      this.#now = Math.max(this.#now, next.due)
      this.#ring(next)
    }
    this.#now = until
  }

  #ring(alarm: { readonly due: number; readonly ring: () => void }): void {
    if (this.#alarms.delete(alarm)) alarm.ring()
  }
}

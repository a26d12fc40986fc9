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

interface Alarm {
  due: number
  readonly ring: () => void
}

/** A clock that stands still until it is told to go on, and comes by every alarm on its way (that of ballet/testing jumps). */
export class SteppedClock implements Clock {
  readonly #alarms = new Set<Alarm>()
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
    while (this.#ringNext(until));
    this.#now = until
  }

  /** Lets time come to this; what is called has a round of the event loop before the next is. */
  async moveTo(time: number): Promise<void> {
    do await new Promise((resolve) => setImmediate(resolve))
    while (this.#ringNext(time))
    this.#now = time
  }

  /** As if somebody set it: no time passes, and what is waited for takes as long as before. */
  set(time: number): void {
    for (const alarm of this.#alarms) alarm.due += time - this.#now
    this.#now = time
  }

  /** Goes to the next alarm; whether there was one by then. */
  #ringNext(until: number): boolean {
    const [next] = [...this.#alarms].filter(({ due }) => due <= until).sort((a, b) => a.due - b.due)
    if (next === undefined) return false
    this.#now = Math.max(this.#now, next.due)
    this.#ring(next)
    return true
  }

  #ring(alarm: Alarm): void {
    if (this.#alarms.delete(alarm)) alarm.ring()
  }
}

// A clock for tests of what waits for days: time stands still until the test lets it pass. Given to `open` and read by the
// engine alone; nothing is pretended besides. So a test first sees that something waits, then lets its time pass, and then
// waits for what has come of it.
import type { Cancel, Clock } from '../core/clock.ts'
import { toMs, type Duration } from '../core/duration.ts'

interface Alarm {
  readonly due: number
  readonly ring: () => void
}

/**
 * A clock that stands still until it is told to go on:
 *
 *     const clock = new HandClock()
 *     const app = await open(definition, { clock })
 *     const { id } = await app.start(approval({ claimId: '17' }))   // asks somebody, and waits for an answer within two days
 *     await until(app, async () => (await app.run(id))?.waits.some(({ kind }) => kind === 'receive'))
 *     clock.pass('2d')
 *     await app.result(id)                                          // nobody has answered
 *
 * One clock may be given to several applications, one after the other: to let time pass while none is open.
 */
export class HandClock implements Clock {
  readonly #alarms = new Set<Alarm>()
  #now: number

  /** @param began what time it is at first: a Date, or milliseconds since the epoch. */
  constructor(began: Date | number = Date.UTC(2030, 0, 1)) {
    this.#now = Number(began)
  }

  /** Milliseconds since the epoch. */
  now(): number {
    return this.#now
  }

  /** Of the engine. */
  after(delayMs: number, ring: () => void): Cancel {
    const alarm = { due: this.#now + Math.max(0, delayMs), ring }
    this.#alarms.add(alarm)
    // Whoever wants to be called at once does not wait for the test.
    if (delayMs <= 0) setImmediate(() => this.#ring(alarm))
    return () => void this.#alarms.delete(alarm)
  }

  /**
   * Lets time pass at one go, as it does for a process that was asleep: whatever is due by then is called, the earliest first,
   * and finds the time to be that of the end. Where something in between matters, let it pass in parts. What begins to wait
   * only behind this waits for its whole time.
   * @throws DURATION_INVALID
   */
  pass(duration: Duration): void {
    this.#now += toMs(duration, 'HandClock.pass')
    const due = [...this.#alarms].filter((alarm) => alarm.due <= this.#now)
    for (const alarm of due.toSorted((left, right) => left.due - right.due)) this.#ring(alarm)
  }

  #ring(alarm: Alarm): void {
    if (this.#alarms.delete(alarm)) alarm.ring()
  }
}

// Waits for a time of day, where a clock waits for a time to pass: somebody may set the clock meanwhile. A step forward is
// noticed within seconds, a step back makes the wait longer; it is never over early. Used by durable timers, which do not
// wait here alone when they begin behind a step back (timers.ts).
import type { Cancel, Clock } from '../core/clock.ts'

/** How soon a clock that was set forward is noticed. */
const TICK_MS = 10_000

/** Calls back once when the clock shows `time` (milliseconds since the epoch) or later. */
export function atTime(clock: Clock, time: number, callback: () => void): Cancel {
  let cancel: Cancel
  const wait = (): void => {
    const left = time - clock.now()
    if (left <= 0) callback()
    else cancel = clock.after(Math.min(left, TICK_MS), wait)
  }
  cancel = clock.after(Math.min(Math.max(time - clock.now(), 0), TICK_MS), wait)
  return () => cancel()
}

// Clocks for tests that cannot wait as long as the engine does.
import type { Clock } from '../../src/core/clock.ts'
import { systemClock } from '../../src/engine/clock.ts'

/** The clock of the machine, `times` as fast from now on: a minute of the engine is a second of the test, for 60. */
export function fastClock(times: number): Clock {
  const began = systemClock.now()
  return {
    now: () => began + (systemClock.now() - began) * times,
    after: (delayMs, callback) => systemClock.after(Math.ceil(delayMs / times), callback),
  }
}

// Lets time pass over an application on a store in memory, with everything that it does in it: such a store answers within
// a few rounds of the event loop, so that what is done by when does not depend on the machine.
import type { SteppedClock } from './clocks.ts'

/** A few rounds of the event loop. */
export async function rounds(count = 8): Promise<void> {
  for (let round = 0; round < count; round++) await new Promise((resolve) => setImmediate(resolve))
}

export async function live(clock: SteppedClock, seconds: number): Promise<void> {
  for (let second = 0; second < seconds; second++) {
    clock.pass(1000)
    await rounds()
  }
}

/** Lets a sweep of the retention begin and come to its end: about seven seconds. */
export async function sweep(clock: SteppedClock): Promise<void> {
  await live(clock, 6)
  for (let step = 0; step < 60; step++) {
    clock.pass(20)
    await rounds()
  }
}

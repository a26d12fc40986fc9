// Lets time pass where the time is what is done, and nothing is waited for: a process is away, a client comes back later.
import { systemClock } from '../../src/engine/clock.ts'

export const pause = (ms: number): Promise<void> => new Promise((resolve) => systemClock.after(ms, resolve))

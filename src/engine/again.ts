// Does something again and again, with a pause in between, as long as what it fails with is worth another attempt. Used by what
// waits while an application is being opened (first-words.ts, when-space.ts), and by suspects.ts.
import type { Clock } from '../core/clock.ts'

/**
 * @param pauseMs between two attempts, milliseconds.
 * @param mayPass whether to try once more behind this error.
 * @throws what `work` does, when that may not pass
 */
export async function again<T>(
  clock: Clock,
  pauseMs: number,
  work: () => Promise<T>,
  mayPass: (error: unknown) => boolean,
): Promise<T> {
  for (;;) {
    try {
      return await work()
    } catch (error) {
      if (!mayPass(error)) throw error
    }
    await new Promise<void>((resolve) => void clock.after(pauseMs, resolve))
  }
}

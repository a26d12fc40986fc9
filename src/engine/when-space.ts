// What has to be written before an application is open, on a disk that is full to the last block with the reserve of the
// store spent as well: it waits for space, as everything does that has begun. A process that ended there would have to be
// started again by hand once there is space.
import type { Clock } from '../core/clock.ts'
import { isBalletError } from '../core/errors.ts'
import type { Log } from '../define/definition.ts'

/** How long it waits before it tries again. */
const FULL_PAUSE_MS = 500

interface Told {
  readonly clock: Clock
  readonly log: Log
}

/** Does it again and again until it fits; says once that it waits. @throws whatever `work` throws, but STORE_FULL */
export async function whenSpace<T>({ clock, log }: Told, work: () => Promise<T>): Promise<T> {
  for (let wasTold = false; ; wasTold = true) {
    try {
      return await work()
    } catch (error) {
      if (!isBalletError(error) || error.code !== 'STORE_FULL') throw error
      if (!wasTold) log.error(`${error.message} Opening waits until there is space.`)
    }
    await new Promise<void>((resolve) => void clock.after(FULL_PAUSE_MS, resolve))
  }
}

// What has to be written before an application is open, on a disk that is full to the last block with the reserve of the
// store spent as well: it waits for space, as everything does that has begun. A process that ended there would have to be
// started again by hand once there is space.
import type { Clock } from '../core/clock.ts'
import { isBalletError } from '../core/errors.ts'
import type { Log } from '../define/definition.ts'
import { again } from './again.ts'
import { FULL_PAUSE_MS } from './space.ts'

interface Waiting {
  readonly clock: Clock
  readonly log: Log
  /** Nobody waits any more once it is aborted. */
  readonly signal: AbortSignal | undefined
}

/** Does it again and again until it fits; says once that it waits. @throws whatever `work` throws, STORE_FULL only when aborted */
export function whenSpace<T>({ clock, log, signal }: Waiting, work: () => Promise<T>): Promise<T> {
  let wasTold = false
  return again(clock, FULL_PAUSE_MS, work, (error) => {
    if (!isBalletError(error) || error.code !== 'STORE_FULL' || signal?.aborted === true) return false
    if (!wasTold) log.error(`${error.message} Opening waits until there is space.`)
    wasTold = true
    return true
  })
}

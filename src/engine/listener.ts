// What an application is told by a function of its own: a log, a watcher. What that throws must harm nobody, nor what it rejects
// with later, if it is asynchronous although nothing waits for it: an unhandled rejection ends the process.
import { isPromise } from 'node:util/types'

/** Calls a function of the application. */
export function tell(listener: () => unknown, failed: (error: unknown) => void): void {
  try {
    const answer = listener()
    if (isPromise(answer)) answer.catch(failed)
  } catch (error) {
    failed(error)
  }
}

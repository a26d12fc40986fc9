// Waits that end: with what was waited for, after a time, or when nobody waits any more. Used by the other files here.
import type { Clock } from '../../core/clock.ts'

/** How long to wait, milliseconds, and whether anybody still does. */
export interface Waiting {
  readonly clock: Clock
  readonly idleMs: number
  readonly signal: AbortSignal
}

/** What work comes to, or that nobody waits any more: then it goes on by itself, and how it fails is nobody's. */
export function whileWanted<T>(work: Promise<T>, signal: AbortSignal): Promise<T | 'aborted'> {
  const { promise, resolve, reject } = Promise.withResolvers<T | 'aborted'>()
  const aborted = (): void => resolve('aborted')
  signal.addEventListener('abort', aborted)
  if (signal.aborted) aborted()
  work.then(resolve, reject)
  const over = (): void => signal.removeEventListener('abort', aborted)
  promise.then(over, over)
  return promise
}

/** As `whileWanted`, or that it has not come to anything in its time. */
export function within<T>(work: Promise<T>, { clock, idleMs, signal }: Waiting): Promise<T | 'idle' | 'aborted'> {
  const { promise, resolve, reject } = Promise.withResolvers<T | 'idle'>()
  const cancel = clock.after(idleMs, () => resolve('idle'))
  work.then(resolve, reject)
  const wanted = whileWanted(promise, signal)
  wanted.then(cancel, cancel)
  return wanted
}

/** Waits for so long, or until nobody waits any more. */
export async function rest(waiting: Waiting): Promise<void> {
  await within(new Promise(() => {}), waiting)
}

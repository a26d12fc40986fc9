// What a stream delivers, in pieces: what has come by the time that somebody asks for it, so that many messages are taken at
// once and a single one does not wait for others. Used by intake.ts.
import type { ConsumerMessages, JsMsg } from '@nats-io/jetstream'
import type { Clock } from '../../core/clock.ts'

/** Messages in one piece, and their bytes. */
const MOST = 256
const MOST_BYTES = 4_194_304

/**
 * The next messages, in their order; an empty list when none has come for `idleMs`, null when there will be none.
 * @throws what ended the delivery
 */
export type Next = () => Promise<readonly JsMsg[] | null>

/** How long to wait, milliseconds, and whether anybody still does. */
export interface Waiting {
  readonly clock: Clock
  readonly idleMs: number
  readonly signal: AbortSignal
}

/** @param waiting when its signal is aborted, it ends with null. */
export function batchesOf(messages: ConsumerMessages, waiting: Waiting): Next {
  const iterator = messages[Symbol.asyncIterator]()
  /** Asked for already, by somebody who did not wait for it. */
  let asked: Promise<IteratorResult<JsMsg>> | null = null
  const pull = (): Promise<IteratorResult<JsMsg>> => (asked ??= iterator.next())
  return async () => {
    const first = await within(pull(), waiting)
    if (first === 'idle') return []
    asked = null
    if (first === 'aborted' || first.done === true) return null
    const batch = [first.value]
    let bytes = first.value.data.byteLength
    while (messages.getPending() > 0 && batch.length < MOST && bytes < MOST_BYTES) {
      const more = await pull()
      asked = null
      if (more.done === true) break
      batch.push(more.value)
      bytes += more.value.data.byteLength
    }
    return batch
  }
}

/** What work comes to, or that it has not come to anything in its time, or that nobody waits any more. */
export function within<T>(work: Promise<T>, { clock, idleMs, signal }: Waiting): Promise<T | 'idle' | 'aborted'> {
  const { promise, resolve, reject } = Promise.withResolvers<T | 'idle' | 'aborted'>()
  const aborted = (): void => resolve('aborted')
  const cancel = clock.after(idleMs, () => resolve('idle'))
  signal.addEventListener('abort', aborted)
  if (signal.aborted) aborted()
  work.then(resolve, reject)
  const over = (): void => {
    cancel()
    signal.removeEventListener('abort', aborted)
  }
  promise.then(over, over)
  return promise
}

// What a stream delivers, in pieces: what has come by the time that somebody asks for it, so that many messages are taken at
// once and a single one does not wait for others. Used by intake.ts.
import type { JsMsg } from '@nats-io/jetstream'
import { within, type Waiting } from './within.ts'

/** Messages in one piece, and their bytes. */
const MOST = 256
const MOST_BYTES = 4_194_304

/**
 * The next messages, in their order; an empty list when none has come for `idleMs`, null when there will be none.
 * @throws what ended the delivery
 */
export type Next = () => Promise<readonly JsMsg[] | null>

/** @param waiting when its signal is aborted, it ends with null. */
export function batchesOf(messages: AsyncIterable<JsMsg>, waiting: Waiting): Next {
  const asking = new Asking(messages[Symbol.asyncIterator]())
  return async () => {
    if ((await within(asking.come(), waiting)) === 'idle') return []
    const first = waiting.signal.aborted ? null : await asking.take()
    if (first === null) return null
    const batch = [first]
    let bytes = first.data.byteLength
    // What is there comes before this does. What the client says of it (`getPending`) counts more than messages.
    const soon = new Promise<void>((resolve) => setImmediate(resolve))
    while (batch.length < MOST && bytes < MOST_BYTES) {
      await Promise.race([asking.come(), soon])
      const more = asking.isThere ? await asking.take() : null
      if (more === null) break
      batch.push(more)
      bytes += more.data.byteLength
    }
    return batch
  }
}

/** Asks for the next message once, however often that is waited for: nothing stays of who has waited in vain. */
class Asking {
  readonly #iterator: AsyncIterator<JsMsg>
  #asked: Promise<IteratorResult<JsMsg>> | null = null
  #tell = (): void => {}
  /** The answer has come: a message, that there is none any more, or why. */
  isThere = false

  constructor(iterator: AsyncIterator<JsMsg>) {
    this.#iterator = iterator
  }

  /** Resolves when the answer has come. One waits at a time. */
  come(): Promise<void> {
    if (this.#asked === null) {
      this.#asked = this.#iterator.next()
      const over = (): void => {
        this.isThere = true
        this.#tell()
      }
      this.#asked.then(over, over)
    }
    const { promise, resolve } = Promise.withResolvers<void>()
    this.#tell = resolve
    if (this.isThere) resolve()
    return promise
  }

  /** The message that has come; null when there will be none. @throws what ended the delivery */
  async take(): Promise<JsMsg | null> {
    const come = await (this.#asked ?? this.#iterator.next())
    // Whoever asks again is told the same.
    if (come.done === true) return null
    this.#asked = null
    this.isThere = false
    return come.value
  }
}

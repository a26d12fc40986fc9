// Waiting for the end of a run that another process carries: that process may tell, and the store is asked every so often all
// the same, often where nobody is there to tell. Used by RunningApplication.
import { elapsedOf, type Clock } from '../core/clock.ts'
import type { Codec } from '../core/codec.ts'
import { fault, isBalletError } from '../core/errors.ts'
import { fromText, type Json } from '../core/json.ts'
import type { RunRow } from '../core/store.ts'
import type { RunView } from '../core/views.ts'
import type { Elsewhere } from './elsewhere.ts'
import { failedResult, failureOfEnding } from './endings.ts'
import { endingOf } from './joins.ts'
import { givenUp, type Wait } from './run-ends.ts'
import type { ShardContext } from './shard-context.ts'

export interface EndsElsewhereOptions {
  readonly clock: Clock
  readonly codec: Codec
  readonly ns: string
  readonly there: Pick<Elsewhere, 'ended' | 'hasAsked' | 'patience'>
  readonly run: (id: string) => Promise<RunView | null>
  readonly view: (row: RunRow) => Promise<RunView>
  /** Calls back when the node that carries a run says that it has ended; whether there is hope for that. */
  readonly whenEnded: (id: string, tell: () => void) => { readonly stop: () => void; readonly isLikely: boolean }
}

/** Pauses between two looks: the first, and the longest, which it is where somebody is to tell. */
const PAUSE_MS = 20
const PAUSE_MOST_MS = 1000

export class EndsElsewhere {
  readonly #options: EndsElsewhereOptions

  constructor(options: EndsElsewhereOptions) {
    this.#options = options
  }

  /** The run when it has ended, or as it is when the wait is over; null when there is none. */
  settled(wait: Wait): Promise<RunView | null> {
    const { run, view, there } = this.#options
    return there.patience.waiting(async () => {
      // Its row is enough to wait by: to tell all of a run, its journal is read.
      const row = await this.#ended(wait).catch((error: unknown) => {
        if (isBalletError(error) && error.code === 'RUN_UNKNOWN') return null
        throw error
      })
      return row === null ? run(wait.id) : view(row)
    })
  }

  /** What a run came to. @throws RUN_UNKNOWN, RUN_FORGOTTEN, RUN_FAILED, RUN_CANCELLED, APP_CLOSED */
  async result(id: string): Promise<Json | undefined> {
    const { codec, ns: namespace, there } = this.#options
    const wait = { id, waitMs: Number.POSITIVE_INFINITY, signal: undefined }
    const row = await there.patience.waiting(() => this.#ended(wait))
    if (row === null) throw fault('APP_CLOSED')
    const decode: ShardContext['decode'] = (payload, kind, of) =>
      codec.decode(payload, { namespace, row: kind, id: of })
    const ending = endingOf({ decode }, row)
    const failure = failureOfEnding(id, ending)
    if (failure !== null) throw failedResult(id, failure)
    return ending.kind === 'end' ? (fromText(ending.output) as Json | undefined) : undefined
  }

  /** Its row; null when the wait is over before, or this node closes. */
  async #ended(wait: Wait): Promise<RunRow | null> {
    const { given, leave } = givenUp(wait.signal)
    try {
      return await this.#look(wait, given)
    } finally {
      leave()
    }
  }

  async #look({ id, waitMs, signal }: Wait, given: Promise<undefined>): Promise<RunRow | null> {
    const { clock, there, whenEnded } = this.#options
    const until = elapsedOf(clock) + waitMs
    let isNew = there.hasAsked(id)
    for (let pause = PAUSE_MS; ; pause = Math.min(pause * 2, PAUSE_MOST_MS)) {
      // Watch first, then look: an end between the two is seen.
      const told = Promise.withResolvers<void>()
      const { stop, isLikely } = whenEnded(id, told.resolve)
      const stay = there.patience.onClose(told.resolve)
      let cancel = (): void => {}
      try {
        // One that was asked for just now has hardly begun.
        const row = isNew && isLikely ? null : await there.ended(id)
        isNew = false
        const left = until - elapsedOf(clock)
        if (row !== null || left <= 0 || signal?.aborted === true || there.patience.isClosing) return row
        cancel = clock.after(Math.min(isLikely ? PAUSE_MOST_MS : pause, left), told.resolve)
        await Promise.race([told.promise, given])
      } finally {
        stop()
        stay()
        cancel()
      }
    }
  }
}

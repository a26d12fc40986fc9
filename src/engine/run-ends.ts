// Waiting for the end of a run: of one of this process by being told, of any other by the store.
import { fault } from '../core/errors.ts'
import { fromText, type Json, type JsonText } from '../core/json.ts'
import type { RunEnding } from '../core/journal.ts'
import type { RunView } from '../core/views.ts'
import { failedResult, failureOfEnding } from './endings.ts'
import type { LiveRun } from './live-run.ts'
import type { Queries } from './queries.ts'
import type { Shard } from './shard.ts'
import type { ShardContext } from './shard-context.ts'

export interface Wait {
  readonly id: string
  /** Milliseconds, above 0; Infinity for as long as it takes. */
  readonly waitMs: number
  /** Aborted when nobody waits any more. */
  readonly signal: AbortSignal | undefined
}

/** Resolves when nobody waits any more. To be left when the wait is over: one signal may serve for many. */
export function givenUp(signal: AbortSignal | undefined): {
  readonly given: Promise<undefined>
  readonly leave: () => void
} {
  const { promise, resolve } = Promise.withResolvers<undefined>()
  const tell = (): void => resolve(undefined)
  signal?.addEventListener('abort', tell)
  return { given: promise, leave: () => signal?.removeEventListener('abort', tell) }
}

/** The run when it has ended, or as it is when the wait is over; null when there is none. `look` reads it. */
export async function settledRun(
  { open, watchers, clock }: ShardContext,
  queries: Pick<Queries, 'runOf' | 'ended'>,
  look: () => Promise<RunView | null>,
  { id, waitMs, signal }: Wait,
): Promise<RunView | null> {
  const num = open.numOf(id)
  // One promise for whatever ends the wait: a race of three makes several, for every order over HTTP.
  const { promise, resolve } = Promise.withResolvers<LiveRun | undefined>()
  const leave = (): void => resolve(undefined)
  // Watch first, then look: an end between the two is seen.
  const stop = watchers.onEnd(id, (_, run) => resolve(run))
  signal?.addEventListener('abort', leave)
  let over: LiveRun | undefined
  let cancel = (): void => {}
  try {
    // One that is open in this process need not be read to know that it has not ended.
    if (num === undefined || signal?.aborted === true) {
      const now = await look()
      if (now === null || now.ended !== null || signal?.aborted === true) return now
    }
    if (Number.isFinite(waitMs)) cancel = clock.after(waitMs, leave)
    over = await promise
  } finally {
    stop()
    cancel()
    signal?.removeEventListener('abort', leave)
  }
  // Reading it made an order over HTTP a third dearer.
  if (over !== undefined && isKnown(over)) return queries.ended(over.row, stateOf(over))
  return (num === undefined ? null : await queries.runOf(id, num)) ?? look()
}

/** Of one that conducts its steps are read, and one that had frozen did not say itself how it ended. */
const isKnown = ({ executor }: LiveRun): boolean => executor.kind === 'workflow' || executor.kind === 'solo'

const stateOf = ({ executor }: LiveRun): JsonText | null =>
  executor.kind === 'workflow' ? executor.machine.state : null

/** What a run came to. @throws RUN_UNKNOWN, RUN_FAILED, RUN_CANCELLED, and what has stopped the shard */
export async function resultOf(
  shard: Shard,
  id: string,
  settled: () => Promise<RunView | null>,
): Promise<Json | undefined> {
  const { open, watchers } = shard.context
  // A run of this process tells how it ended; for any other, and when the shard closes meanwhile, the store is asked.
  const ending =
    open.numOf(id) === undefined
      ? undefined
      : await new Promise<RunEnding | undefined>((resolve) => watchers.onEnd(id, resolve))
  const failure = ending === undefined ? null : failureOfEnding(id, ending)
  if (failure !== null) throw failedResult(id, failure)
  if (ending?.kind === 'end') return fromText(ending.output) as Json | undefined
  const run = await settled()
  if (run === null) throw fault('RUN_UNKNOWN', { id: id.slice(0, 256) })
  if (run.status === 'completed') return run.output
  shard.check()
  throw failedResult(id, run.error ?? { code: run.status, message: run.status })
}

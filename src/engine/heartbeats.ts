// How far the calls of a shard are whose operations have a heartbeat (heart.ts), and what is kept of that: one row for each run, beside its
// journal, under the number of the run below zero. The newest takes the place of the one before, so that it does not grow, whatever
// is said; a replay does not see it, nor does an older version of Ballet. It is written some seconds after something was said, and
// with each attempt that failed, and goes in the batch in which the call is answered or its run ends.
//
//   -        --said--> to be kept   --five seconds, a failure, a close--> kept    --said--> to be kept
//   kept     --the call is answered, the run ends--> gone
import type { Cancel, Clock } from '../core/clock.ts'
import type { Payload } from '../core/codec.ts'
import { toFailure } from '../core/failure.ts'
import { parseText } from '../core/json-text.ts'
import type { Json, JsonText } from '../core/json.ts'
import type { RunRow, StoreReader } from '../core/store.ts'
import type { HeartbeatView } from '../core/views.ts'
import type { Log, OperationDefinition } from '../define/definition.ts'
import type { Directory } from './directory.ts'
import { Heart, type Told } from './heart.ts'
import type { LiveRun } from './live-run.ts'
import type { OpenRuns } from './open-runs.ts'
import type { Space } from './space.ts'
import type { Watchers } from './watchers.ts'
import type { Writer } from './writer.ts'

/** How long what was said waits to be written, at most: what a crash may lose. */
const KEPT_WITHIN_MS = 5000

/** Where the row of a run stands: no run has such a number. */
export const besideOf = (num: number): number => -num

/** The row, as JSON: by the operations of the run, in which generation. */
interface Beside {
  readonly kind: 'progress'
  readonly generation: number
  readonly ops: Readonly<Record<string, Omit<Told, 'progress'> & { readonly progress: Json }>>
}

/** What is kept of a run's calls, by operation. @param text decodes the row. */
export async function readProgress(
  { store, shard }: { readonly store: Pick<StoreReader, 'journal'>; readonly shard: number },
  { num, generation }: Pick<RunRow, 'num' | 'generation'>,
  text: (data: Payload) => string,
): Promise<ReadonlyMap<string, Told>> {
  const [row] = await store.journal(shard, besideOf(num), -1, 1)
  if (row === undefined) return new Map()
  const beside = parseText(text(row.data)) as Beside
  if (beside.generation !== generation) return new Map()
  return new Map(
    Object.entries(beside.ops).map(([op, told]) => [op, { ...told, progress: JSON.stringify(told.progress) }]),
  )
}

/** Of one run. */
interface Kept {
  readonly hearts: Map<string, Heart>
  /** Whether it has a row. */
  isWritten: boolean
  /** The log says already that it cannot be. */
  isWarned: boolean
  /** Of the wait until what was said is written; null when there is nothing to write. */
  cancel: Cancel | null
}

/** What of its shard is needed; as the shard has it. */
export interface HeartbeatsContext {
  readonly shard: number
  readonly store: Pick<StoreReader, 'journal'>
  readonly clock: Clock
  readonly writer: Writer
  readonly watchers: Pick<Watchers, 'touched'>
  readonly open: Pick<OpenRuns, 'peek'>
  readonly space: Pick<Space, 'isFull'>
  readonly log: Log
  readonly directory: Pick<Directory, 'operations' | 'hasHeartbeat'>
  readonly encodeAsked: (text: JsonText, row: 'turn', id: string) => Payload
  readonly decode: (payload: Payload, row: 'turn', id: string) => JsonText
  readonly now: () => number
}

export class Heartbeats {
  readonly #context: () => HeartbeatsContext
  readonly #runs = new Map<number, Kept>()
  #isStopped = false

  /** @param context of the shard, which is not there yet when this is made. */
  constructor(context: () => HeartbeatsContext) {
    this.#context = context
  }

  /** The heart of a call; null where its operation has no heartbeat. */
  of(run: number, op: string, operation: OperationDefinition | undefined): Heart | null {
    if (operation === undefined || operation.heartbeatMs === null) return null
    const kept = this.#of(run)
    const known = kept.hearts.get(op)
    if (known !== undefined) return known
    const toKeep = (): void => {
      if (kept.cancel === null && this.#runs.get(run) === kept) this.#arm(run, kept)
    }
    const heart = new Heart(operation.name, operation.heartbeatMs, this.#context().clock, toKeep)
    kept.hearts.set(op, heart)
    return heart
  }

  /** When a call was heard of last, and how far it is. */
  view(run: number, op: string): HeartbeatView | undefined {
    const heart = this.#runs.get(run)?.hearts.get(op)
    return heart === undefined ? undefined : heartbeatView(heart.heard, heart.told)
  }

  /** Of a run that is brought back: what was kept of the calls that it waits for. */
  async take(run: LiveRun): Promise<void> {
    const { row } = run
    const { directory, log, decode } = this.#context()
    const calls = callsOf(run).filter(({ call }) => directory.hasHeartbeat(call))
    if (calls.length === 0) return
    try {
      const found = await readProgress(this.#context(), row, (data) => decode(data, 'turn', row.id))
      if (found.size > 0) this.#of(row.num).isWritten = true
      for (const { op, call } of calls) {
        const told = found.get(op)
        // One whose attempt is under way knows better.
        if (told === undefined || this.#runs.get(row.num)?.hearts.has(op) === true) continue
        this.of(row.num, op, directory.operations.get(call))?.found(told)
      }
    } catch (error) {
      // Its calls begin from the beginning, as they must be able to do.
      const { code, message } = toFailure(error)
      log.warn(`How far the run "${row.id}" was cannot be read: ${message}`, undefined, { run: row.id, code })
    }
  }

  /** An attempt of a run has failed, or its node leaves: what was said is written now, with what is written of that. */
  save(run: number): void {
    const kept = this.#runs.get(run)
    if (kept === undefined || kept.cancel === null) return
    kept.cancel()
    kept.cancel = null
    this.#write(run, kept)
  }

  /** What was said is written now, and nothing after it; what is answered yet takes its row along. */
  close(): void {
    for (const run of this.#runs.keys()) this.save(run)
    this.#isStopped = true
  }

  /** A call is answered, in the batch that is open: nothing more is wanted of it. */
  settled(run: number, op: string): void {
    const kept = this.#runs.get(run)
    if (kept?.hearts.delete(op) !== true || kept.hearts.size > 0) return
    this.ended(run)
  }

  /** A run has ended, or goes on as a new generation: in the batch that is open. */
  ended(run: number): void {
    const kept = this.#runs.get(run)
    if (kept === undefined) return
    kept.cancel?.()
    this.#runs.delete(run)
    if (kept.isWritten) this.#context().writer.rows.forgotten.push(besideOf(run))
  }

  /** Nothing is written any more. */
  stop(): void {
    this.#isStopped = true
    for (const kept of this.#runs.values()) kept.cancel?.()
    this.#runs.clear()
  }

  #of(run: number): Kept {
    const known = this.#runs.get(run)
    if (known !== undefined) return known
    const kept: Kept = { hearts: new Map(), isWritten: false, isWarned: false, cancel: null }
    this.#runs.set(run, kept)
    return kept
  }

  #arm(run: number, kept: Kept): void {
    if (this.#isStopped) return
    kept.cancel = this.#context().clock.after(KEPT_WITHIN_MS, () => {
      kept.cancel = null
      this.#write(run, kept)
    })
  }

  #write(num: number, kept: Kept): void {
    const { open, space, writer, watchers, log, encodeAsked, now } = this.#context()
    const run = open.peek(num)
    // It is being brought back; nothing is written there any more; on a full disk there are more important things to write.
    const isSealed = run?.executor.kind === 'frozen' && run.executor.sealed !== undefined
    if (run === undefined || isSealed || space.isFull) return this.#arm(num, kept)
    const ops: Record<string, Omit<Told, 'progress'> & { readonly progress: Json }> = {}
    for (const [op, { told }] of kept.hearts)
      if (told !== null) ops[op] = { ...told, progress: parseText(told.progress) as Json }
    const beside: Beside = { kind: 'progress', generation: run.row.generation, ops }
    try {
      const data = encodeAsked(JSON.stringify(beside), 'turn', run.row.id)
      const pos = writer.position()
      // Positions never fall, whoever wrote the row before.
      writer.rows.journal.push({ pos, run: besideOf(num), seq: pos, kind: 'note', at: now(), data })
      writer.rows.journalGone.push({ run: besideOf(num), before: pos })
      kept.isWritten = true
      kept.isWarned = false
      writer.onDurable(() => watchers.touched(run.row.key))
      writer.flush()
    } catch (error) {
      const { code, message } = toFailure(error)
      const { id } = run.row
      if (!kept.isWarned)
        log.warn(`How far the run "${id}" is cannot be kept: ${message}`, undefined, { run: id, code })
      kept.isWarned = true
      this.#arm(num, kept)
    }
  }
}

/** As operators see it; undefined where nothing was heard. */
export function heartbeatView(
  heard: { readonly attempt: number; readonly at: number } | null,
  told: Told | null,
): HeartbeatView | undefined {
  if (heard === null) return undefined
  const progress = told === null ? {} : { progress: parseText(told.progress) as Json }
  return { attempt: heard.attempt, at: new Date(heard.at).toISOString(), ...progress }
}

/** The calls that a run waits for. */
function callsOf({ executor }: LiveRun): readonly { readonly op: string; readonly call: string }[] {
  if (executor.kind === 'solo') return executor.command?.kind === 'call' ? [executor.command] : []
  if (executor.kind !== 'workflow') return []
  return [...executor.machine.pending.values()].flatMap(({ command }) => (command.kind === 'call' ? [command] : []))
}

// Replays stored journals against the code of today without an application: the check before a deploy. It needs a
// reader of the store and the definition, and does nothing in the world: no effect is started, nothing is written, no
// time is read. What it finds is what opening the application would find, run by run. Used by `ballet replay`.
import { plainCodec, type Codec, type PayloadPlace } from '../core/codec.ts'
import { fault, isBalletError } from '../core/errors.ts'
import { endsAsFailed, isCancellation, toFailure } from '../core/failure.ts'
import { Machine } from '../core/machine.ts'
import { DEFAULT_NAMESPACE } from '../core/names.ts'
import { Placement } from '../core/placement.ts'
import type { RunRow, StoreReader } from '../core/store.ts'
import type { RunKind, RunStatus } from '../core/store-queries.ts'
import { startBody, type Surface } from '../core/surface.ts'
import type { ApplicationDefinition, WorkflowDefinition } from '../define/definition.ts'
import type { CurrentWork } from './current-work.ts'
import type { Places } from './cursors.ts'
import { Directory } from './directory.ts'
import { historyOf, readRows } from './history.ts'
import { identityOf } from './live-run.ts'
import { readPages, type RowsOfAll } from './pages.ts'
import { Pump } from './pump.ts'
import { watchRejections } from './rejections.ts'
import { makeAgain, replay } from './replayer.ts'
import { newestFirst, ofRun } from './row-orders.ts'

export interface OfflineReplayOptions {
  readonly definition: ApplicationDefinition
  /** An open reader of the store, also beside a process that writes it. */
  readonly reader: StoreReader
  readonly namespace?: string | undefined
  readonly codec?: Codec | undefined
  /** Noted for a watchdog. */
  readonly current?: CurrentWork | undefined
}

/** What came of one run. */
export interface ReplayedRun {
  readonly id: string
  readonly name: string
  readonly status: RunStatus
  /** Of its journal; those after a difference were not made. */
  readonly turns: number
  /**
   * `threw`: its last turn threw, and throws with this code as well; `problem` says what. `skipped`: there is nothing of it to
   * replay; `problem` says why. `unreadable`: its rows cannot be read.
   */
  readonly verdict: 'ok' | 'diverged' | 'threw' | 'unreadable' | 'skipped'
  /** The turn that differs, and how: recorded (-) against produced (+). */
  readonly seq?: number
  readonly diff?: string
  readonly problem?: string
}

const OPEN: readonly RunStatus[] = ['running', 'stuck']
const ENDED: readonly RunStatus[] = ['completed', 'failed', 'cancelled']
/** Runs that have no code of their own. */
const CALLS: readonly RunKind[] = ['operation', 'reaction', 'choreography']
const PAGE = 1000
/** Runs whose turns are queued together: enough to read the next while one is made, few enough to hold in memory. */
const TOGETHER = 32

export class OfflineReplay {
  readonly #directory: Directory
  readonly #reader: StoreReader
  readonly #ns: string
  readonly #codec: Codec
  readonly #current: CurrentWork | undefined
  readonly #pump = new Pump({
    onFailure: (error) => {
      this.#broken ??= error
    },
  })
  #broken: unknown
  #place: Promise<Placement> | undefined
  #store = ''

  constructor({
    definition,
    reader,
    namespace = DEFAULT_NAMESPACE,
    codec = plainCodec,
    current,
  }: OfflineReplayOptions) {
    this.#directory = new Directory(definition)
    this.#reader = reader
    this.#ns = namespace
    this.#codec = codec
    this.#current = current
  }

  /** The run whose code runs at this moment, if any does. */
  get underWay(): string | null {
    return this.#pump.current?.machine?.spec.identity.id ?? null
  }

  /** One run. @throws RUN_UNKNOWN, RUN_FORGOTTEN */
  async one(id: string): Promise<ReplayedRun> {
    const shard = (await this.#where()).shardOf(id)
    const [claim] = await this.#reader.claims(shard, this.#ns, 'run', [id])
    if (claim === null || claim === undefined) throw fault('RUN_UNKNOWN', { id })
    const row = await this.#reader.run(shard, claim.num)
    if (row === null) throw fault('RUN_FORGOTTEN', { id })
    for await (const replayed of this.#each([row])) return replayed
    throw fault('INVARIANT', { problem: 'a run was not replayed' })
  }

  /**
   * All open runs of workflows, and those others of which the application does not have what they call; then the newest `ended` runs of
   * workflows that have ended, of all shards; each as it is done.
   */
  async *all(ended: number): AsyncGenerator<ReplayedRun> {
    const seen = new Set<string>()
    const fresh = (rows: readonly RunRow[]): readonly RunRow[] => {
      const some = rows.filter(({ id }) => !seen.has(id))
      for (const { id } of some) seen.add(id)
      return some
    }
    for await (const rows of this.#pages(OPEN, Infinity, 'workflow')) yield* this.#each(fresh(rows))
    for (const kind of CALLS)
      for await (const rows of this.#pages(OPEN, Infinity, kind))
        yield* this.#each(rows.filter((row) => this.#isMissing(row)))
    // What ended meanwhile has been seen.
    for await (const rows of this.#pages(ENDED, ended, 'workflow')) yield* this.#each(fresh(rows))
  }

  /** Newest first. */
  async *#pages(status: readonly RunStatus[], limit: number, kind: RunKind): AsyncGenerator<readonly RunRow[]> {
    const { shards } = await this.#where()
    const sources = Array.from({ length: shards }, (_, shard) => ({
      read: (before: number | undefined, count: number) =>
        this.#reader.runs(shard, { ns: this.#ns, kind, status, before, limit: count }),
      ...ofRun,
    }))
    let left = limit
    let places: Places | undefined = sources.map(() => undefined)
    while (left > 0 && places !== undefined) {
      const page: RowsOfAll<RunRow> = await readPages(sources, places, {
        limit: Math.min(PAGE, left),
        order: newestFirst,
      })
      yield page.rows
      places = page.next
      left -= page.rows.length
    }
  }

  /** Where the runs of the store are. */
  #where(): Promise<Placement> {
    this.#place ??= this.#reader.info().then((info) => new Placement(info))
    return this.#place
  }

  async *#each(rows: readonly RunRow[]): AsyncGenerator<ReplayedRun> {
    if (this.#store === '') this.#store = (await this.#reader.info()).id
    const unwatch = watchRejections((reason) => this.#claimRejection(reason))
    try {
      for (let from = 0; from < rows.length; from += TOGETHER) {
        yield* await Promise.all(rows.slice(from, from + TOGETHER).map((row) => this.#replay(row)))
      }
    } finally {
      unwatch()
    }
  }

  async #replay(row: RunRow): Promise<ReplayedRun> {
    const told = { id: row.id, name: row.name, status: row.status }
    if (this.#isMissing(row)) {
      const diff = `  - recorded a run of ${row.call}\n  + there is no ${row.kind === 'choreography' ? 'choreography' : 'operation or workflow'} "${row.call}"`
      return { ...told, turns: 0, verdict: 'diverged', seq: 0, diff }
    }
    if (row.kind !== 'workflow')
      return { ...told, turns: 0, verdict: 'skipped', problem: 'it makes one call and has no code of its own' }
    const found = this.#directory.find(row.call)
    if (found?.kind !== 'workflow') {
      const problem = `there is no workflow "${row.call}"`
      if (row.ended !== null) return { ...told, turns: 0, verdict: 'skipped', problem }
      return {
        ...told,
        turns: 0,
        verdict: 'diverged',
        seq: 0,
        diff: `  - recorded a run of ${row.call}\n  + ${problem}`,
      }
    }
    try {
      if (await this.#isBeingForgotten(row))
        return { ...told, turns: 0, verdict: 'skipped', problem: 'the beginning of its journal is forgotten' }
      return { ...told, ...(await this.#make(row, found.workflow)) }
    } catch (error) {
      if (isBalletError(error) && error.family === 'bug') throw error
      return { ...told, turns: 0, verdict: 'unreadable', problem: toFailure(error).message }
    }
  }

  /** Whether an open run that makes one call, or conducts a flow, would be stuck for want of that. A reaction that threw has no call yet. */
  #isMissing({ kind, call, ended }: RunRow): boolean {
    if (kind === 'workflow' || ended !== null || call === '') return false
    return kind === 'choreography'
      ? !this.#directory.choreographies.has(call)
      : this.#directory.find(call) === undefined
  }

  /** A long journal is forgotten piece by piece, and its run with the last. */
  async #isBeingForgotten({ id, num, since, ended }: RunRow): Promise<boolean> {
    if (ended === null) return false
    const [first] = await this.#reader.journal((await this.#where()).shardOf(id), num, since - 1, 1)
    return first !== undefined && first.seq > since
  }

  async #make(
    row: RunRow,
    workflow: WorkflowDefinition,
  ): Promise<Pick<ReplayedRun, 'turns' | 'verdict' | 'seq' | 'diff' | 'problem'>> {
    const rows = await readRows({ store: this.#reader, shard: (await this.#where()).shardOf(row.id) }, row)
    const decode = (payload: RunRow['input'], place: PayloadPlace['row'], id: string): string =>
      this.#codec.decode(payload, { namespace: this.#ns, row: place, id })
    const { turns, history } = historyOf({ decode, notBefore: () => {} }, row, rows)
    let blamed: Error | null = null
    const machine = new Machine({
      identity: identityOf(this.#store, row),
      key: row.key,
      input: decode(row.input, 'input', row.id),
      carry: history.carry,
      contracts: this.#directory.contracts(workflow),
      start: (started, input) =>
        startBody(started, workflow.body as unknown as (run: Surface, input: unknown) => Promise<unknown>, input),
      log: () => {},
      onFault: (error) => {
        blamed ??= error
      },
    })
    const replayed = await replay(this.#pump, row.name, machine, turns, this.#current)
    if (this.#broken !== undefined) throw fault('INVARIANT', { problem: 'a turn could not be replayed' }, this.#broken)
    const error = replayed.kind === 'diverged' ? replayed.error : (blamed as Error | null)
    const last = turns.at(-1)
    if (error === null && replayed.kind === 'threw' && last !== undefined) {
      const again = await makeAgain(this.#pump, row.name, machine, replayed, last, this.#current)
      if (again.kind === 'threw') return { turns: turns.length, verdict: 'threw', problem: again.error.message }
    }
    if (error === null) return { turns: turns.length, verdict: 'ok' }
    return { turns: turns.length, verdict: 'diverged', ...differenceOf(error, last?.seq ?? 0) }
  }

  /** A rejection inside a turn is that run's; any other is of something that a body began and nobody waits for. */
  #claimRejection(reason: unknown): boolean {
    if (!endsAsFailed(reason) && !isCancellation(reason))
      this.#pump.current?.machine?.blame(
        reason instanceof Error ? reason : fault('ATTEMPT_FAILED', { message: toFailure(reason).message }),
      )
    return true
  }
}

function differenceOf(error: Error, last: number): { readonly seq: number; readonly diff: string } {
  const { seq, diff } = isBalletError(error) ? error.details : {}
  return {
    seq: typeof seq === 'number' ? seq : last,
    diff: typeof diff === 'string' ? diff : `  + produced ${error.message}`,
  }
}

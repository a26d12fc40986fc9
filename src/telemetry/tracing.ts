// Tells of what has become durable as spans: takes each batch after its commit, folds the rows of each run that is sampled
// (run-trace.ts), and hands what that makes to the exporter. Never in the engine's way: what it takes waits in a bounded queue and
// is worked off between other things. A run that it does not know, since an earlier process or another node began it, is read from
// the store. After a crash it tells again what may not have been sent: the ids are computed, so that it is the same spans.
import { callerOf } from '../core/caller.ts'
import { elapsedOf, type Cancel, type Clock } from '../core/clock.ts'
import type { Codec } from '../core/codec.ts'
import { toFailure } from '../core/failure.ts'
import { eventRef } from '../core/ids.ts'
import type { Batch, EventRow, JournalRow, RunRow, StoreReader, Tenure } from '../core/store.ts'
import type { Log } from '../define/definition.ts'
import type { Exporter } from './exporter.ts'
import { RunTrace } from './run-trace.ts'
import type { Sampler } from './sampling.ts'
import { linksTo, type Span } from './span.ts'
import { spanIdOf, traceIdOf } from './trace-ids.ts'

/** What of a batch is told. */
export type Written = Pick<Batch, 'shard' | 'runs' | 'changes' | 'journal' | 'events'>

/** Rows that wait at most; a batch that comes beyond is not told of. */
const MOST_ROWS = 100_000
/** Runs of a shard that are remembered; of others the rows are read again. */
const MOST_RUNS = 50_000
/** Reads at a time, and rows of one. */
const [READS, PAGE] = [16, 250] as const
/** After a crash: what is told again at most, counted from the newest row. */
const [AGAIN_MS, AGAIN_ROWS, AGAIN_RUNS] = [300_000, 10_000, 1000] as const
const NONE_AGAIN = { head: -1, since: 0 } as const
/** How long sending what is left may take at the end. */
const CLOSE_MS = 3000

type Work = Written | { readonly taken: Tenure }

export interface TracingOptions {
  readonly reader: StoreReader
  readonly ns: string
  readonly codec: Codec
  readonly sampler: Sampler
  readonly exporter: Exporter
  readonly clock: Clock
  readonly log: Log
}

/** Which rows of a run are told, of those that are read. */
type Wanted = (row: JournalRow) => boolean

export class Tracing {
  readonly exporter: Exporter
  readonly #options: TracingOptions
  /** By shard and number. Null for a run that is not told of. */
  readonly #known = new Map<number, Map<number, RunTrace | null>>()
  /** By shard, where its owner before was silent: up to which position the rows are of that one, and since when they are told again. */
  readonly #again = new Map<number, { readonly head: number; readonly since: number }>()
  readonly #waiting: Work[] = []
  #rows = 0
  #working: Promise<void> | null = null
  #store = ''
  #wasTold = false
  #isClosed = false

  constructor(options: TracingOptions) {
    this.#options = options
    this.exporter = options.exporter
  }

  /** The store is open: its id is part of all others. */
  opened(store: string): void {
    this.#store = store
  }

  /** A batch is durable. Its lists are not changed any more. */
  written({ shard, runs, changes, journal, events }: Written): void {
    const rows = journal.length + runs.length + events.length
    if (rows === 0 && changes.length === 0) return
    if (this.#rows + rows > MOST_ROWS) {
      this.exporter.drop('behind', rows)
      // What is missed of them is not made up: they are read when they come again.
      return this.#known.clear()
    }
    this.#rows += rows
    // Not the batch, which holds whom to tell of it.
    this.#add({ shard, runs, changes, journal, events })
  }

  /** A shard is taken up: what is known of its runs is of before. Where its owner was silent, what that had not sent is told again. */
  takenUp(tenure: Tenure): void {
    this.#add({ taken: tenure })
  }

  /** Tells what is left, within a few seconds. */
  async close(): Promise<void> {
    const { clock } = this.#options
    const until = elapsedOf(clock) + CLOSE_MS
    let cancel: Cancel = () => {}
    const late = new Promise<void>((resolve) => (cancel = clock.after(CLOSE_MS, resolve)))
    await Promise.race([this.#working, late])
    cancel()
    this.#isClosed = true
    this.exporter.drop('closed', this.#rows)
    await this.exporter.close(until - elapsedOf(clock))
  }

  #add(work: Work): void {
    this.#waiting.push(work)
    this.#working ??= this.#workOff().finally(() => (this.#working = null))
  }

  async #workOff(): Promise<void> {
    for (;;) {
      // Never in the round of the event loop in which a commit is answered.
      await new Promise((resolve) => setImmediate(resolve))
      const work = this.#waiting.shift()
      if (work === undefined || this.#isClosed) return
      try {
        await ('taken' in work ? this.#takeUp(work.taken) : this.#tell(work))
      } catch (error) {
        this.#failed(error)
      }
      if ('journal' in work) this.#rows -= work.journal.length + work.runs.length + work.events.length
    }
  }

  async #tell({ shard, runs, changes, journal, events }: Written): Promise<void> {
    const known = this.#of(shard)
    for (const row of runs) known.set(row.num, this.#begin(row))
    await this.#readUnknown(shard, journal, changes)
    for (const event of events) this.#tellEvent(event)
    for (const row of journal) {
      const run = known.get(row.run)
      if (run != null) this.#take(known, run, row)
    }
    for (const { num, status, ended } of changes) {
      if (ended === null) continue
      this.exporter.add(known.get(num)?.end({ status, ended }) ?? [])
      known.delete(num)
    }
    // The oldest first: a map keeps the order.
    for (const num of known.keys()) {
      if (known.size <= MOST_RUNS) break
      known.delete(num)
    }
  }

  #take(known: Map<number, RunTrace | null>, run: RunTrace, row: JournalRow): void {
    try {
      this.exporter.add(run.take({ ...row, text: this.#text(row, run.run.id) }))
    } catch (error) {
      known.set(row.run, null)
      this.#failed(error)
    }
  }

  /** Runs that an earlier process began, or that were forgotten meanwhile. */
  async #readUnknown(shard: number, journal: Written['journal'], changes: Written['changes']): Promise<void> {
    const known = this.#of(shard)
    const unknown = new Map<number, number>()
    for (const { run, seq } of journal)
      if (run > 0 && !known.has(run)) unknown.set(run, Math.min(seq, unknown.get(run) ?? seq))
    for (const { num, ended } of changes)
      if (ended !== null && !known.has(num) && !unknown.has(num)) unknown.set(num, Number.POSITIVE_INFINITY)
    await this.#each([...unknown], async ([num, first]) => {
      known.set(num, null)
      const row = await this.#options.reader.run(shard, num)
      const { head, since } = this.#again.get(shard) ?? NONE_AGAIN
      const isWanted: Wanted = ({ seq, pos, at }) => seq >= first || (pos <= head && at >= since)
      if (row !== null) known.set(num, await this.#read(shard, row, isWanted))
    })
  }

  /** Folds what the store has of a run, and tells of the rows that are wanted, and of its end. */
  async #read(shard: number, row: RunRow, isWanted: Wanted): Promise<RunTrace | null> {
    // The journal of a later generation begins with the turn that ended the one before.
    const run = this.#begin({ ...row, generation: Math.max(0, row.generation - 1) })
    if (run === null) return null
    const { reader } = this.#options
    for (let after = row.since - 1; ;) {
      const page = await reader.journal(shard, row.num, after, PAGE)
      for (const one of page) {
        const spans = run.take({ ...one, text: this.#text(one, row.id) })
        // The turn that continued it was told with what it belongs to.
        const isOfBefore = row.generation > 0 && one.seq === row.since
        if (isWanted(one) && !isOfBefore) this.exporter.add(spans)
      }
      const last = page.at(-1)
      if (last === undefined || page.length < PAGE) break
      after = last.seq
    }
    if (row.ended !== null) this.exporter.add(run.end({ status: row.status, ended: row.ended }))
    return run
  }

  async #takeUp(tenure: Tenure): Promise<void> {
    this.#known.delete(tenure.shard)
    this.#again.delete(tenure.shard)
    if (tenure.crashes > 0) await this.#tellAgain(tenure)
  }

  async #tellAgain({ shard, head }: Tenure): Promise<void> {
    const { reader, ns } = this.#options
    const known = this.#of(shard)
    const asked = { ns, published: true, limit: AGAIN_RUNS } as const
    const events: EventRow[] = []
    for (let after = Math.max(0, head - AGAIN_ROWS); ;) {
      const page = await reader.events(shard, { ...asked, after })
      events.push(...page)
      const last = page.at(-1)
      if (last === undefined || page.length < asked.limit) break
      after = last.pos
    }
    const runs = await reader.runs(shard, { ns, limit: AGAIN_RUNS })
    const times = [...events.map(({ at }) => at), ...runs.map(({ created, ended }) => ended ?? created)]
    const since = times.reduce((newest, at) => Math.max(newest, at), 0) - AGAIN_MS
    // Of more runs than these, each when something comes of it.
    this.#again.set(shard, { head, since })
    for (const event of events) if (event.at >= since) this.#tellEvent(event)
    const wanted = runs.filter(({ num, ended }) => !known.has(num) && (ended === null || ended >= since))
    await this.#each(wanted, async (row) => {
      const run = await this.#read(shard, row, ({ at }) => at >= since)
      if (row.ended === null) known.set(row.num, run)
    })
  }

  #begin(row: RunRow): RunTrace | null {
    const { num, ns, id, kind, name, call, key, root, cause, version, created, generation } = row
    const trace = traceIdOf({ store: this.#store, ns }, root)
    if (!this.#options.sampler(trace)) return null
    // Not the row, which holds what the run was given.
    const run = { num, ns, id, kind, name, call, key, root, cause, version, created, generation }
    return new RunTrace(this.#store, trace, run)
  }

  #tellEvent(event: EventRow): void {
    if (!event.published) return
    const { ns, root, cause, source, id, type, key, at } = event
    const space = { store: this.#store, ns }
    const trace = traceIdOf(space, root)
    if (!this.#options.sampler(trace)) return
    const ref = eventRef(source, id)
    const span: Span = {
      trace,
      id: spanIdOf(space, ref),
      // What an event from outside says of its cause is no span of this trace.
      parent: root === ref ? null : spanIdOf(space, cause ?? root),
      name: `event ${type}`,
      kind: 'producer',
      start: at,
      end: at,
      attributes: {
        'ballet.event': ref,
        'ballet.key': key,
        'ballet.namespace': ns,
        'ballet.store': this.#store,
        'messaging.system': 'ballet',
        'messaging.operation.type': 'send',
        'messaging.destination.name': type,
        'messaging.message.id': id,
      },
      events: [],
      links: root === ref ? linksTo(callerOf(cause)) : [],
      error: null,
    }
    this.exporter.add([span])
  }

  #of(shard: number): Map<number, RunTrace | null> {
    const known = this.#known.get(shard) ?? new Map<number, RunTrace | null>()
    this.#known.set(shard, known)
    return known
  }

  #text({ data }: JournalRow, id: string): string {
    return this.#options.codec.decode(data, { namespace: this.#options.ns, row: 'turn', id })
  }

  /** A few at a time, each for itself. */
  async #each<Item>(items: readonly Item[], work: (item: Item) => Promise<void>): Promise<void> {
    const left = items.values()
    const some = async (): Promise<void> => {
      for (const item of left) await work(item).catch((error: unknown) => this.#failed(error))
    }
    await Promise.all(Array.from({ length: Math.min(READS, items.length) }, some))
  }

  /** What cannot be read is not told of; the rest is. */
  #failed(error: unknown): void {
    if (this.#wasTold || this.#isClosed) return
    this.#wasTold = true
    const { code, message } = toFailure(error)
    this.#options.log.warn(`Not all spans can be told: ${message}`, undefined, { code })
  }
}

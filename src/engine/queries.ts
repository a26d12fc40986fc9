// The questions of operators, answered from committed rows: runs, journals, events, keys, causal graphs. Needs a reader
// of the store and nothing of a running engine, so a file can be read without its application.
import { parseText } from '../core/json-text.ts'
import { plainCodec, type Codec, type Payload, type PayloadPlace } from '../core/codec.ts'
import { fault, isBalletError } from '../core/errors.ts'
import { toFailure } from '../core/failure.ts'
import type { Json, JsonText } from '../core/json.ts'
import { parseCommands, parseTurn } from '../core/journal.ts'
import { nearest, DEFAULT_NAMESPACE } from '../core/names.ts'
import { Placement } from '../core/placement.ts'
import type { EventRow, JournalRow, Kin, RunRow, StoreInfo, StoreReader } from '../core/store.ts'
import type {
  CountsView,
  EventView,
  FlowView,
  JournalView,
  KeyView,
  Page,
  Related,
  RunView,
  SuspectView,
} from '../core/views.ts'
import type { EventsRequest, FlowsRequest, RunsRequest } from '../define/reads.ts'
import {
  checkReason,
  checkSought,
  cursorOfKey,
  cursorOfPlaces,
  keyOfCursor,
  limitOf,
  placesOf,
  type Places,
} from './cursors.ts'
import type { Directory } from './directory.ts'
import { eventView } from './event-view.ts'
import { flowView, keysMeant } from './flow-views.ts'
import { presentOf, type DecodedRow, type Present } from './fold.ts'
import { ListReads, numberOf, type ListReadsOptions } from './list-reads.ts'
import { openCounts } from './open-counts.ts'
import { readPage, readPages } from './pages.ts'
import { relatedRows } from './related.ts'
import { isUnread, named, runRows, unreadable, unreadableError, type UnreadRun } from './run-rows.ts'
import { newestFirst, ofEvent, ofNewest, ofTurn, oldestEvent } from './row-orders.ts'
import { runView, type RunPayloads, type Seen } from './run-view.ts'
import { eventViews, payloadsOf, payloadsOfMany, type Decode } from './shown-payloads.ts'
import { suspectOf } from './suspicion.ts'

export interface QueriesOptions extends Pick<ListReadsOptions, 'knownOf'> {
  readonly reader: StoreReader
  readonly ns?: string
  readonly codec?: Codec
  /** What the application consists of; absent where a store is read without it. */
  readonly directory?: Pick<Directory, 'definition' | 'isOrdered' | 'originOf' | 'hasHeartbeat'>
  /** Up to which position the rows of a shard are of processes before this one; undefined where this one has it not. */
  readonly before?: (shard: number) => number | undefined
}

/** Turns that are read at once to tell how a run stands. */
const PAGE = 1000

export class Queries {
  readonly #reader: StoreReader
  readonly #ns: string
  readonly #decode: Decode = (...of) => this.#text(...of)
  #info: Promise<StoreInfo> | undefined
  #place: Placement | undefined
  readonly #codec: Codec
  readonly #choreographies: readonly string[]
  readonly #lists: ListReadsOptions
  readonly #before: NonNullable<QueriesOptions['before']>

  constructor({ reader, ns = DEFAULT_NAMESPACE, codec = plainCodec, directory, before, knownOf }: QueriesOptions) {
    this.#reader = reader
    this.#ns = ns
    this.#codec = codec
    this.#choreographies = directory?.definition.choreographies.map(({ name }) => name) ?? []
    this.#lists = { reader, ns, directory, knownOf, text: (data, id) => this.#text(data, 'turn', id) }
    this.#before = before ?? (() => undefined)
  }

  /** The row of a run by its id, or null. @throws RUN_FORGOTTEN when there was one whose name is still taken. */
  async row(id: string): Promise<RunRow | null> {
    const shard = await this.#shardOf(id)
    const [claim] = await this.#reader.claims(shard, this.#ns, 'run', [id])
    if (claim === null || claim === undefined) return null
    const row = await this.#reader.run(shard, claim.num)
    if (row === null) throw fault('RUN_FORGOTTEN', { id: id.slice(0, 256) })
    return row
  }

  async run(id: string): Promise<RunView | null> {
    const row = await this.row(id)
    return row === null ? null : this.view(row)
  }

  /**
   * A run by its id and number, or null: where a process has given a number and could not commit it, another may have given it
   * to another run.
   */
  async runOf(id: string, num: number): Promise<RunView | null> {
    const row = await this.#reader.run(await this.#shardOf(id), num)
    return row?.id === id ? this.view(row) : null
  }

  async runs(request: RunsRequest = {}): Promise<Page<RunView>> {
    const { name, reason, kind, key, root } = request
    checkSought(request)
    checkReason(reason)
    const status = request.status ?? (reason === undefined ? undefined : ['stuck'])
    const ns = this.#ns
    const shards = await this.#shards()
    const sources = shards.map((shard) => ({
      read: (before: number | undefined, limit: number) =>
        runRows(this.#reader, shard, { ns, name, status, reason, kind, key, root, before, limit }),
      ...ofNewest,
    }))
    const from = placesOf(request.cursor, shards.length)
    const { rows, next } = await readPages(sources, from, { limit: limitOf(request.limit), order: newestFirst })
    return { ...page(await this.#views(rows), next), ...named(unreadable(rows)) }
  }

  /** How many runs have not ended, by what they are and how they stand: at least so many, where `more` says so. */
  async counts(): Promise<CountsView> {
    return openCounts(this.#reader, this.#ns, await this.#shards())
  }

  async journal(
    id: string,
    options: { readonly limit?: number; readonly cursor?: string | undefined } = {},
  ): Promise<Page<JournalView> | null> {
    const row = await this.row(id)
    if (row === null) return null
    const shard = await this.#shardOf(id)
    const read = (after = -1, limit: number): Promise<readonly JournalRow[]> =>
      this.#reader.journal(shard, row.num, after, limit)
    const [from] = placesOf(options.cursor, 1)
    const { rows, next } = await readPage({ read, ...ofTurn }, from, limitOf(options.limit))
    return page(
      rows.map((one) => this.#journalView({ ...one, text: this.#text(one.data, 'turn', id) })),
      next === undefined ? undefined : [next],
    )
  }

  async events(request: EventsRequest = {}): Promise<Page<EventView>> {
    checkSought(request)
    const { key, types, published } = request
    const ns = this.#ns
    const shards = key === undefined ? await this.#shards() : [await this.#shardOf(key)]
    const sources = shards.map((shard) => ({
      read: (after: number | undefined, limit: number) =>
        this.#reader.events(shard, { ns, key, types, published, after, limit }),
      ...ofEvent,
    }))
    const from = placesOf(request.cursor, shards.length)
    const { rows, next } = await readPages(sources, from, { limit: limitOf(request.limit), order: oldestEvent })
    const { read, unread } = eventViews(rows, (row) => this.eventView(row))
    return { ...page(read, next), ...named(unread) }
  }

  async key(field: string, value: string, cursor?: string): Promise<KeyView> {
    const key = `${field}:${value}`
    const flows: FlowView[] = []
    const shard = await this.#shardOf(key)
    for (const name of this.#choreographies) {
      const [row] = await this.#reader.flowsOf(shard, this.#ns, name, [key])
      if (row !== null && row !== undefined) flows.push(flowView(row))
    }
    return { field, value, flows, ...(await this.#all({ key }, cursor)) }
  }

  /** Flows of a choreography, in the order of their keys. @throws CHOREOGRAPHY_UNKNOWN, QUERY_INVALID */
  async flows(name: string, { state, limit, cursor }: FlowsRequest = {}): Promise<Page<FlowView>> {
    checkSought({ state, cursor })
    await this.#fieldOf(name)
    const count = limitOf(limit)
    const after = cursor === undefined ? undefined : keyOfCursor(cursor)
    const query = { ns: this.#ns, name, standing: state, after, limit: count + 1 }
    const found = await Promise.all((await this.#shards()).map((shard) => this.#reader.flows(shard, query)))
    const rows = found.flat().toSorted((a, b) => (a.key < b.key ? -1 : 1))
    const last = rows.length > count ? rows[count - 1] : undefined
    const items = rows.slice(0, count).map(flowView)
    return last === undefined ? { items } : { items, cursor: cursorOfKey(last.key) }
  }

  /** The flow of a key: `field:value`, or its value alone. @throws CHOREOGRAPHY_UNKNOWN */
  async flow(name: string, key: string): Promise<FlowView | null> {
    const field = await this.#fieldOf(name)
    for (const one of keysMeant(field, key)) {
      const [row] = await this.#reader.flowsOf(await this.#shardOf(one), this.#ns, name, [one])
      if (row !== undefined && row !== null) return flowView(row)
    }
    return null
  }

  /** The field of the keys of a choreography, which its monitor has left. @throws CHOREOGRAPHY_UNKNOWN */
  async #fieldOf(name: string): Promise<string> {
    for (const shard of await this.#shards()) {
      const [row] = await this.#reader.flowsOf(shard, this.#ns, name, [''])
      if (row !== null && row !== undefined) return (parseText(row.detail) as { readonly field: string }).field
    }
    throw fault('CHOREOGRAPHY_UNKNOWN', { name: name.slice(0, 80), nearest: nearest(name, this.#choreographies) })
  }

  /** Everything with this root. */
  async graph(root: string, cursor?: string): Promise<Related> {
    return this.#all({ root }, cursor)
  }

  async #shardOf(name: string): Promise<number> {
    return (await this.#placement()).shardOf(name)
  }

  async #shards(): Promise<readonly number[]> {
    const { shards } = await this.#placement()
    return Array.from({ length: shards }, (_, shard) => shard)
  }

  /** Of a store that is open by then. */
  async #placement(): Promise<Placement> {
    const info = await this.#store()
    return (this.#place ??= new Placement(info))
  }

  /** What does not change about a store is asked once. */
  async #store(): Promise<StoreInfo> {
    this.#info ??= this.#reader.info()
    try {
      return await this.#info
    } catch (error) {
      this.#info = undefined
      throw error
    }
  }

  /** A run as operators see it. */
  view(row: RunRow): Promise<RunView> {
    return this.#sharing([row]).then((shared) => this.#view(row, payloadsOf(row, this.#decode), shared))
  }

  /**
   * One that ended just now, as its process knows it: its row is durable, and it said this last of itself, or nothing. Known at
   * once but for the name of its parent.
   */
  ended(row: RunRow, state: JsonText | null): RunView | Promise<RunView> {
    const said = state === null ? undefined : (parseText(state) as Json)
    const present = { waits: [], state: said, stuckOps: new Set<string>(), isCancelled: false }
    const seen = { payloads: payloadsOf(row, this.#decode), present, suspect: undefined, parent: null, waits: [] }
    return row.parent === null ? runView(row, seen) : this.#endedChild(row, row.parent, seen)
  }

  async #endedChild(row: RunRow, parent: number, seen: Seen): Promise<RunView> {
    const shard = await this.#shardOf(row.id)
    return runView(row, { ...seen, parent: await this.#reads().parentId(shard, parent) })
  }

  #reads(suspects?: ReadonlyMap<string, SuspectView | undefined>): ListReads {
    return new ListReads(this.#lists, suspects)
  }

  /** With those that are suspected, where one of these could be. */
  async #sharing(rows: readonly (RunRow | UnreadRun)[]): Promise<ListReads> {
    const open = rows.flatMap((row) => (!isUnread(row) && row.status === 'running' ? [row.id] : []))
    const shards = new Set(await Promise.all(open.map((id) => this.#shardOf(id))))
    const found = await Promise.all(
      [...shards].map(async (shard) =>
        (await this.#reader.suspects(shard)).map((row) => [numberOf(shard, row.run), suspectOf(row)] as const),
      ),
    )
    return this.#reads(new Map(found.flat()))
  }

  async #view(row: RunRow, payloads: RunPayloads, shared: ListReads): Promise<RunView> {
    const present = await this.#present(row)
    const shard = await this.#shardOf(row.id)
    const suspect = row.status === 'running' ? shared.suspect(shard, row.num) : undefined
    const parent = row.parent === null ? null : await shared.parentId(shard, row.parent)
    const waits = await shared.waits(shard, row, present.waits)
    return runView(row, { payloads, present, suspect, parent, waits })
  }

  /** An event as CloudEvents JSON. */
  eventView(row: EventRow): EventView {
    return eventView(row, this.#text(row.data, 'event', row.id))
  }

  /** One after the other: each reads the journal of its run, and between two of them others have their turn. */
  async #views(rows: readonly (RunRow | UnreadRun)[]): Promise<readonly RunView[]> {
    const views: RunView[] = []
    const shared = await this.#sharing(rows)
    for (const row of rows)
      if (!isUnread(row)) views.push(await this.#view(row, payloadsOfMany(row, this.#decode), shared))
    return views
  }

  async #all(of: Kin, cursor?: string): Promise<Related> {
    const found = await relatedRows(this.#reader, this.#ns, await this.#shards(), of, cursor)
    const { read, unread } = eventViews(found.events, (row) => this.eventView(row))
    return {
      runs: await this.#views(found.runs),
      events: read,
      ...named([...unreadable(found.runs), ...unread]),
      ...(found.cursor === undefined ? {} : { cursor: found.cursor }),
    }
  }

  /** The present of a run; rows that cannot be read (damaged, or encoded with a key that is gone) tell nothing of it but that. */
  async #present(row: RunRow): Promise<Present> {
    try {
      const before = this.#before(await this.#shardOf(row.id))
      return presentOf(row, await this.#rows(row), { store: (await this.#store()).id, before })
    } catch (error) {
      if (isBalletError(error) && error.code !== 'STORE_FAILED' && error.code !== 'RUN_UNREADABLE') throw error
      const unread = unreadableError(row.id, error)
      return { waits: [], state: undefined, stuckOps: new Set(), isCancelled: false, unread }
    }
  }

  /** What of the journal tells the present: nothing for a run of one call that has ended. */
  async #rows(row: RunRow): Promise<readonly DecodedRow[]> {
    if (row.ended !== null && row.kind !== 'workflow' && row.kind !== 'choreography') return []
    const all: DecodedRow[] = []
    const shard = await this.#shardOf(row.id)
    for (;;) {
      const some = await this.#reader.journal(shard, row.num, all.at(-1)?.seq ?? row.since - 1, PAGE)
      for (const one of some) all.push({ ...one, text: this.#text(one.data, 'turn', row.id) })
      if (some.length < PAGE) return all
    }
  }

  #journalView(row: DecodedRow): JournalView {
    const head = { pos: row.pos, seq: row.seq, kind: row.kind, at: new Date(row.at).toISOString() }
    if (row.kind === 'note') return { ...head, note: parseText(row.text) as Json }
    const { delivered, commandsText } = parseTurn(row.text)
    const { payload, ...rest } = { payload: undefined, ...delivered }
    const shown = payload === undefined ? rest : { ...rest, payload: parseText(payload) as Json }
    return { ...head, delivered: shown as Json, commands: parseCommands(commandsText) as readonly Json[] }
  }

  /** @throws RUN_UNREADABLE, with what the codec of the application threw. */
  #text(payload: Payload, row: PayloadPlace['row'], id: string): string {
    try {
      return this.#codec.decode(payload, { namespace: this.#ns, row, id })
    } catch (error) {
      const what = row === 'event' ? 'the event' : 'the run'
      throw fault('RUN_UNREADABLE', { run: `${what} "${id}"`, problem: toFailure(error).message }, error)
    }
  }
}

function page<View>(items: readonly View[], next: Places | undefined): Page<View> {
  return next === undefined ? { items } : { items, cursor: cursorOfPlaces(next) }
}

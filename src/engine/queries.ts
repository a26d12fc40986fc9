// The questions of operators, answered from committed rows: runs, journals, events, keys, causal graphs. Needs a reader
// of the store and nothing of a running engine, so a file can be read without its application.
import { parseText } from '../core/json-text.ts'
import { plainCodec, type Codec, type Payload, type PayloadPlace } from '../core/codec.ts'
import { fault, isBalletError } from '../core/errors.ts'
import { toFailure } from '../core/failure.ts'
import type { Json } from '../core/json.ts'
import { parseCommands, parseTurn, STUCK_REASONS } from '../core/journal.ts'
import { nearest, splitKey } from '../core/names.ts'
import type { EventRow, JournalRow, RunRow, StoreReader } from '../core/store.ts'
import type {
  ErrorView,
  EventView,
  FlowView,
  JournalView,
  KeyView,
  Page,
  Related,
  RunView,
  UnreadableView,
  SuspectView,
} from '../core/views.ts'
import type { EventsRequest, FlowsRequest, RunsRequest } from '../define/application.ts'
import { flowView } from './flow-views.ts'
import { presentOf, type DecodedRow, type Present } from './fold.ts'
import { readPage, type RowPage, type RowSource } from './pages.ts'
import { isUnread, runRows, type UnreadRun } from './run-rows.ts'
import { choicesOf, phaseOf, suspectOf } from './run-standing.ts'

export interface QueriesOptions {
  readonly reader: StoreReader
  readonly ns?: string
  readonly shard?: number
  readonly codec?: Codec
  /** Names of the choreographies of which `key` tells. */
  readonly choreographies?: readonly string[]
}

type Suspected = ReadonlyMap<number, SuspectView>
type RunPayloads = Pick<RunView, 'input' | 'output' | 'error'>

/** Turns that are read at once to tell how a run stands. */
const PAGE = 1000
/** Runs and events of a graph or a key that one answer holds, and the characters of their payloads: 4 MiB of each. */
const GRAPH_LIMIT = 100_000
const GRAPH_SIZE = 4_194_304

export class Queries {
  readonly #reader: StoreReader
  readonly #ns: string
  readonly #shard: number
  readonly #codec: Codec
  readonly #choreographies: readonly string[]

  constructor({ reader, ns = 'default', shard = 0, codec = plainCodec, choreographies = [] }: QueriesOptions) {
    this.#reader = reader
    this.#ns = ns
    this.#shard = shard
    this.#codec = codec
    this.#choreographies = choreographies
  }

  /** The row of a run by its id, or null. @throws RUN_FORGOTTEN when there was one whose name is still taken. */
  async row(id: string): Promise<RunRow | null> {
    const [claim] = await this.#reader.claims(this.#shard, this.#ns, 'run', [id])
    if (claim === null || claim === undefined) return null
    const row = await this.#reader.run(this.#shard, claim.num)
    if (row === null) throw fault('RUN_FORGOTTEN', { id: id.slice(0, 256) })
    return row
  }

  async run(id: string): Promise<RunView | null> {
    const row = await this.row(id)
    return row === null ? null : this.view(row)
  }

  /** A run by its number, or null. */
  async runOf(num: number): Promise<RunView | null> {
    const row = await this.#reader.run(this.#shard, num)
    return row === null ? null : this.view(row)
  }

  async runs(request: RunsRequest = {}): Promise<Page<RunView>> {
    const { name, reason, kind, key, root } = request
    checkReason(reason)
    const status = request.status ?? (reason === undefined ? undefined : ['stuck'])
    const ns = this.#ns
    const read = (before: number | undefined, limit: number): Promise<readonly (RunRow | UnreadRun)[]> =>
      runRows(this.#reader, this.#shard, { ns, name, status, reason, kind, key, root, before, limit })
    const { rows, next } = await readPage({ read, ...ofRun }, cursorOf(request.cursor), limitOf(request.limit))
    return { ...page(await this.#views(rows), next), ...unreadable(rows) }
  }

  async journal(
    id: string,
    options: { readonly limit?: number; readonly cursor?: string | undefined } = {},
  ): Promise<Page<JournalView> | null> {
    const row = await this.row(id)
    if (row === null) return null
    const read = (after = -1, limit: number): Promise<readonly JournalRow[]> =>
      this.#reader.journal(this.#shard, row.num, after, limit)
    const { rows, next } = await readPage({ read, ...ofTurn }, cursorOf(options.cursor), limitOf(options.limit))
    return page(
      rows.map((one) => this.#journalView({ ...one, text: this.#text(one.data, 'turn', id) })),
      next,
    )
  }

  async events(request: EventsRequest = {}): Promise<Page<EventView>> {
    const { key, types, published } = request
    const ns = this.#ns
    const read = (after: number | undefined, limit: number): Promise<readonly EventRow[]> =>
      this.#reader.events(this.#shard, { ns, key, types, published, after, limit })
    const { rows, next } = await readPage({ read, ...ofEvent }, cursorOf(request.cursor), limitOf(request.limit))
    return page(
      rows.map((row) => this.eventView(row)),
      next,
    )
  }

  async key(field: string, value: string, cursor?: string): Promise<KeyView> {
    const key = `${field}:${value}`
    const flows: FlowView[] = []
    for (const name of this.#choreographies) {
      const [row] = await this.#reader.flowsOf(this.#shard, this.#ns, name, [key])
      if (row !== null && row !== undefined) flows.push(flowView(row))
    }
    return { field, value, flows, ...(await this.#all({ key }, cursor)) }
  }

  /** Flows of a choreography, in the order of their keys. @throws CHOREOGRAPHY_UNKNOWN, QUERY_INVALID */
  async flows(name: string, { state, limit, cursor }: FlowsRequest = {}): Promise<Page<FlowView>> {
    await this.#fieldOf(name)
    const count = limitOf(limit)
    const after = cursor === undefined ? undefined : keyOfCursor(cursor)
    const query = { ns: this.#ns, name, standing: state, after, limit: count + 1 }
    const rows = await this.#reader.flows(this.#shard, query)
    const last = rows.length > count ? rows[count - 1] : undefined
    const items = rows.slice(0, count).map(flowView)
    return last === undefined ? { items } : { items, cursor: Buffer.from(last.key).toString('base64url') }
  }

  /** The flow of a key: `field:value`, or its value alone. @throws CHOREOGRAPHY_UNKNOWN */
  async flow(name: string, key: string): Promise<FlowView | null> {
    const field = await this.#fieldOf(name)
    const names = key.startsWith(`${field}:`) ? [key, `${field}:${key}`] : [`${field}:${key}`]
    const rows = await this.#reader.flowsOf(this.#shard, this.#ns, name, names)
    const row = rows.find((one) => one !== null)
    return row === undefined || row === null ? null : flowView(row)
  }

  /** The field of the keys of a choreography, which its monitor has left. @throws CHOREOGRAPHY_UNKNOWN */
  async #fieldOf(name: string): Promise<string> {
    const [row] = await this.#reader.flowsOf(this.#shard, this.#ns, name, [''])
    if (row !== null && row !== undefined) return (parseText(row.detail) as { readonly field: string }).field
    throw fault('CHOREOGRAPHY_UNKNOWN', { name: name.slice(0, 80), nearest: nearest(name, this.#choreographies) })
  }

  /** Everything with this root. */
  async graph(root: string, cursor?: string): Promise<Related> {
    return this.#all({ root }, cursor)
  }

  /** A run as operators see it. */
  view(row: RunRow): Promise<RunView> {
    return this.#suspects([row]).then((suspects) => this.#view(row, this.#payloads(row), suspects))
  }

  /** Those that are suspected, where one of these could be. */
  async #suspects(rows: readonly (RunRow | UnreadRun)[]): Promise<Suspected> {
    const isOpen = rows.some((row) => !isUnread(row) && row.status === 'running')
    return new Map((isOpen ? await this.#reader.suspects(this.#shard) : []).map((row) => [row.run, suspectOf(row)]))
  }

  async #view(row: RunRow, payloads: RunPayloads, suspects: Suspected): Promise<RunView> {
    const present = await this.#present(row)
    const { waits, state, steps } = present
    const suspect = row.status === 'running' ? suspects.get(row.num) : undefined
    const parent = row.parent === null ? null : await this.#reader.run(this.#shard, row.parent)
    return {
      id: row.id,
      kind: row.kind,
      name: row.name,
      ...(row.kind === 'reaction' && row.call !== '' ? { call: row.call } : {}),
      version: row.version,
      key: row.key === null ? null : splitKey(row.key),
      root: row.root,
      cause: row.cause,
      parent: parent?.id ?? null,
      status: row.status,
      ...phaseOf(row, present),
      ...(row.phase === 'scheduled' && row.at !== null ? { at: new Date(row.at).toISOString() } : {}),
      ...(row.deadline === null ? {} : { deadline: new Date(row.deadline).toISOString() }),
      ...(row.generation === 0 ? {} : { generation: row.generation }),
      ...(row.reason === null ? {} : { reason: row.reason }),
      ...(suspect === undefined ? {} : { suspect }),
      ...(state === undefined ? {} : { state }),
      waits,
      ...(steps === undefined ? {} : { steps }),
      choices: choicesOf(row, present),
      ...payloads,
      created: new Date(row.created).toISOString(),
      ended: row.ended === null ? null : new Date(row.ended).toISOString(),
    }
  }

  #payloads(row: RunRow): RunPayloads {
    return {
      input: parseText(this.#text(row.input, 'input', row.id)) as Json,
      ...(row.output === null ? {} : { output: parseText(this.#text(row.output, 'output', row.id)) as Json }),
      ...(row.error === null ? {} : { error: parseText(this.#text(row.error, 'error', row.id)) as ErrorView }),
    }
  }

  /** In a list, one that cannot be read (damaged, or encoded with a key that is gone) says so and hides no other. */
  #payloadsOfMany(row: RunRow): RunPayloads {
    try {
      return this.#payloads(row)
    } catch (error) {
      return { input: null, error: unreadableError(row.id, error) }
    }
  }

  /** An event as CloudEvents JSON. */
  eventView(row: EventRow): EventView {
    const { value } = splitKey(row.key)
    return {
      specversion: '1.0',
      id: row.id,
      source: row.source,
      type: row.type,
      subject: value,
      time: new Date(row.at).toISOString(),
      datacontenttype: 'application/json',
      data: parseText(this.#text(row.data, 'event', row.id)) as Json,
      correlationid: row.root,
      ...(row.cause === null ? {} : { causationid: row.cause }),
      partitionkey: value,
      sequence: String(row.pos).padStart(16, '0'),
      published: row.published,
    }
  }

  /** One after the other: each reads the journal of its run, and between two of them others have their turn. */
  async #views(rows: readonly (RunRow | UnreadRun)[]): Promise<readonly RunView[]> {
    const views: RunView[] = []
    const suspects = await this.#suspects(rows)
    for (const row of rows) if (!isUnread(row)) views.push(await this.#view(row, this.#payloadsOfMany(row), suspects))
    return views
  }

  async #all(of: { readonly key?: string; readonly root?: string }, cursor?: string): Promise<Related> {
    const ns = this.#ns
    const [runsAfter, eventsAfter] = cursor === undefined ? [undefined, undefined] : placesOf(cursor)
    const readRuns = (after = 0, limit: number): Promise<readonly (RunRow | UnreadRun)[]> =>
      runRows(this.#reader, this.#shard, { ns, ...of, after, limit })
    const readEvents = (after: number | undefined, limit: number): Promise<readonly EventRow[]> =>
      this.#reader.events(this.#shard, { ns, ...of, after, limit })
    const part = async <Row>(source: RowSource<Row>, after: number | null | undefined): Promise<RowPage<Row>> =>
      after === null ? { rows: [], next: undefined } : readPage(source, after, GRAPH_LIMIT, GRAPH_SIZE)
    const runs = await part({ read: readRuns, ...ofRun }, runsAfter)
    const events = await part({ read: readEvents, ...ofEvent }, eventsAfter)
    const isCut = runs.next !== undefined || events.next !== undefined
    return {
      runs: await this.#views(runs.rows),
      events: events.rows.map((row) => this.eventView(row)),
      ...unreadable(runs.rows),
      ...(isCut ? { cursor: cursorOfPlaces([runs.next ?? null, events.next ?? null]) } : {}),
    }
  }

  /** The present of a run; rows that cannot be read (damaged, or encoded with a key that is gone) tell nothing of it. */
  async #present(row: RunRow): Promise<Present> {
    try {
      return presentOf(row, await this.#rows(row))
    } catch (error) {
      if (isBalletError(error) && error.code !== 'STORE_FAILED') throw error
      return { waits: [], state: undefined, stuckOps: new Set(), isCancelled: false }
    }
  }

  /** What of the journal tells the present: nothing for a run of one call that has ended. */
  async #rows(row: RunRow): Promise<readonly DecodedRow[]> {
    if (row.ended !== null && row.kind !== 'workflow' && row.kind !== 'choreography') return []
    const all: DecodedRow[] = []
    for (;;) {
      const some = await this.#reader.journal(this.#shard, row.num, all.at(-1)?.seq ?? row.since - 1, PAGE)
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

  #text(payload: Payload, row: PayloadPlace['row'], id: string): string {
    return this.#codec.decode(payload, { namespace: this.#ns, row, id })
  }
}

/** How rows are read in pages. */
const ofRun = {
  place: (row: RunRow | UnreadRun): number => row.num,
  payloads: (row: RunRow | UnreadRun): readonly (Payload | null)[] =>
    isUnread(row) ? [] : [row.input, row.output, row.error],
}
const ofTurn = {
  place: (row: JournalRow): number => row.seq,
  payloads: (row: JournalRow): readonly Payload[] => [row.data],
}
const ofEvent = {
  place: (row: EventRow): number => row.pos,
  payloads: (row: EventRow): readonly Payload[] => [row.data],
}

function unreadable(rows: readonly (RunRow | UnreadRun)[]): { readonly unreadable?: readonly UnreadableView[] } {
  const found = rows
    .filter(isUnread)
    .flatMap(({ id, unread }) => (unread === null ? [] : [{ id, error: unreadableError(id, unread) }]))
  return found.length === 0 ? {} : { unreadable: found }
}

function unreadableError(id: string, error: unknown): ErrorView {
  return toFailure(fault('RUN_UNREADABLE', { run: `the run "${id}"`, problem: toFailure(error).message }))
}

function page<View>(items: readonly View[], next: number | undefined): Page<View> {
  return next === undefined ? { items } : { items, cursor: next.toString(36) }
}

/** @throws QUERY_INVALID */
function checkReason(reason: string | undefined): void {
  if (reason === undefined || (STUCK_REASONS as readonly string[]).includes(reason)) return
  throw fault('QUERY_INVALID', { name: 'reason', problem: `it must be one of ${STUCK_REASONS.join(', ')}` })
}

function limitOf(limit: number | undefined): number {
  if (limit === undefined) return 50
  if (Number.isInteger(limit) && limit >= 1 && limit <= 1000) return limit
  throw fault('QUERY_INVALID', { name: 'limit', problem: 'it must be a whole number from 1 to 1000' })
}

/** Behind which run and which event an answer goes on; null where there are no more. */
type Places = readonly [runs: number | null, events: number | null]

const cursorOfPlaces = (places: Places): string => places.map((place) => place ?? '').join('-')

/** @throws QUERY_INVALID */
function placesOf(cursor: string): Places {
  const found = /^(\d{0,15})-(\d{0,15})$/.exec(cursor)
  if (found === null) throw fault('QUERY_INVALID', { name: 'cursor', problem: 'no answer has given it' })
  const [runs = '', events = ''] = found.slice(1)
  return [runs === '' ? null : Number(runs), events === '' ? null : Number(events)]
}

function keyOfCursor(cursor: string): string {
  const key = Buffer.from(cursor, 'base64url').toString()
  if (key !== '' && Buffer.from(key).toString('base64url') === cursor) return key
  throw fault('QUERY_INVALID', { name: 'cursor', problem: 'it is none that a list answered with' })
}

function cursorOf(cursor: string | undefined): number | undefined {
  if (cursor === undefined) return undefined
  const pos = /^[0-9a-z]{1,11}$/.test(cursor) ? Number.parseInt(cursor, 36) : Number.NaN
  if (Number.isSafeInteger(pos)) return pos
  throw fault('QUERY_INVALID', { name: 'cursor', problem: 'it is none that a list answered with' })
}

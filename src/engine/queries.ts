// The questions of operators, answered from committed rows: runs, journals, events, keys, causal graphs. Needs a reader
// of the store and nothing of a running engine, so a file can be read without its application.
import { parseText } from '../core/json-text.ts'
import { plainCodec, type Codec, type Payload, type PayloadPlace } from '../core/codec.ts'
import { fault, isBalletError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import { parseCommands, parseTurn } from '../core/journal.ts'
import { splitKey } from '../core/names.ts'
import type { EventRow, RunRow, StoreReader } from '../core/store.ts'
import type { ChoiceView, ErrorView, EventView, JournalView, KeyView, Page, RunView, WaitView } from '../core/views.ts'
import type { EventsRequest, RunsRequest } from '../define/application.ts'
import { presentOf, type DecodedRow, type Present } from './fold.ts'

export interface QueriesOptions {
  readonly reader: StoreReader
  readonly ns?: string
  readonly shard?: number
  readonly codec?: Codec
}

const PAGE = 1000
/** Runs and events of a graph or a key that one answer holds. */
const GRAPH_LIMIT = 100_000

export class Queries {
  readonly #reader: StoreReader
  readonly #ns: string
  readonly #shard: number
  readonly #codec: Codec

  constructor({ reader, ns = 'default', shard = 0, codec = plainCodec }: QueriesOptions) {
    this.#reader = reader
    this.#ns = ns
    this.#shard = shard
    this.#codec = codec
  }

  /** The row of a run by its id, or null. */
  async row(id: string): Promise<RunRow | null> {
    const [claim] = await this.#reader.claims(this.#shard, this.#ns, 'run', [id])
    return claim === null || claim === undefined ? null : this.#reader.run(this.#shard, claim.num)
  }

  async run(id: string): Promise<RunView | null> {
    const row = await this.row(id)
    return row === null ? null : this.view(row)
  }

  async runs(request: RunsRequest = {}): Promise<Page<RunView>> {
    const limit = limitOf(request.limit)
    const { name, status, kind, key, root } = request
    const before = request.cursor === undefined ? undefined : cursorOf(request.cursor)
    const rows = await this.#reader.runs(this.#shard, {
      ns: this.#ns,
      name,
      status,
      kind,
      key,
      root,
      before,
      limit: limit + 1,
    })
    return page(await Promise.all(rows.slice(0, limit).map((row) => this.view(row))), rows, limit, (row) => row.num)
  }

  async journal(
    id: string,
    options: { readonly limit?: number; readonly cursor?: string | undefined } = {},
  ): Promise<Page<JournalView> | null> {
    const row = await this.row(id)
    if (row === null) return null
    const limit = limitOf(options.limit)
    const after = options.cursor === undefined ? -1 : cursorOf(options.cursor)
    const rows = await this.#reader.journal(this.#shard, row.num, after, limit + 1)
    const views = rows
      .slice(0, limit)
      .map((one) => this.#journalView({ ...one, text: this.#text(one.data, 'turn', id) }))
    return page(views, rows, limit, (one) => one.seq)
  }

  async events(request: EventsRequest = {}): Promise<Page<EventView>> {
    const limit = limitOf(request.limit)
    const { key, types, published } = request
    const after = request.cursor === undefined ? undefined : cursorOf(request.cursor)
    const rows = await this.#reader.events(this.#shard, {
      ns: this.#ns,
      key,
      types,
      published,
      after,
      limit: limit + 1,
    })
    return page(
      rows.slice(0, limit).map((row) => this.eventView(row)),
      rows,
      limit,
      (row) => row.pos,
    )
  }

  async key(field: string, value: string): Promise<KeyView> {
    return { field, value, ...(await this.#all({ key: `${field}:${value}` })) }
  }

  /** Everything with this root. */
  async graph(root: string): Promise<{ readonly runs: readonly RunView[]; readonly events: readonly EventView[] }> {
    return this.#all({ root })
  }

  /** A run as operators see it. */
  async view(row: RunRow): Promise<RunView> {
    const present = await this.#present(row)
    const { waits, state } = present
    const parent = row.parent === null ? null : await this.#reader.run(this.#shard, row.parent)
    return {
      id: row.id,
      kind: row.kind,
      name: row.name,
      version: row.version,
      key: row.key === null ? null : splitKey(row.key),
      root: row.root,
      cause: row.cause,
      parent: parent?.id ?? null,
      status: row.status,
      ...(row.phase === null ? {} : { phase: row.phase as NonNullable<RunView['phase']> }),
      ...(row.phase === 'scheduled' && row.at !== null ? { at: new Date(row.at).toISOString() } : {}),
      ...(row.deadline === null ? {} : { deadline: new Date(row.deadline).toISOString() }),
      ...(row.generation === 0 ? {} : { generation: row.generation }),
      ...(row.reason === null ? {} : { reason: row.reason }),
      ...(state === undefined ? {} : { state }),
      waits,
      choices: choicesOf(row, present),
      input: parseText(this.#text(row.input, 'input', row.id)) as Json,
      ...(row.output === null ? {} : { output: parseText(this.#text(row.output, 'output', row.id)) as Json }),
      ...(row.error === null ? {} : { error: parseText(this.#text(row.error, 'error', row.id)) as ErrorView }),
      created: new Date(row.created).toISOString(),
      ended: row.ended === null ? null : new Date(row.ended).toISOString(),
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

  async #all(of: {
    readonly key?: string
    readonly root?: string
  }): Promise<{ readonly runs: readonly RunView[]; readonly events: readonly EventView[] }> {
    const rows: RunRow[] = []
    for (let after = 0; rows.length < GRAPH_LIMIT; after = rows.at(-1)?.num ?? 0) {
      const some = await this.#reader.runs(this.#shard, { ns: this.#ns, ...of, after, limit: PAGE })
      rows.push(...some)
      if (some.length < PAGE) break
    }
    const events: EventRow[] = []
    for (let after = 0; events.length < GRAPH_LIMIT; after = events.at(-1)?.pos ?? 0) {
      const some = await this.#reader.events(this.#shard, { ns: this.#ns, ...of, after, limit: PAGE })
      events.push(...some)
      if (some.length < PAGE) break
    }
    return {
      runs: await Promise.all(rows.map((row) => this.view(row))),
      events: events.map((row) => this.eventView(row)),
    }
  }

  /** The present of a run; rows that cannot be read (damaged, or encoded with a key that is gone) tell nothing of it. */
  async #present(row: RunRow): Promise<Present> {
    try {
      return presentOf(row, await this.#rows(row))
    } catch (error) {
      if (isBalletError(error)) throw error
      return { waits: [], state: undefined, stuckOps: new Set(), isCancelled: false }
    }
  }

  /** What of the journal tells the present: nothing for a run of one call that has ended. */
  async #rows(row: RunRow): Promise<readonly DecodedRow[]> {
    if (row.ended !== null && row.kind !== 'workflow') return []
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

/** What a person can do about a stuck run. */
function choicesOf(row: RunRow, { stuckOps, waits, isCancelled }: Present): readonly ChoiceView[] {
  if (row.status !== 'stuck') return []
  if (row.reason === 'call') {
    const ofOps = [...stuckOps].flatMap((op) => choicesOfOp(op, waits))
    return isCancelled ? ofOps : [...ofOps, { action: 'cancel' }]
  }
  // A run that threw can be brought back as far as its journal goes; one that does not get there can only wait.
  const after = 'mend the code'
  const cancel: ChoiceView = row.reason === 'threw' ? { action: 'cancel' } : { action: 'cancel', after }
  return [{ action: 'retry', after }, cancel, { action: 'fail' }]
}

function choicesOfOp(op: string, waits: readonly WaitView[]): readonly ChoiceView[] {
  const wait = waits.find((one) => one.op === op)
  const answer: ChoiceView = { action: 'answer', op }
  // A workflow that was to take something back has ended: what is left is to do it by hand and say so.
  if (wait?.kind === 'child') return [answer]
  // What takes a call back can be done by hand, but never given up.
  return [{ action: 'retry', op }, answer, ...(wait?.undoes === undefined ? [{ action: 'fail', op } as const] : [])]
}

function page<Row, View>(
  items: readonly View[],
  rows: readonly Row[],
  limit: number,
  of: (row: Row) => number,
): Page<View> {
  const last = rows[limit - 1]
  return rows.length > limit && last !== undefined ? { items, cursor: of(last).toString(36) } : { items }
}

function limitOf(limit: number | undefined): number {
  if (limit === undefined) return 50
  if (Number.isInteger(limit) && limit >= 1 && limit <= 1000) return limit
  throw fault('QUERY_INVALID', { name: 'limit', problem: 'it must be a whole number from 1 to 1000' })
}

function cursorOf(cursor: string): number {
  const pos = /^[0-9a-z]{1,11}$/.test(cursor) ? Number.parseInt(cursor, 36) : Number.NaN
  if (Number.isSafeInteger(pos)) return pos
  throw fault('QUERY_INVALID', { name: 'cursor', problem: 'it is none that a list answered with' })
}

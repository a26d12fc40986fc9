// All runs and events of a key or a root, over all shards, as of one moment: they are two reads, between which a commit can
// bring more of both. Taken apart, a run could be missing that an event tells of, or the last event of one that is over.
// Used by queries.ts.
import type { EventRow, Kin, RunRow, StoreReader } from '../core/store.ts'
import { cursorOfTwo, placesOf, twoPlacesOf, type Places } from './cursors.ts'
import { readPages, type RowsOfAll, type RowSource } from './pages.ts'
import { ofEvent, ofRun, oldestEvent, oldestFirst } from './row-orders.ts'
import { runRows, type UnreadRun } from './run-rows.ts'

/** Runs and events that one answer holds, and the characters of their payloads: 4 MiB of each. */
const LIMIT = 100_000
const SIZE = 4_194_304
/** How often all is read anew while events come; after that, what was read last has to do. */
const TRIES = 8

export interface RelatedRows {
  readonly runs: readonly (RunRow | UnreadRun)[]
  readonly events: readonly EventRow[]
  /** Where the next page goes on; absent at the end. */
  readonly cursor?: string
}

export async function relatedRows(
  reader: StoreReader,
  ns: string,
  shards: readonly number[],
  of: Kin,
  cursor?: string,
): Promise<RelatedRows> {
  const start = placesOf(undefined, shards.length)
  const [runsAfter, eventsAfter] = cursor === undefined ? [start, start] : twoPlacesOf(cursor, shards.length)
  const holders = async (): Promise<readonly number[]> => (shards.length === 1 ? shards : reader.shardsOf(ns, of))
  for (let tries = 1; ; tries++) {
    // A page has its place in each shard, also in those where there is nothing to read.
    const held = new Set(await holders())
    const runsIn = (shard: number): RowSource<RunRow | UnreadRun> => ({
      read: async (after = 0, limit) => (held.has(shard) ? runRows(reader, shard, { ns, ...of, after, limit }) : []),
      ...ofRun,
    })
    const eventsIn = (shard: number): Marked<EventRow> =>
      new Marked({
        read: async (after, limit) => (held.has(shard) ? reader.events(shard, { ns, ...of, after, limit }) : []),
        ...ofEvent,
      })
    const log = shards.map(eventsIn)
    // Events first: when there are no more of them after the runs were read, these are all that there were by then.
    const events = await part(log, eventsAfter, oldestEvent)
    const runs = await part(shards.map(runsIn), runsAfter, oldestFirst)
    const isCut = runs.next !== undefined || events.next !== undefined
    const isOld = async (): Promise<boolean> =>
      (await haveMore(log)) || (await holders()).some((shard) => !held.has(shard))
    if (!isCut && tries < TRIES && eventsAfter !== null && (await isOld())) continue
    return {
      runs: runs.rows,
      events: events.rows,
      ...(isCut ? { cursor: cursorOfTwo([runs.next ?? null, events.next ?? null]) } : {}),
    }
  }
}

async function part<Row>(
  sources: readonly RowSource<Row>[],
  after: Places | null,
  order: (a: Row, b: Row) => number,
): Promise<RowsOfAll<Row>> {
  if (after === null) return { rows: [], next: undefined }
  return readPages(sources, after, { limit: LIMIT, size: SIZE, order })
}

async function haveMore(log: readonly Marked<EventRow>[]): Promise<boolean> {
  const more = await Promise.all(log.map((source) => source.hasMore()))
  return more.includes(true)
}

/** A source of rows that knows how far it was read. */
class Marked<Row> implements RowSource<Row> {
  readonly place: RowSource<Row>['place']
  readonly payloads: RowSource<Row>['payloads']
  readonly #read: RowSource<Row>['read']
  #end: number | undefined

  constructor({ read, place, payloads }: RowSource<Row>) {
    this.#read = read
    this.place = place
    this.payloads = payloads
  }

  readonly read = async (from: number | undefined, count: number): Promise<readonly Row[]> => {
    const rows = await this.#read(from, count)
    const last = rows.at(-1)
    this.#end = last === undefined ? from : this.place(last)
    return rows
  }

  /** Whether there are rows by now behind those that were read. */
  async hasMore(): Promise<boolean> {
    return (await this.#read(this.#end, 1)).length > 0
  }
}

// What lies aside (aside.ts), for whoever is to do something about it: what it is, of which version, since when, and when it is looked at
// again. Read from the store, whoever owns the shard. Used by nodes.ts and aside-answers.ts.
import { plainCodec, type Codec } from '../core/codec.ts'
import { parseText } from '../core/json-text.ts'
import { isRecord, type Json } from '../core/json.ts'
import { DEFAULT_NAMESPACE } from '../core/names.ts'
import type { InboxRow, Store } from '../core/store.ts'
import type { AsideView } from '../core/node-views.ts'
import type { AsideFilter } from '../define/asides.ts'
import { asidePage, itemOf, type AsidePage } from './aside-rows.ts'
import { asideBy } from './aside.ts'

/** Whose rows are looked at, and how they are read. */
export interface AsideReading {
  readonly ns: string
  readonly codec: Codec
}

/** Rows of a shard that are looked at in each place. They have payloads, and nodes are asked for often. */
const LOOKED = 200
/** Namespaces that are looked through where none is meant. */
const NAMESPACES = 100
/** Ids that are told of rows that are alike. */
const MOST_IDS = 5

/** What a row is about. */
export interface Found extends Pick<AsideView, 'kind' | 'name' | 'version'> {
  readonly id: string
  /** All that it says; null where that cannot be read here, for the reason in `unread`. */
  readonly said: Json | null
  readonly unread: unknown
}

/** @param shards those in whose inboxes, or beside them, something lies. @param reading null for all namespaces, as they stand. */
export async function asidesIn(
  store: Store,
  shards: readonly number[],
  reading: AsideReading | null,
): Promise<readonly AsideView[]> {
  const found = new Map<string, AsideView>()
  for (const { ns, codec } of await readingsOf(store, shards, reading))
    for (const [inbox, again] of asideBy(ns))
      for await (const { rows } of firstPages(store, shards, inbox))
        for (const row of rows) add(found, readRow(row, { ns, codec }), row, again)
  return [...found.values()].toSorted((a, b) => (a.since < b.since ? -1 : 1))
}

/** One of them, read as far as it can be. */
export interface AsideRead {
  readonly ns: string
  readonly shard: number
  readonly again: AsideView['again']
  readonly row: InboxRow
  readonly found: Found
}

/** Shards of which a page is read at once. */
const AT_ONCE = 16
/** Pages that are looked through for those that match, beside the first of each shard. */
const PAGES_MOST = 100

/** Where the rest of a place is, behind its first page. */
interface Rest {
  readonly shard: number
  readonly ns: string
  readonly inbox: string
  readonly again: AsideView['again']
  readonly after: number
}

/** Those that match, up to `limit`: of the first page of each shard the oldest first, then the others. */
export async function asideReads(
  store: Store,
  shards: readonly number[],
  reading: AsideReading | null,
  filter: AsideFilter,
  limit: number,
): Promise<{ readonly reads: readonly AsideRead[]; readonly more: boolean }> {
  const reads: AsideRead[] = []
  const rests: Rest[] = []
  const codec = reading?.codec ?? plainCodec
  const take = (place: Omit<Rest, 'after'>, { rows, next }: AsidePage): void => {
    const { shard, ns, again } = place
    for (const row of rows) {
      const found = readRow(row, { ns, codec })
      if (isMeant(found, filter)) reads.push({ ns, shard, again, row, found })
    }
    if (next !== null) rests.push({ ...place, after: next })
  }
  for (const { ns } of await readingsOf(store, shards, reading))
    for (const [inbox, again] of asideBy(ns))
      for await (const { shard, ...page } of firstPages(store, shards, inbox)) {
        take({ shard, ns, inbox, again }, page)
        // As many as are asked for, and one that says that there are more.
        if (reads.length > 2 * limit + LOOKED) oldest(reads, limit + 1)
      }
  oldest(reads, limit + 1)
  for (let pages = 0; pages < PAGES_MOST && reads.length <= limit; pages++) {
    const rest = rests.shift()
    if (rest === undefined) break
    take(rest, await asidePage(store, rest.shard, rest.inbox, LOOKED, rest.after))
  }
  return { reads: reads.slice(0, limit), more: reads.length > limit || rests.length > 0 }
}

/** Leaves the oldest of them, in their order. */
function oldest(reads: AsideRead[], count: number): void {
  reads.sort((one, other) => one.row.at - other.row.at)
  reads.splice(count)
}

/** One of a name; null when none of it lies there. */
export async function asideRead(
  store: Store,
  shard: number,
  reading: AsideReading | null,
  item: string,
): Promise<AsideRead | null> {
  for (const { ns, codec } of await readingsOf(store, [shard], reading))
    for (const [inbox, again] of asideBy(ns))
      for (let after: number | null = 0; after !== null;) {
        const page: AsidePage = await asidePage(store, shard, inbox, LOOKED, after)
        const row = page.rows.find((one) => itemOf(shard, one) === item)
        if (row !== undefined) return { ns, shard, again, row, found: readRow(row, { ns, codec }) }
        after = page.next
      }
  return null
}

const isMeant = (found: Found, { kind, name, version, unread }: AsideFilter): boolean =>
  (kind === undefined || found.kind === kind) &&
  (name === undefined || found.name === name) &&
  (version === undefined || found.version === version) &&
  (unread === undefined || (found.said === null) === unread)

/** Whose rows are read, and how. */
export async function readingsOf(
  store: Store,
  shards: readonly number[],
  reading: AsideReading | null,
): Promise<readonly AsideReading[]> {
  if (shards.length === 0) return []
  const codec = reading?.codec ?? plainCodec
  return (await namespacesOf(store, reading)).map((ns) => ({ ns, codec }))
}

/** The one that is meant, or all that are known. */
export async function namespacesOf(store: Store, reading: AsideReading | null): Promise<readonly string[]> {
  if (reading !== null) return [reading.ns]
  return [...new Set([DEFAULT_NAMESPACE, ...(await store.namespaces(NAMESPACES))])]
}

/** Of each of these shards, some at a time: what is asked for at once is one statement where they are in one database. */
async function* firstPages(
  store: Store,
  shards: readonly number[],
  inbox: string,
): AsyncGenerator<AsidePage & { readonly shard: number }, void> {
  const read = async (shard: number) => ({ shard, ...(await asidePage(store, shard, inbox, LOOKED)) })
  // They have payloads: not all of a store are in memory at once.
  for (let at = 0; at < shards.length; at += AT_ONCE) yield* await Promise.all(shards.slice(at, at + AT_ONCE).map(read))
}

function add(
  found: Map<string, AsideView>,
  { id, kind, name, version }: Found,
  { at }: InboxRow,
  again: AsideView['again'],
): void {
  const what = { kind, name, version }
  const since = new Date(at).toISOString()
  const key = JSON.stringify([what, again])
  const before = found.get(key) ?? { ...what, again, rows: 0, since, ids: [] }
  found.set(key, {
    ...before,
    rows: before.rows + 1,
    since: since < before.since ? since : before.since,
    ids: before.ids.length < MOST_IDS ? [...before.ids, id] : before.ids,
  })
}

/** Of one that cannot be read here no more is known than what it is for. */
export function readRow(
  { kind, target, data }: Pick<InboxRow, 'kind' | 'target' | 'data'>,
  { ns, codec }: AsideReading,
): Found {
  const unread = { kind, name: kind === 'event' ? target : null, version: null, id: target, said: null } as const
  try {
    const said = parseText(codec.decode(data, { namespace: ns, row: 'turn', id: target })) as Json
    if (!isRecord(said)) return { ...unread, unread: null }
    const text = (...names: readonly string[]): string | null => {
      const value = names.map((name) => said[name]).find((one) => typeof one === 'string')
      return typeof value === 'string' ? value : null
    }
    const name = text('call', 'type', 'choreography', 'name') ?? unread.name
    return { kind, name, version: text('version'), id: text('id') ?? target, said, unread: null }
  } catch (error) {
    return { ...unread, unread: error }
  }
}

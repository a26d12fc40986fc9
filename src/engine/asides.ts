// What lies aside (aside.ts), for whoever is to do something about it: what it is, of which version, since when, and when it is looked at
// again. Read from the store, whoever owns the shard. Used by nodes.ts.
import { plainCodec, type Codec } from '../core/codec.ts'
import { parseText } from '../core/json-text.ts'
import { isRecord } from '../core/json.ts'
import { DEFAULT_NAMESPACE } from '../core/names.ts'
import type { InboxRow, Store } from '../core/store.ts'
import type { AsideView } from '../core/node-views.ts'
import { asideBy } from './aside.ts'
import { orFailure } from './run-rows.ts'

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

type Found = Pick<AsideView, 'kind' | 'name' | 'version'> & { readonly id: string }

/** @param shards those in whose inboxes, or beside them, something lies. @param reading null for all namespaces, as they stand. */
export async function asidesIn(
  store: Store,
  shards: readonly number[],
  reading: AsideReading | null,
): Promise<readonly AsideView[]> {
  if (shards.length === 0) return []
  const known = reading === null ? await store.namespaces(NAMESPACES) : [reading.ns]
  const namespaces = reading === null ? [...new Set([DEFAULT_NAMESPACE, ...known])] : known
  const found = new Map<string, AsideView>()
  const codec = reading?.codec ?? plainCodec
  for (const ns of namespaces)
    for (const [inbox, again] of asideBy(ns))
      for (const shard of shards) {
        const rows = await orFailure(store.inbox(shard, inbox, LOOKED))
        // That a page is damaged says the log of the shard's owner.
        if (rows instanceof Error) continue
        for (const row of rows) add(found, readRow(row, { ns, codec }), row, again)
      }
  return [...found.values()].toSorted((a, b) => (a.since < b.since ? -1 : 1))
}

function add(found: Map<string, AsideView>, { id, ...what }: Found, { at }: InboxRow, again: AsideView['again']): void {
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

/** What a row is about. Of one that cannot be read here no more is known than what it is for. */
function readRow({ kind, target, data }: InboxRow, { ns, codec }: AsideReading): Found {
  const unread = { kind, name: kind === 'event' ? target : null, version: null, id: target } as const
  try {
    const said: unknown = parseText(codec.decode(data, { namespace: ns, row: 'turn', id: target }))
    if (!isRecord(said)) return unread
    const text = (...names: readonly string[]): string | null => {
      const value = names.map((name) => said[name]).find((one) => typeof one === 'string')
      return typeof value === 'string' ? value : null
    }
    const name = text('call', 'type', 'choreography', 'name')
    return { kind, name: name ?? unread.name, version: text('version'), id: text('id') ?? target }
  } catch {
    return unread
  }
}

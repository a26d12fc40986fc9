// Rows that lie aside, read from the store whoever owns their shard, and the names that people mean them by. A row has another
// number each time that it is moved, so that its name is made of what it holds: what is dropped is what was looked at. Of rows
// that hold the same, one is as good as the other. Used by asides.ts and aside-acts.ts.
import { hash } from 'node:crypto'
import type { InboxItem, InboxRow, StoreReader } from '../core/store.ts'
import { orFailure } from './run-rows.ts'

/** Hexadecimal digits: so many that no two of a shard have the same ones. */
const DIGITS = 16
const ITEM = new RegExp(`^(0|[1-9]\\d{0,8})-[0-9a-f]{${DIGITS}}$`)

/** The name of what lies aside in a shard. */
export function itemOf(shard: number, { kind, target, at, data }: Omit<InboxItem, 'ns' | 'slot'>): string {
  const bytes = typeof data === 'string' ? data : Buffer.from(data).toString('base64')
  return `${shard}-${hash('sha256', JSON.stringify([kind, target, at, bytes]), 'hex').slice(0, DIGITS)}`
}

/** The shard in which something of this name would lie; null for what is no such name. */
export function shardOfItem(item: string, shards: number): number | null {
  const shard = Number(ITEM.exec(item)?.[1] ?? Number.NaN)
  return shard < shards ? shard : null
}

/** A page of rows behind `after`. `next` is where the next page begins; null when there is none. */
export interface AsidePage {
  readonly rows: readonly InboxRow[]
  readonly next: number | null
}

/**
 * The rows of one place. One that the store cannot read fails its page: then each is read alone, and that one is passed over; the log
 * of the shard's owner says so.
 */
export async function asidePage(
  store: StoreReader,
  shard: number,
  inbox: string,
  limit: number,
  after?: number,
): Promise<AsidePage> {
  const page = await orFailure(store.inbox(shard, inbox, limit, after))
  if (!(page instanceof Error)) return { rows: page, next: page.length < limit ? null : (page.at(-1)?.id ?? null) }
  const rows: InboxRow[] = []
  for (const id of await store.inboxIds(shard, inbox, Number.MAX_SAFE_INTEGER)) {
    if (id <= (after ?? 0)) continue
    const found = await orFailure(store.inbox(shard, inbox, 1, id - 1))
    if (!(found instanceof Error)) rows.push(...found.filter((row) => row.id === id))
    if (rows.length === limit) return { rows, next: id }
  }
  return { rows, next: null }
}

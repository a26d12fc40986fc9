// Rows of an inbox that cannot be taken now, and were acknowledged: what they say cannot be read (a key is missing, perhaps), or
// this version refuses it. They are set aside, so that nothing waits behind them and no answer for them; and they are
// looked at again whenever the shard is owned anew, by a process that may have the key, or the version. Called by
// requests.ts and shard.ts.
import { isBalletError } from '../core/errors.ts'
import { toFailure } from '../core/failure.ts'
import { parseText } from '../core/json-text.ts'
import type { InboxRow } from '../core/store.ts'
import { isOfStore } from './between-shards.ts'
import { orFailure } from './run-rows.ts'
import type { ShardContext } from './shard-context.ts'

/** How long whoever asks another shard waits until what was asked is taken, milliseconds. It is taken all the same. */
export const TAKEN_MS = 30_000
/** So far whoever asked is known to wait still, also where the clocks of the two nodes differ by as much. */
const FRESH_MS = TAKEN_MS / 2
const PAGE = 500
/** What a version says of a start or an event that another one has taken. */
const OF_VERSION: ReadonlySet<string> = new Set(['INPUT_INVALID', 'CALL_UNKNOWN', 'EVENT_UNKNOWN', 'KEY_INVALID'])

/** Where such rows are in the table of inboxes: a namespace holds no space. */
export const asideOf = (ns: string): string => `${ns} aside`

/** Takes a row out of the inbox and keeps it, in one batch. */
export function setAside(context: ShardContext, { id, ...item }: InboxRow, error: unknown): void {
  const { writer, inbox, log, ns } = context
  writer.rows.posts.push({ ...item, ns: asideOf(ns) })
  writer.rows.drained.push(id)
  writer.onDurable(() => inbox.gone(id))
  writer.flush()
  log.error(
    `What came for ${item.target} (${item.kind}) cannot be taken and is set aside until the shard is owned anew: ${toFailure(error).message}`,
  )
}

/**
 * Whether what a row says is refused for a reason that may be gone with another version, while nobody waits for the answer: it
 * came in a transaction (`silent`), or has lain there for long. When it came is by the clock of who asked: what is not
 * known to be fresh is kept. Or for one that nobody has thought of.
 */
export function isOfVersion({ kind, at }: InboxRow, text: string, now: number, error: unknown): boolean {
  if (!isBalletError(error)) return true
  if ((kind !== 'start' && kind !== 'event') || !OF_VERSION.has(error.code)) return false
  return Math.abs(now - at) > FRESH_MS || (parseText(text) as { readonly silent?: true }).silent === true
}

/** Puts what was set aside back into the inbox: each is looked at once more. */
export async function bringBackAside(context: ShardContext): Promise<void> {
  const { store, shard, ns, writer, log } = context
  for (;;) {
    const rows = await orFailure(store.inbox(shard, asideOf(ns), PAGE))
    if (rows instanceof Error) {
      if (!isOfStore(rows)) throw rows
      return log.error(`What was set aside in the shard ${shard} cannot be read: ${rows.message}`)
    }
    if (rows.length === 0) return
    for (const { id, ...item } of rows) {
      writer.rows.posts.push({ ...item, ns })
      writer.rows.drained.push(id)
    }
    writer.flush()
    await writer.barrier()
  }
}

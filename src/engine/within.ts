// What a transaction of the application's own puts into an inbox. Until it commits nobody else can see what it has put there, so the
// transaction itself is asked: a second start, event or signal of one name that is another one would be dropped when it is taken, and
// nobody would hear of it but the log. Used by posts.ts and elsewhere.ts.
import { fault } from '../core/errors.ts'
import type { InboxItem, Store } from '../core/store.ts'
import { contentHash } from './content-hash.ts'
import { conflictFault } from './given-signals.ts'
import type { Named } from './lying.ts'

/** Letters of a hash that are enough among what one transaction says: 96 bits. */
const SHORT = 16

/** @throws TX_UNSUPPORTED, RUN_CONFLICT, EVENT_CONFLICT, SIGNAL_CONFLICT, and what the store and the transaction throw */
export async function putWithin(
  store: Store,
  tx: object,
  { shard, ...item }: InboxItem & { readonly shard: number },
  { id = '', source = '', run = '', hash = '' }: Partial<Named>,
): Promise<void> {
  if (store.postIn === undefined) throw fault('TX_UNSUPPORTED', { store: store.name })
  const name = contentHash([item.kind, run, source, id]).slice(0, SHORT)
  if (await store.postIn(tx, shard, item, [name, hash.slice(0, SHORT)])) return
  if (item.kind === 'start') throw fault('RUN_CONFLICT', { id })
  throw item.kind === 'event' ? fault('EVENT_CONFLICT', { id, source }) : conflictFault(run, id)
}

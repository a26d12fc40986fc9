// Whether what was put into an inbox lies there still. Used by elsewhere.ts, for whoever waits until it is taken.
import type { Payload } from '../core/codec.ts'
import type { InboxItem, StoreReader } from '../core/store.ts'
import { orFailure } from './run-rows.ts'

/** What was put there, as its row has it: another of the same name is another one. */
export type Posted = Pick<InboxItem, 'kind' | 'target' | 'data'>

const PAGE = 1000

/** Whether a row lies in the inbox of a shard. Where one beside it cannot be read, each is read alone. */
export async function liesIn(
  store: StoreReader,
  shard: number,
  ns: string,
  { kind, target, data }: Posted,
): Promise<boolean> {
  const isIt = (row: Posted): boolean => row.kind === kind && row.target === target && isSame(row.data, data)
  for (let after = 0; ;) {
    const page = await orFailure(store.inbox(shard, ns, PAGE, after))
    if (page instanceof Error) break
    if (page.some(isIt)) return true
    if (page.length < PAGE) return false
    after = page.at(-1)?.id ?? after
  }
  for (const id of await store.inboxIds(shard, ns, Number.MAX_SAFE_INTEGER)) {
    const found = await orFailure(store.inbox(shard, ns, 1, id - 1))
    if (!(found instanceof Error) && found.some((row) => row.id === id && isIt(row))) return true
  }
  return false
}

/** Whether payloads are the same: text, or the bytes of a codec. */
function isSame(one: Payload, other: Payload): boolean {
  if (typeof one === 'string' || typeof other === 'string') return one === other
  return one.length === other.length && one.every((byte, index) => byte === other[index])
}

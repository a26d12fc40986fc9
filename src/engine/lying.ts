// Whether what was put into an inbox lies there still, for whoever waits until it is taken; and whether something else of its name
// does, for whoever is not told later. Used by elsewhere.ts and signals.ts.
import type { Payload } from '../core/codec.ts'
import { parseText } from '../core/json-text.ts'
import type { InboxItem, InboxRow, StoreReader } from '../core/store.ts'
import { orFailure } from './run-rows.ts'
import type { ShardContext } from './shard-context.ts'

/** What was put there, as its row has it: another of the same name is another one. */
export type Posted = Pick<InboxItem, 'kind' | 'target' | 'data'>

const PAGE = 1000
/** Rows that are looked at for another of the same name: more lie there only where their owner is behind. */
const LOOKED = 100

/** By what something that is asked for is known: its name, and what tells it from others of that name. */
export interface Named {
  readonly id: string
  /** Of an event. */
  readonly source?: string | undefined
  /** To which a signal goes. */
  readonly run?: string | undefined
  /** There is none where it cannot be told from others, as of what a node of an older version has asked for. */
  readonly hash?: string | undefined
}

/**
 * Whether the first that lies in an inbox under this name is another one, which will be taken in its place. Looked for before it is
 * looked whether the name is taken: what is there no more was taken by then.
 */
export async function otherLies(
  { store, shard, ns, decode }: Pick<ShardContext, 'store' | 'shard' | 'ns' | 'decode'>,
  kind: InboxItem['kind'],
  { id, source, run, hash }: Named,
): Promise<boolean> {
  if (hash === undefined) return false
  const named = ({ data, target }: InboxRow): Named | null => {
    try {
      return parseText(decode(data, 'turn', target)) as Named
    } catch {
      return null
    }
  }
  const rows = await orFailure(store.inbox(shard, ns, LOOKED))
  // One that cannot be read hides the others for now: whoever takes them tells.
  if (rows instanceof Error) return false
  const alike = rows.filter((row) => row.kind === kind).map(named)
  const first = alike.find((one) => one?.id === id && one.source === source && one.run === run)
  return first?.hash !== undefined && first.hash !== hash
}

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

// What a run has been given, where it is not in memory: its journal says so, for as long as that is kept.
import { parseTurn, type Delivered } from '../core/journal.ts'
import type { RunRow } from '../core/store.ts'
import type { Way } from './find-run.ts'
import type { ShardContext } from './shard-context.ts'

const PAGE = 1000

/** Whether a run that has ended was given the signal of this id. */
export async function hadSignal(context: ShardContext, run: string, id: string, way: Way): Promise<boolean> {
  const taken = await context.claims.settle('run', run, (found) => found, way.drained !== undefined)
  return taken !== null && (await wasGiven(context, { num: taken.num, id: run }, isSignal(id)))
}

export const isSignal =
  (id: string) =>
  (delivered: Delivered): boolean =>
    delivered.kind === 'signal' && delivered.id === id

/** Whether this was delivered to a run, or waits for it as mail and its sender has heard of that. */
export async function wasGiven(
  { store, shard, decode }: Pick<ShardContext, 'store' | 'shard' | 'decode'>,
  run: Pick<RunRow, 'num' | 'id'>,
  isIt: (delivered: Delivered) => boolean,
): Promise<boolean> {
  for (let after = -1; ;) {
    const rows = await store.journal(shard, run.num, after, PAGE)
    for (const { kind, data } of rows) {
      if (kind === 'note') continue
      const { delivered } = parseTurn(decode(data, 'turn', run.id))
      if (isIt(delivered) && !('untold' in delivered && delivered.untold === true)) return true
    }
    after = rows.at(-1)?.seq ?? after
    if (rows.length < PAGE) return false
  }
}

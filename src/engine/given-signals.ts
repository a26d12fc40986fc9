// What a run has been given, once it has ended and is not in memory: its journal says so, for as long as that is kept.
import { parseTurn } from '../core/journal.ts'
import type { RunRow } from '../core/store.ts'
import type { ShardContext } from './shard-context.ts'

const PAGE = 1000

/** Whether a run that has ended was given the signal of this id. */
export async function hadSignal(context: ShardContext, run: string, id: string): Promise<boolean> {
  const taken = await context.claims.settle('run', run, (found) => found)
  return taken !== null && (await wasGiven(context, { num: taken.num, id: run }, id))
}

/** Whether a signal was delivered to a run, or waits for it as mail and its sender has heard of that. */
export async function wasGiven(
  { store, shard, decode }: Pick<ShardContext, 'store' | 'shard' | 'decode'>,
  run: Pick<RunRow, 'num' | 'id'>,
  signal: string,
): Promise<boolean> {
  for (let after = -1; ;) {
    const rows = await store.journal(shard, run.num, after, PAGE)
    for (const { kind, data } of rows) {
      if (kind === 'note') continue
      const { delivered } = parseTurn(decode(data, 'turn', run.id))
      if (delivered.kind === 'signal' && delivered.id === signal && delivered.untold !== true) return true
    }
    after = rows.at(-1)?.seq ?? after
    if (rows.length < PAGE) return false
  }
}

// Which signals a run has had, once it has ended and is not in memory: its journal says so, for as long as that is kept.
import { parseTurn } from '../core/journal.ts'
import type { ShardContext } from './shard-context.ts'

const PAGE = 1000

/** Whether a run that has ended was given the signal of this id. */
export async function hadSignal(context: ShardContext, run: string, id: string): Promise<boolean> {
  const { claims, store, shard } = context
  const taken = await claims.settle('run', run, (found) => found)
  if (taken === null) return false
  for (let after = -1; ;) {
    const rows = await store.journal(shard, taken.num, after, PAGE)
    for (const { kind, data } of rows) {
      if (kind === 'note') continue
      const { delivered } = parseTurn(context.decode(data, 'turn', run))
      if (delivered.kind === 'signal' && delivered.id === id) return true
    }
    after = rows.at(-1)?.seq ?? after
    if (rows.length < PAGE) return false
  }
}

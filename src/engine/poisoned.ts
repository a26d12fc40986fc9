// Runs that are left alone because processes died of them: their journal is read for what they have seen, and nothing of
// their code is run. Signals and the wish that one stops are kept for it as mail; a person retries it, or lets it fail.
// Used by loading.ts at a take-over; suspects.ts says which they are.
import { fault } from '../core/errors.ts'
import { toFailure } from '../core/failure.ts'
import type { RunRow, SuspectRow } from '../core/store.ts'
import { liveRun } from './births.ts'
import { keepSeen } from './deliveries.ts'
import { markStuck } from './endings.ts'
import { historyOf, readRows, sealedBy, unreadableRows } from './history.ts'
import type { LiveRun } from './live-run.ts'
import type { ShardContext } from './shard-context.ts'

/** Brings a run back frozen, without a turn of it. */
export async function leaveAlone(context: ShardContext, row: RunRow): Promise<LiveRun> {
  const rows = await readRows(context, row).catch((error: unknown) => sealedBy(row, error))
  const run = liveRun(context, row, 'null')
  if (rows instanceof Error) {
    run.executor = { kind: 'frozen', seen: new Map(), sealed: rows }
    return run
  }
  run.executor = { kind: 'frozen', seen: new Map() }
  run.seq = (rows.at(-1)?.seq ?? row.since - 1) + 1
  try {
    keepSeen(run, historyOf(context, row, rows).history)
  } catch (error) {
    run.executor = { kind: 'frozen', seen: new Map(), sealed: unreadableRows(row, error) }
  }
  return run
}

/** Parks a run that processes died of. The row says so from now on, and the mark has done its work. */
export function markPoisoned(context: ShardContext, run: LiveRun, { what, deaths }: SuspectRow): void {
  context.writer.rows.suspectsGone.push(run.row.num)
  const error = fault('RUN_POISONED', { deaths, run: `the run "${run.row.id}"`, what })
  markStuck(context, run, null, 'poisoned', toFailure(error))
}

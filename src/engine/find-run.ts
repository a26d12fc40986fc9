// Finds the run that somebody outside names: what lay in the inbox before the question counts, and a negative answer is
// given from durable rows. Used by requests and by actions.
import { fault } from '../core/errors.ts'
import type { RunRow } from '../core/store.ts'
import type { ShardContext } from './shard-context.ts'

/** How a request came: by hand, or as an inbox row that is to be drained with what it writes. */
export interface Way {
  readonly drained?: number
}

/** The row of an open run. @throws RUN_UNKNOWN, RUN_FORGOTTEN, RUN_ENDED, SHARD_FENCED */
export async function openRun(
  context: ShardContext,
  id: string,
  way: Way = {},
): Promise<Pick<RunRow, 'num' | 'id' | 'name' | 'kind'>> {
  const num = context.open.numOf(id)
  const live = num === undefined ? undefined : context.open.use(num)
  if (live !== undefined) return live.row
  // One that is parked is open, and what was written of it is read when it is brought back: nothing is waited for here.
  const parked = num !== undefined && context.open.isParked(num) ? await context.store.run(context.shard, num) : null
  if (parked?.ended === null) return parked
  const taken = await context.claims.settle('run', id.slice(0, 1024), (found) => found, way.drained !== undefined)
  if (taken === null && way.drained === undefined) context.inbox.check()
  if (taken === null) throw fault('RUN_UNKNOWN', { id: id.slice(0, 256) })
  await context.writer.barrier()
  const row = await context.store.run(context.shard, taken.num)
  if (row === null) throw fault('RUN_FORGOTTEN', { id: id.slice(0, 256) })
  if (row.ended !== null) throw fault('RUN_ENDED', { id, status: row.status })
  // An open run that is not known here has either ended in this moment, or another process has begun it.
  if (context.open.numOf(id) === undefined) await context.writer.checkOwner()
  return row
}

/** What came by hand stands behind what lay in the inbox before it: the order of whoever waits for each answer. */
export async function inboxFirst(context: ShardContext, way: Way = {}): Promise<void> {
  if (way.drained === undefined) await context.inbox.read()
}

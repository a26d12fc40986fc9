// Runs that wait for the end of another, which may have ended long ago: then the store knows how. An end that cannot be
// read (gone, damaged, or encoded with a key that is) leaves the one that waits to a person.
import { parseText } from '../core/json-text.ts'
import { fault, isBalletError } from '../core/errors.ts'
import { toFailure, type Failure } from '../core/failure.ts'
import { runRef } from '../core/ids.ts'
import type { Cancelled, RunEnding } from '../core/journal.ts'
import type { RunRow } from '../core/store.ts'
import { answerJoins } from './endings.ts'
import type { LiveRun } from './live-run.ts'
import type { ShardContext } from './shard-context.ts'

/** Run `run` waits with `op` for the end of the run `id`. */
export function joinRun(context: ShardContext, id: string, run: number, op: string): void {
  context.open.join(id, run, op)
  if (context.open.numOf(id) === undefined) answerEnded(context, id).catch((error: unknown) => context.fail(error))
}

/** Parks a run that cannot be given what it waits for. */
export function parkDamaged(context: ShardContext, num: number, what: string, error: unknown): void {
  const message = `${what} cannot be read: ${toFailure(error).message}`
  const blame = (run: LiveRun | undefined): void => {
    if (run === undefined) context.log.error(message)
    else context.blame(run, fault('ATTEMPT_FAILED', { message }))
  }
  const run = context.open.use(num)
  if (run !== undefined) return blame(run)
  // On disk meanwhile, where it would wait for ever and say nothing of it.
  context.live(num).then(blame, (failed: unknown) => context.fail(failed))
}

/** A read that fails, fails alone: a damaged page is the fault of the run that waits for the events on it. */
export function parkUnread(context: ShardContext, num: number, error: unknown): void {
  if (isBalletError(error) && error.code === 'STORE_FAILED') parkDamaged(context, num, 'an event of its key', error)
  else context.fail(error)
}

async function answerEnded(context: ShardContext, id: string): Promise<void> {
  await context.writer.barrier()
  const taken = await context.claims.settle('run', id, (found) => found)
  try {
    const row = taken === null ? null : await context.store.run(context.shard, taken.num)
    if (row !== null && row.ended === null) return
    if (row === null) throw fault('RUN_UNKNOWN', { id })
    answerJoins(context, id, endingOf(context, row))
  } catch (error) {
    for (const { run } of context.open.takeJoins(id)) parkDamaged(context, run, `the end of the run "${id}"`, error)
  }
}

/** How a run that has ended did, by its row. */
export function endingOf(context: Pick<ShardContext, 'decode'>, { id, status, output, error }: RunRow): RunEnding {
  if (status === 'completed') {
    return { kind: 'end', output: output === null ? undefined : context.decode(output, 'output', id) }
  }
  if (error === null) return { kind: 'fail', error: { code: status, message: runRef(id) } }
  const failure = parseText(context.decode(error, 'error', id)) as Failure & { readonly details?: Cancelled }
  if (status !== 'cancelled' || failure.details === undefined) return { kind: 'fail', error: failure }
  return { kind: 'end', output: undefined, cancelled: failure.details }
}

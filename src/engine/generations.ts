// A run that continues: the same id and number, a new generation with an input of its own and an empty journal. The turn
// that says so stands at the head of that journal and holds what is carried over; the next one is a start. All in one
// batch, so that a crash leaves the run in one generation or the other.
import type { Command } from '../core/journal.ts'
import { machineOf } from './births.ts'
import { dropPending } from './endings.ts'
import { WorkflowExecutor, type LiveRun } from './live-run.ts'
import { keepQueuedMail } from './mail.ts'
import type { ShardContext } from './shard-context.ts'

/** @param seq of the turn that continues. */
export function continueRun(
  context: ShardContext,
  run: LiveRun,
  { input, carry }: Extract<Command, { kind: 'continue' }>,
  seq: number,
): void {
  const workflow = context.directory.workflows.get(run.row.call)
  // The code that has just said so is there.
  if (workflow === undefined) return
  dropPending(context, run)
  context.receivers.forget(run.row.num)
  const { num, id } = run.row
  const generation = run.row.generation + 1
  const payload = context.encode(input, 'input', id)
  context.writer.rows.continued.push({ num, generation, since: seq, input: payload })
  run.row = { ...run.row, generation, since: seq, input: payload, phase: null }
  context.open.stands(run)
  run.turns = 0
  run.bytes = 0
  run.attempts.clear()
  run.again.clear()
  run.lingering.clear()
  run.undosBegun.clear()
  run.executor = new WorkflowExecutor(machineOf(context, run, workflow, input, carry))
  keepQueuedMail(context, run)
  context.begin(run)
}

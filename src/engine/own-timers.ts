// What happens when a timer of a run itself fires: a scheduled run begins, one that has not ended in time is cancelled. The
// timers are written and dropped with the run (schedule.ts).
import { setPhase } from './endings.ts'
import type { LiveRun } from './live-run.ts'
import { DEADLINE, START } from './schedule.ts'
import type { ShardContext } from './shard-context.ts'

/** A run begins, or has not ended in time. */
export function ownTimerFired(context: ShardContext, run: LiveRun, op: string): void {
  const { num, at, deadline, phase } = run.row
  if (op === START) {
    if (at !== null) context.writer.rows.timersGone.push({ due: at, run: num, op })
    if (phase !== 'scheduled') return context.writer.flush()
    setPhase(context, run, null)
    context.begin(run)
    return context.writer.flush()
  }
  if (deadline === null) return
  const why = `it has not ended by ${new Date(deadline).toISOString()}`
  // Its row stays until the run has been asked to stop, which may take a replay: a crash in between must not lose it.
  const settled = (): void => {
    context.writer.rows.timersGone.push({ due: deadline, run: num, op })
    context.writer.flush()
  }
  context.deliver(num, { kind: 'cancel', by: DEADLINE, why }, { settled })
}

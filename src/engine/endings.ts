// How runs end and how they are parked: the one row that changes, and who is told. The end of a run frees its lane, its
// timers and its effects, and answers whoever waits for it.
import type { Command } from '../core/journal.ts'
import type { Note } from '../core/journal.ts'
import type { Failure } from '../core/failure.ts'
import type { RunStatus } from '../core/store.ts'
import type { LiveRun } from './live-run.ts'
import type { ShardContext } from './shard-context.ts'

/** Ends a run with its last command. */
export function endRun(context: ShardContext, run: LiveRun, ending: Extract<Command, { kind: 'end' | 'fail' }>): void {
  const { writer, open, effects, timers, receivers } = context
  const { row, executor } = run
  const status: RunStatus = ending.kind === 'end' ? 'completed' : 'failed'
  const output =
    ending.kind === 'end' && ending.output !== undefined ? context.encode(ending.output, 'output', row.id) : null
  const error = ending.kind === 'fail' ? context.encode(JSON.stringify(ending.error), 'error', row.id) : null
  run.row = { ...row, status, reason: null, output, error, ended: context.now() }
  writer.rows.changes.push({
    num: row.num,
    status,
    phase: row.phase,
    reason: null,
    output,
    error,
    ended: run.row.ended,
  })
  open.remove(row.num)
  receivers.forget(row.num)
  if (executor.kind === 'workflow') {
    for (const { op, command } of executor.machine.pending.values()) {
      effects.drop(row.num, op)
      if ((command.kind === 'sleep' || command.kind === 'wait') && command.due !== undefined) {
        const timer = { due: command.due, run: row.num, op }
        writer.rows.timersGone.push(timer)
        timers.remove(timer)
      }
    }
  }
  answerJoins(context, row.id, ending)
  writer.onDurable(() => {
    context.watchers.ended(row.id, ending)
    leaveLane(context, row.num)
  })
}

/** Tells the runs that wait for the run `id` how it ended. */
export function answerJoins(
  context: ShardContext,
  id: string,
  ending: Extract<Command, { kind: 'end' | 'fail' }>,
): void {
  for (const { run, op } of context.open.takeJoins(id)) {
    if (ending.kind === 'end') context.deliver(run, { kind: 'done', op, payload: ending.output })
    else context.deliver(run, { kind: 'failed', op, error: ending.error })
  }
}

/** Lets the next reaction of a lane begin. */
function leaveLane(context: ShardContext, num: number): void {
  const next = context.lanes.leave(num)
  const run = next === undefined ? undefined : context.open.use(next)
  if (run !== undefined) context.release(run)
}

/**
 * Marks a run as stuck: a person has to look. Its row changes only if it was not stuck before.
 * @param thrown where it came from: its stack goes into the log, for whoever mends the code.
 */
export function markStuck(
  context: ShardContext,
  run: LiveRun,
  op: string | null,
  reason: string,
  error: Failure,
  thrown?: unknown,
): void {
  writeNote(context, run, { kind: 'stuck', op, reason, error })
  setStatus(context, run, 'stuck', reason, error)
  const words = `The run "${run.row.id}" is stuck (${reason}${op === null ? '' : `, ${op}`}): ${error.message}`
  const stack = stackOf(thrown)
  context.log.error(words, stack === undefined ? undefined : { stack })
}

/** The stack of what the author's code threw, which the engine has wrapped. */
function stackOf(thrown: unknown): string | undefined {
  try {
    const origin = thrown instanceof Error && thrown.cause instanceof Error ? thrown.cause : thrown
    const stack: unknown = origin instanceof Error ? origin.stack : undefined
    return typeof stack === 'string' ? stack : undefined
  } catch {
    // Whatever was thrown may throw in turn when it is looked at; that is worth a line of the log, not the shard.
    return undefined
  }
}

/** Marks a stuck run as running again. */
export function markFreed(context: ShardContext, run: LiveRun, reason: string): void {
  writeNote(context, run, { kind: 'freed', reason })
  setStatus(context, run, 'running', null, null)
}

/** Writes a row that is not replayed: it rides along with the next commit. */
export function writeNote(context: ShardContext, run: LiveRun, note: Note): void {
  const { writer } = context
  const data = context.encode(JSON.stringify(note), 'turn', run.row.id)
  writer.rows.journal.push({
    pos: writer.position(),
    run: run.row.num,
    seq: run.seq++,
    kind: 'note',
    at: context.now(),
    data,
  })
  writer.onDurable(() => context.watchers.touched(run.row.key))
  writer.flush()
}

function setStatus(
  context: ShardContext,
  run: LiveRun,
  status: RunStatus,
  reason: string | null,
  failure: Failure | null,
): void {
  const error = failure === null ? null : context.encode(JSON.stringify(failure), 'error', run.row.id)
  run.row = { ...run.row, status, reason, error }
  const { num, phase, output, ended } = run.row
  context.writer.rows.changes.push({ num, status, phase, reason, output, error, ended })
}

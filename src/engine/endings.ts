// How runs end and how they are parked: the one row that changes, and who is told. The end of a run frees its lane, its
// timers and its effects, and answers whoever waits for it.
import { fault, isBalletError } from '../core/errors.ts'
import { cancelledFault, toFailure, type Failure } from '../core/failure.ts'
import { isRecord } from '../core/json.ts'
import type { Note, RunEnding } from '../core/journal.ts'
import type { RunStatus } from '../core/store-queries.ts'
import type { LiveRun } from './live-run.ts'
import { causeOf, placesIn, stackOf } from './places.ts'
import { dropSchedule } from './schedule.ts'
import type { ShardContext } from './shard-context.ts'

/** Ends a run with its last command. */
export function endRun(context: ShardContext, run: LiveRun, ending: RunEnding): void {
  const { writer, open, receivers } = context
  const { row } = run
  const failure = failureOfEnding(row.id, ending)
  const output =
    ending.kind === 'end' && ending.output !== undefined ? context.encode(ending.output, 'output', row.id) : null
  const error = failure === null ? null : context.encode(JSON.stringify(failure), 'error', row.id)
  const status = statusOfEnding(ending)
  run.row = { ...row, status, phase: null, reason: null, output, error, ended: context.now() }
  const { num, ended } = run.row
  writer.rows.changes.push({ num, status, phase: null, reason: null, output, error, ended })
  run.counts[status] += 1
  open.remove(num)
  receivers.forget(num)
  dropPending(context, run)
  dropSchedule(context, row)
  answerJoins(context, row.id, ending)
  context.leftFlow(row, ending)
  writer.onDurable(() => {
    context.watchers.ended(row.id, ending, run)
    leaveLane(context, num)
  })
}

function statusOfEnding(ending: RunEnding): Exclude<RunStatus, 'running' | 'stuck'> {
  if (ending.kind === 'fail') return 'failed'
  return ending.cancelled === undefined ? 'completed' : 'cancelled'
}

/** The error that a run ended with, for its row and for who waits for it; null when it completed. */
export function failureOfEnding(id: string, ending: RunEnding): Failure | null {
  if (ending.kind === 'fail') return ending.error
  if (ending.cancelled === undefined) return null
  const { by, why } = ending.cancelled
  return { ...toFailure(cancelledFault(id, { by, why })), details: { by, why } }
}

/** What whoever asks for the result of a run gets, when it has none. */
export function failedResult(
  id: string,
  failure: Pick<Failure, 'code' | 'message'> & { readonly details?: unknown },
): Error {
  const { code, message, details } = failure
  const { by, why } = isRecord(details) ? details : {}
  const isCancelled = code === 'RUN_CANCELLED' && typeof by === 'string' && typeof why === 'string'
  return isCancelled ? cancelledFault(id, { by, why }) : fault('RUN_FAILED', { id, message })
}

/** Nothing that a run waits for is wanted any more: effects are told to stop, timers go. */
export function dropPending(context: ShardContext, run: LiveRun): void {
  const { writer, effects, timers, environment } = context
  const { executor, row } = run
  environment.heartbeats.ended(row.num)
  if (executor.kind === 'solo' && executor.command !== null) effects.drop(row.num, executor.command.op)
  // What a frozen run had begun may still be under way.
  if (executor.kind === 'frozen') for (const op of executor.machine?.pending.keys() ?? []) effects.drop(row.num, op)
  if (executor.kind !== 'workflow') return
  for (const { op, command } of executor.machine.pending.values()) {
    effects.drop(row.num, op)
    if ((command.kind === 'sleep' || command.kind === 'wait') && command.due !== undefined) {
      const timer = { due: command.due, run: row.num, op }
      writer.rows.timersGone.push(timer)
      timers.remove(timer)
    }
  }
}

/** Tells the runs that wait for the run `id` how it ended. */
export function answerJoins(context: ShardContext, id: string, ending: RunEnding): void {
  const failure = failureOfEnding(id, ending)
  for (const { run, op } of context.open.takeJoins(id)) {
    if (failure === null && ending.kind === 'end')
      context.deliver(run, { kind: 'done', op, payload: ending.output }, { ended: id })
    else if (failure !== null) {
      const { code, message } = failure
      context.deliver(run, { kind: 'failed', op, error: { code, message } }, { ended: id })
    }
  }
}

/** Lets the next reaction of a lane begin. */
function leaveLane(context: ShardContext, num: number): void {
  const next = context.lanes.leave(num)
  if (next === undefined) return
  const run = context.open.use(next)
  if (run !== undefined) context.release(run)
  // Bringing it back from the disk lets it begin.
  else context.live(next).catch((error: unknown) => context.fail(error))
}

/**
 * Marks a run as stuck: a person has to look. Its row changes only if it was not stuck before.
 * @param thrown where it came from: its stack goes into the log, and the places in it that are the author's stay with the
 * run, for whoever mends the code.
 */
export function markStuck(
  context: ShardContext,
  run: LiveRun,
  op: string | null,
  reason: string,
  error: Failure,
  thrown?: unknown,
): void {
  const stack = stackOf(causeOf(thrown))
  const at = placesIn(stack ?? '')
  const told = at.length === 0 ? error : { ...error, details: { at } }
  writeNote(context, run, { kind: 'stuck', op, reason, error: told })
  setStatus(context, run, 'stuck', reason, told)
  const words = `The run "${run.row.id}" is stuck (${reason}${op === null ? '' : `, ${op}`}): ${error.message}`
  const { id, name } = run.row
  run.counts.stuck.add(reason)
  // Where no frame is the author's, all are ours: they tell nobody anything, unless it is we who are wrong.
  const isOfUse = at.length > 0 || !isBalletError(thrown) || thrown.family === 'bug'
  context.stuckLines.say(
    { id, name, reason, op: op ?? undefined, code: error.code },
    words,
    stack === undefined || !isOfUse ? undefined : { stack },
  )
}

/** Marks a stuck run as running again. */
export function markFreed(context: ShardContext, run: LiveRun, reason: string): void {
  writeNote(context, run, { kind: 'freed', reason })
  setStatus(context, run, 'running', null, null)
}

/** What a person did for it has freed a run, when nothing else of it is stuck. */
export function freeIfNothingIsStuck(context: ShardContext, run: LiveRun): void {
  const { status, reason, ended } = run.row
  if (ended === null && status === 'stuck' && reason === 'call' && run.stuckOps.size === 0)
    markFreed(context, run, 'nothing of it is stuck any more')
}

/** Says where a run stands: `undoing`, `cancelling`, or nothing in particular. */
export function setPhase(context: ShardContext, run: LiveRun, phase: string | null): void {
  if (run.row.phase === phase) return
  run.row = { ...run.row, phase }
  context.open.stands(run)
  const { num, status, reason, output, error, ended } = run.row
  context.writer.rows.changes.push({ num, status, phase, reason, output, error, ended })
}

/** Writes a row that is not replayed: it rides along with the next commit. */
export function writeNote(context: ShardContext, run: LiveRun, note: Note): void {
  const { writer } = context
  if (run.executor.kind === 'frozen' && run.executor.sealed !== undefined) return writer.flush()
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
  context.open.stands(run)
  const { num, phase, output, ended } = run.row
  context.writer.rows.changes.push({ num, status, phase, reason, output, error, ended })
}

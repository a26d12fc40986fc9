// Runs of one call: an operation that was started on its own, or a reaction. They have no machine; the answer of their
// call is their end. A reaction whose call is a workflow ends when that has started. Called by the deliveries, and by the
// shard when a lane lets a reaction begin.
import { elapsedOf } from '../core/clock.ts'
import { parseText } from '../core/json-text.ts'
import { fault, invariant, isBalletError } from '../core/errors.ts'
import { threw, toFailure } from '../core/failure.ts'
import { bothTexts, type JsonText } from '../core/json.ts'
import type { Cancelled, Command, Delivered } from '../core/journal.ts'
import { splitKey } from '../core/names.ts'
import { soloCommand, soloEnd, type Solo } from '../core/solo.ts'
import { startHash } from './births.ts'
import type { Taken } from './claims.ts'
import { markStuck, setPhase } from './endings.ts'
import type { LiveRun } from './live-run.ts'
import { settleDelivery } from './settle.ts'
import { isHere, post } from './outbox.ts'
import type { DeliveryExtras, ShardContext } from './shard-context.ts'
import { effectOf, startEffect, writeTurn } from './turn-rows.ts'

/**
 * Begins a run of one call, when its lane lets it: at once, or where a workflow is started when its name has been looked up. What
 * goes wrong then is in the promise.
 */
export function releaseSolo(context: ShardContext, run: LiveRun): Promise<void> | undefined {
  const { executor, row } = run
  if (executor.kind !== 'solo' || row.ended !== null || run.stuckOps.size > 0 || row.status === 'stuck') return
  // It waits for what became of the workflow that it has asked for.
  if (executor.cancelled !== null) return
  if (executor.command !== null) {
    const { op } = executor.command
    context.writer.onDurable(() => startEffect(context, run, op))
    context.writer.flush()
    return
  }
  return startWorkflow(context, run)
}

/** What a reaction asks of another shard. It waits for the answer, and asks again when it is brought back. */
export interface BeginElsewhere {
  readonly id: string
  readonly call: string
  readonly input: unknown
  /** What the schema made of it where the reaction was written, where that holds. */
  readonly made?: JsonText | undefined
  /** The reaction, its number in its shard, and where its causal graph began. */
  readonly from: string
  readonly num: number
  readonly root: string
  /** Which asking of the reaction this is. */
  readonly ask: string
  /** Of the application that asks. */
  readonly version?: string
}

/** The workflow of a reaction has begun in another shard. */
export function endBegun(context: ShardContext, run: LiveRun, id: string): void {
  writeSolo(context, run, { kind: 'start', seed: 0 }, [{ kind: 'end', output: JSON.stringify({ run: id }) }])
}

/** A reaction whose call is a workflow: starts it under its own identity, and ends. */
async function startWorkflow(context: ShardContext, run: LiveRun): Promise<void> {
  const { executor } = run
  invariant(executor.kind === 'solo', 'only a run of one call starts a workflow so')
  const { solo } = executor
  const { id, given, made } = workflowOf(context, run, solo)
  const { text = 'null', ...raw } = bothTexts(given, () => made, `the input of ${solo.call}`)
  const command = { ...soloCommand(solo, id), input: text, ...raw }
  if (id === undefined) return begin(context, run, command, null)
  if (!isHere(context, id)) return askFor(context, run, id, given)
  await context.claims.settle('run', id, (taken) => begin(context, run, command, taken))
}

/**
 * The workflow that a reaction asks for: its id if it has a key, and its input as it was given and as its schema made it.
 * @throws errors of the family `fix` alone, whatever the schema of today throws: it is the fault of one definition
 */
function workflowOf({ directory }: ShardContext, { row }: LiveRun, solo: Solo) {
  const given: unknown = parseText(solo.input)
  let made: unknown
  try {
    // A schema may alter what it is given: it has a value of its own.
    made = solo.made === undefined ? directory.checkInput(solo.call, parseText(solo.input)) : parseText(solo.made)
  } catch (error) {
    throw isBalletError(error) ? error : threw(`the run "${row.id}"`, error)
  }
  const key = directory.runKey(solo.call, made)
  return { id: key === null ? undefined : `${solo.call}:${splitKey(key).value}`, given, made }
}

/** Asks another shard to begin the workflow of a reaction, or what became of that. */
function askFor(context: ShardContext, run: LiveRun, id: string, input: unknown): void {
  const { executor, row } = run
  invariant(executor.kind === 'solo', 'only a run of one call asks for a workflow')
  const ask = context.random.uuid(context.clock.now())
  executor.asked = ask
  const asked: BeginElsewhere = {
    id,
    call: executor.solo.call,
    input,
    made: executor.solo.made,
    from: row.id,
    num: row.num,
    root: row.root,
    ask,
    version: context.version,
  }
  post(context, 'begin', id, JSON.stringify(asked))
  context.writer.flush()
}

/**
 * What a reaction that is to stop asks another shard, where it may have asked for its workflow: what became of that, since it
 * ends as cancelled only when nothing has begun and nothing will.
 */
function elsewhereOf(context: ShardContext, run: LiveRun): { id: string; given: unknown } | null {
  const { row, executor } = run
  if (executor.kind !== 'solo' || executor.solo.target !== 'workflow' || row.status === 'stuck') return null
  try {
    const { id, given } = workflowOf(context, run, executor.solo)
    return id === undefined || isHere(context, id) ? null : { id, given }
  } catch (error) {
    // Its definition does not take it any more: nothing is asked for.
    if (isBalletError(error) && error.family === 'fix') return null
    throw error
  }
}

/** A reaction that was to stop ends, since its workflow has not begun, and will not. */
export function endWithdrawn(context: ShardContext, run: LiveRun, cancelled: Cancelled): void {
  writeSolo(context, run, { kind: 'start', seed: 0 }, [{ kind: 'end', output: undefined, cancelled }])
}

function begin(context: ShardContext, run: LiveRun, command: Command, taken: Taken | null): void {
  invariant(command.kind === 'child', 'only a workflow is started so')
  // It was cancelled while the name was looked up.
  if (run.row.ended !== null) return
  if (taken !== null && taken.hash !== startHash(context, command.call, parseText(command.raw ?? command.input))) {
    return markStuck(context, run, null, 'conflict', toFailure(fault('RUN_CONFLICT', { id: command.run })))
  }
  const output = JSON.stringify({ run: command.run })
  const start: Delivered = { kind: 'start', seed: 0 }
  const commands: readonly Command[] = [...(taken === null ? [command] : []), { kind: 'end', output }]
  writeSolo(context, run, start, commands)
}

/** The answer to the call of a run of one call: its end. */
export function answerSolo(context: ShardContext, run: LiveRun, delivered: Delivered, extras: DeliveryExtras): void {
  const { executor, row } = run
  if (executor.kind !== 'solo') return
  if (row.ended !== null) return settleDelivery(context, extras, 'ended')
  if (delivered.kind !== 'done' && delivered.kind !== 'failed') return settleDelivery(context, extras, 'seen')
  const answered = executor.command ?? undefined
  writeSolo(context, run, delivered, [soloEnd(executor.solo, delivered, executor.cancelled)], answered)
  settleDelivery(context, extras, 'taken')
}

/**
 * Asks a run of one call to stop. An attempt that is under way is told so and waited for: what it answers counts. Without
 * one the run ends here.
 */
export function cancelSolo(
  context: ShardContext,
  run: LiveRun,
  delivered: Extract<Delivered, { kind: 'cancel' }>,
  extras: DeliveryExtras,
): void {
  const { executor, row } = run
  invariant(executor.kind === 'solo', 'only a run of one call is cancelled so')
  if (row.ended !== null) return settleDelivery(context, extras, 'ended')
  if (executor.cancelled !== null) return settleDelivery(context, extras, 'seen')
  const cancelled = { by: delivered.by, why: delivered.why }
  const op = executor.command?.op
  const elsewhere = elsewhereOf(context, run)
  if (elsewhere !== null) {
    executor.cancelled = cancelled
    setPhase(context, run, 'cancelling')
    writeSolo(context, run, delivered, [])
    // One that was asked for in an earlier life of the run may begin yet: only the answer says that it does not.
    if (executor.asked === undefined) askFor(context, run, elsewhere.id, elsewhere.given)
  } else if (op !== undefined && context.effects.giveUp(row.num, op)) {
    executor.cancelled = cancelled
    writeSolo(context, run, delivered, [{ kind: 'drop', op, settles: true }])
    setPhase(context, run, 'cancelling')
  } else {
    writeSolo(context, run, delivered, [{ kind: 'end', output: undefined, cancelled }])
  }
  settleDelivery(context, extras, 'taken')
}

/** After a restart nobody knows whether an attempt is still under way: its time must be over before the run ends. */
export function outwaitSolo(context: ShardContext, run: LiveRun, cancelled: Cancelled): void {
  const { executor } = run
  invariant(executor.kind === 'solo', 'only a run of one call waits so')
  executor.cancelled = cancelled
  const effect = executor.command === null ? undefined : effectOf(context, run, executor.command.op)
  if (effect !== undefined) context.effects.outwait(effect, elapsedOf(context.clock) + effect.timeoutMs)
  const elsewhere = elsewhereOf(context, run)
  if (elsewhere !== null) askFor(context, run, elsewhere.id, elsewhere.given)
  else if (executor.command === null) endWithdrawn(context, run, cancelled)
}

function writeSolo(
  context: ShardContext,
  run: LiveRun,
  delivered: Delivered,
  commands: readonly Command[],
  answered?: Command,
): void {
  writeTurn(context, run, {
    seq: run.seq++,
    delivered,
    taken: delivered,
    answered: answered && { by: delivered, command: answered },
    commands,
    at: context.now(),
  })
  context.writer.seal()
  context.writer.flush()
}

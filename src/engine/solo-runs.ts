// Runs of one call: an operation that was started on its own, or a reaction. They have no machine; the answer of their
// call is their end. A reaction whose call is a workflow ends when that has started. Called by the deliveries, and by the
// shard when a lane lets a reaction begin.
import { parseText } from '../core/json-text.ts'
import { fault, invariant } from '../core/errors.ts'
import { toFailure } from '../core/failure.ts'
import { bothTexts } from '../core/json.ts'
import type { Cancelled, Command, Delivered } from '../core/journal.ts'
import { splitKey } from '../core/names.ts'
import { soloCommand, soloEnd } from '../core/solo.ts'
import { startHash } from './births.ts'
import type { Taken } from './claims.ts'
import { markStuck, setPhase } from './endings.ts'
import type { LiveRun } from './live-run.ts'
import { settleDelivery } from './settle.ts'
import { isHere, post } from './outbox.ts'
import type { DeliveryExtras, ShardContext } from './shard-context.ts'
import { effectOf, startEffect, writeTurn } from './turn-rows.ts'

/** Begins a run of one call, when its lane lets it. */
export async function releaseSolo(context: ShardContext, run: LiveRun): Promise<void> {
  const { executor, row } = run
  if (executor.kind !== 'solo' || row.ended !== null || run.stuckOps.size > 0 || row.status === 'stuck') return
  if (executor.command !== null) {
    const { op } = executor.command
    context.writer.onDurable(() => startEffect(context, run, op))
    return context.writer.flush()
  }
  await startWorkflow(context, run)
}

/** What a reaction asks of another shard. It waits for the answer, and asks again when it is brought back. */
export interface BeginElsewhere {
  readonly id: string
  readonly call: string
  readonly input: unknown
  /** The reaction, and where its causal graph began. */
  readonly from: string
  readonly root: string
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
  const given: unknown = parseText(solo.input)
  const made = context.directory.checkInput(solo.call, given)
  const { text = 'null', ...raw } = bothTexts(given, made, `the input of ${solo.call}`)
  const key = context.directory.runKey(solo.call, made)
  const id = key === null ? undefined : `${solo.call}:${splitKey(key).value}`
  const command = { ...soloCommand(solo, id), input: text, ...raw }
  if (id === undefined) return begin(context, run, command, null)
  if (!isHere(context, id)) {
    const { row } = run
    const asked: BeginElsewhere = { id, call: solo.call, input: given, from: row.id, root: row.root }
    post(context, 'begin', id, JSON.stringify(asked))
    return context.writer.flush()
  }
  await context.claims.settle('run', id, (taken) => begin(context, run, command, taken))
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
  if (op !== undefined && context.effects.giveUp(row.num, op)) {
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
  if (effect !== undefined) context.effects.outwait(effect, context.clock.now() + effect.timeoutMs)
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

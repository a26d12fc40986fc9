// Deliveries to open runs. A workflow gets each in a macrotask of its own (pump.ts); a run of one call answers at once.
// A run that is parked is loaded first; one that is frozen keeps signals as mail and takes nothing else: what it was
// waiting for is asked for again, under the same key, when its code is mended.
import { fault, invariant, isBalletError } from '../core/errors.ts'
import { threw, toFailure, type Failure } from '../core/failure.ts'
import { bothTexts } from '../core/json.ts'
import { turnText, type Command, type Delivered } from '../core/journal.ts'
import { parseText } from '../core/json-text.ts'
import type { Machine } from '../core/machine.ts'
import { splitKey } from '../core/names.ts'
import { soloCommand, soloEnd } from '../core/solo.ts'
import { startHash } from './births.ts'
import type { Taken } from './claims.ts'
import { markStuck } from './endings.ts'
import type { LiveRun } from './live-run.ts'
import type { TurnJob } from './pump.ts'
import type { DeliveryExtras, ShardContext } from './shard-context.ts'
import { armNow, startEffect, writeTurn, type WrittenTurn } from './turn-rows.ts'

/** Gives something to a live run. */
export function deliverTo(context: ShardContext, run: LiveRun, delivered: Delivered, extras: DeliveryExtras): void {
  switch (run.executor.kind) {
    case 'workflow':
      context.pump.add(new DeliveryJob(context, run, delivered, extras))
      break
    case 'solo':
      answerSolo(context, run, delivered)
      break
    case 'frozen':
      keepMail(context, run, delivered, extras)
      break
  }
}

/** A delivery that was not made, because the run has ended or does not wait for it. */
export function settleUndelivered(
  context: ShardContext,
  extras: DeliveryExtras,
  result: 'taken' | 'seen' | 'ended',
): void {
  if (extras.drained !== undefined) drain(context, extras.drained)
  if (extras.settled !== undefined) acknowledge(context, extras, result)
}

/** One delivery to a workflow: begin delivers, end closes the turn and writes it. */
export class DeliveryJob implements TurnJob {
  readonly run: LiveRun
  readonly #context: ShardContext
  readonly #delivered: Delivered
  readonly #extras: DeliveryExtras
  machine: Machine | null = null
  #answered: Command | undefined
  /** Of the turn's row: its random numbers come from it, so it is taken before the turn; a note may follow meanwhile. */
  #seq = 0

  constructor(context: ShardContext, run: LiveRun, delivered: Delivered, extras: DeliveryExtras) {
    this.run = run
    this.#context = context
    this.#delivered = delivered
    this.#extras = extras
    run.queued += 1
  }

  begin(): void {
    const { executor, row } = this.run
    const delivered = this.#delivered
    if (executor.kind !== 'workflow' || row.ended !== null || !executor.machine.accepts(delivered)) return
    this.machine = executor.machine
    this.#answered = 'op' in delivered ? executor.machine.pending.get(delivered.op)?.command : undefined
    this.#seq = this.run.seq++
    executor.machine.deliver(delivered, this.#context.now(), this.#seq, null)
  }

  end(): void {
    const { run } = this
    const context = this.#context
    run.queued -= 1
    if (this.machine === null) {
      if (run.executor.kind === 'frozen' && run.row.ended === null)
        keepMail(context, run, this.#delivered, this.#extras)
      else settleUndelivered(context, this.#extras, run.row.ended === null ? 'seen' : 'ended')
      // What brought the event has forgotten the run, which may still wait for others.
      if (this.#delivered.kind === 'event') armNow(context, run)
      return
    }
    const closed = this.machine.close()
    const turn = {
      seq: this.#seq,
      delivered: this.#delivered,
      taken: this.#delivered,
      answered: this.#answered,
      at: this.machine.at,
    }
    if (closed.kind === 'threw') freezeThrown(context, run, turn, closed.error)
    else writeTurn(context, run, { ...turn, commands: closed.commands })
    const work = closed.kind === 'threw' ? '' : context.foreignWork(run)
    if (work !== '')
      context.log.warn(
        `The run "${run.row.id}" began work that is not durable${work}: what it awaits of it will not replay`,
      )
    if (this.#extras.drained !== undefined) drain(context, this.#extras.drained)
    if (this.#extras.settled !== undefined) acknowledge(context, this.#extras, 'taken')
    context.writer.seal()
  }
}

/** The code of a run threw in a turn: the delivery is kept with the error, nothing else of the turn counts. */
function freezeThrown(
  context: ShardContext,
  run: LiveRun,
  turn: Pick<WrittenTurn, 'seq' | 'delivered' | 'at'>,
  error: Error,
): void {
  const { writer } = context
  const failure = failureOf(context, run, error)
  const command: Command = { kind: 'threw', error: failure }
  const data = context.encode(turnText(turn.delivered, JSON.stringify([command])), 'turn', run.row.id)
  writer.rows.journal.push({ pos: writer.position(), run: run.row.num, seq: turn.seq, kind: 'turn', at: turn.at, data })
  freeze(context, run)
  markStuck(context, run, null, 'threw', failure, error)
}

/** Takes the machine away: nothing more is delivered until the application is opened with mended code. */
export function freeze(context: ShardContext, run: LiveRun): void {
  if (run.executor.kind === 'workflow') {
    for (const op of run.executor.machine.pending.keys()) context.effects.drop(run.row.num, op)
  }
  context.receivers.forget(run.row.num)
  const seen = run.executor.kind === 'workflow' ? run.executor.machine.mailbox.seen : []
  run.executor = { kind: 'frozen', seen: new Set(seen) }
}

/** The code of a run did something outside a turn. */
export function blameRun(context: ShardContext, run: LiveRun, error: Error): void {
  if (run.executor.kind !== 'workflow' || run.row.ended !== null) return
  freeze(context, run)
  markStuck(context, run, null, 'threw', failureOf(context, run, threw(`the run "${run.row.id}"`, error)), error)
}

/** What is kept of a fault in the code of a run; a foreign await is named where that is watched. */
function failureOf(context: ShardContext, run: LiveRun, error: Error): Failure {
  if (!isBalletError(error) || error.code !== 'FOREIGN_AWAIT') return toFailure(error)
  return toFailure(fault('FOREIGN_AWAIT', { ...error.details, work: context.foreignWork(run) }))
}

/** Begins a run of one call, when its lane lets it. */
export async function releaseSolo(context: ShardContext, run: LiveRun): Promise<void> {
  const { executor, row } = run
  if (executor.kind !== 'solo' || row.ended !== null || run.stuckOps.size > 0 || row.status === 'stuck') return
  const { solo } = executor
  if (solo.target === 'operation') {
    executor.command = soloCommand(solo)
    const { op } = executor.command
    context.writer.onDurable(() => startEffect(context, run, op))
    return context.writer.flush()
  }
  await startWorkflow(context, run)
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
  await context.claims.settle('run', id, (taken) => begin(context, run, command, taken))
}

function begin(context: ShardContext, run: LiveRun, command: Command, taken: Taken | null): void {
  invariant(command.kind === 'child', 'only a workflow is started so')
  if (taken !== null && taken.hash !== startHash(context, command.call, parseText(command.raw ?? command.input))) {
    return markStuck(context, run, null, 'conflict', toFailure(fault('RUN_CONFLICT', { id: command.run })))
  }
  const output = JSON.stringify({ run: command.run })
  const start: Delivered = { kind: 'start', seed: 0 }
  const commands: readonly Command[] = [...(taken === null ? [command] : []), { kind: 'end', output }]
  writeTurn(context, run, {
    seq: run.seq++,
    delivered: start,
    taken: start,
    answered: undefined,
    commands,
    at: context.now(),
  })
  context.writer.flush()
}

function answerSolo(context: ShardContext, run: LiveRun, delivered: Delivered): void {
  const { executor, row } = run
  if (executor.kind !== 'solo' || row.ended !== null || (delivered.kind !== 'done' && delivered.kind !== 'failed'))
    return
  const answered = executor.command ?? undefined
  writeTurn(context, run, {
    seq: run.seq++,
    delivered,
    taken: delivered,
    answered,
    commands: [soloEnd(executor.solo, delivered)],
    at: context.now(),
  })
  context.writer.seal()
  context.writer.flush()
}

/** Signals for a frozen run wait in its journal, in order. */
function keepMail(context: ShardContext, run: LiveRun, delivered: Delivered, extras: DeliveryExtras): void {
  if (delivered.kind !== 'signal' || run.executor.kind !== 'frozen') return
  const { seen } = run.executor
  if (seen.has(delivered.id)) return settleUndelivered(context, extras, 'seen')
  seen.add(delivered.id)
  const { writer } = context
  const data = context.encode(turnText(delivered, '[]'), 'turn', run.row.id)
  writer.rows.journal.push({
    pos: writer.position(),
    run: run.row.num,
    seq: run.seq++,
    kind: 'mail',
    at: context.now(),
    data,
  })
  settleUndelivered(context, extras, 'taken')
  writer.flush()
}

function drain(context: ShardContext, id: number): void {
  context.writer.rows.drained.push(id)
  context.writer.onDurable(() => context.inbox.gone(id))
}

function acknowledge(context: ShardContext, extras: DeliveryExtras, result: 'taken' | 'seen' | 'ended'): void {
  context.writer.acknowledgement(
    () => extras.settled?.(result),
    (error) => extras.failed?.(error),
  )
}

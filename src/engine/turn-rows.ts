// What a turn writes, and what follows once it is durable: one journal row, the rows that its commands stand for, and
// behind the commit the effects. Everything is pushed into the open batch in the order of delivery.
import { elapsedOf } from '../core/clock.ts'
import { parseText } from '../core/json-text.ts'
import { assertNever, fault } from '../core/errors.ts'
import { toFailure } from '../core/failure.ts'
import { idempotencyKey, runRef, undoneKey } from '../core/ids.ts'
import type { Machine } from '../core/machine.ts'
import { commandsText, turnText, type Command, type Delivered } from '../core/journal.ts'
import type { RunRow, TimerRow } from '../core/store.ts'
import type { CallSettings } from '../core/contracts.ts'
import type { StepWork } from '../core/issue.ts'
import { createRun, startHash, type Birth } from './births.ts'
import { continueRun } from './generations.ts'
import { callEffect, outcomeOf, stepEffect } from './calls.ts'
import type { Attempts, Effect } from './effect.ts'
import { endRun, freeIfNothingIsStuck, markStuck, setPhase } from './endings.ts'
import { setAgain } from './timer-rows.ts'
import { postNamed, recordEvent } from './facts.ts'
import { lateAnswer, lateUndone } from './late-answers.ts'
import { identityOf, type LiveRun } from './live-run.ts'
import { isHere, post } from './outbox.ts'
import type { ShardContext } from './shard-context.ts'

/** A turn that has been closed. */
export interface WrittenTurn {
  /** Of its row, taken from the run when the turn began. */
  readonly seq: number
  /** What goes into the row. */
  readonly delivered: Delivered
  /** What was delivered to the run: the same, but for a `resume`. */
  readonly taken: Delivered
  /** What was answered, if anything was; it is not pending any more. */
  readonly answered: Answered | undefined
  readonly commands: readonly Command[]
  readonly at: number
}

/** A command that was waited for, and its answer. */
export interface Answered {
  readonly by: Delivered
  readonly command: Command
}

/** What a delivery is about to answer. Asked before it is made. */
export function answeredBy({ pending }: Machine, delivered: Delivered): Answered | undefined {
  const command = 'op' in delivered ? pending.get(delivered.op)?.command : undefined
  return command && { by: delivered, command }
}

const NONE: Attempts = { failed: 0, dueAt: 0 }

/** Writes a turn of a run. */
export function writeTurn(context: ShardContext, run: LiveRun, turn: WrittenTurn): void {
  const { writer } = context
  const text = turnText(turn.delivered, commandsText(turn.commands))
  run.turns += 1
  run.counts.turns += 1
  run.bytes += text.length
  context.open.weigh(run)
  const data = context.encode(text, 'turn', run.row.id)
  writer.rows.journal.push({ pos: writer.position(), run: run.row.num, seq: turn.seq, kind: 'turn', at: turn.at, data })
  if (turn.answered !== undefined) writeAnswer(context, run, turn.answered)
  const last = turn.commands.at(-1)
  const ending = last?.kind === 'end' || last?.kind === 'fail' ? last : null
  const isLast = ending !== null || last?.kind === 'continue'
  for (const command of turn.commands) writeCommand(context, run, command, { ending: isLast, at: turn.at })
  if (run.executor.kind === 'workflow') {
    for (const { op, due } of run.executor.machine.released) dropTimer(context, { due, run: run.row.num, op })
    if (!isLast) armReceiver(context, run, turn)
  }
  if (last?.kind === 'end' && last.cancelled === undefined) tellLeftBehind(context, run, turn)
  if (ending !== null) endRun(context, run, ending)
  else if (last?.kind === 'continue') continueRun(context, run, last, turn.seq)
  else setPhase(context, run, phaseAfter(run, turn))
  const by = turn.answered?.by
  if (by !== undefined && 'op' in by && run.stuckOps.delete(by.op)) freeIfNothingIsStuck(context, run)
  writer.onDurable(() => context.watchers.touched(run.row.key))
}

/** What a body asks for in its last turn, and does not wait for, is never made: mostly an `await` was forgotten. */
function tellLeftBehind({ log }: ShardContext, { row, executor }: LiveRun, { commands }: WrittenTurn): void {
  if (executor.kind !== 'workflow') return
  for (const command of commands) {
    if (command.kind !== 'call' && command.kind !== 'step') continue
    const { op } = command
    if (executor.machine.pending.get(op)?.givenUp === false)
      log.warn(
        `The run "${row.id}" has returned without waiting for ${op}, which it asked for in the same moment: that is not made. Await it, or start it with run.start`,
        undefined,
        { run: row.id, op },
      )
  }
}

/** Whether a run that is asked to stop has failed already, and takes back what it did: it ends as failed all the same. */
export function isTooLate({ executor }: LiveRun, delivered: Delivered): boolean {
  if (delivered.kind !== 'cancel' || delivered.forced === true) return false
  return executor.kind === 'workflow' && executor.machine.failing
}

/** Where the run stands after a turn that did not end it. */
function phaseAfter(run: LiveRun, { taken, commands }: WrittenTurn): string | null {
  const { executor, row } = run
  const isCancelled = executor.kind === 'workflow' && executor.machine.cancelled !== null
  let phase = taken.kind === 'cancel' && !isTooLate(run, taken) ? 'cancelling' : row.phase
  for (const command of commands) {
    if (command.kind === 'phase') phase = command.phase ?? (isCancelled ? 'cancelling' : null)
  }
  return phase
}

/** The outcome of a call is an event; a timer that fired is gone. */
function writeAnswer(context: ShardContext, run: LiveRun, { by, command }: Answered): void {
  // Given up while its answer was on its way, it would be waited for as if an earlier attempt were all that is left of it; and
  // the next generation has a call of that name again.
  if ('op' in by && run.lingering.delete(by.op)) context.effects.drop(run.row.num, by.op)
  if (by.kind === 'timer' && 'due' in command && command.due !== undefined) {
    dropTimer(context, { due: command.due, run: run.row.num, op: command.op })
  }
  if (by.kind !== 'done' || command.kind !== 'call') return
  const operation = context.directory.operations.get(command.call)
  const outcome = operation === undefined ? null : outcomeOf(operation, by.payload)
  if (operation === undefined || outcome === null) return
  const identity = identityOf(context.environment.store, run.row)
  recordEvent(context, {
    ...outcome,
    source: operation.service,
    id: idempotencyKey(identity, command.op),
    root: run.row.root,
    cause: runRef(run.row.id),
    published: command.publish === true,
  })
}

function writeCommand(
  context: ShardContext,
  run: LiveRun,
  command: Command,
  { ending, at }: { readonly ending: boolean; readonly at: number },
): void {
  switch (command.kind) {
    case 'call':
    case 'step':
      // What is issued in the turn that ends the run is never begun.
      if (!ending) context.writer.onDurable(() => startEffect(context, run, command.op))
      break
    case 'sleep':
    case 'wait':
      if (!ending && command.due !== undefined) {
        const timer = { due: command.due, run: run.row.num, op: command.op }
        // The generation before may have dropped one of the same name and time.
        if (run.row.generation > 0) setAgain(context.writer.rows, timer)
        else context.writer.rows.timers.push(timer)
        context.timers.add(timer, at)
      }
      break
    case 'child':
      writeChild(context, run, command)
      break
    case 'join':
      if (!ending) context.joined(command.run, run.row.num, command.op)
      break
    case 'emit':
      writeEmit(context, run, command)
      break
    case 'send':
      writeSend(context, run, command)
      break
    case 'drop':
      giveUp(context, run, command)
      break
    case 'stop':
      writeStop(context, run, command.run)
      break
    case 'set':
    case 'patch':
    case 'phase':
    case 'end':
    case 'fail':
    case 'threw':
    case 'continue':
      break
    default:
      assertNever(command)
  }
}

/**
 * Starts the effect of a pending call or step. Called when its turn is durable; the run may have ended since. Settings
 * that their author has changed since the call was made, so that they mean nothing, park the call.
 */
export function startEffect(context: ShardContext, run: LiveRun, op: string): void {
  try {
    start(context, run, op)
  } catch (error) {
    run.stuckOps.add(op)
    markStuck(context, run, op, 'call', toFailure(error))
  }
}

function start(context: ShardContext, run: LiveRun, op: string): void {
  // The run has ended since, or has given it up: then it is not made.
  if (run.row.ended !== null) return
  if (run.executor.kind === 'workflow' && run.executor.machine.pending.get(op)?.givenUp === true) return
  const effect = effectOf(context, run, op)
  if (effect === undefined) return
  if (effect.mustSucceed) run.undosBegun.add(op)
  context.effects.start(effect)
}

/** The effect of a call or step that a run waits for; undefined when it does not. @throws DEFINITION_INVALID, DURATION_INVALID */
export function effectOf(context: ShardContext, run: LiveRun, op: string): Effect | undefined {
  const attempts = run.attempts.get(op) ?? NONE
  const { environment, directory } = context
  const { executor, row } = run
  if (executor.kind === 'solo') {
    const { command } = executor
    if (command?.kind !== 'call') return undefined
    const late = lateUndone(row)
    const undone =
      late === null
        ? null
        : undoneKey({ store: environment.store, ns: row.ns, id: late.id, generation: 0 }, late.undoes)
    const operation = directory.operations.get(command.call)
    return { ...callEffect(environment, row, command, operation, undefined, attempts, undone), late: () => undefined }
  }
  const pending = executor.kind === 'workflow' ? executor.machine.pending.get(op) : undefined
  if (pending?.command.kind === 'call') {
    const { command, work } = pending
    const operation = directory.operations.get(command.call)
    const { undoes } = command
    const undone = undoes === undefined ? null : undoneKey(identityOf(environment.store, row), undoes)
    const effect = callEffect(environment, row, command, operation, work as CallSettings | undefined, attempts, undone)
    return { ...effect, late: lateAnswer(context, run, op) }
  }
  if (pending?.command.kind !== 'step') return undefined
  const effect = stepEffect(environment, row, op, pending.work as StepWork, attempts)
  return { ...effect, late: lateAnswer(context, run, op) }
}

/** A call or step that its run has given up; one that is to be taken back is waited for until it has settled. */
function giveUp(context: ShardContext, run: LiveRun, { op, settles }: Extract<Command, { kind: 'drop' }>): void {
  if (run.stuckOps.delete(op)) freeIfNothingIsStuck(context, run)
  if (settles === true) return settleGivenUp(context, run, op)
  context.effects.drop(run.row.num, op)
  context.environment.heartbeats.settled(run.row.num, op)
}

/**
 * Sees to it that a call that was given up settles: by the answer of the attempt that is under way; when none is, at once.
 * An attempt of an earlier life may be under way too, whatever has come of those of this one: its time must be over first.
 */
export function settleGivenUp(context: ShardContext, run: LiveRun, op: string): void {
  const effect = effectOf(context, run, op)
  // A child answers when it has ended.
  if (effect === undefined) return
  const since = run.lingering.get(op)
  const until = since === undefined ? 0 : since + effect.timeoutMs
  if (context.effects.giveUp(run.row.num, op, until)) return
  if (until > elapsedOf(context.clock)) return context.effects.outwait(effect, until)
  const error = toFailure(fault('CALL_ABORTED', { call: effect.name }))
  const settling = (): void => context.environment.heartbeats.settled(run.row.num, op)
  context.deliver(run.row.num, { kind: 'failed', op, error }, { settling })
}

/**
 * The run that a command asks for, as the code of now judges it. @throws KEY_INVALID
 * @param id of the child: that of the command, or of the run that takes its place.
 */
export function childBirth(
  context: ShardContext,
  run: LiveRun,
  command: Extract<Command, { kind: 'child' }>,
  id: string = command.run,
): Birth {
  const input: unknown = parseText(command.input)
  return {
    id,
    kind: context.directory.operations.has(command.call) ? 'operation' : 'workflow',
    name: command.call,
    call: command.call,
    key: context.directory.runKey(command.call, input) ?? run.row.key,
    root: run.row.root,
    cause: runRef(run.row.id),
    parent: run.row.num,
    parentOp: command.op,
    input: command.input,
    hash: startHash(context, command.call, command.raw === undefined ? input : parseText(command.raw)),
  }
}

/** @param birth of the child that the command asks for. */
export function writeChild(
  context: ShardContext,
  run: LiveRun,
  command: Extract<Command, { kind: 'child' }>,
  birth: Birth = childBirth(context, run, command),
): void {
  const child = createRun(context, birth)
  if (command.wait) context.open.join(birth.id, run.row.num, command.op)
  context.begin(child)
}

function writeEmit(context: ShardContext, run: LiveRun, command: Extract<Command, { kind: 'emit' }>): void {
  const identity = identityOf(context.environment.store, run.row)
  const { type, key, input } = command
  const fact = {
    type,
    key,
    source: command.source ?? run.row.name,
    id: command.id ?? idempotencyKey(identity, command.op),
    data: input,
    root: run.row.root,
    cause: runRef(run.row.id),
    published: true,
  }
  if (command.id === undefined) recordEvent(context, fact)
  else postNamed(context, fact, command.raw ?? input)
}

/**
 * A signal to another run goes through the inbox, in this turn's commit: it cannot be lost between the two. What its schema
 * made of it goes with it, and is what that run gets: a second look would alter it again, or refuse it.
 */
function writeSend(context: ShardContext, run: LiveRun, command: Extract<Command, { kind: 'send' }>): void {
  const identity = identityOf(context.environment.store, run.row)
  const text = JSON.stringify({
    run: command.run,
    name: command.name,
    id: idempotencyKey(identity, command.op),
    data: parseText(command.raw ?? command.input),
    judged: { payload: command.input, said: true },
  })
  post(context, 'signal', command.run, text)
}

/** A child is asked to stop, through the inbox, as with a signal. */
function writeStop(context: ShardContext, run: LiveRun, child: string): void {
  const body = { run: child, by: runRef(run.row.id), why: 'the run that started it has given it up' }
  post(context, 'cancel', child, JSON.stringify(body))
}

function armReceiver(context: ShardContext, run: LiveRun, turn: WrittenTurn): void {
  if (run.executor.kind !== 'workflow' || run.row.key === null) return
  const changed =
    turn.taken.kind === 'event' ||
    turn.taken.kind === 'timer' ||
    turn.commands.some((command) => command.kind === 'wait')
  // At once: what is read is durable whatever becomes of this turn, and the run may be parked before its commit.
  if (changed) armNow(context, run)
}

/** Registers the events that a run waits for now. */
export function armNow(context: ShardContext, run: LiveRun): void {
  const { executor, row } = run
  if (executor.kind !== 'workflow' || row.key === null || row.ended !== null) return
  const cursors = new Map<string, number>()
  for (const { command } of executor.machine.pending.values()) {
    if (command.kind !== 'wait') continue
    for (const name of command.names) {
      if (name.startsWith('event:'))
        cursors.set(name.slice(6), Math.max(executor.machine.mailbox.cursor(name.slice(6)), originOf(row)))
    }
  }
  if (cursors.size === 0) context.receivers.forget(row.num)
  else if (!isHere(context, row.key)) context.blame(run, fault('EVENTS_ELSEWHERE', { id: row.id, key: row.key }))
  else context.receivers.arm({ run: row.num, ns: row.ns, key: row.key, cursors })
}

/**
 * Where a run begins to listen: at its birth, or at that of the reaction that started it, which stands right behind the
 * event that caused both. Only a reaction starts a workflow under an id that is not derived from its own.
 */
function originOf({ num, id, parent }: RunRow): number {
  return parent === null || id.includes('~') ? num : parent
}

function dropTimer(context: ShardContext, timer: TimerRow): void {
  context.writer.rows.timersGone.push(timer)
  context.timers.remove(timer)
}

// Opens a run that is on disk: replays it and takes up what it was doing. Used for every open run at recovery, and for
// a parked one when something comes for it. Recovery goes through the same turns as live work.
import { elapsedOf } from '../core/clock.ts'
import { fault, invariant } from '../core/errors.ts'
import { toFailure, type Failure } from '../core/failure.ts'
import type { Delivered } from '../core/journal.ts'
import type { Machine } from '../core/machine.ts'
import { isUndo, type Pending } from '../core/pending.ts'
import type { JsonText } from '../core/json.ts'
import type { RunRow } from '../core/store.ts'
import { liveRun } from './births.ts'
import { takeUpConductor } from './conducting.ts'
import { DeliveryJob, freeze, giveHeld, keepSeen } from './deliveries.ts'
import { mapAgain } from './facts.ts'
import { markFreed, markStuck } from './endings.ts'
import { answeredByMail, HistoryReader, keptStop, pagesOf, sealedBy, unreadableRows, type History } from './history.ts'
import { childOf, type LiveRun } from './live-run.ts'
import { tooLong } from './long-runs.ts'
import { keepMailOn } from './mail.ts'
import type { TurnJob } from './pump.ts'
import { answerHeld, Replay, type Held, type Replayed } from './replayer.ts'
import type { DeliveryResult, ForcedStop, ShardContext } from './shard-context.ts'
import { outwaitSolo } from './solo-runs.ts'
import { answeredBy, armNow, settleGivenUp, startEffect, writeTurn, type Answered } from './turn-rows.ts'

/** A run that has been brought back, and what is left to take up. */
export interface Loaded {
  readonly run: LiveRun
  readonly history: History
  readonly replayed: Replayed
}

/** Replays a run from the store. Everything that this process wrote of it must be durable. */
export async function loadRun(context: ShardContext, row: RunRow): Promise<Loaded> {
  const reader = new HistoryReader(context, row)
  let coming: Coming | null = null
  let wrong: Error | null = null
  try {
    for await (const rows of pagesOf(context, row)) {
      try {
        const turns = reader.take(rows)
        if (wrong !== null) continue
        coming ??= bringBack(context, row, reader.carry)
        coming.replay?.add(turns)
        await coming.replay?.room()
      } catch (error) {
        // The rest is read all the same: how far the journal goes has to be known.
        wrong ??= unreadableRows(row, error)
      }
    }
    if (coming !== null && wrong === null) return await arrive(context, coming, reader.history)
  } catch (error) {
    wrong = sealedBy(row, error)
  } finally {
    if (coming !== null && wrong !== null) forget(coming, wrong)
  }
  invariant(wrong !== null, 'a journal that was not read has a reason')
  return unreadable(context, row, reader.history.nextSeq, wrong)
}

/** A run that is being brought back. */
interface Coming {
  readonly run: LiveRun
  readonly replay: Replay | null
}

function bringBack(context: ShardContext, row: RunRow, carry: JsonText | null): Coming {
  const run = liveRun(context, row, context.decode(row.input, 'input', row.id), carry)
  if (run.executor.kind !== 'workflow') return { run, replay: null }
  const { pump, environment } = context
  return { run, replay: new Replay(pump, row.name, run.executor.machine, environment.current) }
}

async function arrive(context: ShardContext, { run, replay }: Coming, history: History): Promise<Loaded> {
  run.seq = history.nextSeq
  run.turns = history.turns
  run.bytes = history.bytes
  for (const op of history.stuckOps.keys()) run.stuckOps.add(op)
  for (const [op, child] of history.again) run.again.set(op, child)
  for (const [op, attempts] of history.attempts) run.attempts.set(op, attempts)
  const replayed: Replayed = replay === null ? { kind: 'ready' } : await replay.finish()
  await context.environment.heartbeats.take(run)
  return { run, history, replayed }
}

/** Another stands for the run: nothing more is made of this one, and whatever its code still does is nobody's fault. */
function forget({ run, replay }: Coming, error: Error): void {
  replay?.abandon(error)
  run.executor = { kind: 'frozen', seen: new Map() }
}

/** A run whose rows cannot be read is frozen as they are: it is one run's fault, and the others are opened. */
function unreadable(context: ShardContext, row: RunRow, nextSeq: number, error: Error): Loaded {
  const run = liveRun(context, row, 'null')
  run.executor = { kind: 'frozen', seen: new Map(), sealed: error }
  run.seq = nextSeq
  const history = {
    turns: 0,
    attempts: new Map(),
    stuckOps: new Map<string, Failure>(),
    again: new Map<string, string>(),
    mail: [],
    seen: new Map<string, string | undefined>(),
    cancelled: null,
    failure: null,
    lost: null,
    nextSeq: run.seq,
    carry: null,
    bytes: 0,
    isRetried: false,
  }
  return { run, history, replayed: { kind: 'diverged', error } }
}

/**
 * Takes up what a loaded run was doing. The run is among the open ones.
 * @param stop the run is only to take back what it did, and to end.
 */
export function takeUp(context: ShardContext, loaded: Loaded, stop?: ForcedStop): void {
  const { run, history, replayed } = loaded
  const { executor } = run
  if (executor.kind === 'workflow') linger(context, loaded, executor.machine)
  const kept = keptStop(history)
  // It is not to go on with the turn that threw, which might end it.
  const forced = stop ?? (replayed.kind === 'threw' && kept !== undefined ? forcedBy(kept) : undefined)
  if (forced?.delivered.forced === true && executor.kind === 'workflow' && replayed.kind !== 'diverged')
    return stopLoaded(context, loaded, executor.machine, forced)
  // A run that is too long goes on only to take back what it did.
  const long = stop === undefined && kept === undefined && history.cancelled === null ? tooLong(context, run) : null
  if (long !== null) return parkTooLong(context, run, history, long)
  // A workflow that goes on is told first: what it goes on with begins behind that.
  const isTold = executor.kind === 'workflow' && replayed.kind === 'ready' && executor.machine.begun
  if (stop !== undefined && !isTold) context.deliver(run.row.num, stop.delivered, stop.extras)
  takeUpOpen(context, loaded, isTold ? stop : undefined)
}

const forcedBy = (kept: ForcedStop['delivered']): ForcedStop => ({ delivered: { ...kept, forced: true }, extras: {} })

/** What was under way in an earlier life may still be, but for what was answered, or is known to have failed for good. */
function linger(context: ShardContext, { run, history, replayed }: Loaded, machine: Machine): void {
  const answered = replayed.kind === 'threw' ? opOf(replayed) : null
  const kept = answeredByMail(history)
  for (const op of machine.pending.keys())
    if (op !== answered && !kept.has(op) && !run.stuckOps.has(op)) run.lingering.set(op, elapsedOf(context.clock))
}

/** The operation whose answer its code could not take. */
function opOf({ first: { delivered } }: Held): string | null {
  return 'op' in delivered ? delivered.op : null
}

/** Nothing of its body is run any more. What it was delivered when it threw is known all the same. */
function stopLoaded(
  context: ShardContext,
  { run, history, replayed }: Loaded,
  machine: Machine,
  { delivered, extras }: ForcedStop,
): void {
  const held = replayed.kind === 'threw' ? replayed : null
  const answered = held === null ? null : opOf(held)
  const kept = answeredByMail(history)
  for (const pending of machine.pending.values()) {
    if (pending.op !== answered && !kept.has(pending.op)) takeUpStopped(context, run, pending)
  }
  markFreed(context, run, `${delivered.by} asked it to stop`)
  const stopping = held === null ? delivered : { ...delivered, of: held.first.seq }
  context.suspects.turn(run, new DeliveryJob(context, run, stopping, extras, held))
  // What its calls came to decides on what is taken back. Nobody reads its signals, but what comes twice is still known.
  for (const mail of history.mail) context.deliver(run.row.num, mail)
}

/** What a run that is stopped still waits for: what it takes back, and what has to settle before. */
function takeUpStopped(context: ShardContext, run: LiveRun, pending: Pending): void {
  const { op, command, givenUp } = pending
  if (command.kind === 'child' || command.kind === 'join') return context.joined(childOf(run, command), run.row.num, op)
  if (givenUp) return settleGivenUp(context, run, op)
  if (isUndo(pending) && !run.stuckOps.has(op)) startEffect(context, run, op)
}

function takeUpOpen(context: ShardContext, { run, history, replayed }: Loaded, stop?: ForcedStop): void {
  switch (run.executor.kind) {
    case 'frozen':
      context.conducts.pause(run.row.num, true)
      park(
        context,
        run,
        history,
        replayed.kind === 'diverged'
          ? replayed.error
          : fault('CODE_MISSING', { run: `The run "${run.row.id}"`, call: run.row.call }),
      )
      break
    case 'solo':
      if (run.row.call === '' && keptStop(history) === undefined && mapAgain(context, run, history.isRetried))
        return endWithNothing(context, run)
      // It did not fit its definition, and nothing of it has begun: today's may do.
      if (run.row.status === 'stuck' && run.stuckOps.size === 0 && run.row.call !== '')
        markFreed(context, run, 'its definition is tried again')
      // It could not be read for a while, and its call is stuck as before.
      else if (run.row.status === 'stuck' && run.row.reason === 'unreadable') freeGoingOn(context, run, history)
      if (history.cancelled !== null) return outwaitSolo(context, run, history.cancelled)
      // Asked to stop while it was left alone: then it does not begin.
      for (const mail of history.mail) context.deliver(run.row.num, mail)
      if (run.row.ended === null) context.begin(run)
      break
    case 'conductor':
      // Its choreography is back.
      if (run.row.status === 'stuck') markFreed(context, run, 'its choreography is there')
      takeUpConductor(context, run, history)
      for (const mail of history.mail) context.deliver(run.row.num, mail)
      break
    case 'workflow':
      if (replayed.kind === 'diverged') park(context, run, history, replayed.error)
      else if (replayed.kind === 'threw')
        context.suspects.turn(run, new ResumeJob(context, { run, history, replayed }, run.executor.machine, replayed))
      else if (!run.executor.machine.begun) beginWorkflow(context, run, history)
      else takeUpWorkflow(context, run, history, [...run.executor.machine.pending.values()], stop)
      break
  }
}

/** A reaction whose mended mapping asks for nothing. */
function endWithNothing(context: ShardContext, run: LiveRun): void {
  const delivered: Delivered = { kind: 'start', seed: 0 }
  writeTurn(context, run, {
    seq: run.seq++,
    delivered,
    taken: delivered,
    answered: undefined,
    commands: [{ kind: 'end', output: undefined }],
    at: context.now(),
  })
}

/** Its body has not begun: its time had not come, its code was gone, or the process ended before. */
function beginWorkflow(context: ShardContext, run: LiveRun, history: History): void {
  if (run.row.status === 'stuck') markFreed(context, run, 'its code is there')
  // Asked to stop before that, it does not begin.
  if (keptStop(history) === undefined) context.begin(run)
  for (const mail of history.mail) context.deliver(run.row.num, mail)
}

/** @param stop asks it to stop, before anything else. */
function takeUpWorkflow(
  context: ShardContext,
  run: LiveRun,
  history: History,
  waiting: readonly Pending[],
  stop?: ForcedStop,
): void {
  const { row } = run
  if (row.status === 'stuck') freeGoingOn(context, run, history)
  // It may have been asked to stop while it was left alone: then what goes on all the same begins behind that.
  const isStopping = stop !== undefined || keptStop(history) !== undefined
  const kept = answeredByMail(history)
  for (const { op, command, givenUp, at } of waiting) {
    switch (command.kind) {
      case 'call':
      case 'step':
        // Its answer is there, and comes with the mail.
        if (kept.has(op)) break
        if (givenUp) settleGivenUp(context, run, op)
        else if (!run.stuckOps.has(op) && !isStopping) startEffect(context, run, op)
        break
      case 'sleep':
      case 'wait':
        if (command.due !== undefined) context.timers.add({ due: command.due, run: row.num, op }, at)
        break
      case 'child':
      case 'join':
        context.joined(childOf(run, command), row.num, op)
        break
      default:
        invariant(false, `${command.kind} is never waited for`)
    }
  }
  armNow(context, run)
  const settled = (): void => {
    for (const { op } of waiting) if (!run.stuckOps.has(op) && !kept.has(op)) startEffect(context, run, op)
  }
  if (stop !== undefined) {
    const { delivered, extras } = stop
    const both = (result: DeliveryResult): void => {
      extras.settled?.(result)
      settled()
    }
    context.deliver(row.num, delivered, { ...extras, settled: both })
  }
  for (const mail of history.mail) context.deliver(row.num, mail, mail.kind === 'cancel' ? { settled } : {})
}

/** The code of a run goes on; it stays stuck by its calls, if any are. */
function freeGoingOn(context: ShardContext, run: LiveRun, history: History): void {
  const [op] = run.stuckOps
  if (op === undefined) return markFreed(context, run, 'its code goes on')
  const error = history.stuckOps.get(op)
  if (run.row.reason !== 'call' && error !== undefined) markStuck(context, run, op, 'call', error)
}

/** A run that has been too long since it was parked for that, or since the limit was lowered. */
function parkTooLong(context: ShardContext, run: LiveRun, history: History, error: Error): void {
  freeze(context, run)
  keepSeen(run, history)
  // One that threw is stopped without its code, which is another matter.
  const isKnown = run.row.status === 'stuck' && (run.row.reason === 'limit' || run.row.reason === 'threw')
  if (!isKnown) markStuck(context, run, null, 'limit', toFailure(error))
}

/** Freezes a run whose code does not fit its journal; that is written only if it was not known before, or was retried. */
function park(context: ShardContext, run: LiveRun, history: History, error: Error): void {
  if (run.executor.kind !== 'frozen') freeze(context, run)
  keepSeen(run, history)
  const isSealed = run.executor.kind === 'frozen' && run.executor.sealed !== undefined
  const reason = isSealed ? 'unreadable' : 'diverged'
  if (run.row.status !== 'stuck' || run.row.reason !== reason || history.isRetried)
    markStuck(context, run, null, reason, toFailure(error))
}

/** Does a turn that threw again, with today's code. */
class ResumeJob implements TurnJob {
  readonly workflow: string
  readonly #context: ShardContext
  readonly #loaded: Loaded
  readonly machine: Machine
  readonly #threw: Extract<Replayed, { kind: 'threw' }>
  #answered: Answered | undefined
  #seq = 0
  /** What was under way before: it is taken up again. What the turn issues anew waits for its commit. */
  #before: readonly Pending[] = []

  constructor(context: ShardContext, loaded: Loaded, machine: Machine, threw: Extract<Replayed, { kind: 'threw' }>) {
    this.#context = context
    this.#loaded = loaded
    this.machine = machine
    this.#threw = threw
    this.workflow = loaded.run.row.name
    loaded.run.queued += 1
    loaded.run.isResuming = true
  }

  begin(): void {
    const { delivered } = this.#threw
    const held = answerHeld(delivered, this.#threw)
    this.#before = [...this.machine.pending.values()]
    this.#answered = answeredBy(this.machine, held ?? delivered)
    this.#seq = this.#loaded.run.seq++
    this.#context.environment.current.turn(this.#loaded.run.row.id, this.#loaded.run.turns)
    this.machine.deliver(delivered, this.#context.now(), this.#seq, null, held)
  }

  end(): void {
    const { run } = this.#loaded
    this.#context.environment.current.over()
    run.queued -= 1
    run.isResuming = false
    try {
      this.#end()
    } finally {
      giveHeld(run)
    }
  }

  #end(): void {
    const { run, history } = this.#loaded
    const context = this.#context
    if (!this.machine.active) return
    const closed = this.machine.close()
    // Still broken: the turn that says so is in the journal already; its row may say otherwise, and whoever retried it is told.
    if (closed.kind === 'threw') {
      freeze(context, run)
      if (run.row.reason !== 'threw' || history.isRetried)
        markStuck(context, run, null, 'threw', toFailure(closed.error), closed.error)
      return keepSeen(run, history)
    }
    const delivered: Delivered = { kind: 'resume', of: this.#threw.seq }
    writeTurn(context, run, {
      seq: this.#seq,
      delivered,
      taken: this.#threw.delivered,
      answered: this.#answered,
      commands: closed.commands,
      at: this.machine.at,
    })
    if (run.row.ended !== null) return
    if (run.executor.kind === 'workflow' && run.executor.machine !== this.machine) {
      if (run.row.status === 'stuck') markFreed(context, run, 'its code goes on')
      return keepMailOn(context, run, history.mail)
    }
    if (!this.machine.begun) return beginWorkflow(context, run, history)
    takeUpWorkflow(
      context,
      run,
      history,
      this.#before.filter(({ op }) => this.machine.pending.has(op)),
    )
  }
}

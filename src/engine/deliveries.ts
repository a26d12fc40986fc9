// Deliveries to open runs. A workflow gets each in a macrotask of its own (pump.ts); a run of one call answers at once.
// A run that is parked is loaded first; one that is frozen keeps signals as mail and takes nothing else: what it was
// waiting for is asked for again, under the same key, when its code is mended.
import { asError, fault, isBalletError } from '../core/errors.ts'
import { threw, toFailure, type Failure } from '../core/failure.ts'
import { turnText, type Command, type Delivered } from '../core/journal.ts'
import { type Machine } from '../core/machine.ts'
import { isOtherSignal, type SeenSignals } from '../core/mailbox.ts'
import { splitKey } from '../core/names.ts'
import { isUndo } from '../core/pending.ts'
import type { EventRow } from '../core/store.ts'
import { cancelConductor } from './conducting.ts'
import { markStuck, writeNote } from './endings.ts'
import type { History } from './history.ts'
import { parkDamaged } from './joins.ts'
import { childOf, machineOfRun, type LiveRun } from './live-run.ts'
import { tellLong, tooLong, tooWide } from './long-runs.ts'
import { keep, keepFirst, told } from './mail.ts'
import { ownTimerFired } from './own-timers.ts'
import type { TurnJob } from './pump.ts'
import { answerHeld, type Held } from './replayer.ts'
import { isOwnTimer } from './schedule.ts'
import { deliverLate, settleDelivery } from './settle.ts'
import type { DeliveryExtras, DeliveryResult, ShardContext } from './shard-context.ts'
import { answerSolo, cancelSolo } from './solo-runs.ts'
import { answeredBy, armNow, isTooLate, writeTurn, type Answered, type WrittenTurn } from './turn-rows.ts'

/** Gives something to a live run. */
export function deliverTo(context: ShardContext, run: LiveRun, delivered: Delivered, extras: DeliveryExtras): void {
  if (delivered.kind === 'timer' && isOwnTimer(delivered.op)) {
    ownTimerFired(context, run, delivered.op)
    return settleDelivery(context, extras, 'taken')
  }
  switch (run.executor.kind) {
    case 'workflow':
      if (run.isResuming) hold(context, run, delivered, extras)
      else if (!isUndoThatFailed(context, run, delivered, extras))
        takeTurn(context, run, run.executor.machine, delivered, extras)
      break
    case 'solo':
      if (delivered.kind === 'cancel') cancelSolo(context, run, delivered, extras)
      else answerSolo(context, run, delivered, extras)
      break
    case 'conductor':
      if (delivered.kind === 'cancel') cancelConductor(context, run, delivered, extras)
      else settleDelivery(context, extras, 'seen')
      break
    case 'frozen':
      if (run.queued > 0) hold(context, run, delivered, extras)
      else deliverFrozen(context, run, delivered, extras)
      break
  }
}

/** Gives something to a workflow in a turn: after a process has died not before what could bring about the same again is durable. */
function takeTurn(
  context: ShardContext,
  run: LiveRun,
  machine: Machine,
  delivered: Delivered,
  extras: DeliveryExtras,
): void {
  const { suspects } = context
  const isRefused = extras.isRefusable === true && isTooLate(run, delivered)
  const isFirstKept = suspects.isWary && !isRefused && isFromOutside(context, run, machine, delivered)
  const given = isFirstKept ? keepFirst(context, run, delivered) : delivered
  const isFresh = isFirstKept || (suspects.isWary && delivered.kind === 'start')
  suspects.turn(run, new DeliveryJob(context, run, given, extras), isFresh)
}

/** Whether something was said by somebody outside, who may say it again, and the run will take it. */
function isFromOutside({ limits }: ShardContext, run: LiveRun, machine: Machine, delivered: Delivered): boolean {
  if (delivered.kind !== 'signal' && !('by' in delivered)) return false
  if (delivered.mail !== undefined || !machine.accepts(delivered)) return false
  // What is kept is not refused any more.
  return delivered.kind !== 'signal' || machine.mailbox.unread + run.queued < limits.signals
}

/** Its code cannot go on, but its journal says what there is to take back, if it can be read. */
function deliverFrozen(context: ShardContext, run: LiveRun, delivered: Delivered, extras: DeliveryExtras): void {
  const { executor, row, queued } = run
  const isSealed = executor.kind === 'frozen' && executor.sealed !== undefined
  const isStop = delivered.kind === 'cancel' && !isSealed && (row.reason === 'threw' || row.reason === 'limit')
  if (!isStop) keepMail(context, run, delivered, extras)
  // It is brought back anew: turns that are queued would come to one that is gone.
  else if (queued > 0) hold(context, run, delivered, extras)
  else if (row.reason === 'limit') context.thaw(run, { delivered, extras })
  else context.thaw(run, { delivered: { ...delivered, forced: true }, extras })
}

/** Turns that were queued before are ended first, and what came for them is kept: what comes now stays behind that. */
function hold(context: ShardContext, run: LiveRun, delivered: Delivered, extras: DeliveryExtras): void {
  run.held.push(() => deliverLate(context, run.row.num, delivered, extras))
}

/** A turn of the run has been ended. After the last one it gets what had to wait. */
export function giveHeld(run: LiveRun): void {
  if (run.queued === 0) for (const give of run.held.splice(0)) give()
}

/** Gives an event of its key to a run, which may be parked. */
export function deliverEvent(context: ShardContext, run: number, event: EventRow): void {
  const { type, pos, source, id } = event
  let payload: string
  try {
    payload = context.decode(event.data, 'event', id)
  } catch (error) {
    return parkDamaged(context, run, `the event ${id}`, error)
  }
  context.deliver(run, { kind: 'event', type, pos, source, id, key: splitKey(event.key).value, payload })
}

/** An undo is never skipped: a workflow that was to take something back and failed leaves that to a person. */
function isUndoThatFailed(context: ShardContext, run: LiveRun, delivered: Delivered, extras: DeliveryExtras): boolean {
  if (delivered.kind !== 'failed' || delivered.by !== undefined || run.executor.kind !== 'workflow') return false
  const pending = run.executor.machine.pending.get(delivered.op)
  if (pending === undefined || !isUndo(pending) || !isMeant(run, pending.command, extras)) return false
  if (!run.stuckOps.has(delivered.op)) {
    run.stuckOps.add(delivered.op)
    markStuck(context, run, delivered.op, 'call', delivered.error)
  }
  return true
}

/**
 * Whether what answers a command is meant for it: the end of another run is the end that is waited for, and a timer is that of
 * this sleep, and not of one that an earlier generation gave the same name.
 */
function isMeant(run: LiveRun, command: Command | undefined, { ended, due }: DeliveryExtras): boolean {
  if (due !== undefined) return command !== undefined && 'due' in command && command.due === due
  if (ended === undefined) return true
  return (command?.kind === 'child' || command?.kind === 'join') && childOf(run, command) === ended
}

/** One delivery to a workflow: begin delivers, end closes the turn and writes it. */
export class DeliveryJob implements TurnJob {
  readonly run: LiveRun
  readonly workflow: string
  cost = 1
  readonly #context: ShardContext
  delivered: Delivered
  readonly #extras: DeliveryExtras
  machine: Machine | null = null
  readonly #held: Held | null
  #answered: Answered | undefined
  #full = false
  /** Of the turn's row: its random numbers come from it, so it is taken before the turn; a note may follow meanwhile. */
  #seq = 0

  /** @param held the turn that threw, when a run is stopped there. */
  constructor(
    context: ShardContext,
    run: LiveRun,
    delivered: Delivered,
    extras: DeliveryExtras,
    held: Held | null = null,
  ) {
    this.run = run
    this.workflow = run.row.name
    this.#context = context
    this.delivered = delivered
    this.#held = held
    this.#extras = extras
    run.queued += 1
    if ('mail' in delivered) run.mail.add(this)
  }

  begin(): void {
    const { executor, row } = this.run
    const delivered = this.delivered
    if (executor.kind !== 'workflow' || row.ended !== null || !executor.machine.accepts(delivered)) return
    const command = 'op' in delivered ? executor.machine.pending.get(delivered.op)?.command : undefined
    if (!isMeant(this.run, command, this.#extras)) return
    if (this.#extras.isRefusable === true && isTooLate(this.run, delivered)) return
    if (this.#isFull(executor.machine)) return
    const long = delivered.kind === 'cancel' ? null : tooLong(this.#context, this.run)
    if (long !== null) {
      freeze(this.#context, this.run)
      return markStuck(this.#context, this.run, null, 'limit', toFailure(long))
    }
    this.machine = executor.machine
    const held = answerHeld(delivered, this.#held)
    this.#answered = answeredBy(executor.machine, held ?? delivered)
    this.#seq = this.run.seq++
    this.#context.environment.current.turn(row.id, this.run.turns)
    executor.machine.deliver(delivered, this.#context.now(), this.#seq, null, held)
  }

  /** A signal by hand that nobody waits for, when the run holds as many as it may. What lay in the inbox, or is kept, was acknowledged. */
  #isFull(machine: Machine): boolean {
    const { kind } = this.delivered
    if (kind !== 'signal' || this.delivered.mail !== undefined || this.#extras.drained !== undefined) return false
    if (machine.mailbox.unread < this.#context.limits.signals) return false
    return (this.#full = !machine.waitsFor(`signal:${this.delivered.name}`))
  }

  end(): void {
    const { run } = this
    this.#context.environment.current.over()
    run.queued -= 1
    run.mail.delete(this)
    try {
      this.#end()
    } catch (error) {
      this.#extras.failed?.(asError(error))
      throw error
    } finally {
      giveHeld(run)
    }
  }

  #end(): void {
    const { run } = this
    const context = this.#context
    if (this.#full) return settleDelivery(context, this.#extras, 'full')
    if (this.machine === null) {
      const { executor, row } = run
      if (executor.kind === 'frozen' && row.ended === null) deliverFrozen(context, run, this.delivered, this.#extras)
      else {
        const had = row.ended === null ? hadAs(run, this.delivered) : 'ended'
        if (had === 'failing') tellTooLate(context, run, this.delivered)
        settleDelivery(context, this.#extras, had)
      }
      // What brought the event has forgotten the run, which may still wait for others.
      if (this.delivered.kind === 'event') armNow(context, run)
      return
    }
    const closed = this.machine.close()
    const turn = {
      seq: this.#seq,
      delivered: told(this.delivered),
      taken: told(this.delivered),
      answered: this.#answered,
      at: this.machine.at,
    }
    const wrong = closed.kind === 'threw' ? closed.error : tooWide(context, run, closed)
    if (wrong !== null) freezeThrown(context, run, turn, wrong)
    else if (closed.kind !== 'threw') {
      this.cost += closed.commands.length
      writeTurn(context, run, { ...turn, commands: closed.commands })
      tellTooLate(context, run, this.delivered)
      tellLong(context, run)
    }
    const work = wrong === null ? context.foreignWork(run) : ''
    if (work !== '')
      context.log.warn(
        `The run "${run.row.id}" began work that is not durable${work}: what it awaits of it will not replay`,
        undefined,
        { run: run.row.id, code: 'FOREIGN_AWAIT' },
      )
    settleDelivery(context, this.#extras, 'taken')
    context.writer.seal()
  }
}

/**
 * That it is to stop was kept for a run: one that had failed before does not end by that. Where it was acknowledged its journal says so;
 * where it is refused nobody is to meet it there again.
 */
function tellTooLate(context: ShardContext, run: LiveRun, delivered: Delivered): void {
  if (delivered.kind !== 'cancel' || delivered.mail === undefined || !isTooLate(run, delivered)) return
  const { by, why } = delivered
  writeNote(context, run, { kind: 'action', action: 'cancel', op: null, by, why, tooLate: true })
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

/** The signals that a run has had, as far as it is in memory. */
export function seenBy({ executor }: LiveRun): SeenSignals {
  if (executor.kind === 'workflow') return executor.machine.mailbox.seen
  return executor.kind === 'frozen' ? executor.seen : new Map()
}

/** What is said of something that a run does not take again: it has had it, or another signal under its id. */
function hadAs(run: LiveRun, delivered: Delivered): DeliveryResult {
  if (delivered.kind === 'signal' && isOtherSignal(seenBy(run), delivered)) return 'conflict'
  // The first of two had come before it failed, and it was asked to stop already.
  const isAsked = run.executor.kind === 'workflow' && run.executor.machine.cancelled !== null
  return !isAsked && isTooLate(run, delivered) ? 'failing' : 'seen'
}

/** Takes the machine away: nothing more is delivered until the application is opened with mended code. */
export function freeze(context: ShardContext, run: LiveRun): void {
  if (run.executor.kind === 'workflow') {
    // What has begun may have its effect: how it comes out is kept (keepMail), and nothing more is begun.
    for (const op of run.executor.machine.pending.keys()) context.effects.rest(run.row.num, op)
  }
  context.receivers.forget(run.row.num)
  const machine = machineOfRun(run)
  const seen = seenBy(run)
  const unread = run.executor.kind === 'workflow' ? run.executor.machine.mailbox.unread : 0
  run.executor = { kind: 'frozen', seen: new Map(seen), unread, machine }
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

/** In the place of a signal's id, which holds no space: a frozen run has been asked to stop. */
const CANCEL_SEEN = ' cancel'

/** Whether a frozen run has been asked to stop, and will do so once its code can go on. */
export function isStopKept({ executor }: LiveRun): boolean {
  return executor.kind === 'frozen' && executor.seen.has(CANCEL_SEEN)
}

/**
 * How a call or step came out that had begun before its run froze. A child is asked again. What a person says of one is refused, unless it
 * was written before its turn: it is there then, and will be delivered.
 */
function isAnswer({ executor }: LiveRun, delivered: Delivered): boolean {
  if (executor.kind !== 'frozen' || (delivered.kind !== 'done' && delivered.kind !== 'failed')) return false
  if (delivered.by !== undefined) return delivered.mail !== undefined
  const kind = executor.machine?.pending.get(delivered.op)?.command.kind
  return kind === 'call' || kind === 'step'
}

/** Signals for a frozen run, answers of what it had begun, and the wish that it stops wait in its journal, in order. */
function keepMail(context: ShardContext, run: LiveRun, delivered: Delivered, extras: DeliveryExtras): void {
  if (run.executor.kind !== 'frozen') return
  const { seen, unread = 0, sealed } = run.executor
  if (isAnswer(run, delivered)) {
    if (sealed === undefined) keep(context, run, delivered)
    settleDelivery(context, extras, 'taken')
    return context.writer.flush()
  }
  // Whoever acts on a call that the run cannot be told of is told so.
  if (delivered.kind !== 'signal' && delivered.kind !== 'cancel') return settleDelivery(context, extras, 'frozen')
  // What lay in the inbox stays there, and comes again with the next read.
  if (sealed !== undefined) return extras.failed?.(sealed)
  const id = delivered.kind === 'signal' ? delivered.id : CANCEL_SEEN
  if (seen.has(id)) return settleDelivery(context, extras, hadAs(run, delivered))
  if (delivered.kind === 'signal' && extras.drained === undefined && unread >= context.limits.signals)
    return settleDelivery(context, extras, 'full')
  seen.set(id, delivered.kind === 'signal' ? delivered.hash : undefined)
  if (delivered.kind === 'signal') run.executor.unread = unread + 1
  keep(context, run, delivered)
  settleDelivery(context, extras, 'taken')
  context.writer.flush()
}

/** What a frozen run has had in turns that are not repeated has been seen, and what waits for it as mail, too. */
export function keepSeen(run: LiveRun, { seen, mail }: Pick<History, 'seen' | 'mail'>): void {
  if (run.executor.kind !== 'frozen') return
  for (const [id, hash] of seen) run.executor.seen.set(id, hash)
  for (const one of mail) {
    // Whoever says it again is told that it is kept when it is for sure.
    if ('untold' in one && one.untold === true) continue
    if (one.kind === 'signal') {
      run.executor.seen.set(one.id, one.hash)
      run.executor.unread = (run.executor.unread ?? 0) + 1
    }
    if (one.kind === 'cancel') run.executor.seen.set(CANCEL_SEEN, undefined)
  }
}

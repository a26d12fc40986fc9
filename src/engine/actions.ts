// What a person does to a run: cancel it, try a stuck call again, answer or fail it in the place of its service. Each is
// on the record, with who and why, and decided when it is answered: what it answers is durable.
//
//   call or step    retry  answer  fail     undo            retry  answer
//   stuck           x      x       x        stuck           x      x
//   waiting         x      x       x        waiting         x      x
//   running         -      -       -        running         -      -
import { fault } from '../core/errors.ts'
import { toFailure, type Failure } from '../core/failure.ts'
import { AGAIN_ID_LIMIT, againId, checkChildId } from '../core/ids.ts'
import { toText, type JsonText } from '../core/json.ts'
import type { Command, Delivered } from '../core/journal.ts'
import { SCHEDULE, nearest } from '../core/names.ts'
import type { Acted, Action, AnswerRequest, FailRequest, RetryRequest } from '../define/application.ts'
import type { Reasoned } from '../define/reasoned.ts'
import type { MadeAnswer } from './as-json.ts'
import { checkAnswerKey, givenAnswerText } from './calls.ts'
import { isStopKept } from './deliveries.ts'
import type { Directory } from './directory.ts'
import { endRun, freeIfNothingIsStuck, writeNote } from './endings.ts'
import { inboxFirst, openRun } from './find-run.ts'
import { historyOf, readRows } from './history.ts'
import { lateUndone } from './late-answers.ts'
import { childOf, identityOf, type LiveRun } from './live-run.ts'
import { scheduleRun } from './schedules.ts'
import type { DeliveryResult } from './shard-context.ts'
import type { Shard } from './shard.ts'
import { childBirth, startEffect, writeChild } from './turn-rows.ts'

const NAME_LIMIT = 256
const WORDS_LIMIT = 4000

/** Rounds of the event loop in which a run that was thawed is looked at; then it is every so often, milliseconds. */
const ROUNDS = 2000
const LOOK_MS = 10

/** Told of how an action came out in the moment in which that is written. */
type Said = (acted: Acted) => void
const nobody: Said = () => {}

export class Actions {
  readonly #shard: Shard
  /** The last act on each run, while it is under way. */
  readonly #acting = new Map<string, Promise<Acted>>()

  constructor(shard: Shard) {
    this.#shard = shard
  }

  async cancel(id: string, request: Reasoned, said: Said = nobody): Promise<Acted> {
    const { by, why } = reasonOf(request)
    const { num } = await this.#find(id)
    const { context } = this.#shard
    const found = await context.live(num)
    if (found !== undefined) checkCancel(found.row)
    const acted = (result: DeliveryResult): Acted => {
      const run = context.open.peek(num)
      const kept = run !== undefined && isStopKept(run) ? ({ kept: true } as const) : {}
      const takesBack = found?.row.kind === 'choreography' ? ({ takesBack: false } as const) : {}
      return { id, action: 'cancel', changed: result === 'taken', ops: [], ...kept, ...takesBack }
    }
    const result = await this.#deliver(num, { kind: 'cancel', by, why }, (settling) => {
      if (settling !== 'ended' && settling !== 'failing') said(acted(settling))
    })
    if (result === 'failing')
      throw refused(id, 'cancel', 'it has failed, and ends as failed when it has taken back what it did')
    if (result === 'ended') throw fault('RUN_ENDED', { id, status: 'meanwhile' })
    await context.live(num)
    return acted(result)
  }

  retry(id: string, request: RetryRequest, said: Said = nobody): Promise<Acted> {
    return this.#inTurn(id, () => this.#retry(id, request, said))
  }

  /** @param made of the answer at another door, where it is no JSON. */
  answer(id: string, request: AnswerRequest, said: Said = nobody, made?: MadeAnswer): Promise<Acted> {
    return this.#inTurn(id, () => this.#answer(id, request, said, made))
  }

  fail(id: string, request: FailRequest, said: Said = nobody): Promise<Acted> {
    return this.#inTurn(id, () => this.#fail(id, request, said))
  }

  /**
   * Who acts on a run waits for who came before, and is judged by what has come of that: a call that is being answered by hand
   * still looks stuck, and an attempt of it would be made beside the answer.
   */
  async #inTurn(id: string, act: () => Promise<Acted>): Promise<Acted> {
    const mine = this.#acting.get(id)?.then(act, act) ?? act()
    this.#acting.set(id, mine)
    try {
      return await mine
    } finally {
      if (this.#acting.get(id) === mine) this.#acting.delete(id)
    }
  }

  async #retry(id: string, request: RetryRequest, said: Said): Promise<Acted> {
    const reason = reasonOf(request)
    const run = await this.#live(id)
    // What was queued for it is kept first: it is brought back anew.
    if (run.executor.kind === 'frozen') await this.#untilQuiet(run)
    // While it is closed nobody waits for that any more, and what is queued would meet a run that is brought back beside it.
    this.#shard.check()
    if (!this.#isHere(run)) return this.#retry(id, request, said)
    const { op } = request
    if (run.executor.kind === 'frozen' || isUnmapped(run)) {
      if (op !== undefined) throw refused(id, 'retry', `its code cannot go on, so that ${op} is not looked at`)
      writeNote(this.#shard.context, run, { kind: 'action', action: 'retry', op: null, ...reason })
      const acted = { id, action: 'retry', changed: true, ops: [] } as const
      said(acted)
      this.#shard.context.thaw(run)
      await this.#tried(run.row.num)
      return this.#done(acted)
    }
    const ops = (op === undefined ? [...run.stuckOps] : [op]).map((one) => this.#callOf(run, one, 'retry').op)
    if (ops.length === 0) throw refused(id, 'retry', 'nothing of it is stuck')
    // All of them are judged before the first is done.
    const tries = ops.map((one) => this.#readyAgain(run, one, reason))
    for (const tryAgain of tries) tryAgain()
    freeIfNothingIsStuck(this.#shard.context, run)
    return this.#done({ id, action: 'retry', changed: true, ops }, said)
  }

  async #answer(id: string, request: AnswerRequest, said: Said, made?: MadeAnswer): Promise<Acted> {
    const reason = reasonOf(request)
    const run = await this.#live(id)
    const { op } = request
    const payload = this.#answerOf(run, this.#callOf(run, op, 'answer'), request.value, made)
    return this.#give(run, 'answer', { kind: 'done', op, payload, ...reason }, said)
  }

  async #fail(id: string, request: FailRequest, said: Said): Promise<Acted> {
    const reason = reasonOf(request)
    const { op } = request
    const error = failureOf(request.error)
    if (op === undefined) return this.#giveUp(id, error, reason, said)
    const run = await this.#live(id)
    const command = this.#callOf(run, op, 'fail')
    if ('undoes' in command || lateUndone(run.row) !== null)
      throw refused(id, 'fail', `${op} takes something back; retry it, or answer it when that was done by hand`)
    return this.#give(run, 'fail', { kind: 'failed', op, error, ...reason }, said)
  }

  /**
   * A run whose code cannot go on ends as failed. What it did stays done, and what it was still to do is dropped:
   * both are said, and on the record.
   */
  async #giveUp(id: string, error: Failure, reason: Reason, said: Said): Promise<Acted> {
    const before = await this.#live(id)
    const wasAsked = before.executor.kind === 'frozen' && (await this.#wasCancelled(before))
    // It may have been brought back anew while its rows were read.
    const run = await this.#live(id)
    if (!this.#isHere(run)) return this.#giveUp(id, error, reason, said)
    const { executor } = run
    if (executor.kind !== 'frozen')
      throw refused(id, 'fail', 'its code can go on: name the call that is to fail, or cancel the run')
    const { context } = this.#shard
    // One that left the code, and whose key is lost, can do nothing else any more: it would be stuck for ever.
    const isOver = executor.sealed !== undefined && !isScheduled(context.directory, run.row.id)
    if (!isOver) checkSchedule(run.row, 'fail')
    const drops = lateUndone(run.row) !== null ? 'undo' : wasAsked || isStopKept(run) ? 'cancel' : undefined
    writeNote(context, run, { kind: 'action', action: 'fail', op: null, ...reason, ...(drops && { drops }) })
    if (executor.sealed !== undefined)
      context.log.warn(`${reason.by} let the run "${id}" fail: ${reason.why}`, undefined, { run: id })
    endRun(context, run, { kind: 'fail', error: { ...error, details: { takenBack: false } } })
    return this.#done({ id, action: 'fail', changed: true, ops: [], ...(drops && { dropped: drops }) }, said)
  }

  /** Whether a frozen run had been asked to stop. Rows that cannot be read do not say so. */
  async #wasCancelled({ row, executor }: LiveRun): Promise<boolean> {
    if (executor.kind === 'frozen' && executor.sealed !== undefined) return false
    const { context } = this.#shard
    await context.writer.barrier()
    try {
      const { cancelled, mail } = historyOf(context, row, await readRows(context, row)).history
      return cancelled !== null || mail.some(({ kind }) => kind === 'cancel')
    } catch (error) {
      this.#shard.check()
      const { code, message } = toFailure(error)
      const told = `Whether the run "${row.id}" had been asked to stop cannot be read: ${message}`
      context.log.warn(told, undefined, { run: row.id, code })
      return false
    }
  }

  /** What makes a call again. @throws what refuses that */
  #readyAgain(run: LiveRun, op: string, reason: Reason): () => void {
    const { context } = this.#shard
    const command = commandsOf(run).find((one) => one.op === op)
    if (command?.kind === 'child') return this.#readyChild(run, command, reason)
    const note = (): void => writeNote(context, run, { kind: 'action', action: 'retry', op, ...reason })
    if (!run.stuckOps.has(op)) {
      if (context.effects.hurry(run.row.num, op)) return note
      throw refused(run.row.id, 'retry', `an attempt of ${op} may still be under way, and none is made after it`)
    }
    return () => {
      run.stuckOps.delete(op)
      run.attempts.set(op, { failed: 0, dueAt: 0, round: (run.attempts.get(op)?.round ?? 0) + 1 })
      note()
      context.writer.onDurable(() => startEffect(context, run, op))
    }
  }

  /** A workflow that was to take something back, and failed, has ended: another run takes its place, if the code of now has it. */
  #readyChild(run: LiveRun, command: Extract<Command, { kind: 'child' }>, reason: Reason): () => void {
    const { context } = this.#shard
    const { op } = command
    const made = againId(identityOf(context.environment.store, run.row), op, childOf(run, command))
    const id = checkChildId(made, op, AGAIN_ID_LIMIT)
    const birth = childBirth(context, run, command, id)
    return () => {
      run.stuckOps.delete(op)
      run.again.set(op, id)
      writeNote(context, run, { kind: 'action', action: 'retry', op, ...reason, run: id })
      writeChild(context, run, command, birth)
    }
  }

  /** Delivers in the place of a service. Whatever was waited for is not tried any more. */
  async #give(run: LiveRun, action: Action, delivered: Extract<Delivered, { op: string }>, said: Said): Promise<Acted> {
    const { num, id } = run.row
    const { effects, environment } = this.#shard.context
    effects.drop(num, delivered.op)
    const acted = (result: DeliveryResult): Acted => ({ id, action, changed: result === 'taken', ops: [delivered.op] })
    const result = await this.#deliver(num, delivered, (settling) => {
      if (settling === 'ended' || settling === 'frozen') return
      environment.heartbeats.settled(num, delivered.op)
      said(acted(settling))
    })
    if (result === 'ended') throw fault('RUN_ENDED', { id, status: 'meanwhile' })
    if (result === 'frozen') throw refused(id, action, 'its code cannot go on: see why, then retry the run')
    return acted(result)
  }

  /** The call or step that is meant, when it stands so that a person may act on it. @throws OP_UNKNOWN, ACTION_REFUSED */
  #callOf(run: LiveRun, op: string, action: Action): Command & { readonly op: string } {
    const { id, num } = run.row
    const commands = commandsOf(run)
    const command = commands.find((one) => one.op === op)
    if (run.executor.kind === 'frozen') throw refused(id, action, 'its code cannot go on: mend it, then retry the run')
    if (command === undefined) {
      const ops = commands.map((one) => one.op)
      throw fault('OP_UNKNOWN', { id, op: op.slice(0, NAME_LIMIT), nearest: nearest(op, ops) })
    }
    if (command.kind === 'child') {
      // A workflow that was to take something back, and failed: it is begun again, or somebody has done it by hand.
      if (run.stuckOps.has(op)) return command
      throw refused(id, action, `${op} is a run of its own, "${childOf(run, command)}": act on that`)
    }
    if (command.kind !== 'call' && command.kind !== 'step') throw refused(id, action, `${op} is no call and no step`)
    const state = run.stuckOps.has(op) ? 'waiting' : this.#shard.context.effects.state(num, op)
    if (state === 'absent') throw refused(id, action, `${op} has not begun; wait until it has, or cancel the run`)
    if (state === 'running')
      throw refused(id, action, `an attempt of ${op} is under way; wait until it has answered or failed`)
    return command
  }

  #answerOf(run: LiveRun, command: Command, value: unknown, made?: MadeAnswer): JsonText | undefined {
    if (command.kind !== 'call') return toText(value, 'the answer')
    const { directory } = this.#shard.context
    const operation = directory.operations.get(command.call)
    if (operation === undefined) throw fault('CODE_MISSING', { run: `The run "${run.row.id}"`, call: command.call })
    const text = made?.call === command.call ? made.text : givenAnswerText(operation, value)
    checkAnswerKey(operation, text, { input: command.input, key: run.row.key })
    return text
  }

  async #find(id: string): Promise<{ readonly num: number }> {
    this.#shard.check()
    const { context } = this.#shard
    await inboxFirst(context)
    return openRun(context, id)
  }

  async #live(id: string): Promise<LiveRun> {
    const { num } = await this.#find(id)
    const run = await this.#shard.context.live(num)
    if (run === undefined || run.row.ended !== null) throw fault('RUN_ENDED', { id, status: 'meanwhile' })
    return run
  }

  /** Two may have found a run in one moment, of which the first has it brought back anew: the other looks for it again. */
  #isHere(run: LiveRun): boolean {
    return this.#shard.context.open.peek(run.row.num) === run
  }

  /** A run that was thawed has done what it was about to do, with today's code. */
  async #tried(num: number): Promise<void> {
    const run = await this.#shard.context.live(num)
    if (run !== undefined) await this.#untilQuiet(run)
  }

  /** No turn of a run is queued any more. */
  async #untilQuiet(run: LiveRun): Promise<void> {
    const { writer, clock } = this.#shard.context
    const isBusy = (): boolean => run.queued > 0 && !this.#shard.isStopped
    for (let round = 0; isBusy(); round++) {
      // Mostly a few rounds of the event loop and a commit are all that it takes; for what takes longer the loop is not turned.
      if (round < ROUNDS) await new Promise((resolve) => setImmediate(resolve))
      else await new Promise<void>((resolve) => void clock.after(LOOK_MS, resolve))
      // One that fails ends the shard.
      await writer.barrier().catch(() => {})
    }
  }

  #deliver(
    num: number,
    delivered: Delivered,
    settling: (result: DeliveryResult) => void = () => {},
  ): Promise<DeliveryResult> {
    return new Promise((resolve, reject) => {
      this.#shard.context.deliver(num, delivered, { settling, settled: resolve, failed: reject, isRefusable: true })
    })
  }

  async #done(acted: Acted, said: Said = nobody): Promise<Acted> {
    said(acted)
    await this.#shard.context.writer.barrier()
    return acted
  }
}

interface Reason {
  readonly by: string
  readonly why: string
}

/** Whether it is the run of a schedule that the application has. */
function isScheduled({ schedules }: Directory, id: string): boolean {
  return [...schedules.definitions.keys()].some((name) => scheduleRun(name) === id)
}

/** A schedule that had ended would never fire again, and nobody would notice. @throws ACTION_REFUSED */
function checkSchedule({ call, id }: LiveRun['row'], action: Action): void {
  if (call === SCHEDULE)
    throw refused(id, action, 'it is a schedule: pause it, or take it out of ballet({ schedules })')
}

/** What takes something back is not stopped, whichever way that is asked for. @throws ACTION_REFUSED */
function checkCancel(row: LiveRun['row']): void {
  checkSchedule(row, 'cancel')
  if (lateUndone(row) === null) return
  const problem = 'it takes something back; retry it, or answer its call when that was done by hand'
  throw refused(row.id, 'cancel', problem)
}

/** @throws REQUEST_INVALID */
export function reasonOf({ by = 'unknown', why = '' }: Reasoned): Reason {
  return { by: words(by, 'by', NAME_LIMIT), why: words(why, 'why', WORDS_LIMIT) }
}

function failureOf({ code = 'FAILED_BY_HAND', message }: FailRequest['error']): Failure {
  return { code: words(code, 'error.code', NAME_LIMIT), message: words(message, 'error.message', WORDS_LIMIT) }
}

function words(value: unknown, path: string, limit: number): string {
  if (typeof value === 'string' && value.length <= limit) return value
  const problem = typeof value === 'string' ? `it has more than ${limit} characters` : 'it is not a string'
  throw fault('REQUEST_INVALID', { what: 'The request', path, problem })
}

function refused(id: string, action: Action, problem: string): Error {
  return fault('ACTION_REFUSED', { id, action, problem })
}

/** A reaction that made no call, or one whose start was refused: its definition is tried again. */
function isUnmapped(run: LiveRun): boolean {
  return run.executor.kind === 'solo' && run.row.status === 'stuck' && run.stuckOps.size === 0
}

function commandsOf({ executor }: LiveRun): readonly (Command & { readonly op: string })[] {
  if (executor.kind === 'solo') return executor.command === null ? [] : [executor.command]
  if (executor.kind !== 'workflow') return []
  return [...executor.machine.pending.values()].flatMap(({ command }) => ('op' in command ? [command] : []))
}

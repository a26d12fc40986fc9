// One workflow run in memory: its body as a suspended promise, what it waits for, and the turn in progress.
// The engine delivers one thing, lets every microtask settle (one macrotask per delivery, live and in replay alike),
// then closes the turn and takes the commands. Invariant: the body's promises are resolved only inside a turn, so the
// order of deliveries alone decides what the body does.
//
//   idle --deliver--> in a turn --close--> idle | ended (body settled) | faulty (its code is wrong)
//
// A command that is answered can be given up: its promise rejects at once. If it may have to be taken back, it stays
// pending until it has settled, for the undo log alone.
import { carriedOf, carryText } from './carry.ts'
import { assertNever, fault, invariant, type BalletError } from './errors.ts'
import { cancelledFault, endingFailure, endsAsFailed, isCancellation, threw } from './failure.ts'
import { hashOf, type RunIdentity } from './ids.ts'
import { bothTexts, fromText, toText, type JsonText } from './json.ts'
import {
  parseCommands,
  type Answer,
  type Cancelled,
  type Command,
  type Delivered,
  type StoredCommand,
} from './journal.ts'
import { failureOf, isUndo, type Issuing, type Pending } from './pending.ts'
import { Mailbox } from './mailbox.ts'
import type { Contracts, LogSink } from './contracts.ts'
import { turnStream, type Stream } from './randomness.ts'
import { UndoLog } from './undo.ts'

/** Everything that a machine needs to know of its run. */
export interface MachineSpec {
  readonly identity: RunIdentity
  readonly key: string | null
  readonly input: JsonText
  /** What the generation before handed on (a `Carried`), or null. */
  readonly carry: JsonText | null
  readonly contracts: Contracts
  /** Runs the workflow's body over this machine (surface.ts). */
  readonly start: (machine: Machine, input: unknown) => Promise<unknown>
  readonly log: LogSink
  /** Called when the body does something outside a turn: it awaited what is not durable. */
  readonly onFault: (error: Error) => void
}

/** What a turn came to; one that `continued` is a new beginning. */
export type Closed =
  | { readonly kind: 'open'; readonly commands: readonly Command[] }
  | {
      readonly kind: 'ended'
      readonly commands: readonly Command[]
      readonly status: 'completed' | 'failed' | 'cancelled' | 'continued'
    }
  | { readonly kind: 'threw'; readonly error: Error }

/** What a run that goes on as a new generation no longer waits for: none of it is an answer to something that it did. */
const LET_GO: ReadonlySet<Command['kind']> = new Set(['sleep', 'wait', 'join'])

type Settled = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown }

export class Machine {
  readonly spec: MachineSpec
  readonly mailbox: Mailbox
  readonly undos: UndoLog
  readonly pending: Map<string, Pending> = new Map()
  /** Time of the delivery, milliseconds since the epoch. */
  at = 0
  stream: Stream = turnStream(0, 0)
  /** What this turn did, so far. */
  commands: Command[] = []
  /** Timers of waits that this turn resolved early. */
  released: { readonly op: string; readonly due: number }[] = []
  /** Line 3 of the turn being replayed, or null in a live turn. */
  recorded: string | null = null
  active = false
  /** Who asked the run to stop, once somebody has. */
  cancelled: Cancelled | null = null
  /** Whether its body has failed and what it did is taken back: whoever asks it to stop then does not change how it ends. */
  failing = false
  /** Children that stop when this run does, though it does not wait for them. */
  readonly followers: Set<string>
  /** Takes back what the body did, in its place (undoing.ts); there once the body has begun. */
  takeBack: (() => Promise<void>) | null = null
  /** What `run.set` said last. */
  state: JsonText | null
  #continues: Command | null = null
  #forced = false
  #seed = 0
  readonly #salt: number
  #recordedCommands: readonly StoredCommand[] | null = null
  #settled: Settled | null = null
  /** What its code did wrong in this turn. */
  #fault: { readonly thrown: unknown } | null = null

  constructor(spec: MachineSpec) {
    this.spec = spec
    const carried = carriedOf(spec.carry)
    this.mailbox = new Mailbox(carried.mail)
    this.undos = new UndoLog(carried.undos)
    this.followers = new Set(carried.followers)
    this.state = carried.state === undefined ? null : JSON.stringify(carried.state)
    const { store, id, generation } = spec.identity
    // Without the namespace: runs under way would replay with other random numbers than they drew.
    this.#salt = hashOf(`${store}:${id}:${generation}`)
  }

  /** Whether this delivery means anything to the run now; late answers do not. */
  accepts(delivered: Delivered): boolean {
    switch (delivered.kind) {
      case 'done':
      case 'failed':
      case 'timer':
        return this.pending.has(delivered.op)
      case 'signal':
        return !this.mailbox.hasSeen(delivered.id)
      case 'event':
        return this.mailbox.cursor(delivered.type) < delivered.pos && this.waitsFor(`event:${delivered.type}`)
      case 'cancel':
        return this.cancelled === null || delivered.forced === true
      case 'start':
        return !this.begun
      case 'resume':
        return true
      default:
        return assertNever(delivered)
    }
  }

  /** Whether a wait is open that names `event:<type>` or `signal:<type>`. */
  waitsFor(name: string): boolean {
    for (const { command } of this.pending.values())
      if (command.kind === 'wait' && command.names.includes(name)) return true
    return false
  }

  /**
   * Begins a turn. The caller lets all microtasks settle, then calls `close`.
   * @param recorded line 3 of the journal row when this is a replay.
   * @param held with a cancellation that has an `of`: the answer that was delivered in that turn.
   */
  deliver(delivered: Delivered, at: number, seq: number, recorded: string | null, held?: Answer): void {
    invariant(!this.active, 'a delivery inside a turn')
    this.active = true
    this.at = at
    this.recorded = recorded
    this.#recordedCommands = null
    this.commands = []
    this.released = []
    if (delivered.kind === 'start') this.#seed = delivered.seed
    this.stream = turnStream(this.#seed, seq, this.#salt)
    switch (delivered.kind) {
      case 'start':
        this.#begin()
        break
      case 'done':
      case 'failed':
        this.#answer(delivered)
        break
      case 'timer': {
        const { command, resolve } = this.#take(delivered.op)
        resolve(command.kind === 'wait' ? null : undefined)
        break
      }
      case 'signal':
        this.mailbox.accept(delivered, this.waitsFor(`signal:${delivered.name}`))
        this.#answerWaits(`signal:${delivered.name}`, () => ({
          kind: 'signal',
          type: delivered.name,
          data: fromText(delivered.payload),
        }))
        break
      case 'event': {
        const { type, key, payload } = delivered
        // Of this type only: a wait that was issued after the log was read may name others, unread before this event.
        this.mailbox.advance(type, delivered.pos)
        this.#answerWaits(`event:${type}`, () => ({ kind: 'event', type, key, data: fromText(payload) }))
        break
      }
      case 'cancel':
        this.#cancel(delivered, held)
        break
      case 'resume':
        invariant(false, 'a machine is not given resume')
        break
      default:
        assertNever(delivered)
    }
  }

  /** Ends the turn: what the run did, and whether it goes on. */
  close(): Closed {
    invariant(this.active, 'a turn closed twice')
    this.active = false
    const { commands } = this
    if (this.#fault !== null) return { kind: 'threw', error: threw(this.name, this.#fault.thrown) }
    if (this.#continues !== null)
      return { kind: 'ended', commands: [...commands, this.#continues], status: 'continued' }
    const settled = this.#settled
    if (settled === null) {
      // What came before it began lies in its mailbox.
      return this.pending.size > 0 || !this.begun
        ? { kind: 'open', commands }
        : { kind: 'threw', error: fault('FOREIGN_AWAIT', { run: this.name, work: '' }) }
    }
    if (!settled.ok) {
      if (this.cancelled !== null && isCancellation(settled.error)) {
        const end: Command = { kind: 'end', output: undefined, cancelled: this.cancelled }
        return { kind: 'ended', commands: [...commands, end], status: 'cancelled' }
      }
      if (!endsAsFailed(settled.error)) return { kind: 'threw', error: threw(this.name, settled.error) }
      const fail: Command = { kind: 'fail', error: endingFailure(settled.error) }
      return { kind: 'ended', commands: [...commands, fail], status: 'failed' }
    }
    try {
      const end = this.#end(settled.value)
      if (this.cancelled === null) return { kind: 'ended', commands: [...commands, end], status: 'completed' }
      return { kind: 'ended', commands: [...commands, { ...end, cancelled: this.cancelled }], status: 'cancelled' }
    } catch (error) {
      return { kind: 'threw', error: threw(this.name, error) }
    }
  }

  /** The last command of a body that has returned. What a journal holds is never validated again. */
  #end(value: unknown): Extract<Command, { kind: 'end' }> {
    const what = `the output of ${this.name}`
    if (this.recorded !== null) return { kind: 'end', output: toText(value, what) }
    const { text, ...given } = bothTexts(value, () => this.spec.contracts.checkOutput(value), what)
    return { kind: 'end', output: text, ...given }
  }

  /** The commands of the turn that is being replayed, or null in a live turn. */
  recordedCommands(): readonly StoredCommand[] | null {
    if (this.recorded === null) return null
    this.#recordedCommands ??= parseCommands(this.recorded)
    return this.#recordedCommands
  }

  /** How errors name this run. */
  get name(): string {
    return `the run "${this.spec.identity.id}"`
  }

  /** Issues a command that will be answered. */
  issue(command: Command & { readonly op: string }, issuing: Issuing = {}): Promise<unknown> {
    this.commands.push(command)
    const promise = new Promise<unknown>((resolve, fail) => {
      const { op } = command
      const reject = (failure: Error): void => {
        // A branch that nobody awaits must not end the process when its call fails.
        promise.catch(() => {})
        fail(failure)
      }
      const { work, shielded, settles, stops } = issuing
      const pending: Pending = {
        op,
        command,
        at: this.at,
        work,
        shielded,
        settles,
        stops,
        resolve,
        reject,
        givenUp: false,
      }
      this.pending.set(op, pending)
    })
    return promise
  }

  /**
   * Gives up, in the order of their ids, those that are waited for and meant; each rejects with its error. Without one
   * nobody hears of it.
   */
  giveUp(isMeant: (pending: Pending) => boolean, errorOf: ((pending: Pending) => Error) | null): void {
    const meant = [...this.pending.values()].filter((pending) => !pending.givenUp && isMeant(pending))
    for (const pending of meant.sort((a, b) => (a.op < b.op ? -1 : 1))) {
      const { op, command, settles } = pending
      this.commands.push({ kind: 'drop', op, ...(settles === undefined ? {} : { settles: true }) })
      if (command.kind === 'child' && pending.stops === true) this.commands.push({ kind: 'stop', run: command.run })
      pending.givenUp = true
      if (settles === undefined) this.pending.delete(op)
      else this.undos.lose(op)
      if ('due' in command && command.due !== undefined) this.released.push({ op, due: command.due })
      if (errorOf !== null) pending.reject(errorOf(pending))
    }
  }

  /**
   * Ends this generation: the run goes on as a new one.
   * @throws CONTINUE_REFUSED while something is under way whose answer would belong to nobody; and as `carryText`.
   */
  continueAs(input: JsonText, raw: { readonly raw?: JsonText }): void {
    const busy = [...this.pending.values()].find(({ command: { kind } }) => !LET_GO.has(kind))
    if (busy !== undefined) throw fault('CONTINUE_REFUSED', { run: this.name, problem: `${busy.op} is under way` })
    const { contracts, identity } = this.spec
    const isRecorded = this.recordedCommands()?.at(-1)?.kind === 'continue'
    const carry = carryText(this, identity.generation, contracts, isRecorded)
    this.#continues = { kind: 'continue', input, ...raw, carry }
  }

  /** Whether the run goes on as a new generation: this one does nothing more. */
  get continues(): boolean {
    return this.#continues !== null
  }

  /** What everything rejects with once the run is cancelled. */
  get cancellation(): BalletError {
    invariant(this.cancelled !== null, 'a run that is not cancelled has no cancellation')
    return cancelledFault(this.spec.identity.id, this.cancelled)
  }

  /**
   * Notes that the code of the run is at fault: in a turn it parks the run at close, outside at once. That nobody looked
   * at a cancellation is no fault, nor is what a body does that was forced to stop.
   */
  blame(thrown: unknown): void {
    if (this.cancelled !== null && isCancellation(thrown)) return
    if (this.active) this.#fault ??= { thrown }
    else if (!this.#forced) this.spec.onFault(threw(this.name, thrown))
  }

  /** Whether its start, or a cancellation in its place, has been delivered. */
  get begun(): boolean {
    return this.takeBack !== null
  }

  /** Whether the body has returned or thrown. */
  get settled(): boolean {
    return this.#settled !== null
  }

  #begin(): void {
    const settle = (settled: Settled): void => {
      // A body that was forced to stop has nothing to say any more.
      if (this.#forced) return
      this.#settled = settled
      if (!this.active) this.spec.onFault(fault('FOREIGN_AWAIT', { run: this.name, work: '' }))
    }
    this.spec.start(this, fromText(this.spec.input)).then(
      (value) => settle({ ok: true, value }),
      (error: unknown) => settle({ ok: false, error }),
    )
  }

  #cancel({ by, why, forced }: Extract<Delivered, { kind: 'cancel' }>, held: Answer | undefined): void {
    this.cancelled ??= { by, why }
    const { cancellation } = this
    for (const run of this.followers) this.commands.push({ kind: 'stop', run })
    this.followers.clear()
    // It has not begun: its body is not run, but what it was handed may have to be taken back (undoing.ts).
    const { takeBack } = this
    if (takeBack === null) return this.#begin()
    if (forced !== true) {
      return this.giveUp(
        (pending) => pending.shielded !== true,
        () => cancellation,
      )
    }
    this.#forced = true
    this.failing = false
    const answered = held === undefined ? undefined : this.pending.get(held.op)
    // What takes things back goes on; the body hears of nothing any more.
    if (held !== undefined && answered !== undefined) this.#answer(held, isUndo(answered))
    this.giveUp((pending) => !isUndo(pending), null)
    const failed = (error: unknown): void => {
      this.#settled = { ok: false, error }
    }
    takeBack().then(() => failed(cancellation), failed)
  }

  /** What takes a call back knows how it came out; the body too, if it is to hear of it. */
  #answer(answer: Answer, isHeard = true): void {
    const pending = this.#take(answer.op)
    if (answer.kind === 'done') {
      const value = fromText(answer.payload)
      pending.settles?.(value, true)
      if (isHeard && !pending.givenUp) pending.resolve(value)
    } else {
      pending.settles?.(undefined)
      if (isHeard && !pending.givenUp) pending.reject(failureOf(pending, answer.error))
    }
  }

  #take(op: string): Pending {
    const pending = this.pending.get(op)
    invariant(pending !== undefined, `nothing waits for ${op}`)
    this.pending.delete(op)
    return pending
  }

  #answerWaits(name: string, value: () => unknown): void {
    for (const pending of this.pending.values()) {
      const { command } = pending
      if (command.kind !== 'wait' || !command.names.includes(name)) continue
      this.pending.delete(pending.op)
      if (command.due !== undefined) this.released.push({ op: pending.op, due: command.due })
      pending.resolve(value())
    }
  }
}

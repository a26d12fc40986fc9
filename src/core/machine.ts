// One workflow run in memory: its body as a suspended promise, what it waits for, and the turn in progress.
// The engine delivers one thing, lets every microtask settle (one macrotask per delivery, live and in replay alike),
// then closes the turn and takes the commands. Invariant: the body's promises are resolved only inside a turn, so the
// order of deliveries alone decides what the body does.
//
//   idle --deliver--> in a turn --close--> idle | ended (body settled) | faulty (its code is wrong)
import { assertNever, fault, invariant } from './errors.ts'
import { CallError, endingFailure, endsAsFailed, threw, type Failure } from './failure.ts'
import { hashOf, type RunIdentity } from './ids.ts'
import { bothTexts, fromText, toText, type JsonText } from './json.ts'
import { parseCommands, type Command, type Delivered, type StoredCommand } from './journal.ts'
import { Mailbox } from './mailbox.ts'
import type { Contracts, LogSink } from './contracts.ts'
import { turnStream, type Stream } from './randomness.ts'
import { UndoLog } from './undo.ts'

/** Everything that a machine needs to know of its run. */
export interface MachineSpec {
  readonly identity: RunIdentity
  readonly key: string | null
  readonly input: JsonText
  readonly contracts: Contracts
  /** Runs the workflow's body over this machine (surface.ts). */
  readonly start: (machine: Machine, input: unknown) => Promise<unknown>
  readonly log: LogSink
  /** Called when the body does something outside a turn: it awaited what is not durable. */
  readonly onFault: (error: Error) => void
}

/** A command that will be answered, and how to answer it. `work` is the body of a step. */
export interface Pending {
  readonly op: string
  command: Command
  readonly at: number
  readonly work: unknown
  readonly resolve: (value: unknown) => void
  readonly reject: (error: Error) => void
}

/** What a turn came to. */
export type Closed =
  | { readonly kind: 'open'; readonly commands: readonly Command[] }
  | { readonly kind: 'ended'; readonly commands: readonly Command[]; readonly status: 'completed' | 'failed' }
  | { readonly kind: 'threw'; readonly error: Error }

type Settled = { readonly ok: true; readonly value: unknown } | { readonly ok: false; readonly error: unknown }

const noop = (): void => {}

export class Machine {
  readonly spec: MachineSpec
  readonly mailbox: Mailbox = new Mailbox()
  readonly undos: UndoLog = new UndoLog()
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
  #seed = 0
  readonly #salt: number
  #recordedCommands: readonly StoredCommand[] | null = null
  #settled: Settled | null = null
  #fault: Error | null = null

  constructor(spec: MachineSpec) {
    this.spec = spec
    const { store, id, generation } = spec.identity
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
      case 'start':
      case 'cancel':
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
   */
  deliver(delivered: Delivered, at: number, seq: number, recorded: string | null): void {
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
        this.#take(delivered.op).resolve(fromText(delivered.payload))
        break
      case 'failed':
        this.#reject(this.#take(delivered.op), delivered.error)
        break
      case 'timer': {
        const waiting = this.#take(delivered.op)
        waiting.resolve(waiting.command.kind === 'wait' ? null : undefined)
        break
      }
      case 'signal':
        this.mailbox.accept(delivered.id, delivered.name, delivered.payload, this.waitsFor(`signal:${delivered.name}`))
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
      case 'resume':
        invariant(false, `a machine is not given ${delivered.kind}`)
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
    if (this.#fault !== null) return { kind: 'threw', error: threw(this.name, this.#fault) }
    const settled = this.#settled
    if (settled === null) {
      return this.pending.size > 0
        ? { kind: 'open', commands }
        : { kind: 'threw', error: fault('FOREIGN_AWAIT', { run: this.name, work: '' }) }
    }
    if (!settled.ok) {
      if (!endsAsFailed(settled.error)) return { kind: 'threw', error: threw(this.name, settled.error) }
      const error: Failure = endingFailure(settled.error)
      return { kind: 'ended', commands: [...commands, { kind: 'fail', error }], status: 'failed' }
    }
    try {
      return { kind: 'ended', commands: [...commands, this.#end(settled.value)], status: 'completed' }
    } catch (error) {
      return { kind: 'threw', error: threw(this.name, error) }
    }
  }

  /** The last command of a body that has returned. What a journal holds is never validated again. */
  #end(value: unknown): Command {
    const what = `the output of ${this.name}`
    if (this.recorded !== null) return { kind: 'end', output: toText(value, what) }
    const { text, ...given } = bothTexts(value, this.spec.contracts.checkOutput(value), what)
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
  issue(command: Command & { readonly op: string }, work?: unknown): Promise<unknown> {
    this.commands.push(command)
    const promise = new Promise<unknown>((resolve, reject) => {
      this.pending.set(command.op, { op: command.op, command, at: this.at, work, resolve, reject })
    })
    // A branch that nobody awaits must not end the process when its call fails.
    promise.catch(noop)
    return promise
  }

  /** Notes that the code of the run is at fault: in a turn it parks the run at close, outside at once. */
  blame(error: Error): void {
    if (this.active) this.#fault ??= error
    else this.spec.onFault(threw(this.name, error))
  }

  /** Whether the body has returned or thrown. */
  get settled(): boolean {
    return this.#settled !== null
  }

  #begin(): void {
    const settle = (settled: Settled): void => {
      this.#settled = settled
      if (!this.active) this.spec.onFault(fault('FOREIGN_AWAIT', { run: this.name, work: '' }))
    }
    this.spec.start(this, fromText(this.spec.input)).then(
      (value) => settle({ ok: true, value }),
      (error: unknown) => settle({ ok: false, error }),
    )
  }

  #take(op: string): Pending {
    const pending = this.pending.get(op)
    invariant(pending !== undefined, `nothing waits for ${op}`)
    this.pending.delete(op)
    return pending
  }

  #reject(pending: Pending, failure: Failure): void {
    const { command } = pending
    const child = command.kind === 'child' || command.kind === 'join'
    const call = child ? command.run : command.kind === 'call' ? command.call : pending.op
    pending.reject(new CallError(child ? 'CHILD_FAILED' : 'CALL_FAILED', call, failure))
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

// The run as an author's workflow sees it: each method turns into a command of the turn in progress. The author's types
// stand in define/run.ts; this is what answers them. Names and occurrences make the ids, never a running number, so a
// harmless change of the code does not shift them. A shielded surface is another handle of the same run: what is done
// through it goes on when the run is cancelled.
import type {
  CallSettings,
  EmitSettings,
  Receivable,
  ReceiveSettings,
  StartSettings,
  StepSettings,
} from './contracts.ts'
import { toMs, type Duration } from './duration.ts'
import { fault } from './errors.ts'
import { issueCall, issueStep, NO_SETTINGS } from './issue.ts'
import { fromText, toText } from './json.ts'
import type { Machine } from './machine.ts'
import { checkEventName, checkId } from './names.ts'
import { CALL_OPTIONS, EMIT_OPTIONS, RECEIVE_OPTIONS, START_OPTIONS, STEP_OPTIONS } from './options.ts'
import { streamUuid } from './randomness.ts'
import { never, RunScope } from './run-scope.ts'
import { drive, takeBack } from './undoing.ts'
import { isGiven, isReceivable, type CallValue, type EventValue, type SignalValue } from './values.ts'

/** A child that the run does not wait for. */
export interface ChildHandle {
  readonly id: string
  result(): Promise<unknown>
  signal(value: SignalValue): void
  cancel(): void
}

/** Does work in a transaction of the application's database, once for the key of a call. */
type Once = (context: never, work: (tx: never) => unknown) => unknown

/** What somebody hands over who leaves out the input, or writes a name. */
const NOT_CALLED = 'it is not given what a definition gives when it is called:'

/** Names of steps: not those that the ids of an undo and of a join begin with. @throws ID_INVALID */
function checkStepName(name: string): string {
  const what = 'The name of the step'
  if (!/^(?:undo|join):/.test(checkId(name, what))) return name
  throw fault('ID_INVALID', { what, id: name, problem: 'names that begin with undo: and join: are made by the engine' })
}

/** Runs a workflow's body over a machine. */
export function startBody(
  machine: Machine,
  body: (run: Surface, input: unknown) => Promise<unknown>,
  input: unknown,
): Promise<unknown> {
  const scope = new RunScope(machine)
  return drive(scope, () => body(new Surface(scope, false), input))
}

export class Surface {
  readonly #scope: RunScope
  readonly #machine: Machine
  readonly #shielded: boolean

  constructor(scope: RunScope, shielded: boolean) {
    this.#scope = scope
    this.#machine = scope.machine
    this.#shielded = shielded
  }

  get id(): string {
    return this.#machine.spec.identity.id
  }
  get key(): string | null {
    return this.#machine.spec.key
  }

  call(call: CallValue, settings: CallSettings = NO_SETTINGS): Promise<unknown> {
    const how = { shielded: this.#shielded }
    return this.#guard(() => {
      this.#scope.checkGiven(isGiven(call, 'call'), 'run.call', `${NOT_CALLED} run.call(payment.charge(input))`)
      // Most calls are plain.
      if (settings !== NO_SETTINGS) this.#scope.checkOptions(settings, CALL_OPTIONS, `run.call of ${call.name}`)
      return issueCall(this.#scope, call, settings, this.#scope.op(call.name, settings.id), how)
    })
  }

  step(name: string, body: (context: never) => unknown, settings: StepSettings = NO_SETTINGS): Promise<unknown> {
    return this.#guard(() => {
      const isRight = typeof name === 'string' && typeof body === 'function'
      this.#scope.checkGiven(isRight, 'run.step', "it takes a name and a function: run.step('name', () => ...)")
      if (settings !== NO_SETTINGS) this.#scope.checkOptions(settings, STEP_OPTIONS, `the step "${name}"`)
      const op = this.#scope.op(checkStepName(name), settings.id)
      return issueStep(this.#scope, op, name, { body, settings }, this.#shielded)
    })
  }

  tx(name: string, once: Once, work: (tx: never) => unknown, settings: StepSettings = NO_SETTINGS): Promise<unknown> {
    return this.step(name, (context) => once(context, work), settings)
  }

  sleep(duration: Duration): Promise<unknown> {
    return this.#guard(() => {
      const op = this.#scope.op('sleep')
      const due = this.#machine.at + toMs(duration)
      return this.#machine.issue({ kind: 'sleep', op, due }, { shielded: this.#shielded })
    })
  }

  receive(what: Receivable | readonly Receivable[], options?: ReceiveSettings): Promise<unknown> {
    return this.#guard(() => {
      if (options !== undefined) this.#scope.checkOptions(options, RECEIVE_OPTIONS, 'run.receive')
      const machine = this.#machine
      const shielded = this.#shielded
      const isRight = Array.isArray(what) ? what.every(isReceivable) : isReceivable(what)
      this.#scope.checkGiven(isRight, 'run.receive', 'it takes an event or a signal, or a list of them, and no name')
      const wanted: readonly Receivable[] = 'type' in what ? [what] : what
      if (wanted.length === 0) {
        throw fault('DEFINITION_INVALID', { what: 'run.receive', problem: 'it names nothing to wait for' })
      }
      for (const one of wanted) machine.spec.contracts.checkReceivable(one)
      const names = wanted.map((one) => `${one.kind}:${one.type}`).sort()
      const signal = machine.mailbox.take(names)
      if (signal !== undefined)
        return Promise.resolve({ kind: 'signal', type: signal.name, data: fromText(signal.payload) })
      if (options?.within !== undefined) {
        const due = machine.at + toMs(options.within)
        return machine.issue({ kind: 'wait', op: this.#scope.op('receive'), names, due }, { shielded })
      }
      const { sharedWaits } = this.#scope
      const shared = `${shielded ? 'shielded ' : ''}${names.join(' ')}`
      const pending = sharedWaits.get(shared)
      if (pending !== undefined) return pending
      const promise = machine.issue({ kind: 'wait', op: this.#scope.op('receive'), names }, { shielded })
      sharedWaits.set(shared, promise)
      const forget = (): void => void sharedWaits.delete(shared)
      promise.then(forget, forget)
      return promise
    })
  }

  start(call: CallValue, settings: StartSettings = NO_SETTINGS): ChildHandle {
    const scope = this.#scope
    const machine = this.#machine
    const [op, id] = scope.inTurn(() => {
      if (machine.cancelled !== null && !this.#shielded) throw machine.cancellation
      scope.checkGiven(isGiven(call, 'call'), 'run.start', `${NOT_CALLED} run.start(checkout(input))`)
      if (settings !== NO_SETTINGS) scope.checkOptions(settings, START_OPTIONS, `run.start of ${call.name}`)
      const made = scope.op(call.name, settings.id)
      return [made, scope.child(made, false)] as const
    })
    this.#act(() => {
      const check = (): unknown => machine.spec.contracts.checkInput(call)
      const payload = scope.payload(op, call.input, check, `the input of ${call.name}`)
      machine.commands.push({ kind: 'child', op, run: id, call: call.name, ...payload, wait: false })
      if (settings.onCancel === 'cancel') machine.followers.add(id)
    })
    let joined: Promise<unknown> | undefined
    const result = (): Promise<unknown> =>
      machine.issue({ kind: 'join', op: `join:${op}`, run: id }, { shielded: this.#shielded })
    return {
      id,
      result: () => (joined ??= this.#guard(result)),
      signal: (value) => this.#send(id, value),
      cancel: () => this.#act(() => machine.commands.push({ kind: 'stop', run: id })),
    }
  }

  emit(event: EventValue, settings: EmitSettings = NO_SETTINGS): void {
    this.#act(() => {
      const { contracts } = this.#machine.spec
      this.#scope.checkGiven(isGiven(event, 'event'), 'run.emit', `${NOT_CALLED} run.emit(OrderCreated(data))`)
      if (settings !== NO_SETTINGS) this.#scope.checkOptions(settings, EMIT_OPTIONS, `run.emit of ${event.type}`)
      const { id, source } = settings
      const named = {
        ...(source !== undefined && { source: checkEventName(source, 'The source') }),
        ...(id !== undefined && { id: checkEventName(id, 'The event id') }),
      }
      const op = this.#scope.op(`emit:${event.type}`)
      let data: unknown = event.data
      const check = (): unknown => (data = contracts.checkEvent(event))
      const payload = this.#scope.payload(op, event.data, check, `the data of ${event.type}`)
      // The key is of what the schema made of the data; a replay, which makes nothing of it again, has it recorded.
      const recorded = this.#machine.recordedCommands()?.find((command) => command['op'] === op)
      const key = recorded === undefined ? contracts.eventKey({ ...event, data }) : String(recorded['key'])
      this.#machine.commands.push({ kind: 'emit', op, type: event.type, key, ...named, ...payload })
    })
  }

  set(state: unknown): void {
    this.#act(() => {
      const machine = this.#machine
      const set = this.#scope.state(state)
      machine.state = set.state
      machine.commands.push(set)
    })
  }

  /** Takes back what was registered with an undo, last first. A cancellation does not interrupt it. */
  undo(): Promise<unknown> {
    return this.#unlessOver(async () => {
      try {
        await takeBack(this.#scope)
      } finally {
        if (this.#scope.over) await never()
      }
    })
  }

  /** Runs a part that a cancellation does not interrupt: what goes through the handle that it is given. */
  shield(work: (run: Surface) => Promise<unknown>): Promise<unknown> {
    return this.#unlessOver(() => work(new Surface(this.#scope, true)))
  }

  /** Ends this generation of the run: it goes on as a new one, with nothing of its journal but what it carries. */
  continueAs(input: unknown): Promise<unknown> {
    return this.#unlessOver(() => {
      const { machine, undoing } = this.#scope
      // Also where it is shielded: a run that was asked to stop has no new beginning.
      if (machine.cancelled !== null) return this.#scope.refuse()
      if (undoing !== null)
        throw fault('CONTINUE_REFUSED', { run: machine.name, problem: 'it is taking back what it did' })
      // What was given up has to be known, so that it is taken back in its time.
      const left = machine.undos.unsettled
      if (left !== undefined) return left.then(() => this.continueAs(input))
      const { contracts, key } = machine.spec
      const check = (): unknown => contracts.checkContinue(input, key)
      const { input: text, ...raw } = this.#scope.payload('continue', input, check, `the input of ${machine.name}`)
      machine.continueAs(text, raw)
      this.#scope.over = true
      return never()
    })
  }

  patched(id: string): boolean {
    return this.#inTurn(() => {
      const known = this.#scope.patches.get(checkId(id, 'The id of the patch'))
      if (known !== undefined) return known
      const recorded = this.#machine.recordedCommands()
      const answer = recorded === null || recorded.some((command) => command.kind === 'patch' && command['id'] === id)
      this.#scope.patches.set(id, answer)
      if (answer) this.#machine.commands.push({ kind: 'patch', id })
      return answer
    })
  }

  now(): Date {
    return this.#inTurn(() => new Date(this.#machine.at))
  }
  random(): number {
    return this.#inTurn(() => this.#machine.stream())
  }
  uuid(): string {
    return this.#inTurn(() => streamUuid(this.#machine.stream))
  }

  readonly log = {
    info: (message: string, data?: unknown): void => this.#log('info', message, data),
    warn: (message: string, data?: unknown): void => this.#log('warn', message, data),
    error: (message: string, data?: unknown): void => this.#log('error', message, data),
  }

  #send(run: string, value: SignalValue): void {
    this.#act(() => {
      this.#scope.checkGiven(isGiven(value, 'signal'), 'signal of a child', `${NOT_CALLED} child.signal(Approve(data))`)
      const op = this.#scope.op(`send:${value.type}`)
      const payload = this.#scope.payload(
        op,
        value.data,
        () => this.#machine.spec.contracts.checkSignal(value),
        `the data of ${value.type}`,
      )
      this.#machine.commands.push({ kind: 'send', op, run, name: value.type, ...payload })
    })
  }

  #log(level: 'info' | 'warn' | 'error', message: string, data: unknown): void {
    this.#inTurn(() => {
      const text = toText(data, 'the data of a log line')
      if (this.#machine.recorded === null) this.#machine.spec.log(level, message, text)
    })
  }

  /** Runs a door that answers later, to the body and its branches; a cancelled run asks for nothing more. */
  #guard(work: () => Promise<unknown>): Promise<unknown> {
    return this.#unlessOver(() => {
      return this.#machine.cancelled !== null && !this.#shielded ? this.#scope.refuse() : work()
    })
  }

  #unlessOver(work: () => Promise<unknown>): Promise<unknown> {
    return this.#scope.over && this.#machine.active ? never() : this.#scope.door(work)
  }

  /** Runs a door that answers nothing: what it does counts while the body runs. */
  #act(work: () => void): void {
    this.#inTurn(() => {
      if (!this.#scope.over) work()
    })
  }

  #inTurn<T>(work: () => T): T {
    return this.#scope.inTurn(work)
  }
}

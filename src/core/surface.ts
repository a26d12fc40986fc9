// The run as an author's workflow sees it: each method turns into a command of the turn in progress. The author's types
// stand in define/run.ts; this is what answers them. Names and occurrences make the ids, never a running number, so a
// harmless change of the code does not shift them.
import type { CallSettings, Receivable } from './contracts.ts'
import { toMs, type Duration } from './duration.ts'
import { fault } from './errors.ts'
import { endsAsFailed, toFailure } from './failure.ts'
import { childId, operationId } from './ids.ts'
import { bothTexts, fromText, toText, type JsonText } from './json.ts'
import type { Machine } from './machine.ts'
import { checkId } from './names.ts'
import { streamUuid } from './randomness.ts'
import type { Registered, Undo } from './undo.ts'
import type { CallValue, EventValue, SignalValue } from './values.ts'

/** A step's body and how it is tried: kept in memory until the engine runs it. */
export interface StepWork {
  readonly body: (context: never) => unknown
  readonly settings: CallSettings
}

/** A child that the run does not wait for. */
export interface ChildHandle {
  readonly id: string
  result(): Promise<unknown>
  signal(value: SignalValue): void
  cancel(): never
}

const never = (): Promise<never> => new Promise(() => {})

/** Names of steps: not those that the ids of an undo and of a join begin with. @throws ID_INVALID */
function checkStepName(name: string): string {
  const what = 'The name of the step'
  if (!/^(?:undo|join):/.test(checkId(name, what))) return name
  throw fault('ID_INVALID', { what, id: name, problem: 'names that begin with undo: and join: are made by the engine' })
}

/** @throws NOT_YET */
function refuseAbort(settings: CallSettings): void {
  if (settings.abort !== undefined) throw fault('NOT_YET', { what: 'abort' })
}

/** Runs a workflow's body over a machine. */
export function startBody(
  machine: Machine,
  body: (run: Surface, input: unknown) => Promise<unknown>,
  input: unknown,
): Promise<unknown> {
  const surface = new Surface(machine)
  return surface.drive(() => body(surface, input))
}

export class Surface {
  readonly #machine: Machine
  readonly #occurrences = new Map<string, number>()
  readonly #given = new Set<string>()
  /** Answers of `patched`, the first of each id. */
  readonly #patches = new Map<string, boolean>()
  /** Waits without a limit, by what they name: a second one is the same promise. */
  readonly #sharedWaits = new Map<string, Promise<unknown>>()
  #undoing: Promise<void> | null = null
  /** The body has returned or failed: what is left is to take back, and its other branches get and do nothing more. */
  #over = false

  constructor(machine: Machine) {
    this.#machine = machine
  }

  get id(): string {
    return this.#machine.spec.identity.id
  }
  get key(): string | null {
    return this.#machine.spec.key
  }

  call(call: CallValue, settings: CallSettings = {}): Promise<unknown> {
    return this.#guard(() => this.#issueCall(call, settings, this.#op(call.name, settings.id)))
  }

  step(name: string, body: (context: never) => unknown, settings: CallSettings = {}): Promise<unknown> {
    return this.#guard(() => {
      const op = this.#op(checkStepName(name), settings.id)
      refuseAbort(settings)
      this.#machine.spec.contracts.checkPolicy(settings, name)
      const work: StepWork = { body, settings }
      return this.#withUndo(op, name, settings.undo, (undo) => this.#machine.issue({ kind: 'step', op, ...undo }, work))
    })
  }

  sleep(duration: Duration): Promise<unknown> {
    return this.#guard(() =>
      this.#machine.issue({ kind: 'sleep', op: this.#op('sleep'), due: this.#machine.at + toMs(duration) }),
    )
  }

  receive(what: Receivable | readonly Receivable[], options: { readonly within?: Duration } = {}): Promise<unknown> {
    return this.#guard(() => {
      const machine = this.#machine
      const wanted: readonly Receivable[] = 'type' in what ? [what] : what
      if (wanted.length === 0) {
        throw fault('DEFINITION_INVALID', { what: 'run.receive', problem: 'it names nothing to wait for' })
      }
      for (const one of wanted) machine.spec.contracts.checkReceivable(one)
      const names = wanted.map((one) => `${one.kind}:${one.type}`).sort()
      const signal = machine.mailbox.take(names)
      if (signal !== undefined)
        return Promise.resolve({ kind: 'signal', type: signal.name, data: fromText(signal.payload) })
      if (options.within !== undefined) {
        const due = machine.at + toMs(options.within)
        return machine.issue({ kind: 'wait', op: this.#op('receive'), names, due })
      }
      const shared = names.join(' ')
      const pending = this.#sharedWaits.get(shared)
      if (pending !== undefined) return pending
      const promise = machine.issue({ kind: 'wait', op: this.#op('receive'), names })
      this.#sharedWaits.set(shared, promise)
      void promise.then(() => this.#sharedWaits.delete(shared))
      return promise
    })
  }

  start(call: CallValue, settings: CallSettings = {}): ChildHandle {
    const op = this.#inTurn(() => this.#op(call.name, settings.id))
    const id = childId(this.#machine.spec.identity, op)
    this.#act(() => {
      const payload = this.#payload(
        op,
        call.input,
        () => this.#machine.spec.contracts.checkInput(call),
        `the input of ${call.name}`,
      )
      this.#machine.commands.push({ kind: 'child', op, run: id, call: call.name, ...payload, wait: false })
    })
    let joined: Promise<unknown> | undefined
    const result = (): Promise<unknown> => this.#machine.issue({ kind: 'join', op: `join:${op}`, run: id })
    return {
      id,
      result: () => (joined ??= this.#guard(result)),
      signal: (value) => this.#send(id, value),
      cancel: () => {
        throw fault('NOT_YET', { what: 'cancel' })
      },
    }
  }

  emit(event: EventValue): void {
    this.#act(() => {
      const { contracts } = this.#machine.spec
      const op = this.#op(`emit:${event.type}`)
      let data: unknown = event.data
      const check = (): unknown => (data = contracts.checkEvent(event))
      const payload = this.#payload(op, event.data, check, `the data of ${event.type}`)
      // The key is of what the schema made of the data; a replay, which makes nothing of it again, has it recorded.
      const recorded = this.#machine.recordedCommands()?.find((command) => command['op'] === op)
      const key = recorded === undefined ? contracts.eventKey({ ...event, data }) : String(recorded['key'])
      this.#machine.commands.push({ kind: 'emit', op, type: event.type, key, ...payload })
    })
  }

  set(state: unknown): void {
    this.#act(() => {
      const { spec, commands } = this.#machine
      const isSet = ({ kind }: { readonly kind: string }): boolean => kind === 'set'
      // A state that was refused left no trace: it is refused again in a replay, in the same place.
      const isRecorded = (this.#machine.recordedCommands() ?? []).filter(isSet).length > commands.filter(isSet).length
      const value = isRecorded ? state : spec.contracts.checkState(state)
      commands.push({ kind: 'set', state: toText(value, 'the state') ?? 'null' })
    })
  }

  /** Takes back what was registered with an undo, last first. */
  undo(): Promise<unknown> {
    return this.#guard(() => (this.#undoing ??= this.#undoAll().finally(() => (this.#undoing = null))))
  }

  /** Nothing can interrupt a run in this version, so a shielded part is just run. */
  shield(work: (run: Surface) => Promise<unknown>): Promise<unknown> {
    return this.#guard(() => work(this))
  }

  /** Its place in the journal is kept; it comes into force with the limits on the size of a run. */
  continueAs(): never {
    throw fault('NOT_YET', { what: 'continueAs' })
  }

  patched(id: string): boolean {
    return this.#inTurn(() => {
      const known = this.#patches.get(checkId(id, 'The id of the patch'))
      if (known !== undefined) return known
      const recorded = this.#machine.recordedCommands()
      const answer = recorded === null || recorded.some((command) => command.kind === 'patch' && command['id'] === id)
      this.#patches.set(id, answer)
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

  /** Runs the body; when it fails, takes back first; when it ends, settles and takes back the losers of its races. */
  async drive(body: () => Promise<unknown>): Promise<unknown> {
    try {
      const output = await body()
      this.#over = true
      await this.#undoing
      for (const entry of this.#machine.undos.takeOpen()) await this.#undoOne(entry)
      return output
    } catch (error) {
      this.#over = true
      if (endsAsFailed(error)) await (this.#undoing ?? this.#undoAll())
      throw error
    }
  }

  #issueCall(call: CallValue, settings: CallSettings, op: string, undoes?: string): Promise<unknown> {
    refuseAbort(settings)
    const machine = this.#machine
    machine.spec.contracts.checkPolicy(settings, call.name)
    const payload = this.#payload(
      op,
      call.input,
      () => machine.spec.contracts.checkInput(call),
      `the input of ${call.name}`,
    )
    const mark = undoes === undefined ? {} : { undoes }
    return this.#withUndo(op, call.name, settings.undo, (undo) =>
      call.target === 'workflow'
        ? machine.issue({
            kind: 'child',
            op,
            run: childId(machine.spec.identity, op),
            call: call.name,
            ...payload,
            wait: true,
            ...undo,
            ...mark,
          })
        : machine.issue(
            {
              kind: 'call',
              op,
              call: call.name,
              ...payload,
              ...(settings.publish === true ? { publish: true } : {}),
              ...undo,
              ...mark,
            },
            settings,
          ),
    )
  }

  #withUndo(
    op: string,
    name: string,
    undo: Undo | undefined,
    issue: (mark: { readonly undo?: true }) => Promise<unknown>,
  ): Promise<unknown> {
    if (undo === undefined) return issue({})
    const promise = issue({ undo: true })
    this.#machine.undos.register(op, name, undo, promise)
    return promise
  }

  async #undoAll(): Promise<void> {
    for (let entry = this.#machine.undos.takeLast(); entry !== undefined; entry = this.#machine.undos.takeLast()) {
      await this.#undoOne(entry)
    }
  }

  async #undoOne(entry: Registered): Promise<void> {
    const outcome = await entry.settled
    const call = typeof entry.undo === 'function' ? entry.undo(outcome) : entry.undo
    if (call === null) return
    this.#machine.spec.contracts.checkUndo(entry.name, call)
    try {
      await this.#door(() => this.#issueCall(call, {}, `undo:${entry.op}`, entry.op))
    } catch (error) {
      // A run is never half undone quietly: it stands where it is, for a person to look.
      throw fault('UNDO_FAILED', { call: call.name, op: entry.op, message: toFailure(error).message }, error)
    }
  }

  #send(run: string, value: SignalValue): void {
    this.#act(() => {
      const op = this.#op(`send:${value.type}`)
      const payload = this.#payload(
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

  #op(name: string, given?: string): string {
    if (given !== undefined) {
      const op = operationId(name, 0, checkId(given, `The id of ${name}`))
      if (this.#given.has(op)) throw fault('OP_ID_REPEATED', { op, run: this.#machine.name })
      this.#given.add(op)
      return op
    }
    const occurrence = this.#occurrences.get(name) ?? 0
    this.#occurrences.set(name, occurrence + 1)
    return operationId(name, occurrence, undefined)
  }

  /**
   * A payload as its command keeps it. Live, it is validated and what the schema made of it is stored (with the raw
   * text beside it when they differ in more than the order of keys); what a journal holds is never validated again.
   */
  #payload(
    op: string,
    raw: unknown,
    check: () => unknown,
    what: string,
  ): { readonly input: JsonText; readonly raw?: JsonText } {
    const { recorded } = this.#machine
    if (recorded?.includes(JSON.stringify(op)) === true) return { input: toText(raw, what) ?? 'null' }
    const { text, ...given } = bothTexts(raw ?? null, check() ?? null, what)
    return { input: text as JsonText, ...given }
  }

  /** Runs a door that answers later, to the body and its branches. */
  #guard(work: () => Promise<unknown>): Promise<unknown> {
    return this.#over && this.#machine.active ? never() : this.#door(work)
  }

  /** Runs a door that answers later: what it throws becomes a rejection; outside a turn the code is at fault. */
  #door(work: () => Promise<unknown>): Promise<unknown> {
    if (!this.#machine.active) {
      this.#machine.blame(fault('FOREIGN_AWAIT', { run: this.#machine.name, work: '' }))
      return never()
    }
    try {
      return work()
    } catch (error) {
      return Promise.reject(error)
    }
  }

  /** Runs a door that answers nothing: what it does counts while the body runs. */
  #act(work: () => void): void {
    this.#inTurn(() => {
      if (!this.#over) work()
    })
  }

  /** Runs a door that answers at once. */
  #inTurn<T>(work: () => T): T {
    if (this.#machine.active) return work()
    const error = fault('FOREIGN_AWAIT', { run: this.#machine.name, work: '' })
    this.#machine.blame(error)
    throw error
  }
}

// Drives one machine as the engine does: delivers in one immediate, closes in the next, and keeps the rows that a store
// would keep. A driver can be replayed from its rows, by the same body or by another, on a machine of its own.
import type { Contracts } from '../../src/core/contracts.ts'
import {
  commandsText,
  parseCommands,
  parseTurn,
  turnText,
  type Command,
  type Delivered,
  type Answer,
} from '../../src/core/journal.ts'
import { Machine, type Closed } from '../../src/core/machine.ts'
import { verify, type Verdict } from '../../src/core/replay.ts'
import { startBody, type Surface } from '../../src/core/surface.ts'
import type { CallValue } from '../../src/core/values.ts'

export type Body = (run: Surface, input: unknown) => Promise<unknown>

/** What a machine is made of, where it is not as usual. */
export interface Setting {
  readonly id?: string
  readonly store?: string
  readonly generation?: number
  readonly key?: string
  readonly input?: unknown
  readonly seed?: number
  readonly carry?: string
  readonly contracts?: Partial<Contracts>
  /** What a cancellation is delivered with: the answer that its code could not take. */
  readonly held?: Answer
}

/** Doors that let everything in, as it is. */
const accepting: Contracts = {
  checkPolicy: () => {},
  checkUndo: () => {},
  checkInput: ({ input }) => input,
  checkEvent: ({ data }) => data,
  eventKey: ({ key }) => `orderId:${key}`,
  checkSignal: ({ data }) => data,
  checkState: (state) => state,
  checkOutput: (output) => output,
  checkReceivable: () => {},
  checkContinue: (input) => input,
}

export interface Row {
  readonly seq: number
  readonly at: number
  readonly text: string
}

/** Time of the first turn; each turn is a second later. */
export const BEGIN = Date.UTC(2026, 0, 31, 12)

export class Driver {
  readonly body: Body
  readonly setting: Setting
  readonly machine: Machine
  readonly rows: Row[] = []
  readonly logs: (readonly unknown[])[] = []
  readonly faults: Error[] = []
  #seq = 0

  constructor(body: Body, setting: Setting = {}) {
    this.body = body
    this.setting = setting
    this.machine = new Machine({
      identity: {
        store: setting.store ?? 's1',
        ns: 'default',
        id: setting.id ?? 'r1',
        generation: setting.generation ?? 0,
      },
      key: setting.key ?? null,
      input: JSON.stringify(setting.input ?? null),
      carry: setting.carry ?? null,
      contracts: { ...accepting, ...setting.contracts },
      start: (machine, input) => startBody(machine, body, input),
      log: (...line) => this.logs.push(line),
      onFault: (error) => this.faults.push(error),
    })
  }

  /** One turn, as the pump runs it. A turn that did not throw becomes a row. */
  async turn(delivered: Delivered, recorded: string | null = null, at?: number, seq?: number): Promise<Closed> {
    const turnSeq = seq ?? this.#seq
    const turnAt = at ?? BEGIN + turnSeq * 1000
    if (!this.machine.accepts(delivered)) throw new Error(`not accepted: ${JSON.stringify(delivered)}`)
    const closed = await new Promise<Closed>((resolve, reject) => {
      const safely = (work: () => void) => (): void => {
        try {
          work()
        } catch (error) {
          reject(error)
        }
      }
      const held = delivered.kind === 'cancel' ? this.setting.held : undefined
      setImmediate(safely(() => this.machine.deliver(delivered, turnAt, turnSeq, recorded, held)))
      setImmediate(safely(() => resolve(this.machine.close())))
    })
    this.#seq = turnSeq + 1
    if (closed.kind !== 'threw') {
      this.rows.push({ seq: turnSeq, at: turnAt, text: turnText(delivered, commandsText(closed.commands)) })
    }
    return closed
  }

  start(): Promise<Closed> {
    return this.turn({ kind: 'start', seed: this.setting.seed ?? 7 })
  }
  done(op: string, value?: unknown): Promise<Closed> {
    return this.turn({ kind: 'done', op, payload: JSON.stringify(value) })
  }
  failed(op: string, code = 'ATTEMPT_FAILED', message = 'no answer'): Promise<Closed> {
    return this.turn({ kind: 'failed', op, error: { code, message } })
  }
  timer(op: string): Promise<Closed> {
    return this.turn({ kind: 'timer', op })
  }
  signal(name: string, data?: unknown, id = `signal-${this.#seq}`): Promise<Closed> {
    return this.turn({ kind: 'signal', name, id, payload: JSON.stringify(data) })
  }
  /** Somebody asks the run to stop; forced when its code cannot go on. */
  cancel(forced = false, by = 'ann'): Promise<Closed> {
    return this.turn({ kind: 'cancel', by, why: 'changed her mind', ...(forced ? { forced } : {}) })
  }
  event(type: string, pos: number, data: unknown = {}): Promise<Closed> {
    const identity = { source: 'shop', id: `event-${pos}`, key: 'orderId:8841' }
    return this.turn({ kind: 'event', type, pos, ...identity, payload: JSON.stringify(data) })
  }

  /** What the run waits for, oldest first. */
  get waits(): readonly string[] {
    return [...this.machine.pending.keys()]
  }
}

/** A turn that went on, or ended: its commands. */
export function commandsOf(closed: Closed): readonly Command[] {
  if (closed.kind === 'threw') throw closed.error
  return closed.commands
}

/** What a turn issued, in short: `call payment.charge#0`, `stop r1~ship.0`, `phase undoing`. */
export function opsOf(closed: Closed): readonly string[] {
  return commandsOf(closed).map((command) => {
    if ('op' in command) return `${command.kind} ${command.op}`
    if (command.kind === 'stop') return `stop ${command.run}`
    return command.kind === 'phase' ? `phase ${command.phase ?? 'over'}` : command.kind
  })
}

/** Replays the rows of a driver on a machine of its own, up to the first difference. */
export async function replay(
  recorded: Driver,
  body: Body = recorded.body,
  setting: Setting = recorded.setting,
): Promise<{ readonly driver: Driver; readonly verdicts: readonly Verdict[]; readonly lines: readonly string[] }> {
  const driver = new Driver(body, setting)
  const verdicts: Verdict[] = []
  const lines: string[] = []
  for (const { seq, at, text } of recorded.rows) {
    const turn = parseTurn(text)
    const closed = await driver.turn(turn.delivered, turn.commandsText, at, seq)
    const line = closed.kind === 'threw' ? closed.error.message : commandsText(closed.commands)
    const verdict: Verdict =
      closed.kind === 'threw' ? { kind: 'different', diff: line } : verify(closed.commands, turn.commandsText)
    lines.push(line)
    verdicts.push(verdict)
    if (verdict.kind === 'different') break
    if (verdict.kind === 'recorded') adopt(driver.machine, verdict.commands)
  }
  return { driver, verdicts, lines }
}

/** What was recorded holds, as in the engine. */
function adopt(machine: Machine, commands: readonly Command[]): void {
  for (const command of commands) {
    const pending = 'op' in command ? machine.pending.get(command.op) : undefined
    if (pending?.command.kind === command.kind) pending.command = command
  }
}

/** Line 3 of every row of a driver. */
export function linesOf(driver: Driver): readonly string[] {
  return driver.rows.map(({ text }) => parseTurn(text).commandsText)
}

/** An operation applied to its input; a workflow's name has no dot. */
export function call(name: string, input: unknown = {}): CallValue {
  return { kind: 'call', target: name.includes('.') ? 'operation' : 'workflow', name, input }
}

/** The three kinds of values that a body passes on. */
export const event = (type: string, data: unknown = {}, key = '8841') => ({ kind: 'event', type, data, key }) as const
export const signal = (type: string, data: unknown = {}) => ({ kind: 'signal', type, data }) as const
export const anEvent = (type: string) => ({ kind: 'event', type }) as const
export const aSignal = (type: string) => ({ kind: 'signal', type }) as const

/** The next generation of a run that has continued, as the engine begins it: from what stands in the journal. */
export function nextOf(driver: Driver, body: Body = driver.body): Driver {
  const last = parseCommands(linesOf(driver).at(-1) as string).at(-1)
  if (last?.kind !== 'continue') throw new Error('it has not continued')
  const { generation = 0 } = driver.setting
  const carry = JSON.stringify(last['carry'])
  return new Driver(body, { ...driver.setting, generation: generation + 1, input: last['input'], carry })
}

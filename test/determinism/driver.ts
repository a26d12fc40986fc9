// The world around one live machine, in virtual time: it answers calls after random latencies, fires timers, publishes
// events and sends signals, all by the dice of a seed, and writes the journal. It can begin at the start of a run or
// take up a machine that was replayed, as the engine's loader does, with other dice.
import { invariant } from '../../src/core/errors.ts'
import { commandsText, turnText, type Command, type Delivered } from '../../src/core/journal.ts'
import type { StepWork } from '../../src/core/issue.ts'
import type { OperationContext } from '../../src/define/definition.ts'
import type { Chance } from '../../src/testing/simulation/chance.ts'
import { answerOf, pendingWords, type Row, type Scene, type StagePump, type WatchedMachine } from './scene.ts'

/** An event in the log of the run's key. */
interface Fact {
  readonly type: string
  readonly pos: number
  readonly payload: string
}

/** A run that has come to its end, and what was true after each of its turns. */
export interface Life {
  readonly rows: readonly Row[]
  /** What the machine waited for after each turn. */
  readonly pending: readonly string[]
  /** The events that were in the log after each turn. */
  readonly facts: readonly (readonly Fact[])[]
}

interface Plan {
  readonly at: number
  readonly order: number
  readonly delivered: Delivered
}

const TURNS = 400

/** What operations with outcomes answer with. */
const OUTCOMES: Readonly<Record<string, (v: number) => string>> = {
  'work.charge': (v) => (v % 4 === 0 ? 'work.declined' : 'work.charged'),
  'work.refund': () => 'work.refunded',
}

export class Driver {
  readonly #scene: Scene
  readonly #machine: WatchedMachine
  readonly #stage: StagePump
  readonly #chance: Chance
  readonly #rows: Row[]
  readonly #pending: string[]
  readonly #facts: (readonly Fact[])[]
  readonly #plans: Plan[] = []
  #log: readonly Fact[]
  #now: number
  #orders = 0
  #offered = false
  #ended = false

  /** @param life what the machine has lived through and was replayed from; an empty one for a new machine. */
  constructor(scene: Scene, machine: WatchedMachine, stage: StagePump, chance: Chance, life: Life) {
    this.#scene = scene
    this.#machine = machine
    this.#stage = stage
    this.#chance = chance
    this.#rows = [...life.rows]
    this.#pending = [...life.pending]
    this.#facts = [...life.facts]
    this.#log = life.facts.at(-1) ?? []
    this.#now = (life.rows.at(-1)?.at ?? 1_000_000) + chance.between(0, 300)
  }

  /** Lives on to the end of the run. */
  async live(): Promise<Life> {
    if (this.#rows.length === 0) await this.#turn({ kind: 'start', seed: this.#chance.between(0, 2 ** 31) })
    else this.#takeUp([...this.#machine.pending.values()].map(({ command }) => command))
    this.#meddle()
    while (!this.#ended) {
      invariant(this.#rows.length < TURNS, 'a program does not come to its end')
      this.#offer()
      if (this.#plans.length === 0) this.#provoke()
      const plan = this.#plans.reduce((first, one) =>
        one.at < first.at || (one.at === first.at && one.order < first.order) ? one : first,
      )
      this.#plans.splice(this.#plans.indexOf(plan), 1)
      this.#now = Math.max(this.#now, plan.at)
      if (plan.delivered.kind === 'event') this.#offered = false
      if (this.#machine.accepts(plan.delivered)) await this.#turn(plan.delivered)
    }
    return { rows: this.#rows, pending: this.#pending, facts: this.#facts }
  }

  async #turn(delivered: Delivered): Promise<void> {
    const machine = this.#machine
    const seq = this.#rows.length
    const at = this.#now
    await this.#stage.turn(
      () => machine.deliver(delivered, at, seq, null),
      () => {
        const closed = machine.close()
        if (closed.kind === 'threw') throw closed.error
        this.#ended = closed.kind === 'ended'
        this.#rows.push({ seq, at, text: turnText(delivered, commandsText(closed.commands)) })
        this.#pending.push(pendingWords(machine))
        if (!this.#ended) this.#takeUp(closed.commands)
        this.#facts.push(this.#log)
      },
    )
  }

  /** What follows from commands: answers and timers to come, events in the log. */
  #takeUp(commands: readonly Command[]): void {
    for (const command of commands) {
      if (command.kind === 'emit') this.#publish(command.type, command.input)
      else if (command.kind === 'stop') this.#stop(command.run)
      else if (command.kind === 'sleep' || (command.kind === 'wait' && command.due !== undefined)) {
        this.#plan(command.due as number, { kind: 'timer', op: command.op })
      } else if (
        command.kind === 'call' ||
        command.kind === 'step' ||
        command.kind === 'join' ||
        (command.kind === 'child' && command.wait)
      ) {
        // One that was given up in the turn that asked for it is never made.
        if (this.#machine.pending.has(command.op))
          this.#plan(this.#now + this.#chance.latencyMs(), this.#answer(command))
      }
    }
  }

  /** A child that is asked to stop does so soon, if it has not come to its end before. */
  #stop(run: string): void {
    for (const { op, command } of this.#machine.pending.values()) {
      if ((command.kind !== 'child' && command.kind !== 'join') || command.run !== run) continue
      const error = { code: 'cancelled', message: 'its parent stopped' }
      this.#plan(this.#now + this.#chance.latencyMs(), { kind: 'failed', op, error })
    }
  }

  #plan(at: number, delivered: Delivered): void {
    this.#plans.push({ at, order: this.#orders++, delivered })
  }

  #answer(command: Extract<Command, { kind: 'call' | 'step' | 'child' | 'join' }>): Delivered {
    const chance = this.#chance
    const { op } = command
    const mustSucceed = 'undoes' in command
    if (!mustSucceed && chance.is(0.08))
      return { kind: 'failed', op, error: { code: 'TERMINAL', message: `no (${chance.between(1, 9)})` }, attempt: 1 }
    const whim = chance.between(0, 1000)
    return { kind: 'done', op, payload: this.#payload(command, whim), attempt: 1 + (whim % 3), ms: whim }
  }

  #payload(command: Extract<Command, { kind: 'call' | 'step' | 'child' | 'join' }>, whim: number): string {
    if (command.kind === 'step') {
      const work = this.#machine.pending.get(command.op)?.work as StepWork
      return JSON.stringify(
        (work.body as (context: OperationContext) => unknown)({ attempt: whim } as OperationContext),
      )
    }
    const input = 'input' in command ? (JSON.parse(command.input) as { v: number }).v : 0
    const v = answerOf(input, whim)
    const { orderId } = this.#scene.input
    const outcome = 'call' in command ? OUTCOMES[command.call]?.(v) : undefined
    return JSON.stringify(
      outcome === undefined ? { v } : { kind: 'event', type: outcome, data: { orderId, v }, key: orderId },
    )
  }

  #publish(type: string, payload: string): void {
    this.#log = [...this.#log, { type, pos: this.#log.length + 1, payload }]
  }

  /** Signals and events that come whether anybody waits or not; some signals come twice. */
  #meddle(): void {
    const chance = this.#chance
    for (let count = chance.between(0, 4); count > 0; count--) this.#send(this.#now + chance.between(0, 600))
    for (let count = chance.between(0, 3); count > 0; count--)
      this.#publish(chance.pick(['ping', 'pong']), this.#data())
    // Some runs are cancelled, some of those twice, and some without asking their code.
    for (let time = 0; time < 2 && chance.is(0.35); time++) {
      const forced = chance.is(0.2) ? ({ forced: true } as const) : {}
      this.#plan(this.#now + chance.between(0, 900), { kind: 'cancel', by: 'audience', why: `time ${time}`, ...forced })
    }
  }

  #data(): string {
    return JSON.stringify({ orderId: this.#scene.input.orderId, v: this.#chance.between(0, 999) })
  }

  #send(at: number, name: string = this.#chance.pick(['nudge', 'halt'])): void {
    const id = `s-${this.#rows.length}-${this.#chance.between(0, 1e6)}`
    const signal: Delivered = { kind: 'signal', name, id, payload: this.#data() }
    this.#plan(at, signal)
    if (this.#chance.is(0.2)) this.#plan(at + this.#chance.latencyMs(), signal)
  }

  /** Brings the oldest event that the machine waits for and has not seen, one at a time. */
  #offer(): void {
    if (this.#offered) return
    const { mailbox } = this.#machine
    const fact = this.#log.find(
      ({ type, pos }) => this.#machine.waitsFor(`event:${type}`) && pos > mailbox.cursor(type),
    )
    if (fact === undefined) return
    this.#offered = true
    const { type, pos, payload } = fact
    const { orderId } = this.#scene.input
    this.#plan(this.#now + this.#chance.between(0, 40), {
      kind: 'event',
      type,
      pos,
      source: 'world',
      id: `e-${pos}`,
      key: orderId,
      payload,
    })
  }

  /** Nothing is under way: gives one of the waits what it waits for. */
  #provoke(): void {
    const names = [...this.#machine.pending.values()].flatMap(({ command }) =>
      command.kind === 'wait' ? command.names : [],
    )
    invariant(names.length > 0, 'a machine waits for nothing that could come')
    const [kind, type] = this.#chance.pick(names).split(':') as [string, string]
    if (kind === 'signal') this.#send(this.#now + 1, type)
    else {
      this.#publish(type, this.#data())
      this.#offer()
    }
  }
}

export const NOTHING_YET: Life = { rows: [], pending: [], facts: [] }

// Brings a workflow run back from its journal: each turn is delivered again, in a macrotask of its own, and what the
// code does is compared with what was recorded. It never guesses: at the first difference the run is frozen with a diff.
// A turn that threw is done again with today's code; if that is mended, the run goes on from there.
import { fault } from '../core/errors.ts'
import { toFailure } from '../core/failure.ts'
import { parseCommands, type Answer, type Command, type Delivered } from '../core/journal.ts'
import type { Closed, Machine } from '../core/machine.ts'
import { verify } from '../core/replay.ts'
import { CurrentWork } from './current-work.ts'
import type { HistoryTurn } from './history.ts'
import type { Pump, TurnJob } from './pump.ts'

/** What a replay came to. */
export type Replayed =
  | { readonly kind: 'ready' }
  /** The last turn threw, and nothing has taken its place yet. */
  | ({ readonly kind: 'threw' } & Held)
  | { readonly kind: 'diverged'; readonly error: Error }

/** Turns that still wait when more of them are welcome: so few that they are gone before they grow old in memory. */
const FEW = 100

/** Replays the turns of a run, which may come in parts. */
export class Replay {
  readonly #pump: Pump
  readonly #progress: Progress
  /** Held back until it is known whether it is the last. */
  #next: HistoryTurn | null = null

  constructor(pump: Pump, workflow: string, machine: Machine, current: CurrentWork = CurrentWork.unwatched()) {
    this.#pump = pump
    this.#progress = { workflow, machine, current, number: 0, held: null, diverged: null, waiting: 0, onFew: null }
  }

  /** These come behind those before. */
  add(turns: readonly HistoryTurn[]): void {
    for (const turn of turns) {
      if (this.#next !== null) this.#queue(this.#next, null)
      this.#next = turn
    }
  }

  /** Resolves when there is room for more: what is read long before it is made would only be in the way. */
  room(): Promise<void> {
    const progress = this.#progress
    if (progress.waiting <= FEW) return Promise.resolve()
    return new Promise((resolve) => (progress.onFew = resolve))
  }

  /** There are no more turns. Resolves when the last has been closed. */
  finish(): Promise<Replayed> {
    const last = this.#next
    if (last === null) return Promise.resolve({ kind: 'ready' })
    return new Promise((resolve) => this.#queue(last, resolve))
  }

  /** Those that were added and have not begun are not made. */
  abandon(error: Error): void {
    this.#progress.diverged ??= error
  }

  #queue(turn: HistoryTurn, done: ((replayed: Replayed) => void) | null): void {
    this.#progress.waiting += 1
    this.#pump.add(new ReplayJob(this.#progress, turn, done))
  }
}

/** Replays turns that are all there. Resolves when the last has been closed. */
export function replay(
  pump: Pump,
  workflow: string,
  machine: Machine,
  turns: readonly HistoryTurn[],
  current?: CurrentWork,
): Promise<Replayed> {
  const all = new Replay(pump, workflow, machine, current)
  all.add(turns)
  return all.finish()
}

/** A turn that threw. */
export interface Held {
  readonly seq: number
  readonly delivered: Delivered
  /** Where the code threw first: the same, but for a forced cancellation that threw as well. */
  readonly first: { readonly seq: number; readonly delivered: Delivered }
}

/** The answer that was delivered in the turn that a cancellation names. */
export function answerHeld(delivered: Delivered, held: Held | null): Answer | undefined {
  if (delivered.kind !== 'cancel' || held === null || delivered.of !== held.first.seq) return undefined
  const { first } = held
  return first.delivered.kind === 'done' || first.delivered.kind === 'failed' ? first.delivered : undefined
}

interface Progress {
  readonly workflow: string
  readonly machine: Machine
  readonly current: CurrentWork
  /** Of the next turn, of this generation. */
  number: number
  /** The delivery of a turn that threw, until a `resume` makes it again. */
  held: Held | null
  diverged: Error | null
  /** Turns that were queued and have not ended, and whom to tell when they are few. */
  waiting: number
  onFew: (() => void) | null
}

class ReplayJob implements TurnJob {
  readonly #progress: Progress
  readonly #turn: HistoryTurn
  readonly #done: ((replayed: Replayed) => void) | null
  #delivered = false

  constructor(progress: Progress, turn: HistoryTurn, done: ((replayed: Replayed) => void) | null) {
    this.#progress = progress
    this.#turn = turn
    this.#done = done
  }

  get workflow(): string {
    return this.#progress.workflow
  }

  get machine(): Machine | null {
    return this.#delivered ? this.#progress.machine : null
  }

  begin(): void {
    this.#safely(() => this.#begin())
  }

  end(): void {
    this.#progress.current.over()
    this.#safely(() => this.#end())
    this.#count()
    if (this.#done === null) return
    const { diverged, held } = this.#progress
    if (diverged !== null) this.#done({ kind: 'diverged', error: diverged })
    else this.#done(held === null ? { kind: 'ready' } : { kind: 'threw', ...held })
  }

  #count(): void {
    const progress = this.#progress
    progress.waiting -= 1
    if (progress.waiting > FEW || progress.onFew === null) return
    progress.onFew()
    progress.onFew = null
  }

  /** What a damaged row makes of the engine's own code is that run's fault. */
  #safely(work: () => void): void {
    try {
      work()
    } catch (error) {
      this.#diverge(`  its row cannot be replayed: ${toFailure(error).message}`)
    }
  }

  #begin(): void {
    const { machine, current } = this.#progress
    const { delivered, commandsText, seq, at } = this.#turn
    current.turn(machine.spec.identity.id, this.#progress.number++)
    if (this.#progress.diverged !== null) return
    const { held } = this.#progress
    if (commandsText.startsWith('[{"kind":"threw"')) {
      const first = held !== null && delivered.kind === 'cancel' ? held.first : { seq, delivered }
      this.#progress.held = { seq, delivered, first }
      return
    }
    const taken = delivered.kind === 'resume' ? held?.delivered : delivered
    if (delivered.kind === 'resume' || delivered.kind === 'cancel') this.#progress.held = null
    if (taken === undefined || !machine.accepts(taken)) {
      return this.#diverge(`  - recorded ${deliveredWords(delivered)}\n  + produced nothing that waits for it`)
    }
    this.#delivered = true
    machine.deliver(taken, at, seq, commandsText, answerHeld(taken, held))
  }

  #end(): void {
    const { machine, held } = this.#progress
    if (this.#delivered) this.#check(machine.close())
    // A turn that threw is to be done again: today's code must wait for what was delivered then.
    if (this.#done !== null && held !== null && !machine.accepts(held.delivered)) {
      this.#diverge(`  - recorded ${deliveredWords(held.delivered)}\n  + produced nothing that waits for it`)
    }
  }

  #check(closed: Closed): void {
    const { machine } = this.#progress
    if (closed.kind === 'threw') {
      const recorded = parseCommands(this.#turn.commandsText).map(
        (command) => `  - recorded ${command.kind} ${JSON.stringify(command['op'])}`,
      )
      return this.#diverge([...recorded, `  + produced ${closed.error.message}`].join('\n'))
    }
    const verdict = verify(closed.commands, this.#turn.commandsText)
    if (verdict.kind === 'different') this.#diverge(verdict.diff)
    else if (verdict.kind === 'recorded') adopt(machine, verdict.commands)
  }

  #diverge(diff: string): void {
    const { machine } = this.#progress
    this.#progress.diverged ??= fault('RUN_DIVERGED', { run: machine.name, seq: this.#turn.seq, diff })
  }
}

/** Makes the turn that threw again, as a start of the application would: only that shows whether its code is mended. */
export function makeAgain(
  pump: Pump,
  workflow: string,
  machine: Machine,
  held: Held,
  last: HistoryTurn,
  current: CurrentWork = CurrentWork.unwatched(),
): Promise<Closed> {
  return new Promise((resolve) =>
    pump.add({
      workflow,
      machine,
      begin() {
        current.turn(machine.spec.identity.id, last.seq + 1)
        machine.deliver(held.delivered, last.at, last.seq + 1, null, answerHeld(held.delivered, held))
      },
      end() {
        current.over()
        resolve(machine.close())
      },
    }),
  )
}

/** What was recorded holds: decoded inputs, due times. */
function adopt(machine: Machine, commands: readonly Command[]): void {
  for (const command of commands) {
    const pending = 'op' in command ? machine.pending.get(command.op) : undefined
    if (pending?.command.kind === command.kind) pending.command = command
  }
}

function deliveredWords(delivered: Delivered): string {
  if ('op' in delivered) return `${delivered.kind} ${delivered.op}`
  return 'name' in delivered ? `${delivered.kind} ${delivered.name}` : delivered.kind
}

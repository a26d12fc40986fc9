// What a run would have to take back: calls with an undo, in the order in which they were registered (before the call
// was issued, so that one whose answer is unknown is taken back too). The undoing runs them in reverse (undoing.ts). A
// child that a run waits for is registered without an undo: it takes itself back, but must have settled before what the
// run did before it is.
import type { CallValue } from './values.ts'

/** The undo of a call: another call, or a function of the outcome (undefined: unknown), null for nothing to do. */
export type Undo = CallValue | ((outcome: unknown) => CallValue | null)

export interface Registered {
  readonly op: string
  /** The name of the call: `payment.charge`. */
  readonly name: string
  /** Null: there is nothing to take back, it only has to settle first. */
  readonly undo: Undo | null
  /** Resolves when the call has settled, also one that was given up; to undefined when its outcome is not known. */
  readonly settled: Promise<unknown>
}

/** An undo that a continued run hands on: `op` begins with the generation that made the call. */
export interface CarriedUndo {
  readonly op: string
  readonly name: string
  readonly undo: CallValue
}

interface Entry extends Registered {
  outcome: unknown
}

/** The undos of one run. */
export class UndoLog {
  readonly #entries: Entry[] = []
  readonly #open = new Set<string>()

  constructor(carried: readonly CarriedUndo[] = []) {
    for (const one of carried) this.#entries.push({ ...one, settled: Promise.resolve(), outcome: undefined })
  }

  /**
   * What the next generation has to take back: the calls that the undos come to, in the order of registration. Everything
   * has settled.
   */
  carried(generation: number): readonly CarriedUndo[] {
    return this.#entries.flatMap(({ op, name, undo, outcome }) => {
      const call = typeof undo === 'function' ? undo(outcome) : undo
      return call === null ? [] : [{ op: op.includes('~') ? op : `${generation}~${op}`, name, undo: call }]
    })
  }

  /** Registers what takes back `op`. Returns how to say that it has settled. */
  register(op: string, name: string, undo: Undo | null): (outcome: unknown) => void {
    const { promise, resolve } = Promise.withResolvers<unknown>()
    const entry: Entry = { op, name, undo, settled: promise, outcome: undefined }
    this.#open.add(op)
    this.#entries.push(entry)
    return (outcome) => {
      this.#open.delete(op)
      if (undo === null) this.#remove(entry)
      entry.outcome = outcome
      resolve(outcome)
    }
  }

  /** Whether there is nothing to take back and nothing to wait for. */
  get isEmpty(): boolean {
    return this.#entries.length === 0
  }

  /** The one registered last, removed; undefined at the end. */
  takeLast(): Registered | undefined {
    return this.#entries.pop()
  }

  /** Removes and returns the calls that have not settled, last first: the losers of a race when a run ends. */
  takeOpen(): readonly Registered[] {
    const open = this.#entries.filter((entry) => this.#open.has(entry.op)).reverse()
    for (const entry of open) this.#remove(entry)
    return open
  }

  #remove(entry: Entry): void {
    const index = this.#entries.indexOf(entry)
    if (index >= 0) this.#entries.splice(index, 1)
  }
}

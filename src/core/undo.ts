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
  /** When it was taken back there was nothing to do. */
  readonly wasNothing?: boolean
}

/** An undo that a continued run hands on: `op` begins with the generation that made the call. */
export interface CarriedUndo {
  readonly op: string
  readonly name: string
  readonly undo: CallValue
  readonly lost?: true
}

/** Says how a call came out, and whether that is known: nothing may be what it answers. */
export type Settle = (outcome: unknown, isKnown?: boolean) => void

interface Entry extends Registered {
  outcome: unknown
  isSettled: boolean
  isKnown: boolean
  wasNothing?: boolean
  /** The run did not take its answer: it is taken back however the run ends. */
  lost: boolean
}

const UNKNOWN = { outcome: undefined, isKnown: false }

/** The undos of one run. */
export class UndoLog {
  readonly #entries: Entry[] = []
  /** Those that have been taken back, or are being. */
  readonly #taken = new Map<string, Entry>()

  constructor(carried: readonly CarriedUndo[] = []) {
    for (const { op, name, undo, lost = false } of carried)
      this.#entries.push({ ...UNKNOWN, op, name, undo, settled: Promise.resolve(), isSettled: true, lost })
  }

  /**
   * What the next generation has to take back: the calls that the undos come to, in the order of registration. Everything
   * has settled.
   */
  carried(generation: number): readonly CarriedUndo[] {
    return this.#entries.flatMap(({ op, name, undo, outcome, lost }) => {
      const call = typeof undo === 'function' ? undo(outcome) : undo
      const named = op.includes('~') ? op : `${generation}~${op}`
      return call === null ? [] : [{ op: named, name, undo: call, ...(lost ? { lost } : {}) }]
    })
  }

  /** Registers what takes back `op`. Returns how to say that it has settled. */
  register(op: string, name: string, undo: Undo | null): Settle {
    const { promise, resolve } = Promise.withResolvers<unknown>()
    const entry: Entry = { ...UNKNOWN, op, name, undo, settled: promise, isSettled: false, lost: false }
    this.#entries.push(entry)
    return (outcome, isKnown = false) => {
      if (undo === null) this.#remove(entry)
      entry.isSettled = true
      entry.outcome = outcome
      entry.isKnown = isKnown
      resolve(outcome)
    }
  }

  /** Notes that a call was given up: whatever it came to, the run knows nothing of it. */
  lose(op: string): void {
    for (const entry of this.#entries) if (entry.op === op) entry.lost = true
  }

  /** When the first of those that were given up and are under way has settled; undefined when there is none. */
  get unsettled(): Promise<unknown> | undefined {
    return this.#entries.find(({ lost, isSettled }) => lost && !isSettled)?.settled
  }

  /** The one registered last, of all or of those that were given up. */
  last(all: boolean): Registered | undefined {
    return this.#entries.findLast((entry) => all || entry.lost)
  }

  /** It is being taken back: it is registered no more. */
  take(entry: Registered): void {
    this.#remove(entry)
    this.#taken.set(entry.op, entry as Entry)
  }

  /** There was nothing to do to take it back, as far as its undo knew. */
  nothing(entry: Registered): void {
    const taken: Entry = entry as Entry
    taken.wasNothing = true
  }

  /** Whether nothing has been registered that could be taken back, or was. */
  get isEmpty(): boolean {
    return this.#entries.length === 0 && this.#taken.size === 0
  }

  /** What took back this operation, or is doing so, without knowing how it had come out. */
  takenUnknown(op: string): Registered | undefined {
    const entry = this.#taken.get(op)
    return entry?.isKnown === false ? entry : undefined
  }

  #remove(entry: Registered): void {
    const index = this.#entries.lastIndexOf(entry as Entry)
    if (index >= 0) this.#entries.splice(index, 1)
  }
}

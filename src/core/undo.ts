// What a run would have to take back: calls with an undo, in the order in which they were registered (before the call
// was issued, so that one whose answer is unknown is taken back too). The machine runs them in reverse.
import type { CallValue } from './values.ts'

/** The undo of a call: another call, or a function of the outcome (undefined: unknown), null for nothing to do. */
export type Undo = CallValue | ((outcome: unknown) => CallValue | null)

export interface Registered {
  readonly op: string
  /** The name of the call: `payment.charge`. */
  readonly name: string
  readonly undo: Undo
  /** Settles when the call has; never rejects. Resolves to the outcome, or undefined when it failed. */
  readonly settled: Promise<unknown>
}

/** The undos of one run. */
export class UndoLog {
  readonly #entries: Registered[] = []
  readonly #open = new Set<string>()

  /** @param call the promise of the call that may have to be taken back. */
  register(op: string, name: string, undo: Undo, call: Promise<unknown>): void {
    this.#open.add(op)
    const close = (outcome?: unknown): unknown => {
      this.#open.delete(op)
      return outcome
    }
    this.#entries.push({ op, name, undo, settled: call.then(close, () => close()) })
  }

  /** The one registered last, removed; undefined at the end. */
  takeLast(): Registered | undefined {
    return this.#entries.pop()
  }

  /** Removes and returns the calls that have not settled, last first: the losers of a race when a run ends. */
  takeOpen(): readonly Registered[] {
    const open = this.#entries.filter((entry) => this.#open.has(entry.op)).reverse()
    for (const entry of open) this.#entries.splice(this.#entries.indexOf(entry), 1)
    return open
  }
}

// What other nodes pass on to this one and it does not take: nodes whose secrets or clocks differ go on all the same, only slower, so
// that it has to be seen where people look. It is counted among the problems, and in the log with what to do. Kept by handler.ts.
import type { Clock } from '../core/clock.ts'
import type { BalletError } from '../core/errors.ts'
import type { Log } from '../define/definition.ts'
import { Refusals } from './refusals.ts'

export class Forbidden {
  readonly #refusals: Refusals
  readonly #problems: Map<string, number>

  /** @param problems that were answered, by their codes. */
  constructor(clock: Clock, log: Log, problems: Map<string, number>) {
    this.#refusals = new Refusals(clock, log)
    this.#problems = problems
  }

  /** Nobody is at fault for what was meant for a node that was here before: whoever means that hears of this one in a moment. */
  add(what: string, { status, code, message, hint, details }: BalletError): void {
    if (details['meant'] !== undefined) return
    this.#problems.set(code, (this.#problems.get(code) ?? 0) + 1)
    this.#refusals.add(what, { status, code, detail: `${message} ${hint}` })
  }
}

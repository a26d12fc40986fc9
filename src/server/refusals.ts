// Requests that were refused, in the log: a wrong secret, or a sender that does not speak as it should, is to be seen on this side too,
// and rubbish that somebody sends must not fill the log. So each kind of refusal has a line at once, and then a line a minute
// at most, with how many there were. Used by the doors of services elsewhere (src/http.ts).
import { elapsedOf, type Clock } from '../core/clock.ts'
import type { Log } from '../define/definition.ts'

const LINE_MS = 60_000

/** How a request was answered: a code of the catalogue, so that there are few kinds. */
export interface Refusal {
  readonly status: number
  readonly code: string
  readonly detail: string
}

export class Refusals {
  readonly #clock: Clock
  readonly #log: Log
  readonly #kinds = new Map<string, { untold: number; toldAt: number }>()

  constructor(clock: Clock, log: Log) {
    this.#clock = clock
    this.#log = log
  }

  /** @param what was refused, `POST /charge`; nothing of it is secret. */
  add(what: string, { status, code, detail }: Refusal): void {
    const now = elapsedOf(this.#clock)
    const kind = this.#kinds.get(code) ?? { untold: 0, toldAt: -Infinity }
    this.#kinds.set(code, kind)
    kind.untold += 1
    if (now - kind.toldAt < LINE_MS) return
    const count = kind.untold
    Object.assign(kind, { untold: 0, toldAt: now })
    const subject = count === 1 ? `${what} was` : `${count} requests were`
    const which = count === 1 ? detail : `the last, ${what}: ${detail}`
    // What nobody has thought of is a fault of this side.
    const level = code === 'INVARIANT' ? 'error' : 'warn'
    this.#log[level](`${subject} refused (${status}): ${which}`, { requests: count }, { code })
  }
}

// What the log says of runs that become stuck. A bug can stick thousands of them in a minute, and what each of them is stuck by
// stands in its journal: so of one name and reason the first few in a minute are told one by one, and how many more there were in
// one line at its end. One a process; told by endings.ts and facts.ts, ended by Shards.
import { elapsedOf, type Cancel, type Clock } from '../core/clock.ts'
import type { Json } from '../core/json.ts'
import type { Log } from '../define/definition.ts'

/** Lines of one name and reason within a minute. */
const MOST = 10
const MINUTE_MS = 60_000

/** A run that became stuck. */
export interface BecameStuck {
  readonly id: string
  readonly name: string
  readonly reason: string
  readonly op?: string | undefined
  readonly code: string
}

interface Minute {
  readonly since: number
  lines: number
  more: number
  last: BecameStuck
  cancel: Cancel
}

export class StuckLines {
  readonly #clock: Clock
  readonly #log: Log
  readonly #minutes = new Map<string, Minute>()

  constructor({ clock, log }: { readonly clock: Clock; readonly log: Log }) {
    this.#clock = clock
    this.#log = log
  }

  say(run: BecameStuck, words: string, data?: Json): void {
    const minute = this.#minuteOf(run)
    minute.last = run
    minute.lines += 1
    if (minute.lines <= MOST) {
      const { id, op, code } = run
      return this.#log.error(words, data, { run: id, op, code })
    }
    minute.more += 1
    if (minute.more > 1) return
    const left = minute.since + MINUTE_MS - elapsedOf(this.#clock)
    minute.cancel = this.#clock.after(left, () => this.#end(minute))
  }

  /** Nothing more comes: what was not told yet is. */
  close(): void {
    for (const minute of this.#minutes.values()) this.#end(minute)
  }

  #minuteOf(run: BecameStuck): Minute {
    const now = elapsedOf(this.#clock)
    const known = this.#minutes.get(nameOf(run))
    if (known !== undefined && now - known.since < MINUTE_MS) return known
    if (known !== undefined) this.#end(known)
    const minute: Minute = { since: now, lines: 0, more: 0, last: run, cancel: () => {} }
    this.#minutes.set(nameOf(run), minute)
    return minute
  }

  #end({ more, last, cancel }: Minute): void {
    cancel()
    const { id, name, reason, code } = last
    this.#minutes.delete(nameOf(last))
    if (more === 0) return
    const times = more === 1 ? 'once more' : `${more} more times`
    const command = `ballet runs --reason ${reason} --name ${name}`
    this.#log.error(
      `Runs of ${name} became stuck (${reason}) ${times} within a minute, the last of them "${id}": ${command} shows them`,
      { more, name, reason },
      { code },
    )
  }
}

const nameOf = ({ name, reason }: BecameStuck): string => `${reason} ${name}`

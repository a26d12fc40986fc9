// What a run can receive: signals, buffered in order from its start, and the events of its key, each seen once.
// A wait names one or several of them. A signal that nobody waits for stays in the buffer; one that several waits name
// resolves all of them, because an abandoned wait (the loser of a race) must not swallow it.
import type { JsonText } from './json.ts'

interface Buffered {
  readonly name: string
  readonly payload: JsonText | undefined
}

/** What a run that continues hands on of its mailbox. */
export interface CarriedMail {
  /** Signals that nobody has received, in order. */
  readonly signals: readonly { readonly name: string; readonly payload?: JsonText }[]
  /** Ids of signals that have been delivered, the oldest first. */
  readonly seen: readonly string[]
  /** Type and position of the last event that was read of it. */
  readonly cursors: readonly (readonly [type: string, pos: number])[]
}

/** Ids of signals that a continued run still knows: one that is sent again after so many others is taken for new. */
const SEEN_CARRIED = 10_000

/** The signals of one run, and how far it has read the events of its key. */
export class Mailbox {
  readonly #buffer: Buffered[] = []
  readonly #seen = new Set<string>()
  readonly #cursors = new Map<string, number>()

  constructor(carried?: CarriedMail) {
    if (carried === undefined) return
    for (const { name, payload } of carried.signals) this.#buffer.push({ name, payload })
    for (const id of carried.seen) this.#seen.add(id)
    for (const [type, pos] of carried.cursors) this.#cursors.set(type, pos)
  }

  /** What the next generation of the run begins with. */
  get carried(): CarriedMail {
    const signals = this.#buffer.map(({ name, payload }) => ({ name, ...(payload === undefined ? {} : { payload }) }))
    return { signals, seen: [...this.#seen].slice(-SEEN_CARRIED), cursors: [...this.#cursors] }
  }

  /** Signals that nobody has received yet. */
  get unread(): number {
    return this.#buffer.length
  }

  /** Whether a signal of this id has been delivered before. */
  hasSeen(signalId: string): boolean {
    return this.#seen.has(signalId)
  }

  /** Ids of the signals that have been delivered. */
  get seen(): ReadonlySet<string> {
    return this.#seen
  }

  /** Marks a signal as delivered; it is kept unless somebody was waiting. */
  accept(id: string, name: string, payload: JsonText | undefined, waited: boolean): void {
    this.#seen.add(id)
    if (!waited) this.#buffer.push({ name, payload })
  }

  /** Takes the oldest buffered signal that one of `names` (`signal:<type>`) asks for. */
  take(names: readonly string[]): Buffered | undefined {
    const index = this.#buffer.findIndex((signal) => names.includes(`signal:${signal.name}`))
    return index < 0 ? undefined : this.#buffer.splice(index, 1)[0]
  }

  /** Position after which events of a type are unread; `-1` at first, the engine knows where the run began. */
  cursor(type: string): number {
    return this.#cursors.get(type) ?? -1
  }

  /** Remembers that an event of this type and all before it were read. */
  advance(type: string, pos: number): void {
    this.#cursors.set(type, pos)
  }
}

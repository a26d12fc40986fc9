// What a run can receive: signals, buffered in order from its start, and the events of its key, each seen once.
// A wait names one or several of them. A signal that nobody waits for stays in the buffer; one that several waits name
// resolves all of them, because an abandoned wait (the loser of a race) must not swallow it.
import type { JsonText } from './json.ts'

interface Buffered {
  readonly name: string
  readonly payload: JsonText | undefined
}

/** The signals of one run, and how far it has read the events of its key. */
export class Mailbox {
  readonly #buffer: Buffered[] = []
  readonly #seen = new Set<string>()
  readonly #cursors = new Map<string, number>()

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

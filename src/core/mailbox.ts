// What a run can receive: signals, buffered in order from its start, and the events of its key, each seen once.
// A wait names one or several of them. A signal that nobody waits for stays in the buffer; one that several waits name
// resolves all of them, because an abandoned wait (the loser of a race) must not swallow it.
import type { JsonText } from './json.ts'

/** Signals that a run has had, by id: the hash of each, or undefined where that is not known (an older version had it, or a run sent it). */
export type SeenSignals = ReadonlyMap<string, string | undefined>

/** Whether a run has had another signal under this id. One of which no hash is known is the same as any. */
export function isOtherSignal(
  seen: SeenSignals,
  { id, hash }: { readonly id: string; readonly hash?: string | undefined },
): boolean {
  const before = seen.get(id)
  return before !== undefined && hash !== undefined && before !== hash
}

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
  /** Their hashes, in the same order; absent when there is none. */
  readonly hashes?: readonly (string | null)[]
  /** Type and position of the last event that was read of it. */
  readonly cursors: readonly (readonly [type: string, pos: number])[]
}

/** Ids of signals that a continued run still knows: one that is sent again after so many others is taken for new. */
const SEEN_CARRIED = 10_000

/** The signals that a run which continues has had; none where nothing is carried. */
export function seenOf({ seen, hashes }: Pick<CarriedMail, 'seen' | 'hashes'> = { seen: [] }): SeenSignals {
  return new Map(seen.map((id, index) => [id, hashes?.[index] ?? undefined]))
}

/** The signals of one run, and how far it has read the events of its key. */
export class Mailbox {
  readonly #buffer: Buffered[] = []
  readonly #seen = new Map<string, string | undefined>()
  readonly #cursors = new Map<string, number>()

  constructor(carried?: CarriedMail) {
    if (carried === undefined) return
    for (const { name, payload } of carried.signals) this.#buffer.push({ name, payload })
    for (const [id, hash] of seenOf(carried)) this.#seen.set(id, hash)
    for (const [type, pos] of carried.cursors) this.#cursors.set(type, pos)
  }

  /** What the next generation of the run begins with. */
  get carried(): CarriedMail {
    const signals = this.#buffer.map(({ name, payload }) => ({ name, ...(payload === undefined ? {} : { payload }) }))
    const seen = [...this.#seen].slice(-SEEN_CARRIED)
    const hashes = seen.map(([, hash]) => hash ?? null)
    const isNone = hashes.every((hash) => hash === null)
    return { signals, seen: seen.map(([id]) => id), ...(isNone ? {} : { hashes }), cursors: [...this.#cursors] }
  }

  /** Signals that nobody has received yet. */
  get unread(): number {
    return this.#buffer.length
  }

  /** Whether a signal of this id has been delivered before. */
  hasSeen(signalId: string): boolean {
    return this.#seen.has(signalId)
  }

  /** The signals that have been delivered. */
  get seen(): SeenSignals {
    return this.#seen
  }

  /** Marks a signal as delivered; it is kept unless somebody was waiting. */
  accept(
    { id, name, payload, hash }: Buffered & { readonly id: string; readonly hash?: string | undefined },
    waited: boolean,
  ): void {
    this.#seen.set(id, hash)
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

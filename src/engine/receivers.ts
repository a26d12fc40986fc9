// Brings published events to the runs that wait for them. The truth is the log of the key: for each waiting run it is
// read from where the run stands, and the oldest match is delivered as a turn of its own. A new event is a hint to read
// again, never the event itself, so nothing is lost between a wait and its registration, and nothing is seen before it
// is durable.
import { LooseMap } from '../core/loose-map.ts'
import type { EventRow, StoreReader } from '../core/store.ts'

/** A run that waits for events of its key. */
export interface Receiver {
  readonly run: number
  readonly ns: string
  readonly key: string
  /** Position from which on each awaited type is unread. */
  readonly cursors: ReadonlyMap<string, number>
}

export interface ReceiversOptions {
  readonly store: StoreReader
  readonly shard: number
  readonly deliver: (run: number, event: EventRow) => void
  /** The log could not be read for a run. */
  readonly onFailure: (run: number, error: unknown) => void
}

interface Subscription {
  receiver: Receiver
  reading: boolean
  /** An event came while reading: read once more. */
  again: boolean
}

const PAGE = 200

/** The runs of a shard that wait for events. */
export class Receivers {
  readonly #options: ReceiversOptions
  readonly #byRun = new LooseMap<number, Subscription>()
  readonly #byKey = new LooseMap<string, Set<Subscription>>()
  readonly #reads = new Set<Promise<void>>()
  /** By run and type: the position before which a read found nothing unread, so that it is not read again and again. */
  readonly #floors = new Map<number, Map<string, number>>()

  constructor(options: ReceiversOptions) {
    this.#options = options
  }

  /** A run waits. Replaces what was known of the run. Events that are not durable yet will be noticed. */
  arm(receiver: Receiver): void {
    this.#unsubscribe(receiver.run)
    const subscription: Subscription = { receiver, reading: false, again: false }
    this.#byRun.set(receiver.run, subscription)
    const name = nameOf(receiver)
    const known = this.#byKey.get(name)
    if (known === undefined) this.#byKey.set(name, new Set([subscription]))
    else known.add(subscription)
    this.#read(subscription)
  }

  /** The run waits for no event any more. */
  forget(run: number): void {
    this.#floors.delete(run)
    this.#unsubscribe(run)
  }

  #unsubscribe(run: number): void {
    const subscription = this.#byRun.get(run)
    if (subscription === undefined) return
    this.#byRun.delete(run)
    const name = nameOf(subscription.receiver)
    const known = this.#byKey.get(name)
    known?.delete(subscription)
    if (known?.size === 0) this.#byKey.delete(name)
  }

  /** A published event is durable. */
  notice(event: EventRow): void {
    for (const subscription of this.#byKey.get(nameOf(event)) ?? []) {
      if (subscription.receiver.cursors.has(event.type)) this.#read(subscription)
    }
  }

  /** Resolves when every event that is durable by now has been delivered to who waits for it. */
  async caughtUp(): Promise<void> {
    await Promise.all(this.#reads)
  }

  #read(subscription: Subscription): void {
    subscription.again = true
    if (subscription.reading) return
    subscription.reading = true
    const read: Promise<void> = this.#readAll(subscription).finally(() => this.#reads.delete(read))
    this.#reads.add(read)
  }

  async #readAll(subscription: Subscription): Promise<void> {
    try {
      while (subscription.again && this.#byRun.get(subscription.receiver.run) === subscription) {
        subscription.again = false
        const found = await this.#oldest(subscription.receiver)
        if (found === undefined || this.#byRun.get(subscription.receiver.run) !== subscription) continue
        // The run tells where it stands when it waits again.
        this.#unsubscribe(subscription.receiver.run)
        this.#raise(subscription.receiver, found.pos - 1)
        this.#options.deliver(subscription.receiver.run, found)
      }
    } catch (error) {
      this.#options.onFailure(subscription.receiver.run, error)
    } finally {
      subscription.reading = false
    }
  }

  /** Of what this receiver waits for, nothing is unread up to `pos`. */
  #raise({ run, cursors }: Receiver, pos: number): void {
    const floors = this.#floors.get(run) ?? new Map<string, number>()
    for (const type of cursors.keys()) floors.set(type, pos)
    this.#floors.set(run, floors)
  }

  async #oldest(receiver: Receiver): Promise<EventRow | undefined> {
    const { store, shard } = this.#options
    const types = [...receiver.cursors.keys()]
    const floors = this.#floors.get(receiver.run)
    const unread = [...receiver.cursors].map(([type, cursor]) => Math.max(cursor, floors?.get(type) ?? 0))
    for (let after = Math.min(...unread); ;) {
      const query = { ns: receiver.ns, key: receiver.key, types, published: true, after, limit: PAGE }
      const page = await store.events(shard, query)
      const found = page.find((event) => event.pos > (receiver.cursors.get(event.type) ?? 0))
      if (found !== undefined || page.length < PAGE) return found
      after = (page.at(-1) as EventRow).pos
    }
  }
}

function nameOf(of: { readonly ns: string; readonly key: string }): string {
  return `${of.ns} ${of.key}`
}

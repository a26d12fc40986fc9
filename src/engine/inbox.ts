// Moves what came from outside the owner into the journal. Rows are consumed by presence: a row that is there is to be
// handled, and the batch that handles it deletes it. An id that was handled is remembered until a read that began after
// its commit has returned, or the answer of an older read would deliver it twice.
import type { Cancel, Clock } from '../core/clock.ts'
import type { InboxRow, StoreReader } from '../core/store.ts'

const POLL_MS = 1000
const PAGE = 500

export interface InboxOptions {
  readonly clock: Clock
  readonly store: StoreReader
  readonly shard: number
  readonly ns: string
  /** Handles a row: resolves once the row's deletion has been given to the writer. */
  readonly handle: (row: InboxRow) => Promise<void>
  readonly onFailure: (error: unknown) => void
}

/** The inbox of a shard. */
export class Inbox {
  readonly #options: InboxOptions
  /** Handled ids; those whose deletion is durable carry the number of the last read begun before that. */
  readonly #handled = new Map<number, number>()
  #reads = 0
  #reading: Promise<void> | null = null
  #next: Promise<void> | null = null
  #poll: Cancel | null = null
  #stopped = false

  constructor(options: InboxOptions) {
    this.#options = options
  }

  /** Reads now and then every second: hints may be lost, rows may not. */
  start(): void {
    const tick = (): void => {
      if (this.#stopped) return
      this.read().catch(this.#options.onFailure)
      this.#poll = this.#options.clock.after(POLL_MS, tick)
    }
    tick()
  }

  stop(): void {
    this.#stopped = true
    this.#poll?.()
  }

  /** Resolves when everything that a read begun now or later found has been handled. One read serves many callers. */
  read(): Promise<void> {
    if (this.#reading === null) {
      this.#reading = this.#drain().finally(() => (this.#reading = null))
      return this.#reading
    }
    this.#next ??= this.#reading.then(
      () => this.#startNext(),
      () => this.#startNext(),
    )
    return this.#next
  }

  /** The deletion of this row is durable. */
  gone(id: number): void {
    this.#handled.set(id, this.#reads)
  }

  #startNext(): Promise<void> {
    this.#next = null
    return this.read()
  }

  async #drain(): Promise<void> {
    for (;;) {
      if (this.#stopped) return
      const read = ++this.#reads
      // Rows that wait (for a key that is missing, or a run that cannot be read) must not hide those behind them.
      const limit = PAGE + this.#handled.size
      const rows = await this.#options.store.inbox(this.#options.shard, this.#options.ns, limit)
      for (const [id, last] of this.#handled) if (last < read) this.#handled.delete(id)
      const fresh = rows.filter((row) => !this.#handled.has(row.id))
      for (const row of fresh) {
        if (this.#stopped) return
        this.#handled.set(row.id, Number.POSITIVE_INFINITY)
        await this.#options.handle(row)
      }
      if (rows.length < limit || fresh.length === 0) return
    }
  }
}

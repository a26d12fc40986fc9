// Moves what came from outside the owner into the journal. Rows are consumed by presence: a row that is there is to be
// handled, and the batch that handles it deletes it. An id that was handled is remembered until a read that began after
// its commit has returned, or the answer of an older read would deliver it twice.
import type { Cancel } from '../core/clock.ts'
import { asError, fault } from '../core/errors.ts'
import { LooseMap } from '../core/loose-map.ts'
import type { InboxRow, StoreReader } from '../core/store.ts'
import type { Log } from '../define/definition.ts'
import type { Pulse } from './pulse.ts'
import { orFailure } from './run-rows.ts'
import { isOutOfReach } from './store-faults.ts'

const PAGE = 500
/**
 * Kinds of which one row is not waited for before the next is handled, because each waits for the same and for no more: the answer
 * whether its name is taken. These come in their order, and many names are looked up at once.
 */
const TOGETHER: ReadonlySet<string> = new Set<InboxRow['kind']>(['start', 'event'])

export interface InboxOptions {
  readonly store: StoreReader
  readonly shard: number
  readonly ns: string
  /**
   * Handles a row: resolves once the row's deletion has been given to the writer; to false when a later read is to take it.
   * @throws what says that the store is out of reach: a later read takes it, and what lies behind it
   */
  readonly handle: (row: InboxRow) => Promise<boolean>
  readonly log: Log
  readonly onFailure: (error: unknown) => void
  /** When to look for what nobody has told of. */
  readonly pulse: Pulse
}

/** The inbox of a shard. */
export class Inbox {
  readonly #options: InboxOptions
  /** Handled ids; those whose deletion is durable carry the number of the last read begun before that. */
  readonly #handled = new LooseMap<number, number>()
  /** Rows that could not be read: said once of each. */
  readonly #unread = new Set<number>()
  #reads = 0
  #reading: Promise<void> | null = null
  /** Nothing has been asked of the store yet for the read that is under way. */
  #isToBegin = false
  #next: Promise<void> | null = null
  #leave: Cancel | null = null
  #stopped = false
  #lying = 0
  /** What the last read ended with that left rows where they are, since the store was out of reach. */
  #outOfReach: unknown = null

  constructor(options: InboxOptions) {
    this.#options = options
  }

  /** How many rows were there when it was looked last, those included that were being handled: at most a page more than they were. */
  get lying(): number {
    return this.#lying
  }

  /** Reads now and then every second: hints may be lost, rows may not. */
  start(): void {
    if (this.#stopped) return
    this.#leave = this.#options.pulse.join(this.look)
    this.look()
  }

  stop(): void {
    this.#stopped = true
    this.#leave?.()
  }

  /** A transaction that nobody here sees the end of has put something in: it is looked for now and then before the poll. */
  expect(): void {
    this.#options.pulse.soon(this.look)
  }

  /** Reads, for nobody who waits for it. What could not be taken because the store is out of reach, the next look takes. */
  readonly look = (): void => {
    this.read().catch((error: unknown) => {
      if (error !== this.#outOfReach) this.#options.onFailure(error)
    })
  }

  /**
   * Resolves when everything that a read begun now or later found has been handled. One read serves many callers.
   * @throws what the store does; then nobody knows what lies there
   */
  read(): Promise<void> {
    if (this.#reading === null) {
      this.#isToBegin = true
      // A moment later: whoever asks in this one has the same read, and not the one behind it, in which his event came alone.
      this.#reading = Promise.resolve()
        .then(() => this.#drain())
        .finally(() => (this.#reading = null))
      return this.#reading
    }
    if (this.#isToBegin) return this.#reading
    this.#next ??= this.#reading.then(
      () => this.#startNext(),
      () => this.#startNext(),
    )
    return this.#next
  }

  /** Whoever is told that something is not there has to know what lies here. @throws APP_CLOSED when nothing is read any more */
  check(): void {
    if (this.#stopped) throw fault('APP_CLOSED')
  }

  /** The deletion of this row is durable. */
  gone(id: number): void {
    this.#handled.set(id, this.#reads)
  }

  /** A later read is to take this row. */
  again(id: number): void {
    this.#handled.delete(id)
  }

  #startNext(): Promise<void> {
    this.#next = null
    return this.read()
  }

  async #drain(): Promise<void> {
    this.#isToBegin = false
    const given = new Set<number>()
    for (;;) {
      if (this.#stopped) return
      const read = ++this.#reads
      // Rows that are handled are there until their deletion is durable, and those that wait for a later read stay: neither
      // must be all that a page has.
      const limit = PAGE + this.#handled.size + given.size + this.#unread.size
      const { rows, count } = await this.#page(limit)
      this.#lying = count
      for (const [id, last] of this.#handled) if (last < read) this.#handled.delete(id)
      const fresh = rows.filter(({ id }) => !this.#handled.has(id) && !given.has(id))
      for (const group of alike(fresh)) {
        if (this.#stopped) return
        for (const { id } of group) given.add(id)
        await this.#handleAll(group)
      }
      if (count < limit || fresh.length === 0) return
    }
  }

  /** What cannot be taken because the store is out of reach ends the read: nothing overtakes it, events of its key and signals to its run. */
  async #handleAll(group: readonly InboxRow[]): Promise<void> {
    const handled = await Promise.allSettled(group.map((row) => this.#handle(row)))
    const failures = handled.flatMap((one) => (one.status === 'rejected' ? [asError(one.reason)] : []))
    const failure = failures.find((error) => !isOutOfReach(error)) ?? failures[0]
    if (failure === undefined) return
    if (isOutOfReach(failure)) {
      const { log, shard } = this.#options
      log.error(`What lies in the inbox of the shard ${shard} waits: ${failure.message}`)
      this.#outOfReach = failure
    }
    throw failure
  }

  async #handle(row: InboxRow): Promise<void> {
    this.#handled.set(row.id, Number.POSITIVE_INFINITY)
    try {
      if (!(await this.#options.handle(row))) this.again(row.id)
    } catch (error) {
      if (isOutOfReach(error)) this.again(row.id)
      throw error
    }
  }

  /** One that cannot be read fails its page: then each is read alone. */
  async #page(limit: number): Promise<{ readonly rows: readonly InboxRow[]; readonly count: number }> {
    const { store, shard, ns, log } = this.#options
    const page = await orFailure(store.inbox(shard, ns, limit))
    if (!(page instanceof Error)) return { rows: page, count: page.length }
    const ids = await store.inboxIds(shard, ns, limit)
    const rows: InboxRow[] = []
    for (const id of ids) {
      const found = await orFailure(store.inbox(shard, ns, 1, id - 1))
      if (!(found instanceof Error)) {
        rows.push(...found.filter((row) => row.id === id))
      } else if (!this.#unread.has(id)) {
        this.#unread.add(id)
        log.error(`The inbox row ${id} cannot be read and waits: ${found.message}`)
      }
    }
    return { rows, count: ids.length }
  }
}

/** Rows that come one after the other and may be handled at once: of signals one for each run, so that they reach it in order. */
function alike(rows: readonly InboxRow[]): InboxRow[][] {
  const groups: InboxRow[][] = []
  const targets = new Set<string>()
  let kind: string | null = null
  for (const row of rows) {
    const isOther = row.kind === 'signal' && !targets.has(row.target)
    if (row.kind === kind && (isOther || TOGETHER.has(kind))) groups.at(-1)?.push(row)
    else {
      groups.push([row])
      targets.clear()
    }
    targets.add(row.target)
    kind = row.kind
  }
  return groups
}

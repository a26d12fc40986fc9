// Group commit: whatever the turns of a shard wrote while the last commit was on its way is the next one. Rows are in
// the order of delivery, one batch is in flight, and what must not happen before a row is durable (an effect, an
// acknowledgement) waits in `onDurable`.
//
//   open --seal (full, or nothing in flight)--> sealed --commit--> in flight --ok--> durable
//                                                                   --unknown--> read the tenure: durable | send again
//                                                                   --full-----> send again, into the store's reserve
//                                                                   --anything else--> failed: the shard stops
import { fault, isBalletError } from '../core/errors.ts'
import type {
  Batch,
  Claim,
  ClaimName,
  ClaimUntil,
  EventRow,
  InboxItem,
  JournalBefore,
  JournalRow,
  RunChange,
  RunContinued,
  RunRow,
  Store,
  SuspectRow,
  Tenure,
  TimerRow,
} from '../core/store.ts'
import type { Space } from './space.ts'

/** Rows of one batch; more wait for the next. */
const BATCH_ROWS = 512
/** Rows that may wait in memory before the shard stops taking deliveries. */
const BACKLOG_ROWS = 16_384

/** How long to wait before a commit that did not fit, or of which nothing is known, is sent again. */
const FULL_PAUSE_MS = 500
const UNKNOWN_PAUSE_MS = 20

/** The rows of a batch that is still being filled. */
class OpenBatch {
  readonly runs: RunRow[] = []
  readonly changes: RunChange[] = []
  readonly claims: Claim[] = []
  readonly journal: JournalRow[] = []
  readonly events: EventRow[] = []
  readonly timers: TimerRow[] = []
  readonly timersGone: TimerRow[] = []
  readonly posts: InboxItem[] = []
  readonly drained: number[] = []
  readonly continued: RunContinued[] = []
  readonly suspects: SuspectRow[] = []
  readonly suspectsGone: number[] = []
  readonly forgotten: number[] = []
  readonly journalGone: JournalBefore[] = []
  readonly eventsGone: number[] = []
  readonly claimsUntil: ClaimUntil[] = []
  readonly claimsGone: ClaimName[] = []
  readonly durable: (() => void)[] = []
  head = 0
  sealedAt = 0

  get size(): number {
    return (
      this.journal.length +
      this.runs.length +
      this.events.length +
      this.changes.length +
      this.timersGone.length +
      this.posts.length +
      this.drained.length +
      this.continued.length +
      this.suspects.length +
      this.suspectsGone.length +
      this.forgotten.length +
      this.journalGone.length +
      this.eventsGone.length +
      this.claimsUntil.length +
      this.claimsGone.length
    )
  }
}

/** What a writer tells, and asks, its shard. */
export interface WriterHooks {
  readonly onFailure: (error: Error) => void
  /** After a commit, when the writer is not behind: deliveries may go on. */
  readonly onCaughtUp: () => void
  /** Whether no turn is queued or running. */
  readonly isQuiet: () => boolean
  /** Is told when a commit did not fit. */
  readonly space: Space
  /** Milliseconds. */
  readonly now: () => number
}

/** Writes one shard. */
export class Writer {
  readonly #store: Store
  readonly #tenure: Tenure
  readonly #hooks: WriterHooks
  #open = new OpenBatch()
  #sealed: OpenBatch[] = []
  #inFlight: OpenBatch | null = null
  /** How long the last commit took. */
  #lastMs = 0
  #failure: Error | null = null
  /** Whom to tell when the shard fails: acknowledgements that will not come. */
  readonly #waiting = new Set<(error: Error) => void>()
  #durableHead: number
  /** The last position given out. */
  #head: number
  /** Head of the last batch that was sealed. */
  #sealedHead: number

  constructor(store: Store, tenure: Tenure, hooks: WriterHooks) {
    this.#store = store
    this.#hooks = hooks
    this.#tenure = tenure
    this.#head = tenure.head
    this.#sealedHead = tenure.head
    this.#durableHead = tenure.head
  }

  /** The batch that is being filled: push rows into it. */
  get rows(): OpenBatch {
    return this.#open
  }

  /** A position of its own for a row. */
  position(): number {
    return ++this.#head
  }

  /** Calls back once everything written so far in the open batch is durable; never after a failure. */
  onDurable(callback: () => void): void {
    this.#open.durable.push(callback)
  }

  /** Asks the store whether the shard is still ours: for what is answered without a commit that would tell. @throws SHARD_FENCED */
  async checkOwner(): Promise<void> {
    const { shard, epoch } = this.#tenure
    if ((await this.#store.tenure(shard)).epoch !== epoch) throw fault('SHARD_FENCED', { shard })
  }

  /** Whether so much waits that the shard should pause. */
  get isBehind(): boolean {
    return this.#sealed.length * BATCH_ROWS > BACKLOG_ROWS
  }

  /** Whether a commit that begins now ends before the turns that are to be made, which take so long. */
  isWorthwhile(leftMs: number): boolean {
    return this.#inFlight === null && leftMs > this.#lastMs
  }

  /** How long a commit has to wait: what the oldest has, or what is before a new one as fast as the last one was. */
  get waitMs(): number {
    const oldest = this.#inFlight ?? this.#sealed[0]
    if (oldest === undefined) return 0
    return Math.max(this.#hooks.now() - oldest.sealedAt, this.#sealed.length * this.#lastMs)
  }

  /** Resolves once everything written so far is durable: what an answer derives from must be. */
  barrier(): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure)
    if (
      this.#open.size === 0 &&
      this.#open.durable.length === 0 &&
      this.#sealed.length === 0 &&
      this.#inFlight === null
    )
      return Promise.resolve()
    return new Promise((resolve, reject) => this.acknowledgement(resolve, reject))
  }

  /** Registers what to tell when the shard fails before `settle` was called: acknowledgements that never come. */
  acknowledgement(settle: () => void, reject: (error: Error) => void): void {
    if (this.#failure !== null) return reject(this.#failure)
    this.#waiting.add(reject)
    this.onDurable(() => {
      this.#waiting.delete(reject)
      settle()
    })
    this.flush()
  }

  /** Called at the end of every turn: closes a full batch. */
  seal(): void {
    if (this.#open.size >= BATCH_ROWS) this.#sealNow()
  }

  /**
   * Asks for a commit in the next round of the event loop: never in the middle of a turn, whose rows belong together. While
   * turns are running, the end of their round commits: what they write goes out with what is here.
   */
  flush(): void {
    if (this.#flushAsked) return
    this.#flushAsked = true
    setImmediate(() => {
      this.#flushAsked = false
      if (this.#hooks.isQuiet()) this.flushNow()
    })
  }
  #flushAsked = false

  /** Starts a commit if none is on its way. Called between turns only. */
  flushNow(): void {
    if (this.#inFlight !== null || this.#failure !== null) return
    if (this.#sealed.length === 0) {
      if (this.#open.size === 0 && this.#open.durable.length === 0) return
      this.#sealNow()
    }
    const open = this.#sealed.shift()
    if (open === undefined) return
    this.#inFlight = open
    void this.#commit(open)
  }

  /** Stops for good: nothing is written, acknowledged or called back any more. */
  fail(error: Error): void {
    if (this.#failure !== null) return
    this.#failure = error
    for (const reject of this.#waiting) reject(error)
    this.#waiting.clear()
  }

  #sealNow(): void {
    // A batch without a row that has a position (it only drains or posts) takes one all the same: by the head alone a
    // commit whose reply was lost is told from one that never was, and must not be sent twice.
    if (this.#open.size > 0 && this.#head === this.#sealedHead) this.#head += 1
    this.#open.head = this.#head
    this.#open.sealedAt = this.#hooks.now()
    this.#sealedHead = this.#head
    this.#sealed.push(this.#open)
    this.#open = new OpenBatch()
  }

  async #commit(open: OpenBatch): Promise<void> {
    const { shard, epoch } = this.#tenure
    const { durable, sealedAt: _, ...rows } = open
    const batch: Batch = { shard, epoch, base: this.#durableHead, ...rows, urgent: false }
    const since = this.#hooks.now()
    try {
      if (open.size > 0) await this.#commitKnown(batch)
    } catch (error) {
      const failure = error instanceof Error ? error : fault('STORE_FAILED', { problem: String(error) })
      this.fail(failure)
      return this.#hooks.onFailure(failure)
    }
    this.#durableHead = open.head
    this.#inFlight = null
    this.#lastMs = this.#hooks.now() - since
    try {
      for (const callback of durable) callback()
    } catch (error) {
      const failure = error instanceof Error ? error : fault('INVARIANT', { problem: String(error) })
      this.fail(failure)
      return this.#hooks.onFailure(failure)
    }
    // What the callbacks began answers in a moment, for one commit together; a batch that is full goes out at once.
    if (this.#sealed.length > 0) this.flushNow()
    else this.flush()
    if (!this.isBehind) this.#hooks.onCaughtUp()
  }

  /**
   * A commit whose reply was lost is settled by reading; the retry is the same batch to the byte. When that is refused, the
   * first may have been written after it was looked for: a miss says no more than that, so it is settled by reading too. One
   * that did not fit was not written: it is sent again, into the reserve of the store, until it is there.
   */
  async #commitKnown(batch: Batch): Promise<void> {
    const { space } = this.#hooks
    let wasSent = false
    for (let urgent = space.isFull; ;) {
      try {
        return await this.#store.commit({ ...batch, urgent })
      } catch (error) {
        this.#checkFailure()
        if (!isBalletError(error)) throw error
        if (error.code === 'STORE_FULL') {
          space.ranOut(String(error.details['problem']))
          if (urgent) await space.pause(FULL_PAUSE_MS)
          urgent = true
        } else if (error.code === 'COMMIT_UNKNOWN' || (error.code === 'SHARD_FENCED' && wasSent)) {
          wasSent = true
          if (await this.#isThere(batch, error)) return
          await space.pause(UNKNOWN_PAUSE_MS)
        } else throw error
      }
      this.#checkFailure()
    }
  }

  #checkFailure(): void {
    if (this.#failure !== null) throw this.#failure
  }

  /** Whether a batch of which that is not known was committed. @throws SHARD_FENCED */
  async #isThere(batch: Batch, error: Error): Promise<boolean> {
    const now = await this.#store.tenure(batch.shard)
    if (now.epoch !== batch.epoch) throw fault('SHARD_FENCED', { shard: batch.shard }, error)
    if (now.head === batch.head && batch.head !== batch.base) return true
    if (now.head === batch.base) return false
    throw fault('INVARIANT', { problem: `head ${now.head} between ${batch.base} and ${batch.head}` }, error)
  }
}

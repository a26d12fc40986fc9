// Group commit: whatever the turns of a shard wrote while the last commit was on its way is the next one. Rows are in
// the order of delivery, and what must not happen before a row is durable (an effect, an acknowledgement) waits in
// `onDurable`. Where turns take longer than commits, two batches are in flight, so that the store need not wait for turns.
//
//   open --seal (full, or there is room)--> sealed --commit (commits.ts)--> in flight --> durable
//                                                                           --> failed: the shard stops
import { asError, fault } from '../core/errors.ts'
import type { Store, Tenure } from '../core/store.ts'
import { elapsedOf, type Clock } from '../core/clock.ts'
import { LooseMap } from '../core/loose-map.ts'
import { Commits } from './commits.ts'
import { giveUpAhead, OpenBatch } from './open-batch.ts'
import type { Written } from '../telemetry/tracing.ts'
import type { Counts } from './counts.ts'
import type { Space } from './space.ts'

/** Rows of one batch; more wait for the next. */
const BATCH_ROWS = 512
/** Rows that may wait in memory before the shard stops taking deliveries. */
const BACKLOG_ROWS = 16_384

/** Commits under way at once: while the store writes one, the next one waits there, so that it need not wait for us. */
const AT_ONCE = 2
/** What is gained by two has to be so many times what the second one costs: it takes time of the event loop as well. */
const WORTH = 2
/** One with a smaller part of the rows of the other is not begun behind it. */
const LEAST_PART = 1 / 4
/** So many commits tell how long a row takes. */
const WEIGHED = 32

/** What a writer tells, and asks, its shard. */
export interface WriterHooks {
  readonly onFailure: (error: Error) => void
  /** After a commit, when the writer is not behind: deliveries may go on. */
  readonly onCaughtUp: () => void
  /** Whether no turn is queued or running, and how many are queued. */
  readonly turns: { readonly idle: boolean; readonly size: number }
  /** Is told when a commit did not fit. */
  readonly space: Space
  readonly clock: Clock
  readonly counts: Pick<Counts, 'commits' | 'commitsFailed' | 'rows'>
  /** Gets every batch when it is durable, in order, before anybody is told; it must not throw. */
  readonly written?: ((batch: Written) => void) | undefined
}

/** Writes one shard. */
export class Writer {
  readonly #store: Store
  readonly #tenure: Tenure
  readonly #hooks: WriterHooks
  #open = new OpenBatch()
  #sealed: OpenBatch[] = []
  /** Oldest first. */
  readonly #inFlight: OpenBatch[] = []
  readonly #commits: Commits
  #rowMs = 0
  #busyMs: number
  /** As counted for all shards when this one was last weighed. */
  #rowsBefore: number
  #failure: Error | null = null
  /** Whom to tell when the shard fails: acknowledgements that will not come. */
  readonly #waiting = new LooseMap<(error: Error) => void, true>()
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
    const { space, counts } = hooks
    const now = (): number => this.#now()
    this.#busyMs = this.#busyNow()
    this.#rowsBefore = counts.rows
    this.#commits = new Commits({ store, tenure, space, counts, now, check: () => this.#checkFailure() })
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
    const { durable } = this
    const now = await this.#store.tenure(shard)
    if (now.epoch !== epoch || now.head < durable) throw fault('SHARD_FENCED', { shard })
  }

  /** The last position that is durable: what the store cannot be behind. */
  get durable(): number {
    return this.#commits.durable
  }

  /** Whether so much waits that the shard should pause. */
  get isBehind(): boolean {
    return this.#sealed.length * BATCH_ROWS > BACKLOG_ROWS
  }

  /** After a turn: time for a commit, while the turns that are left are made. */
  turnEnded(): void {
    if (this.#inFlight.length < AT_ONCE && (this.#sealed.length > 0 || this.#isHalf())) this.flushNow()
  }

  /** How long a commit has to wait: what the oldest has, or what is before a new one as fast as the last one was. */
  get waitMs(): number {
    const oldest = this.#inFlight[0] ?? this.#sealed[0]
    if (oldest === undefined) return 0
    return Math.max(this.#now() - oldest.sealedAt, this.#sealed.length * this.#commits.serviceMs)
  }

  /** Resolves once everything written so far is durable: what an answer derives from must be. */
  barrier(): Promise<void> {
    if (this.#failure !== null) return Promise.reject(this.#failure)
    if (
      this.#open.size === 0 &&
      this.#open.durable.length === 0 &&
      this.#sealed.length === 0 &&
      this.#inFlight.length === 0
    )
      return Promise.resolve()
    return new Promise((resolve, reject) => this.acknowledgement(resolve, reject))
  }

  /** Registers what to tell when the shard fails before `settle` was called: acknowledgements that never come. */
  acknowledgement(settle: () => void, reject: (error: Error) => void): void {
    if (this.#failure !== null) return reject(this.#failure)
    this.#waiting.set(reject, true)
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
    this.#giveAhead()
    if (this.#flushAsked) return
    this.#flushAsked = true
    setImmediate(() => {
      this.#flushAsked = false
      if (this.#hooks.turns.idle) this.flushNow()
    })
  }
  #flushAsked = false

  /** A store that has nothing else to do gets what there is of the next batch, while the rest is made. */
  #giveAhead(): void {
    const isIdle = this.#inFlight.length === 0 && this.#sealed.length === 0
    if (isIdle && this.#failure === null && !this.#hooks.space.isFull)
      this.#open.giveAhead(this.#store, this.#tenure.shard)
  }

  /** Starts a commit if none is on its way, or one more when that is worth it. Called between turns only. */
  flushNow(): void {
    if (this.#failure !== null || this.#inFlight.length >= AT_ONCE) return
    if (this.#sealed.length === 0 && !this.#isWorthwhile()) return
    if (this.#sealed.length === 0) {
      if (this.#open.size === 0 && this.#open.durable.length === 0) return
      this.#sealNow()
    }
    const open = this.#sealed.shift()
    if (open === undefined) return
    this.#inFlight.push(open)
    void this.#commit(open)
  }

  /** Whether a commit is to be begun behind the one that is under way, if any: it would wait, and miss what comes meanwhile. */
  #isWorthwhile(): boolean {
    const [before] = this.#inFlight
    if (before === undefined) return true
    const open = this.#open.size
    return open >= before.size * LEAST_PART && this.#overlaps(this.#underWay(open))
  }

  /** Stops for good: nothing is written, acknowledged or called back any more. */
  fail(error: Error): void {
    if (this.#failure !== null) return
    this.#failure = error
    // Nobody is to wait for a commit that never comes.
    giveUpAhead(this.#store, this.#tenure.shard)
    for (const reject of this.#waiting.keys()) reject(error)
    this.#waiting.clear()
  }

  #sealNow(): void {
    // A batch without a row that has a position (it only drains or posts) takes one all the same: by the head alone a
    // commit whose reply was lost is told from one that never was, and must not be sent twice.
    if (this.#open.size > 0 && this.#head === this.#sealedHead) this.#head += 1
    this.#open.head = this.#head
    if (this.#open.marks.size > 0) this.#open.suspects = [...this.#open.marks.values()]
    if (!this.#open.isSimple) this.#open.ahead = undefined
    this.#open.sealedAt = this.#now()
    this.#sealedHead = this.#head
    this.#sealed.push(this.#open)
    this.#open = new OpenBatch()
  }

  async #commit(open: OpenBatch): Promise<void> {
    const { durable } = open
    try {
      await (open.size > 0 ? this.#commits.send(open) : this.#commits.settled())
    } catch (error) {
      const failure = asError(error)
      this.fail(failure)
      return this.#hooks.onFailure(failure)
    }
    this.#inFlight.shift()
    this.#weigh(open.size)
    this.#hooks.written?.(open)
    this.turnEnded()
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
   * Whether as much is written as is left: the store has it while the other half is made, so that both always have something to do.
   * More than two parts would each cost a sync.
   */
  #isHalf(): boolean {
    const open = this.#open.size
    const rows = this.#underWay(open)
    return open * 2 >= rows && this.#overlaps(rows)
  }

  /** Rows that are not durable yet, and those that the turns which wait will write, one for each. */
  #underWay(open: number): number {
    let rows = open + this.#hooks.turns.size
    for (const { size } of this.#inFlight) rows += size
    return rows
  }

  /**
   * Whether what is under way is worth two commits: it keeps the event loop busy for far longer than another commit takes, however few
   * its rows are. Where it does not, one sync for all is worth more than the time that the store and the turns would have beside each
   * other.
   */
  #overlaps(rows: number): boolean {
    return rows * this.#rowMs > this.#commits.fixedMs * WORTH
  }

  /** How long the event loop is busy for each row that becomes durable, of any shard: with its turn, and with all that follows from it. */
  #weigh(rows: number): void {
    const busyMs = this.#busyNow()
    this.#hooks.counts.rows += rows
    const ofAll = this.#hooks.counts.rows - this.#rowsBefore
    if (ofAll > 0) this.#rowMs += ((busyMs - this.#busyMs) / ofAll - this.#rowMs) / WEIGHED
    this.#rowsBefore += ofAll
    this.#busyMs = busyMs
  }

  #now(): number {
    return elapsedOf(this.#hooks.clock)
  }

  #busyNow(): number {
    return this.#hooks.clock.busy?.() ?? 0
  }

  #checkFailure(): void {
    if (this.#failure !== null) throw this.#failure
  }
}

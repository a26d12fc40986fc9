// Sends the batches of a shard to its store, in order, a few at a time, and sees to it that each is there before the next
// one counts. The store fences a batch by the head that it continues, so that one whose predecessor was not written cannot
// be either: it misses the fence, and is sent again behind it. Used by the writer (writer.ts).
//
//   sent --ok-----> there
//        --unknown, or a miss where it may be our own--> ask for the tenure: there | send again
//        --full---> send again, into the store's reserve
//        --a flow that was taken for new has a row--> send again without these flows: whoever follows them reads it first
//        --rows of the inbox that are not there--> the store has gone back: the shard is lost
//        --anything else--> failed: so does what was sent behind it
import { asError, fault, isBalletError } from '../core/errors.ts'
import type { Batch, Store, Tenure } from '../core/store.ts'
import { CommitCost } from './commit-cost.ts'
import type { Counts } from './counts.ts'
import { FULL_PAUSE_MS, type Space } from './space.ts'

/** How long to wait before a commit of which nothing is known is sent again. */
const UNKNOWN_PAUSE_MS = 20

type Seen = 'shard' | 'epoch' | 'base' | 'urgent'

/** What a batch holds; where it continues, how urgent it is, and whether its new flows are, is seen to here. */
export type Rows = Omit<Batch, Seen> & { -readonly [Field in Seen]?: Batch[Field] } & {
  areFlowsThere: boolean
  /** Rows of every kind. */
  readonly size: number
}

interface Sent {
  readonly rows: Rows
  readonly batch: Batch
  /** What the store said to it at first; null when it was written. */
  readonly answer: Promise<Error | null>
  /** Something was under way when it was sent: a miss may come of that. */
  readonly isBehind: boolean
}

export interface CommitsOptions {
  readonly store: Store
  readonly tenure: Tenure
  readonly space: Space
  readonly counts: Pick<Counts, 'commits' | 'commitsFailed'>
  /** Milliseconds. */
  readonly now: () => number
  /** Throws when the shard has stopped: nothing is sent again. */
  readonly check: () => void
}

/** The rows without a key, which say how far flows are written, count on those that are left out. */
const withoutNewFlows = (batch: Batch): Batch => ({
  ...batch,
  flows: batch.flows.filter(({ key }) => key !== ''),
  flowsNew: [],
})

/** The batches of a shard that are under way. */
export class Commits {
  readonly #options: CommitsOptions
  readonly #sent: Sent[] = []
  #last: Promise<void> = Promise.resolve()
  /** Head of the last batch that was sent. */
  #head: number
  /** Head of the last batch that is there. */
  #durable: number
  #answeredAt = 0
  #serviceMs = 0
  readonly #cost = new CommitCost()

  constructor(options: CommitsOptions) {
    this.#options = options
    this.#head = options.tenure.head
    this.#durable = options.tenure.head
  }

  /** How long the store takes for a batch when it has nothing else to do, as of late; milliseconds. */
  get serviceMs(): number {
    return this.#serviceMs
  }

  /** Milliseconds that the store takes for a batch however few its rows are. */
  get fixedMs(): number {
    return this.#cost.fixedMs
  }

  /** What the store cannot be behind. */
  get durable(): number {
    return this.#durable
  }

  /** Resolves when everything that was sent is durable. */
  settled(): Promise<void> {
    return this.#last
  }

  /** Resolves when the batch is durable, and everything before it. @throws SHARD_FENCED, STORE_FAILED */
  send(rows: Rows): Promise<void> {
    const { tenure, space } = this.#options
    const { shard, epoch } = tenure
    // In its place: a copy of so many fields takes as long as some commits.
    const batch: Batch = Object.assign(rows, { shard, epoch, base: this.#head, urgent: space.isFull })
    this.#head = batch.head
    const sent = { rows, batch, answer: this.#ask(batch, rows.size), isBehind: this.#sent.length > 0 }
    this.#sent.push(sent)
    this.#last = this.#last.then(() => this.#settle(sent))
    return this.#last
  }

  async #ask(batch: Batch, rows: number): Promise<Error | null> {
    const { store, now, counts } = this.#options
    const since = now()
    try {
      await store.commit(batch)
      const at = now()
      const ms = at - Math.max(since, this.#answeredAt)
      this.#serviceMs = (this.#serviceMs + ms) / 2
      this.#cost.add(rows, ms)
      this.#answeredAt = at
      counts.commits.add((at - since) / 1000)
      return null
    } catch (error) {
      counts.commitsFailed.add(isBalletError(error) ? error.code : 'other')
      return asError(error)
    }
  }

  async #settle(sent: Sent): Promise<void> {
    const error = await sent.answer
    // What was sent behind it is waited for, before anything is asked or sent again: when one is there, so is this.
    const behind = error === null ? [] : await Promise.all(this.#sent.slice(1).map(({ answer }) => answer))
    if (error !== null && !behind.includes(null)) await this.#insist(sent, error)
    this.#sent.shift()
    this.#durable = sent.batch.head
  }

  /**
   * A commit whose reply was lost is settled by the tenure; the retry is the same batch to the byte. When that is refused, the
   * first may have been written after it was looked for: a miss says no more than that, so it is settled so too. One
   * that did not fit was not written: it is sent again, into the reserve of the store, until it is there. Nor was one with a
   * flow that has a row, and what was sent of it before cannot be written any more: nobody else takes that row away.
   */
  async #insist({ rows, batch: whole, isBehind }: Sent, first: Error): Promise<void> {
    const { space, check } = this.#options
    let batch = whole
    let wasSent = isBehind
    let { urgent } = batch
    for (let error: Error | null = first; error !== null; error = await this.#ask({ ...batch, urgent }, rows.size)) {
      check()
      if (!isBalletError(error)) throw error
      if (error.code === 'STORE_FULL') {
        space.ranOut(String(error.details['problem']))
        if (urgent) await space.pause(FULL_PAUSE_MS)
        urgent = true
      } else if (error.code === 'FLOW_THERE') {
        rows.areFlowsThere = true
        batch = withoutNewFlows(batch)
      } else if (error.code === 'COMMIT_UNKNOWN' || (error.code === 'SHARD_FENCED' && wasSent)) {
        wasSent = true
        if (await this.#isThere(batch, error)) return
        await space.pause(UNKNOWN_PAUSE_MS)
      } else if (error.code === 'INBOX_GONE') {
        // Only its owner takes rows of an inbox: they were never there, in a store that has gone back, or it is not the owner.
        throw fault('SHARD_FENCED', { shard: batch.shard }, error)
      } else throw error
      check()
    }
  }

  /** Whether a batch of which that is not known was committed, and cannot be lost any more. @throws SHARD_FENCED */
  async #isThere(batch: Batch, error: Error): Promise<boolean> {
    const now = await this.#tenureNow(batch.shard)
    // It is sent again, which does no harm: where it is there it misses, and this is asked once more.
    if (now === null) return false
    if (now.epoch !== batch.epoch) throw fault('SHARD_FENCED', { shard: batch.shard }, error)
    if (now.head === batch.base) return false
    // What was there is not there any more: the store has gone back (gone-back.ts).
    if (now.head < batch.base) throw fault('SHARD_FENCED', { shard: batch.shard }, error)
    // The one behind it may be there as well.
    if (this.#sent.some((sent) => sent.batch.head === now.head)) return true
    throw fault('INVARIANT', { problem: `head ${now.head} between ${batch.base} and ${batch.head}` }, error)
  }

  /** Null while the store cannot say. */
  async #tenureNow(shard: number): Promise<Tenure | null> {
    const { store } = this.#options
    try {
      return await (store.settle?.(shard) ?? store.tenure(shard))
    } catch (error) {
      if (isBalletError(error) && (error.code === 'COMMIT_UNKNOWN' || error.code === 'STORE_FULL')) return null
      throw error
    }
  }
}

// One transaction for the batches of several shards: each shard has a writer of its own, and if each of them committed alone
// nothing would be left of the group commit. What is asked for while a transaction is under way goes into the next one. It
// holds altogether or not at all; when one batch keeps it from holding (its shard was taken over, perhaps) each is sent
// again by itself, so that the others do not suffer from it. Where few rows are under way they go in two transactions by turns, so that
// the server and the event loop both have something to do (ADR 51). Owned by PostgresStore.
//
//   waiting --a place is free--> in a transaction --held--> durable
//                                      '--refused for good--> alone --> durable | refused
import { countsOf, sumOf } from '../../core/ahead.ts'
import { isBalletError } from '../../core/errors.ts'
import type { Batch } from '../../core/store.ts'

interface Waiting {
  readonly batch: Batch
  /** Of the kinds of which there are most. */
  readonly rows: number
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Transactions under way: while the server writes one, the next one waits there, so that it need not wait for us. */
const AT_ONCE = 2
/** Rounds of the event loop that are waited for more, at the most. */
const ROUNDS = 16
/**
 * Up to so many rows under way go in two transactions by turns. More of them keep the server busy for long enough, and two transactions cost more
 * than they bring (ADR 51).
 */
const FEW_ROWS = 128
/** One with a smaller part of the batches of the other is not sent behind it: it would miss what comes meanwhile. */
const LEAST_PART = 1
const LEAST_PART_OF_FEW = 1 / 4
/** Fewer batches that are under way alone are not told of in halves: they leave too little to do meanwhile. */
const HALVED = 16
/** So many rounds of the event loop the first half has to bring about what follows from it. */
const HALF_ROUNDS = 8

/** What is in one transaction. */
interface Group {
  readonly batches: number
  readonly rows: number
}

export class GroupCommit {
  readonly #send: (batches: readonly Batch[]) => Promise<void>
  #waiting: Waiting[] = []
  readonly #underWay: Group[] = []
  #isAsked = false
  /** Transactions so far. */
  #sent = 0

  /** @param send one transaction; calls are in the order in which they are to be sent. */
  constructor(send: (batches: readonly Batch[]) => Promise<void>) {
    this.#send = send
  }

  /** Durable when it resolves. @throws as the store's `commit` */
  commit(batch: Batch): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch, rows: sumOf(countsOf(batch)), resolve, reject })
      if (this.#isAsked) return
      this.#isAsked = true
      this.#settle(this.#waiting.length, ROUNDS)
    })
  }

  /** Shards whose turns follow from the same commit come one after the other: as long as more come they go together. */
  #settle(seen: number, rounds: number): void {
    setImmediate(() => {
      if (this.#waiting.length > seen && rounds > 0) return this.#settle(this.#waiting.length, rounds - 1)
      this.#isAsked = false
      this.#pump()
    })
  }

  #pump(): void {
    if (this.#waiting.length === 0 || this.#underWay.length >= AT_ONCE || this.#isTooFew()) return
    const shards = new Set<number>()
    const group: Waiting[] = []
    const later: Waiting[] = []
    // A batch that continues another of its shard is fenced by what that leaves: it goes behind it.
    for (const one of this.#waiting) {
      if (shards.has(one.batch.shard)) later.push(one)
      else group.push(one)
      shards.add(one.batch.shard)
    }
    this.#waiting = later
    // In one order everywhere, so that two transactions never wait for each other.
    group.sort((a, b) => a.batch.shard - b.batch.shard)

    const sent = { batches: group.length, rows: rowsOf(group) }
    this.#sent += 1
    this.#underWay.push(sent)
    void this.#commit(group, sent).finally(() => {
      this.#underWay.splice(this.#underWay.indexOf(sent), 1)
      this.#pump()
    })
  }

  /** Whether what waits is to wait for more, behind what is under way. */
  #isTooFew(): boolean {
    const [before] = this.#underWay
    if (before === undefined) return false
    const isFew = before.rows + rowsOf(this.#waiting) <= FEW_ROWS
    return this.#waiting.length < before.batches * (isFew ? LEAST_PART_OF_FEW : LEAST_PART)
  }

  async #commit(group: readonly Waiting[], { rows }: Group): Promise<void> {
    try {
      await this.#send(group.map(({ batch }) => batch))
      this.#tell(group, rows)
    } catch (error) {
      if (group.length === 1 || !wasUndone(error)) for (const { reject } of group) reject(error)
      else await Promise.all(group.map(({ batch, resolve, reject }) => this.#send([batch]).then(resolve, reject)))
    }
  }

  /**
   * All that was under way comes back in one moment, takes its turns together, and waits together for the next transaction. So one half is
   * told later, when what follows from the other is under way; from then on there are two transactions by turns.
   */
  #tell(group: readonly Waiting[], rows: number): void {
    const isAll = this.#underWay.length === 1 && this.#waiting.length === 0
    const isHalved = isAll && group.length >= HALVED && rows <= FEW_ROWS
    const first = isHalved ? Math.ceil(group.length / 2) : group.length
    for (const { resolve } of group.slice(0, first)) resolve()
    if (isHalved) this.#tellLater(group.slice(first), this.#sent, HALF_ROUNDS)
  }

  #tellLater(group: readonly Waiting[], sent: number, rounds: number): void {
    setImmediate(() => {
      if (this.#sent === sent && rounds > 0) return this.#tellLater(group, sent, rounds - 1)
      for (const { resolve } of group) resolve()
    })
  }
}

const rowsOf = (waiting: readonly Waiting[]): number => waiting.reduce((sum, { rows }) => sum + rows, 0)

/** Whether it is sure that nothing was written, and one batch may be the cause of it. */
function wasUndone(error: unknown): boolean {
  return isBalletError(error) && !['COMMIT_UNKNOWN', 'STORE_UNREACHABLE', 'STORE_FULL'].includes(error.code)
}

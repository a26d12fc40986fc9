// One transaction for the batches of several shards: each shard has a writer of its own, and if each of them committed alone
// nothing would be left of the group commit. What is asked for while a transaction is under way goes into the next one. It
// holds altogether or not at all; when one batch keeps it from holding (its shard was taken over, perhaps) each is sent
// again by itself, so that the others do not suffer from it. Owned by PostgresStore.
//
//   waiting --a place is free--> in a transaction --held--> durable
//                                      '--refused for good--> alone --> durable | refused
import { isBalletError } from '../../core/errors.ts'
import type { Batch } from '../../core/store.ts'

interface Waiting {
  readonly batch: Batch
  readonly resolve: () => void
  readonly reject: (error: unknown) => void
}

/** Transactions under way: while the server writes one, the next one waits there, so that it need not wait for us. */
const AT_ONCE = 2
/** Rounds of the event loop that are waited for more, at the most. */
const ROUNDS = 16
/** One with a smaller part of the batches of the other is not sent behind it: it would miss what comes meanwhile. */
const LEAST_PART = 1 / 2

export class GroupCommit {
  readonly #send: (batches: readonly Batch[]) => Promise<void>
  #waiting: Waiting[] = []
  readonly #underWay: number[] = []
  #isAsked = false

  /** @param send one transaction; calls are in the order in which they are to be sent. */
  constructor(send: (batches: readonly Batch[]) => Promise<void>) {
    this.#send = send
  }

  /** Durable when it resolves. @throws as the store's `commit` */
  commit(batch: Batch): Promise<void> {
    return new Promise((resolve, reject) => {
      this.#waiting.push({ batch, resolve, reject })
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
    const [before] = this.#underWay
    if (this.#waiting.length === 0 || this.#underWay.length >= AT_ONCE) return
    if (before !== undefined && this.#waiting.length < before * LEAST_PART) return
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

    this.#underWay.push(group.length)
    void this.#commit(group).finally(() => {
      this.#underWay.splice(this.#underWay.indexOf(group.length), 1)
      this.#pump()
    })
  }

  async #commit(group: readonly Waiting[]): Promise<void> {
    try {
      await this.#send(group.map(({ batch }) => batch))
      for (const { resolve } of group) resolve()
    } catch (error) {
      if (group.length === 1 || !wasUndone(error)) for (const { reject } of group) reject(error)
      else await Promise.all(group.map(({ batch, resolve, reject }) => this.#send([batch]).then(resolve, reject)))
    }
  }
}

/** Whether it is sure that nothing was written, and one batch may be the cause of it. */
function wasUndone(error: unknown): boolean {
  return isBalletError(error) && !['COMMIT_UNKNOWN', 'STORE_UNREACHABLE', 'STORE_FULL'].includes(error.code)
}

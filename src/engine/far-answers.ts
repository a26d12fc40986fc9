// What the owner of a shard says to what was asked of it at another node, where that waits for more than that it was taken: an
// answer beside what is done, in one batch, so that it is done once and answered as it came out. Answers are kept for a minute, in
// the table of inboxes, where no inbox is looked for. Kept by requests.ts; read by elsewhere.ts.
//
//   asked --its owner takes it--> done, or refused --in the same batch--> answered --a minute later--> forgotten
import type { Cancel } from '../core/clock.ts'
import type { BalletError } from '../core/errors.ts'
import type { InboxRow } from '../core/store.ts'
import type { Acted, Signalled, Started } from '../define/application.ts'
import type { AsideDone } from './aside-acts.ts'
import { orFailure } from './run-rows.ts'
import type { ShardContext } from './shard-context.ts'

/** Of what lies in an inbox: what its answer is found by, where somebody waits for one. */
export interface Asked {
  readonly ask?: string | undefined
}

/** What is done when it is asked for so: an act on a run, a signal to one, a flow that is to be conducted, an act on what lies aside. */
export type Done = Acted | Signalled | Started | AsideDone

/** How it came out: what was done, or the code and details of why it was not. */
export type FarAnswer = { readonly done: Done } | { readonly refused: Pick<BalletError, 'code' | 'details'> }

/** Where answers are in the table of inboxes: a namespace holds no space. */
export const answersOf = (ns: string): string => `${ns} answers`

/** Longer than whoever asks waits. */
const KEPT_MS = 60_000
const PAGE = 500

export class FarAnswers {
  readonly #context: ShardContext
  readonly #isOver: () => boolean
  #next: Cancel | null = null
  #isTidying = false
  #isStopped = false

  /** @param isOver whether the shard has stopped. */
  constructor(context: ShardContext, isOver: () => boolean) {
    this.#context = context
    this.#isOver = isOver
  }

  /** Takes a row away, and answers it, in the batch of what is written in the same moment. */
  done(row: InboxRow, ask: string, done: Done): void {
    this.#say(row, ask, { done })
  }

  refused(row: InboxRow, ask: string, { code, details }: BalletError): void {
    this.#say(row, ask, { refused: { code, details } })
  }

  #say({ id, slot }: InboxRow, ask: string, answer: FarAnswer): void {
    const { writer, ns, inbox } = this.#context
    // What was done and cannot be answered is not done by half: then the shard fails, and it is asked for again.
    const data = this.#context.encode(JSON.stringify(answer), 'turn', ask)
    writer.rows.posts.push({ ns: answersOf(ns), slot, kind: 'acted', target: ask, data, at: this.#context.now() })
    writer.rows.drained.push(id)
    writer.onDurable(() => inbox.gone(id))
    writer.flush()
    this.#later()
  }

  /** Forgets the answers that nobody waits for any more. */
  async tidy(): Promise<void> {
    if (this.#isTidying || this.#isOver()) return
    this.#isTidying = true
    try {
      const { store, shard, ns, writer, clock } = this.#context
      for (let isMore = true; isMore;) {
        const rows = await orFailure(store.inbox(shard, answersOf(ns), PAGE))
        if (rows instanceof Error) break
        if (rows.length === 0) return
        const old = rows.filter(({ at }) => at <= clock.now() - KEPT_MS)
        writer.rows.drained.push(...old.map(({ id }) => id))
        writer.flush()
        await writer.barrier()
        isMore = old.length === PAGE
      }
      this.#later()
    } catch (error) {
      if (!this.#isOver()) this.#context.fail(error)
    } finally {
      this.#isTidying = false
    }
  }

  #later(): void {
    if (this.#isStopped) return
    this.#next ??= this.#context.clock.after(KEPT_MS, () => {
      this.#next = null
      void this.tidy()
    })
  }

  /** The shard stops. */
  stop(): void {
    this.#isStopped = true
    this.#next?.()
  }
}

// What the owner of a shard says to what was asked of it at another node, where that waits for more than that it was taken: an
// answer beside what is done, in one batch, so that it is done once and answered as it came out. Answers are kept for a minute, in
// the table of inboxes, where no inbox is looked for. Kept by requests.ts; read by elsewhere.ts.
//
//   asked --its owner takes it--> done, or refused --in the same batch--> answered --a minute later--> forgotten
import type { Cancel } from '../core/clock.ts'
import type { Codec } from '../core/codec.ts'
import { catalogue, fault, type BalletError } from '../core/errors.ts'
import { parseText } from '../core/json-text.ts'
import type { InboxRow, StoreReader } from '../core/store.ts'
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
/** The look that is the first among all answers, after about a second; the next is the one of twice its number. */
const WHOLE_LOOK = 8

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

/** By what the answer to something that was put into an inbox is found: it has this name, and comes behind another one. */
export interface Ask {
  readonly shard: number
  readonly ask: string
  readonly after: number
}

/** Answers, for whoever has asked. */
export class AnswersRead {
  readonly #options: { readonly store: StoreReader; readonly ns: string; readonly codec: Codec }
  /**
   * The last answer of each shard that was read, to whomever: those behind it are younger, unless the store has gone back and gives
   * numbers again.
   */
  readonly #last = new Map<number, number>()

  constructor(options: { readonly store: StoreReader; readonly ns: string; readonly codec: Codec }) {
    this.#options = options
  }

  /** Before it is asked. What is answered already was not asked here: many, one after the other, would read all answers of a minute each. */
  ask(shard: number, ask: string): Ask {
    return { shard, ask, after: this.#last.get(shard) ?? 0 }
  }

  /** A look for what answers it, which is made again and again. What is not there for long is looked for among all of them now and then. */
  looks(asked: Ask): () => Promise<FarAnswer | null> {
    let count = 0
    let whole = WHOLE_LOOK
    return () => {
      const all = ++count === whole
      if (all) whole *= 2
      return this.to(asked, all)
    }
  }

  /** Null while there is none. @param all those before the last one count as well. */
  async to({ shard, ask, after: from }: Ask, all = false): Promise<FarAnswer | null> {
    const { store, ns, codec } = this.#options
    for (let after = all ? 0 : Math.min(from, this.#last.get(shard) ?? 0); ;) {
      const rows = await store.inbox(shard, answersOf(ns), PAGE, after)
      const last = rows.at(-1)?.id ?? after
      // What all of them end with holds, also where one was read that was behind it: then the store has gone back.
      this.#last.set(shard, all ? last : Math.max(this.#last.get(shard) ?? 0, last))
      const found = rows.find(({ target }) => target === ask)
      if (found !== undefined)
        return parseText(codec.decode(found.data, { namespace: ns, row: 'turn', id: ask })) as FarAnswer
      if (rows.length < PAGE) return null
      after = last
    }
  }
}

/** What something was refused with. A newer version of Ballet may have errors that this one does not know. */
export function refusal({ refused: { code, details } }: Extract<FarAnswer, { refused: unknown }>): BalletError {
  if (Object.hasOwn(catalogue, code)) return fault(code, details)
  return fault('OWNER_REFUSED', {
    what: 'what was asked',
    problem: `${code}, which this version of Ballet does not know`,
  })
}

/**
 * Why a start or an event was not taken that lies nowhere any more. Its owner has answered when it refused it. Without an answer nobody
 * has taken or refused it: the store has gone back (gone-back.ts), to before it came.
 */
export function notTaken(answer: FarAnswer | null, what: string): Error {
  if (answer !== null && 'refused' in answer)
    return fault('OWNER_REFUSED', { what, problem: refusal(answer).message.replace(/\.$/, '') })
  return fault('STORE_WENT_BACK', { what })
}

export type What = 'run' | 'event' | 'flow' | 'item'

/** Whether what lies in an inbox is done nobody knows yet. */
export const silent = (of: What): Error =>
  fault('OWNER_SILENT', { address: `the shard of the ${of}`, problem: 'it was not taken yet' })

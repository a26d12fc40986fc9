// What a person asks of a run at a node that does not own its shard: a row in the inbox of that shard, and an answer beside it, in
// the batch of what the action does, so that each is done once and answered as it came out. Answers are kept for a minute, in
// the table of inboxes, where no inbox is looked for. Kept by requests.ts; asked by elsewhere.ts.
//
//   asked --its owner takes it--> done, or refused --in the same batch--> answered --a minute later--> forgotten
import type { Cancel } from '../core/clock.ts'
import { fault, isBalletError, type BalletError } from '../core/errors.ts'
import { toFailure } from '../core/failure.ts'
import { parseText } from '../core/json-text.ts'
import type { InboxRow } from '../core/store.ts'
import type { Acted, AnswerRequest, FailRequest, Reasoned, RetryRequest } from '../define/application.ts'
import type { Actions } from './actions.ts'
import type { MadeAnswer } from './as-json.ts'
import { isOfStore } from './between-shards.ts'
import { orFailure } from './run-rows.ts'
import type { Shard } from './shard.ts'

/** What is asked of a run. */
export type Act =
  | { readonly action: 'retry'; readonly run: string; readonly request: RetryRequest }
  | { readonly action: 'answer'; readonly run: string; readonly request: AnswerRequest }
  | { readonly action: 'fail'; readonly run: string; readonly request: FailRequest }
  | { readonly action: 'cancel'; readonly run: string; readonly request: Reasoned }

/** As it lies in an inbox: `ask` is what its answer is found by. */
export interface AskedAct {
  readonly act: Act
  readonly ask: string
  /** Of an answer that is no JSON, which the act does not have. */
  readonly made?: MadeAnswer | undefined
}

/** How it came out: what was done, or the code and details of why it was not. */
export type ActAnswer =
  | { readonly acted: Acted }
  | { readonly refused: { readonly code: BalletError['code']; readonly details: BalletError['details'] } }

/** Where answers are in the table of inboxes: a namespace holds no space. */
export const answersOf = (ns: string): string => `${ns} answers`

/** Longer than whoever asks waits. */
const KEPT_MS = 60_000
const PAGE = 500

/**
 * @param said told of how it came out in the moment in which that is written.
 * @param made of an answer, by the node that was asked.
 */
export function perform(
  actions: Actions,
  { action, run, request }: Act,
  said?: (acted: Acted) => void,
  made?: MadeAnswer,
): Promise<Acted> {
  switch (action) {
    case 'retry':
      return actions.retry(run, request, said)
    case 'answer':
      return actions.answer(run, request, said, made)
    case 'fail':
      return actions.fail(run, request, said)
    default:
      return actions.cancel(run, request, said)
  }
}

export class FarActions {
  readonly #shard: Shard
  readonly #actions: Actions
  #next: Cancel | null = null
  #isTidying = false
  #isStopped = false

  constructor(shard: Shard, actions: Actions) {
    this.#shard = shard
    this.#actions = actions
  }

  /** Does what a row asks. It goes on beside what else the inbox holds: it waits for runs, and they may wait for the inbox. */
  take(row: InboxRow, text: string): void {
    const { context } = this.#shard
    const { act, ask, made } = parseText(text) as AskedAct
    let isSaid = false
    const say = (answer: ActAnswer): void => {
      isSaid = true
      this.#say(row, ask, answer)
    }
    perform(this.#actions, act, (acted) => say({ acted }), made).catch((error: unknown) => {
      // What it was answered stands; what stops the shard leaves the row where it is.
      if (isSaid || this.#shard.isStopped) return
      if (isOfStore(error)) return context.inbox.again(row.id)
      const { code, details } = isBalletError(error)
        ? error
        : fault('OWNER_REFUSED', { what: `to ${act.action} the run "${act.run}"` })
      if (!isBalletError(error)) context.log.error(`The run "${act.run}", ${act.action}: ${toFailure(error).message}`)
      say({ refused: { code, details } })
    })
  }

  #say(row: InboxRow, ask: string, answer: ActAnswer): void {
    const { context } = this.#shard
    const { writer, ns } = context
    try {
      const data = context.encode(JSON.stringify(answer), 'turn', ask)
      writer.rows.posts.push({ ns: answersOf(ns), slot: row.slot, kind: 'acted', target: ask, data, at: context.now() })
    } catch (error) {
      // What was done and cannot be answered is not done by half: it is asked for again when the shard is owned anew.
      context.fail(error)
      throw error
    }
    writer.rows.drained.push(row.id)
    writer.onDurable(() => context.inbox.gone(row.id))
    writer.flush()
    this.#later()
  }

  /** Forgets the answers that nobody waits for any more. */
  async tidy(): Promise<void> {
    if (this.#isTidying || this.#shard.isStopped) return
    this.#isTidying = true
    try {
      const { store, shard, ns, writer, clock } = this.#shard.context
      const rows = await orFailure(store.inbox(shard, answersOf(ns), PAGE))
      if (rows instanceof Error || rows.length === 0) return
      const old = rows.filter(({ at }) => at <= clock.now() - KEPT_MS)
      writer.rows.drained.push(...old.map(({ id }) => id))
      writer.flush()
      await writer.barrier()
      this.#later()
    } catch (error) {
      if (!this.#shard.isStopped) this.#shard.context.fail(error)
    } finally {
      this.#isTidying = false
    }
  }

  #later(): void {
    if (this.#isStopped) return
    this.#next ??= this.#shard.context.clock.after(KEPT_MS, () => {
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

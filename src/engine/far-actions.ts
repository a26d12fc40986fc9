// What a person asks of a run at a node that does not own its shard: a row in the inbox of that shard, done there as by hand, and
// answered (far-answers.ts). Kept by requests.ts; asked by elsewhere.ts.
import { fault, isBalletError } from '../core/errors.ts'
import { toFailure } from '../core/failure.ts'
import { parseText } from '../core/json-text.ts'
import type { InboxRow } from '../core/store.ts'
import type { Acted, AnswerRequest, FailRequest, Reasoned, RetryRequest } from '../define/application.ts'
import type { Actions } from './actions.ts'
import type { MadeAnswer } from './as-json.ts'
import { isOfStore } from './between-shards.ts'
import type { FarAnswers } from './far-answers.ts'
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
  readonly #answers: FarAnswers

  constructor(shard: Shard, actions: Actions, answers: FarAnswers) {
    this.#shard = shard
    this.#actions = actions
    this.#answers = answers
  }

  /** Does what a row asks. It goes on beside what else the inbox holds: it waits for runs, and they may wait for the inbox. */
  take(row: InboxRow, text: string): void {
    const { context } = this.#shard
    const { act, ask, made } = parseText(text) as AskedAct
    let isSaid = false
    const said = (acted: Acted): void => {
      isSaid = true
      this.#answers.done(row, ask, acted)
    }
    perform(this.#actions, act, said, made).catch((error: unknown) => {
      // What it was answered stands; what stops the shard leaves the row where it is.
      if (isSaid || this.#shard.isStopped) return
      if (isOfStore(error)) return context.inbox.again(row.id)
      if (isBalletError(error)) return this.#answers.refused(row, ask, error)
      const { code, message } = toFailure(error)
      context.log.error(`The run "${act.run}", ${act.action}: ${message}`, undefined, { run: act.run, code })
      this.#answers.refused(row, ask, fault('OWNER_REFUSED', { what: `to ${act.action} the run "${act.run}"` }))
    })
  }
}

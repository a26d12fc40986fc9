// What a person asks of a run at a node that does not own its shard: a row in the inbox of that shard, done there as by hand, and
// answered (far-answers.ts). Kept by requests.ts; asked by elsewhere.ts.
import { fault, isBalletError } from '../core/errors.ts'
import { toFailure } from '../core/failure.ts'
import { parseText } from '../core/json-text.ts'
import type { InboxRow } from '../core/store.ts'
import type { Acted, AnswerRequest, FailRequest, RetryRequest } from '../define/application.ts'
import type { Reasoned } from '../define/reasoned.ts'
import type { Actions } from './actions.ts'
import type { AsideActs, AsideAsked } from './aside-acts.ts'
import type { MadeAnswer } from './as-json.ts'
import { isOfStore } from './store-faults.ts'
import type { Done, FarAnswers } from './far-answers.ts'
import type { Shard } from './shard.ts'

/** What is asked of a run. */
export type Act =
  | { readonly action: 'retry'; readonly run: string; readonly request: RetryRequest }
  | { readonly action: 'answer'; readonly run: string; readonly request: AnswerRequest }
  | { readonly action: 'fail'; readonly run: string; readonly request: FailRequest }
  | { readonly action: 'cancel'; readonly run: string; readonly request: Reasoned }

/** What is asked of what lies aside. `run` leads to its shard: an owner that does not know of this finds no such run, and says so. */
export interface AsideAct {
  readonly action: 'aside'
  readonly run: string
  readonly request: AsideAsked
}

/** As it lies in an inbox: `ask` is what its answer is found by. */
export interface AskedAct {
  readonly act: Act | AsideAct
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

/** Who does what is asked. */
export interface FarDoers {
  readonly actions: Actions
  readonly asides: AsideActs
  readonly answers: FarAnswers
}

export class FarActions {
  readonly #shard: Shard
  readonly #doers: FarDoers

  constructor(shard: Shard, doers: FarDoers) {
    this.#shard = shard
    this.#doers = doers
  }

  /** Does what a row asks. It goes on beside what else the inbox holds: it waits for runs, and they may wait for the inbox. */
  take(row: InboxRow, text: string): void {
    const { context } = this.#shard
    const { actions, asides, answers } = this.#doers
    const { act, ask, made } = parseText(text) as AskedAct
    let isSaid = false
    const said = (done: Done): void => {
      isSaid = true
      answers.done(row, ask, done)
    }
    const done = act.action === 'aside' ? asides.act(act.request, said) : perform(actions, act, said, made)
    done.catch((error: unknown) => {
      // What it was answered stands; what stops the shard leaves the row where it is.
      if (isSaid || this.#shard.isStopped) return
      if (isOfStore(error)) return context.inbox.again(row.id)
      if (isBalletError(error)) return answers.refused(row, ask, error)
      const { code, message } = toFailure(error)
      const what = act.action === 'aside' ? 'what lies aside' : `the run "${act.run}"`
      context.log.error(`Asked at another node to ${act.action} ${what}: ${message}`, undefined, { run: act.run, code })
      answers.refused(
        row,
        ask,
        fault('OWNER_REFUSED', {
          what: `to ${act.action} ${what}`,
          problem: `it could not, and its log says more (${code})`,
        }),
      )
    })
  }
}

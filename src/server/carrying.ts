// For how long the answer of another node to a request is waited for: until that node carries the run no more; of a question a
// little longer than it asks to be waited for, since this node can answer it from committed rows; and of an action for as long as
// one that is asked for by way of the inbox. Used by handler.ts.
import type { Clock } from '../core/clock.ts'
import type { Application } from '../define/application.ts'
import type { Standing } from '../define/node.ts'
import { parseMs } from './query.ts'

/** How often it is looked who carries a run, and what a node may take beside the wait of a question; milliseconds. */
const LOOK_MS = 250
const BESIDE_MS = 2000
/** How long an action may take. Whether it was done is not known then, and the run shows it. */
const ACTION_MS = 30_000

/** The node that carries a run, as it is asked. */
export interface There {
  readonly owner: Standing['owner']
  readonly app: Application
  /** Whether it carries the run still. */
  readonly isCarried: () => boolean
}

export interface Carrying {
  /** Aborted when the answer is not to be waited for any longer. */
  readonly over: AbortSignal
  /** It is looked at no more. */
  readonly stop: () => void
  /** The request as it is to be answered by this node: a question waits for what is left of its time. */
  readonly here: () => Request
}

/** @param isCarried whether the node that was asked carries the run still. */
export function carryingOf(
  request: Request,
  { clock, isCarried }: { readonly clock: Clock; readonly isCarried: () => boolean },
): Carrying {
  const over = new AbortController()
  const isQuestion = request.method === 'GET'
  // What is no length of time is refused by whoever answers.
  const waitMs = isQuestion ? (parseMs(new URL(request.url).searchParams.get('wait') ?? '') ?? 0) : 0
  const mostMs = isQuestion ? waitMs + BESIDE_MS : ACTION_MS
  const kept = isQuestion ? request : request.clone()
  let passedMs = 0
  let next = (): void => {}
  const look = (): void => {
    passedMs += LOOK_MS
    if (!isCarried()) over.abort('another node is about to carry the run')
    else if (passedMs >= mostMs) over.abort(`no answer in ${mostMs / 1000} s`)
    else next = clock.after(LOOK_MS, look)
  }
  next = clock.after(LOOK_MS, look)
  const here = (): Request => (isQuestion && waitMs > 0 ? waiting(request, Math.max(1, waitMs - passedMs)) : kept)
  return { over: over.signal, stop: () => next(), here }
}

function waiting({ url, headers, signal }: Request, ms: number): Request {
  const left = new URL(url)
  left.searchParams.set('wait', `${ms}ms`)
  return new Request(left, { headers, signal })
}

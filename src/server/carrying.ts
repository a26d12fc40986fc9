// For how long the answer of another node to a request is waited for: until that node carries the run no more, and of a question
// a little longer than it asks to be waited for, since this node can answer it from committed rows. Used by handler.ts.
import type { Clock } from '../core/clock.ts'
import { parseMs } from './query.ts'

/** How often it is looked who carries a run, and what a node may take beside the wait of a question; milliseconds. */
const LOOK_MS = 250
const BESIDE_MS = 2000

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
  const waitMs = isQuestion ? (parseMs(new URL(request.url).searchParams.get('wait') ?? '') ?? 0) : Infinity
  const kept = isQuestion ? request : request.clone()
  let passedMs = 0
  let next = (): void => {}
  const look = (): void => {
    passedMs += LOOK_MS
    if (passedMs >= waitMs + BESIDE_MS || !isCarried()) over.abort()
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

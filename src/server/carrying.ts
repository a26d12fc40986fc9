// For how long the answer of another node to a request is waited for: until that node carries the run no more, and of a question
// a little longer than it asks to be waited for, since this node can answer it from committed rows. Used by handler.ts.
import { toMs } from '../core/duration.ts'
import type { Clock } from '../core/clock.ts'
import type { Application } from '../define/application.ts'

/** How often it is looked who carries a run, and what a node may take beside the wait of a question; milliseconds. */
const LOOK_MS = 250
const BESIDE_MS = 2000

export interface Carrying {
  /** Aborted when the answer is not to be waited for any longer. */
  readonly over: AbortSignal
  /** It is looked at no more. Gives the request as it is to be answered here: a question waits for what is left of its time. */
  readonly end: () => Request
}

/** @param node carries the run. */
export function carryingOf(
  request: Request,
  {
    app,
    clock,
    run,
    node,
  }: { readonly app: Application; readonly clock: Clock; readonly run: string; readonly node: string },
): Carrying {
  const over = new AbortController()
  const isQuestion = request.method === 'GET'
  const waitMs = isQuestion ? waitOf(request.url) : Infinity
  const kept = isQuestion ? request : request.clone()
  let passedMs = 0
  let next = (): void => {}
  const look = (): void => {
    passedMs += LOOK_MS
    if (passedMs >= waitMs + BESIDE_MS || app.carrierOf(run)?.id !== node) over.abort()
    else next = clock.after(LOOK_MS, look)
  }
  next = clock.after(LOOK_MS, look)
  const end = (): Request => {
    next()
    return isQuestion && waitMs > 0 ? waiting(request, Math.max(1, waitMs - passedMs)) : kept
  }
  return { over: over.signal, end }
}

function waiting({ url, headers, signal }: Request, ms: number): Request {
  const left = new URL(url)
  left.searchParams.set('wait', `${ms}ms`)
  return new Request(left, { headers, signal })
}

/** Milliseconds; 0 for what is no length of time, which is refused by whoever answers. */
function waitOf(url: string): number {
  try {
    return toMs(new URL(url).searchParams.get('wait') ?? '')
  } catch {
    return 0
  }
}

// The one way in which an operation asks a system of somebody else over HTTP. What an answer means is decided here, once:
//
//   2xx                       parsed by a schema: what they send is theirs, what comes out of here is ours
//   408, 429, 5xx, no answer  thrown: tried again by the policy of the operation, and not before `Retry-After` if they say one
//   any other 4xx             `Refused`: no attempt will mend it. An operation that expects one makes it an outcome
//
// The signal of the context is in every request, so that none outlives the attempt that made it.
import { RetryAfterError, TerminalError, type OperationContext } from 'ballet'
import type { z } from 'zod'

/** The system understood, and said no. Not retried. */
export class Refused extends TerminalError {
  readonly status: number
  constructor(status: number, problem: string) {
    super(problem)
    this.status = status
  }
}

/** Where a system is, and how it knows us. */
export interface System {
  readonly url: string
  /** With which it signs its webhooks, or which it sends with them. */
  readonly secret: string
}

export interface Ask {
  readonly method?: 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly body?: unknown
  readonly idempotencyKey?: string
}

/** A function that asks one system: `ask(context, '/deals/D-1001', Deal)`. */
export function apiOf(name: string, { url }: System) {
  return async <T>(
    { signal }: Pick<OperationContext, 'signal'>,
    path: string,
    answer: z.ZodType<T>,
    { method, body, idempotencyKey }: Ask = {},
  ): Promise<T> => {
    const headers = {
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
      ...(idempotencyKey === undefined ? {} : { 'idempotency-key': idempotencyKey }),
    }
    const response = await fetch(url + path, {
      method: method ?? 'GET',
      headers,
      signal,
      body: body === undefined ? null : JSON.stringify(body),
    })
    const { status } = response
    const text = await response.text()
    if (response.ok) return answer.parse(text === '' ? null : JSON.parse(text))
    const what = `${name} answered ${method ?? 'GET'} ${path} with ${status}: ${text.slice(0, 200)}`
    if (status >= 400 && status < 500 && status !== 408 && status !== 429) throw new Refused(status, what)
    const retryAfter = response.headers.get('retry-after')
    throw retryAfter === null ? new Error(what) : new RetryAfterError(what, msUntil(retryAfter))
  }
}

/** Milliseconds, of a `Retry-After` in seconds or as a date. Of anything else it is no number, which says nothing. */
function msUntil(retryAfter: string): number {
  return /^\d+$/.test(retryAfter) ? Number(retryAfter) * 1_000 : Date.parse(retryAfter) - Date.now()
}

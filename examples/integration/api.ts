// The one way in which an operation asks a system of somebody else over HTTP. What an answer means is decided here, once:
//
//   2xx                       parsed by a schema: what they send is theirs, what comes out of here is ours
//   429, 503 + Retry-After    waited for as they ask, within this attempt: a policy of retries knows its own delays alone
//   408, 5xx, no answer       thrown: tried again by the policy of the operation
//   any other 4xx             `Refused`: no attempt will mend it. An operation that expects one makes it an outcome
//
// The signal of the context is in every request, so that none outlives the attempt that made it.
import { setTimeout as wait } from 'node:timers/promises'
import { TerminalError, type OperationContext } from 'ballet'
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
  /** Waits as long as the system asks for. */
  readonly pause?: ((ms: number, signal: AbortSignal) => Promise<void>) | undefined
}

export interface Ask {
  readonly method?: 'POST' | 'PUT' | 'PATCH' | 'DELETE'
  readonly body?: unknown
  readonly idempotencyKey?: string
}

/** Longer than this nobody waits within an attempt: it fails, and the policy has its turn. */
const LONGEST_PAUSE_MS = 20_000

const sleep = (ms: number, signal: AbortSignal): Promise<void> => wait(ms, undefined, { signal })

/** A function that asks one system: `ask(context, '/deals/D-1001', Deal)`. */
export function apiOf(name: string, { url, pause = sleep }: System) {
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
    for (;;) {
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
      const retryAfter = Number(response.headers.get('retry-after') ?? NaN)
      if ((status === 429 || status === 503) && retryAfter * 1_000 <= LONGEST_PAUSE_MS) {
        await pause(Math.max(retryAfter * 1_000, 100), signal)
        continue
      }
      if (status < 400 || status >= 500 || status === 408 || status === 429) throw new Error(what)
      throw new Refused(status, what)
    }
  }
}

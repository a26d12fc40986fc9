// When a failed attempt is tried again: how often, after how long, and what happens when the policy is exhausted.
import { toMs, type Duration } from './duration.ts'

/** How a failed attempt is retried. Omitted fields take the defaults of `RETRY`. */
export interface Retry {
  /** Attempts in all, the first included; default 10. */
  readonly attempts?: number
  /** Delay before the second attempt; doubles with each further one. Default 200 ms. */
  readonly backoff?: Duration
  /** The longest delay; default 1 minute. */
  readonly limit?: Duration
  /** What becomes of the call after the last attempt: `stuck` for a person (default), or `fail` in the workflow. */
  readonly exhausted?: 'stuck' | 'fail'
}

/** How a failed attempt is retried, in milliseconds and without gaps. */
export interface RetryPolicy {
  readonly attempts: number
  readonly backoffMs: number
  readonly limitMs: number
  readonly exhausted: 'stuck' | 'fail'
}

export const RETRY: RetryPolicy = { attempts: 10, backoffMs: 200, limitMs: 60_000, exhausted: 'stuck' }

/** The policy that an author's words make over a base. @param at where they stand. @throws DURATION_INVALID */
export function retryPolicy(retry: Retry | undefined, base: RetryPolicy = RETRY, at = ''): RetryPolicy {
  if (retry === undefined) return base
  return {
    attempts: retry.attempts ?? base.attempts,
    backoffMs: retry.backoff === undefined ? base.backoffMs : toMs(retry.backoff, `${at}retry.backoff`),
    limitMs: retry.limit === undefined ? base.limitMs : toMs(retry.limit, `${at}retry.limit`),
    exhausted: retry.exhausted ?? base.exhausted,
  }
}

/**
 * Milliseconds to wait after failed attempt number `attempt` (from 1): exponential, with equal jitter
 * (half fixed, half random; M. Brooker, "Exponential Backoff And Jitter", 2015), so that a crowd spreads out.
 * @param fraction a random number from 0 up to 1.
 * @param askedMs what the service asked for, whole: never sooner than that. The random half stands behind it, because a crowd that was
 * limited together is told the same.
 */
export function retryDelayMs(policy: RetryPolicy, attempt: number, fraction: number, askedMs = 0): number {
  const full = Math.min(policy.limitMs, policy.backoffMs * 2 ** Math.min(attempt - 1, 40))
  return Math.round(Math.max(full / 2, askedMs) + (full / 2) * fraction)
}

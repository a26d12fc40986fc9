// How attempts are made: how often, how long one may take, what comes after the last. The defaults, what an operation
// says, and what one call says, in that order. Refuses numbers that mean nothing. Read by service.ts for operations and
// by the engine for calls and steps with words of their own.
import { toMs, type Duration } from '../core/duration.ts'
import { RETRY, retryPolicy, type Retry, type RetryPolicy } from '../core/retry.ts'
import { refuse, refuseUnknownOptions } from './refusal.ts'

/** How attempts are made, in an author's words. What is omitted is taken from the operation, then from the defaults. */
export interface Policy {
  /** How failed attempts are retried: 10 attempts, from 200 ms doubling to 1 minute, then stuck for a person. */
  readonly retry?: Retry | undefined
  /** How long one attempt may take; default 60 s. After it the attempt has failed and is retried. */
  readonly timeout?: Duration | undefined
}

/** How attempts are made, in milliseconds and without gaps. */
export interface AttemptPolicy {
  readonly retry: RetryPolicy
  /** Of one attempt. */
  readonly timeoutMs: number
}

/** What an operation says of its heartbeat. */
export interface Beating {
  /**
   * How long an attempt may say nothing, far below its `timeout`: `'30s'`, at least 100 ms. It says that it lives by `context.heartbeat()`;
   * one that does not has failed and is retried as after its `timeout`. Without it an attempt is not asked how far it is.
   */
  readonly heartbeat?: Duration | undefined
}

/** Shorter ones would take a busy event loop for a dead attempt. */
const LEAST_HEARTBEAT_MS = 100

export const ATTEMPTS: AttemptPolicy = { retry: RETRY, timeoutMs: 60_000 }

/**
 * The policy that an author's words make over a base.
 * @param what the place in words, for example `operation payment.charge`.
 * @throws DEFINITION_INVALID, DURATION_INVALID
 */
export function attemptPolicy(policy: Policy, what: string, base: AttemptPolicy = ATTEMPTS): AttemptPolicy {
  const { retry, timeout } = policy
  if (retry !== undefined) checkRetry(retry, what)
  const timeoutMs = timeout === undefined ? base.timeoutMs : toMs(timeout, `${what}: timeout`)
  if (timeoutMs < 1) refuse(what, 'timeout must be 1ms or longer')
  return { retry: retryPolicy(retry, base.retry, `${what}: `), timeoutMs }
}

/**
 * The heartbeat of an operation in milliseconds; null for none.
 * @throws DEFINITION_INVALID, DURATION_INVALID
 */
export function heartbeatMsOf({ heartbeat }: Beating, timeoutMs: number, what: string): number | null {
  if (heartbeat === undefined) return null
  const ms = toMs(heartbeat, `${what}: heartbeat`)
  if (ms < LEAST_HEARTBEAT_MS) refuse(what, `heartbeat must be ${LEAST_HEARTBEAT_MS}ms or longer`)
  if (ms >= timeoutMs) refuse(what, 'heartbeat must be shorter than timeout, after which the attempt has failed anyway')
  return ms
}

function checkRetry(retry: Retry, what: string): void {
  refuseUnknownOptions(retry, ['attempts', 'backoff', 'limit', 'exhausted'], `retry of ${what}`)
  const { attempts, exhausted } = retry
  if (attempts !== undefined && !(Number.isSafeInteger(attempts) && attempts >= 1)) {
    refuse(what, `retry.attempts must be a whole number from 1, not ${String(attempts)}`)
  }
  if (exhausted !== undefined && exhausted !== 'stuck' && exhausted !== 'fail') {
    refuse(what, `retry.exhausted must be "stuck" or "fail", not ${JSON.stringify(exhausted)}`)
  }
}

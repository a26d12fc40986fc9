// One call or step that is to be carried out, and what is known of it while that is under way. Made by calls.ts, carried out by
// effects.ts.
import type { Cancel } from '../core/clock.ts'
import { fault, type BalletError } from '../core/errors.ts'
import type { Failure } from '../core/failure.ts'
import type { JsonText } from '../core/json.ts'
import type { RetryPolicy } from '../core/retry.ts'
import type { Bound, CallPlace } from './call-limits.ts'
import type { AttemptCounts } from './counts.ts'
import type { Heart } from './heart.ts'
import type { StopSignal } from './stop-signal.ts'

/** Attempts that were made before, from the notes of the journal. */
export interface Attempts {
  /** How many failed (in an earlier process), and when the next is due. */
  readonly failed: number
  readonly dueAt: number
  /** Milliseconds that the service asked to be left alone for after the last of them. */
  readonly askedMs?: number | undefined
  /** How often they were counted anew, because a person had it tried again; absent for never. */
  readonly round?: number | undefined
}

/** One call or step to be carried out. */
export interface Effect extends Attempts {
  readonly run: number
  readonly op: string
  /** What errors call it: `payment.charge`, or the step's name. */
  readonly name: string
  readonly policy: RetryPolicy
  readonly timeoutMs: number
  /** Where its attempts say that they live; null when they are not asked. */
  readonly heart: Heart | null
  /** Its attempts go on until they are told to end. */
  readonly isEndless: boolean
  /** Where its attempts are counted. */
  readonly counts: AttemptCounts
  /** How often its service may be asked; null when that is not limited. */
  readonly bounds: readonly Bound[] | null
  /** A failure that may not be retried parks it for a person instead of failing it: an undo is never skipped. */
  readonly mustSucceed: boolean
  /** Makes one attempt; resolves to the stored form of the answer. */
  readonly attempt: (attempt: number, stop: StopSignal) => Promise<JsonText | undefined>
  /** The answer of an attempt that was given up comes all the same. */
  readonly late: (attempt: number, payload: JsonText | undefined) => Promise<void> | undefined
}

/** How an attempt failed. */
export interface FailedAttempt {
  readonly attempt: number
  readonly error: Failure
  readonly ms: number
  /** When the next one is due; null when there is none, or none in this process. */
  readonly next: number | null
  /** Milliseconds that the service asked to be left alone for. */
  readonly askedMs?: number
}

/** One that is under way. */
export interface Running {
  /** Of its run and operation. */
  readonly name: string
  effect: Effect
  /** Its run cannot go on for now: how this attempt comes out is kept for it, and no other is made until it goes on. */
  resting: boolean
  /** Its run wants to know how this attempt comes out, and no other is made. */
  givenUp: boolean
  /** When it was given up: until when an attempt of an earlier life may be under way, by time that passes. */
  until: number
  /** Its first attempt is to be made when it is admitted. */
  admitting: boolean
  /** Where its service is limited: its place there, or in the line for one; from when the call was asked for, by `age`. */
  place: CallPlace | null
  readonly age: number
  /** Of the attempt that is under way. */
  stop: StopSignal | null
  /** Of the wait for the next attempt, and of the time limit of the present one. */
  cancel: Cancel | null
  limit: Cancel | null
  /** Number of the attempt that is waited for. */
  next: number
}

/** @param age of a call that is limited. */
export function waitingFor(effect: Effect, name: string, age: number): Running {
  return {
    effect,
    name,
    resting: false,
    givenUp: false,
    until: 0,
    admitting: false,
    place: null,
    age,
    stop: null,
    cancel: null,
    limit: null,
    next: effect.failed + 1,
  }
}

/** A body that takes no notice of being told to stop must not keep the process alive. */
export function stopTimers({ cancel, limit }: Running): void {
  cancel?.()
  limit?.()
}

/** Its time is over, or it has been silent for too long. */
export function tooLong({ name: call, timeoutMs, heart }: Effect, ms: number): BalletError {
  if (heart === null || ms >= timeoutMs) return fault('ATTEMPT_TIMEOUT', { call, limit: `${timeoutMs}ms` })
  return fault('ATTEMPT_SILENT', { call, limit: `${heart.heartbeatMs}ms` })
}

/** Failures that another attempt cannot mend: the code is wrong, not the world. */
export const HOPELESS: ReadonlySet<string> = new Set([
  'OUTCOME_UNDECLARED',
  'INPUT_INVALID',
  'KEY_INVALID',
  'VALUE_NOT_JSON',
  'PAYLOAD_TOO_LARGE',
  'SCHEMA_ASYNC',
  'CODE_MISSING',
  'HEARTBEAT_UNDECLARED',
])

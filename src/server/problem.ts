// Errors as they leave the server: application/problem+json (RFC 9457), made from the catalogue alone. What is not an
// error of the catalogue is written to the log and told as one that says nothing of the inside: no stack and no
// message of foreign code reaches a caller.
import { fault, isBalletError, type BalletError, type Details, type ErrorCode } from '../core/errors.ts'
import type { Log } from '../define/definition.ts'
import { answer } from './answer.ts'

/** An error as its caller reads it. `type` stays the same for ever; `details` are the values in `detail`. */
export interface Problem {
  readonly type: string
  readonly title: string
  readonly status: number
  readonly code: ErrorCode
  readonly detail: string
  readonly hint: string
  /** The path that was asked for. */
  readonly instance: string
  readonly details: Details
}

/** Where the server says what a code means, also to whoever has no token: the `type` of a problem leads there. */
export const ERRORS_PATH = '/api/errors'

/** Seconds after which something that is refused for now may be asked again, when the error does not say. */
const RETRY_AFTER = 1
/** Too much at once, not ready, the disk is full. */
const FOR_NOW: ReadonlySet<number> = new Set([429, 503, 507])

/** The problem of an error. */
export function problemOf(error: BalletError, instance: string): Problem {
  const { code } = error
  return {
    type: `${ERRORS_PATH}/${code}`,
    title: titleOf(code),
    status: error.status,
    code,
    detail: error.message,
    hint: error.hint,
    instance,
    details: valuesOf(error.details),
  }
}

/** `Run unknown`, in a problem and where its `type` leads. */
export const titleOf = (code: ErrorCode): string => code.charAt(0) + code.slice(1).toLowerCase().replaceAll('_', ' ')

/** `nearest` is kept as words (` Did you mean "x"?`): a program wants the name alone, and nothing when there is none. */
function valuesOf({ nearest, ...details }: Details): Details {
  const name = /"(.*)"/.exec(String(nearest ?? ''))?.[1]
  return name === undefined ? details : { ...details, nearest: name }
}

/** Whole seconds after which to ask again. */
function secondsOf({ details }: BalletError): number {
  const seconds = details['seconds']
  return typeof seconds === 'number' && seconds > 0 ? Math.ceil(seconds) : RETRY_AFTER
}

/** The headers that the code of an error asks for. */
export function problemHeaders(error: BalletError): Record<string, string> {
  const headers: Record<string, string> = { 'content-type': 'application/problem+json' }
  if (FOR_NOW.has(error.status)) headers['retry-after'] = String(secondsOf(error))
  if (error.code === 'TOKEN_REQUIRED' || error.code === 'API_KEY_OVER') headers['www-authenticate'] = 'Bearer'
  if (error.code === 'METHOD_NOT_ALLOWED') headers['allow'] = String(error.details['allowed'])
  return headers
}

/** The answer to a request that failed with `error`. */
export function problemAnswer(error: BalletError, instance: string): Response {
  return answer(error.status, problemOf(error, instance), problemHeaders(error)).toResponse()
}

/**
 * What a caller may know of anything that was thrown: an error of the catalogue as it is, and of anything else that it
 * is in the log. Our own bugs go to the log too.
 */
export function tellable(error: unknown, log: Log, where: string): BalletError {
  const isKnown = isBalletError(error)
  if (!isKnown || error.family === 'bug')
    log.error(`${where} failed`, { stack: stackOf(error) }, isKnown ? { code: error.code } : {})
  return isKnown
    ? error
    : fault('INVARIANT', { problem: 'the server met an error that it does not know; its log has it' })
}

/** The stack of anything that was thrown, for the log. */
export function stackOf(error: unknown): string {
  try {
    return String(error instanceof Error ? (error.stack ?? error.message) : error)
  } catch {
    return 'something that cannot be read'
  }
}

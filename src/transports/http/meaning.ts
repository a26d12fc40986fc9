// What the answer of a service means for the attempt: its value, that it is to be made again, or that it never is.
//
//   200, 201, 203    the body is the answer, JSON           204, or the same with content-length: 0    there is none
//   the same, and its type says JSON, and it is none    the call waits for a person
//   the same of another type, in an encoding, or one that may have been cut off    again, by the policy
//   what HTTP itself objects to (who asks, where, how much at once, in which form), 408, 409, 425, 5xx    again, by the policy
//   any other 4xx    no: the call fails
//   the same as a page (HTML), in an encoding, cut off behind its headers, or because the request came broken    again, by the policy
//   anything else    no answer: again, by the policy
//
// What HTTP objects to is a matter of how the two sides were put together. It is tried again and then waits for a person,
// because a wrong secret or a path that is not there yet must not fail every order that comes by. No more must a page of a
// proxy, or a request that was cut off on its way, whatever number it is told by.
import { fault, TerminalError, type BalletError } from '../../core/errors.ts'
import { parseJson } from '../../core/json-guard.ts'
import { toFailure } from '../../core/failure.ts'
import { isRecord } from '../../core/json.ts'
import { retryAfterHeaderMs } from '../../core/retry-after.ts'
import type { Heard } from '../../core/transport.ts'

/** What came, in whole as far as is known. */
export interface Came {
  readonly status: number
  readonly type: string
  readonly retryAfter: string | undefined
  readonly body: Uint8Array
  /** Whether something said how long it is: one that ends with its connection may have been cut off. */
  readonly isWhole: boolean
  /** What its body has to be decoded by (`gzip`), which nobody asked for. */
  readonly encoding?: string
}

/** Who was asked for what. */
export interface Whom {
  readonly call: string
  /** Without anything secret. */
  readonly url: string
}

const ANSWERS: ReadonlySet<number> = new Set([200, 201, 203])
const OF_HTTP: ReadonlySet<number> = new Set([401, 403, 404, 405, 407, 411, 413, 414, 415, 417, 421, 426, 431])
const AGAIN: ReadonlySet<number> = new Set([408, 409, 425, 429])
/** By these a server of Ballet says that the request did not come as it was sent. */
const BROKEN: ReadonlySet<string> = new Set(['REQUEST_MALFORMED', 'BODY_INCOMPLETE'])
/** Characters of what a service said that errors have. */
const SAID = 500
/** And of its type. */
const TYPE_SHOWN = 60
const JSON_TYPE = /^application\/(?:[\w.-]+\+)?json\b/i
/** For people: a service says no to programs. */
const PAGE_TYPE = /^(?:text\/html|application\/xhtml\+xml)\b/i

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The value of an answer. @throws REMOTE_FAILED, REMOTE_ANSWER_INVALID, VALUE_NOT_JSON, INPUT_INVALID, TerminalError */
export function valueOf(came: Came, whom: Whom, nowMs: number): unknown {
  const { status } = came
  if (status === 204) return undefined
  if (ANSWERS.has(status)) return parsed(came, whom)
  if (status === 202)
    throw noAnswer(
      whom,
      '202 (accepted), and nobody takes an answer later: elsewhere(...) has no answers: laterAnswers(...)',
    )
  if (status >= 300 && status < 400) throw noAnswer(whom, `it redirects (${status}), and no redirect is followed`)
  if (status < 400) throw noAnswer(whom, `its status is ${status}`)
  const { code, detail } = problemIn(came)
  // The sentence goes on behind it.
  const words = detail === '' ? '' : `: ${detail.replace(/\.$/, '')}`
  const said = `${status}${PAGE_TYPE.test(came.type) ? ' with a page (HTML), which is mostly of a proxy' : words}`
  const again = status >= 500 || AGAIN.has(status) || OF_HTTP.has(status) || BROKEN.has(code)
  if (again) throw later(fault('REMOTE_FAILED', { ...whom, answer: said }), came.retryAfter, nowMs)
  const doubt = doubtOf(came)
  if (doubt !== '') throw later(noAnswer(whom, `its status is ${status}, and ${doubt}`), came.retryAfter, nowMs)
  // The two sides do not understand each other: to be mended, and then tried again.
  if (code === 'INPUT_INVALID' || code === 'REQUEST_INVALID' || code.startsWith('JSON_'))
    throw fault('INPUT_INVALID', {
      what: `What ${whom.call} at ${whom.url} was asked`,
      path: 'its input',
      problem: said,
    })
  // What a service of Ballet threw is told as it would be if it had been thrown here.
  throw new TerminalError(code === 'TERMINAL' ? detail : `${whom.call} at ${whom.url} answered ${said}`)
}

/** Why a 4xx is not from the service, as far as is known; empty where it is. */
function doubtOf({ type, body, isWhole, encoding }: Came): string {
  if (encoding !== undefined) return encodedBy(encoding)
  if (PAGE_TYPE.test(type)) return comesAs(type)
  // So a parser of HTTP answers what it cannot read, and closes the connection.
  return body.byteLength === 0 && !isWhole ? CUT_OFF : ''
}

/** An attempt that has failed says how far it came. @throws REMOTE_ANSWER_INVALID */
export function hearLast(came: Came, whom: Whom, heard: Heard): void {
  if (came.status < 400) return
  const { progress } = problemIn(came)
  try {
    if (progress !== undefined) heard(progress)
  } catch (error) {
    throw noAnswer(whom, `its progress cannot be kept: ${toFailure(error).message.replace(/\.$/, '')}`, error)
  }
}

export function noAnswer(whom: Whom, problem: string, cause?: unknown): BalletError {
  return fault('REMOTE_ANSWER_INVALID', { ...whom, problem }, cause)
}

/**
 * What calls itself JSON and is none comes from the service, by whose key it would come again: it waits for a person at once, as what
 * an operation of this process answers. Anything else that is none is a page of somebody between, or of another address.
 */
function parsed(came: Came, whom: Whom): unknown {
  const { type, body, isWhole, encoding } = came
  if (mayHaveMore(came)) throw noAnswer(whom, CUT_OFF)
  if (body.byteLength === 0) return undefined
  if (encoding !== undefined) throw noAnswer(whom, encodedBy(encoding))
  try {
    return parseJson(utf8.decode(body))
  } catch (error) {
    const words = error instanceof TypeError ? 'it is not UTF-8' : error instanceof Error ? error.message : ''
    const why = words.replace(/\.$/, '')
    const isJson = JSON_TYPE.test(type)
    if (isJson && isWhole)
      throw fault('VALUE_NOT_JSON', { what: `What ${whom.call} at ${whom.url} answered`, problem: why }, error)
    throw noAnswer(whom, `${isJson ? CUT_OFF : comesAs(type)}; ${why}`, error)
  }
}

const comesAs = (type: string): string =>
  `it comes as ${type === '' ? 'nothing that is named' : type.slice(0, TYPE_SHOWN)}`

/** Who compresses what was asked for as it is stands between: a service has no reason to. */
const encodedBy = (encoding: string): string =>
  `its content-encoding is ${encoding.slice(0, TYPE_SHOWN)}, though it was asked for as it is (identity)`

const CUT_OFF = 'it may have been cut off, since nothing says how long it is'

/**
 * Whether more of it may have been on its way, which nothing would show: there is no body at all, or it is a number, the only JSON of
 * which a part is JSON as well.
 */
function mayHaveMore({ body, isWhole }: Came): boolean {
  return !isWhole && (body.byteLength === 0 || /\d/.test(String.fromCharCode(...body.slice(-1))))
}

/** What an answer that is none says of itself, in application/problem+json (RFC 9457) or in JSON. */
function problemIn({ type, body }: Came): {
  readonly code: string
  readonly detail: string
  readonly progress?: unknown
} {
  const nothing = { code: '', detail: '' }
  if (!JSON_TYPE.test(type)) return nothing
  try {
    const problem = parseJson(utf8.decode(body))
    if (!isRecord(problem)) return nothing
    const words = [problem['detail'], problem['message'], problem['error'], problem['title']]
    const detail = words.find((one) => typeof one === 'string') ?? ''
    const code = typeof problem['code'] === 'string' ? problem['code'] : ''
    return { code, detail: detail.slice(0, SAID), progress: problem['progress'] }
  } catch {
    return nothing
  }
}

/** The error, with when the attempt may be made again. */
function later(error: BalletError, retryAfter: string | undefined, nowMs: number): BalletError {
  const ms = retryAfterHeaderMs(retryAfter, nowMs) ?? 0
  return ms > 0 ? Object.assign(error, { retryAfterMs: ms }) : error
}

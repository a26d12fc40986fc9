// One attempt as the body of a request: all that the other side goes by stands in it, so that the signature of the body
// covers it. Written by ask.ts, read by host.ts.
import { fault } from '../../core/errors.ts'
import { parseJson } from '../../core/json-guard.ts'
import { isRecord } from '../../core/json.ts'
import type { Asked } from '../../core/transport.ts'
import type { Came } from './meaning.ts'

/** The last part of the path of an operation: `charge` of `payment.charge`. */
export const pathName = (operation: string): string => operation.slice(operation.indexOf('.') + 1)

/**
 * The body of a request.
 * @param answerTo where the answer may be sent later, if that may be; heartbeats are sent to an address behind it.
 * @param isFetched whether whoever has it cannot be told that it is given up: it may ask there without a heartbeat as well.
 */
export function askedText(asked: Asked, answerTo?: string, isFetched = false): string {
  const { operation, input, idempotencyKey, undoes, attempt, timeoutMs, fence, key, run, op, root, cause } = asked
  const told = { operation, input, idempotencyKey, undoes, attempt, timeoutMs, fence, key, run, op, root, cause }
  const { traceparent, heartbeatMs, progress } = asked
  const isBeating = answerTo !== undefined && (isFetched || heartbeatMs != null)
  const beating = isBeating ? { heartbeatMs: heartbeatMs ?? undefined, heartbeatTo: `${answerTo}/${BEAT}` } : {}
  return JSON.stringify({ ...told, traceparent, answerTo, ...beating, progress })
}

/** What stands behind the address for an answer in that for heartbeats. */
export const BEAT = 'heartbeat'

/** What is sent to the address of one attempt: with that in it, it is worth nothing at another. */
interface About {
  readonly idempotencyKey: string
  readonly to: string
}

/** The body of a heartbeat, the `beat`th of its attempt. @param progress JSON */
export function beatText({ idempotencyKey, to }: About, beat: number, progress: string | undefined): string {
  const words = JSON.stringify({ idempotencyKey, to, beat })
  return progress === undefined ? words : `${words.slice(0, -1)},"progress":${progress}}`
}

/** The body of a question at the same door: whether the attempt is still wanted. */
export const questionText = ({ idempotencyKey, to }: About): string =>
  JSON.stringify({ idempotencyKey, to, asks: true })

/**
 * One heartbeat: `{"idempotencyKey", "to", "beat", "progress"}`, the latter three if need be; with `"asks": true` it is only a question,
 * and no sign of life. @throws REQUEST_INVALID, and what `parseJson` throws
 */
export function readBeat(bytes: Uint8Array): Sent & {
  readonly beat: number | undefined
  readonly progress: unknown
  readonly asks: boolean
} {
  const value = read(bytes)
  const { beat, progress, asks = false } = value
  if (beat !== undefined && !(Number.isSafeInteger(beat) && Number(beat) > 0))
    throw wrong('beat', 'it must be a whole number from 1')
  if (typeof asks !== 'boolean') throw wrong('asks', 'it must be true or false')
  return { ...sentIn(value), beat: beat as number | undefined, progress, asks }
}

/** The body of a request that says that nobody wants the answer any more. */
export const stopText = ({ operation, idempotencyKey }: Asked): string => JSON.stringify({ operation, idempotencyKey })

const TEXTS = ['operation', 'idempotencyKey', 'fence', 'run', 'op', 'root', 'traceparent'] as const
const TEXTS_OR_NULL = ['undoes', 'key', 'cause'] as const
const NUMBERS = ['attempt', 'timeoutMs'] as const

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** What `stopText` said. @throws REQUEST_INVALID, and what `parseJson` throws */
export function readStop(bytes: Uint8Array): Pick<Asked, 'operation' | 'idempotencyKey'> {
  const { operation, idempotencyKey } = read(bytes)
  if (typeof operation !== 'string') throw wrong('operation', 'it must be a string')
  if (typeof idempotencyKey !== 'string') throw wrong('idempotencyKey', 'it must be a string')
  return { operation, idempotencyKey }
}

/**
 * An answer that comes later: `{"idempotencyKey", "to", "answer"}`, or `{"idempotencyKey", "to", "status", "detail", "code"}` of a failure,
 * as what would have come at once; `to` if need be. @throws REQUEST_INVALID, and what `parseJson` throws
 */
export function readLater(bytes: Uint8Array): Sent & { readonly came: Came } {
  const value = read(bytes)
  const { status = 200, answer, retryAfter } = value
  const sent = sentIn(value)
  const isFinal = Number.isInteger(status) && (status === 200 || (Number(status) >= 400 && Number(status) < 600))
  if (!isFinal) throw wrong('status', 'it must be 200, or the status of a failure')
  const told = status === 200 ? answer : value
  const body = new TextEncoder().encode(told === undefined ? '' : JSON.stringify(told))
  if (retryAfter !== undefined && !isCount(retryAfter, 0, 1e9)) throw wrong('retryAfter', 'it must be a whole number')
  const after = retryAfter === undefined ? undefined : String(retryAfter)
  const said = { type: 'application/json', retryAfter: after, isWhole: true }
  return { ...sent, came: { ...said, status: Number(status), body } }
}

/** Of which call it is, and to which address it was sent; undefined: it does not say. */
interface Sent {
  readonly idempotencyKey: string
  readonly to: string | undefined
}

function sentIn({ idempotencyKey, to }: Readonly<Record<string, unknown>>): Sent {
  if (typeof idempotencyKey !== 'string') throw wrong('idempotencyKey', 'it must be a string')
  if (to !== undefined && typeof to !== 'string') throw wrong('to', 'it must be a string')
  return { idempotencyKey, to }
}

/** Calls that one request for work may ask for, and how long it may wait. */
export const WORK_AT_ONCE = 100
const WORK_WAIT_MS = 30_000

/** A request for work: `{"atOnce", "waitMs"}`. @throws REQUEST_INVALID, and what `parseJson` throws */
export function readWork(bytes: Uint8Array): { readonly atOnce: number; readonly waitMs: number } {
  const { atOnce, waitMs = 0 } = read(bytes)
  if (!isCount(atOnce, 1, WORK_AT_ONCE)) throw wrong('atOnce', `it must be a whole number from 1 to ${WORK_AT_ONCE}`)
  if (!isCount(waitMs, 0, WORK_WAIT_MS)) throw wrong('waitMs', `it must be a whole number from 0 to ${WORK_WAIT_MS}`)
  return { atOnce, waitMs }
}

const isCount = (value: unknown, least: number, most: number): value is number =>
  Number.isSafeInteger(value) && Number(value) >= least && Number(value) <= most

/** Which request for work is to end: `{"request"}`. @throws REQUEST_INVALID, and what `parseJson` throws */
export function readEnd(bytes: Uint8Array): string {
  const { request } = read(bytes)
  if (typeof request !== 'string') throw wrong('request', 'it must be a string')
  return request
}

/** What a body asks for; a field that a later version has is passed over. @throws REQUEST_INVALID, and what `parseJson` throws */
export function readAsked(bytes: Uint8Array): AskedHere {
  const value = read(bytes)
  for (const name of TEXTS) if (typeof value[name] !== 'string') throw wrong(name, 'it must be a string')
  for (const name of TEXTS_OR_NULL)
    if (typeof value[name] !== 'string' && value[name] !== null) throw wrong(name, 'it must be a string or null')
  for (const name of NUMBERS)
    if (!Number.isSafeInteger(value[name]) || Number(value[name]) < 1) throw wrong(name, 'it must be a whole number')
  const { operation, input, idempotencyKey, undoes, attempt, timeoutMs, fence, key, run, op, root, cause } = value
  const asked = { operation, input, idempotencyKey, undoes, attempt, timeoutMs, fence, key, run, op, root, cause }
  const { traceparent, heartbeatMs, heartbeatTo, progress } = value
  if (heartbeatMs === undefined && heartbeatTo === undefined)
    return { ...asked, traceparent, progress } as unknown as AskedHere
  if (heartbeatMs !== undefined && (!Number.isSafeInteger(heartbeatMs) || Number(heartbeatMs) < 1))
    throw wrong('heartbeatMs', 'it must be a whole number')
  const url = typeof heartbeatTo === 'string' ? URL.parse(heartbeatTo) : null
  if (url === null || !/^https?:$/.test(url.protocol)) throw wrong('heartbeatTo', 'it must be a url of http or https')
  return { ...asked, traceparent, progress, heartbeatMs, heartbeatTo } as unknown as AskedHere
}

/** An attempt as it is asked for here, with where its heartbeats go; without any, where it may be asked whether it is still wanted. */
export type AskedHere = Asked & { readonly heartbeatTo?: string | undefined }

function read(bytes: Uint8Array): Readonly<Record<string, unknown>> {
  const value = parseJson(decoded(bytes))
  if (!isRecord(value)) throw wrong('the top', 'it must be an object')
  return value
}

function decoded(bytes: Uint8Array): string {
  try {
    return utf8.decode(bytes)
  } catch (error) {
    throw fault('JSON_MALFORMED', { problem: 'it is not UTF-8' }, error)
  }
}

const wrong = (path: string, problem: string): Error => fault('REQUEST_INVALID', { what: 'The request', path, problem })

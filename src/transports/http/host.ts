// The side that is asked: a function from request to answer that carries out operations. In this order: the body is read
// within its limit, its signature is judged, and only then anything of it is looked at. Nobody learns more than whether
// an attempt may be made again. Put together with services by the door (src/http.ts).
import type { Clock } from '../../core/clock.ts'
import { fault, isBalletError, isTerminal, retryAfterMsOf, type BalletError } from '../../core/errors.ts'
import { toFailure } from '../../core/failure.ts'
import type { JsonText } from '../../core/json.ts'
import { nearest } from '../../core/names.ts'
import type { Asked } from '../../core/transport.ts'
import { pathName, readAsked, readStop } from './asked-text.ts'
import { refused, signedId, type Secrets } from './signature.ts'
import { UnderWay } from './under-way.ts'

/** What is carried out, and for whom. */
export interface Hosting {
  readonly carried: ReadonlyMap<string, (asked: Asked, signal: AbortSignal) => Promise<JsonText | undefined>>
  /** Without any, every request is taken. */
  readonly secrets: Secrets
  readonly bodyLimitBytes: number
  readonly clock: Clock
  /** Whether nothing new is begun. */
  readonly isClosing: () => boolean
  /** An attempt failed, and not with what the business says no by. */
  readonly failed: (asked: Asked, error: unknown) => void
}

/** How an attempt is answered that failed. */
interface Said {
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly headers?: Record<string, string>
}

/** The function that answers requests; it never rejects. */
export function createHost(hosting: Hosting): (request: Request) => Promise<Response> {
  const underWay = new UnderWay(hosting.clock)
  return async (request) => {
    let asked: Asked | undefined
    try {
      const { body, id } = await admitted(request, hosting)
      if (request.method === 'DELETE') {
        const stopped = readStop(body)
        carrierOf(stopped, id, request, hosting)
        underWay.stop(stopped.idempotencyKey)
        return new Response(null, { status: 204, headers: PLAIN })
      }
      const attempt = readAsked(body)
      const carry = carrierOf(attempt, id, request, hosting)
      asked = attempt
      const answer = await underWay.make(attempt, request.signal, (signal) => carry(attempt, signal))
      return answer === undefined
        ? new Response(null, { status: 204, headers: PLAIN })
        : new Response(answer, { headers: { ...PLAIN, 'content-type': 'application/json' } })
    } catch (error) {
      const said = asked === undefined ? refusalOf(error) : failureOf(error)
      if (asked !== undefined && said.status >= 500) hosting.failed(asked, error)
      return problem(said)
    }
  }
}

const PLAIN = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }

/** The body of a request, once it is sure who sent it, and the id that it was signed with; null where nothing is signed. */
async function admitted(
  request: Request,
  { secrets, clock, bodyLimitBytes, isClosing }: Hosting,
): Promise<{ readonly body: Uint8Array; readonly id: string | null }> {
  const { method, headers } = request
  if (method !== 'POST' && method !== 'DELETE') {
    const path = new URL(request.url).pathname.slice(0, 200)
    throw fault('METHOD_NOT_ALLOWED', { method, path, allowed: ALLOWED })
  }
  if (isClosing() && method === 'POST') throw fault('APP_CLOSED')
  const type = headers.get('content-type') ?? ''
  // A page in a browser cannot send this type to another origin without asking first.
  if (!/^application\/json\s*(?:;|$)/i.test(type))
    throw fault('BODY_TYPE', { type: type.slice(0, 100), expected: 'application/json' })
  const body = await read(request, bodyLimitBytes)
  return { body, id: secrets.length === 0 ? null : signedId(secrets, headers, body, clock.now()) }
}

const ALLOWED = 'POST, DELETE'

/** Whether a request is what it was signed as, and for here; what carries it out. */
function carrierOf(
  { operation, idempotencyKey }: Pick<Asked, 'operation' | 'idempotencyKey'>,
  id: string | null,
  request: Request,
  { carried }: Hosting,
): (asked: Asked, signal: AbortSignal) => Promise<JsonText | undefined> {
  const named = request.headers.get('idempotency-key') ?? idempotencyKey
  if ((id !== null && id !== idempotencyKey) || named !== idempotencyKey)
    throw refused('webhook-id, Idempotency-Key and the idempotencyKey of the body are not one')
  const { pathname } = new URL(request.url)
  const carry = carried.get(operation)
  if (carry !== undefined && pathname.endsWith(`/${pathName(operation)}`)) return carry
  const near = nearest(operation, [...carried.keys()])
  throw fault('OPERATION_UNHOSTED', { operation: operation.slice(0, 200), path: pathname.slice(0, 200), nearest: near })
}

async function read(request: Request, limitBytes: number): Promise<Uint8Array> {
  const check = (bytes: number): void => {
    if (bytes > limitBytes) throw fault('BODY_TOO_LARGE', { limit: limitBytes })
  }
  check(Number(request.headers.get('content-length') ?? 0))
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of (request.body ?? []) as AsyncIterable<Uint8Array>) {
      check((bytes += chunk.byteLength))
      chunks.push(chunk)
    }
  } catch (error) {
    throw isBalletError(error) ? error : fault('BODY_INCOMPLETE', {}, error)
  }
  return Buffer.concat(chunks)
}

/** Of a request that was not taken. */
function refusalOf(error: unknown): Said {
  const known: BalletError = isBalletError(error) ? error : fault('INVARIANT', { problem: toFailure(error).message })
  const headers: Record<string, string> = {}
  if (known.status === 503) headers['retry-after'] = '1'
  if (known.code === 'METHOD_NOT_ALLOWED') headers['allow'] = ALLOWED
  return { status: known.status, code: known.code, detail: known.message, headers }
}

/** Of an attempt that was made. What was thrown is told by its name and words, as an attempt in one process has it, and never by its stack. */
function failureOf(error: unknown): Said {
  const { code, message: detail } = toFailure(error)
  if (isTerminal(error)) return { status: 422, code: 'TERMINAL', detail }
  if (isBalletError(error) && error.code === 'INPUT_INVALID') return { status: 422, code, detail }
  const ms = retryAfterMsOf(error)
  if (ms > 0) return { status: 503, code, detail, headers: { 'retry-after': String(Math.ceil(ms / 1000)) } }
  return { status: 500, code, detail }
}

function problem({ status, code, detail, headers = {} }: Said): Response {
  const body = JSON.stringify({ title: titles[status] ?? 'Failed', status, code, detail })
  return new Response(body, { status, headers: { ...PLAIN, ...headers, 'content-type': 'application/problem+json' } })
}

const titles: Readonly<Record<number, string>> = {
  401: 'Not signed as it must be',
  404: 'Not here',
  422: 'Refused for good',
  503: 'Not now',
}

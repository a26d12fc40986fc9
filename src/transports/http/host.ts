// The side that is asked: a function from request to answer that carries out operations. In this order: the body is read
// within its limit, its signature is judged, and only then anything of it is looked at. Nobody learns more than whether
// an attempt may be made again. Put together with services by the door (src/http.ts).
import { fault, isBalletError, isTerminal, retryAfterMsOf } from '../../core/errors.ts'
import { toFailure } from '../../core/failure.ts'
import type { JsonText } from '../../core/json.ts'
import { nearest } from '../../core/names.ts'
import type { Asked, Heard } from '../../core/transport.ts'
import { admitted, PLAIN, problem, refusalOf, type Said, type Taking } from './admission.ts'
import { pathName, readAsked, readStop } from './asked-text.ts'
import { Beats } from './beats.ts'
import { refused, type Secrets } from './signature.ts'
import { UnderWay } from './under-way.ts'

/** What is carried out, and for whom. */
export interface Hosting extends Taking {
  readonly carried: ReadonlyMap<string, Carrier>
  /** Without any, every request is taken. */
  readonly secrets: Secrets
  /** What heartbeats are signed with. */
  readonly signing: Secrets
  /** Whoever asks cannot tell that an attempt is not wanted any more: it is asked. */
  readonly asks: boolean
  /** Whether nothing new is begun. */
  readonly isClosing: () => boolean
  /** An attempt failed, and not with what the business says no by. */
  readonly failed: (asked: Asked, error: unknown) => void
}

type Carrier = (asked: Asked, signal: AbortSignal, heard: Heard) => Promise<JsonText | undefined>

const ALLOWED = ['POST', 'DELETE']

/** The function that answers requests; it never rejects. */
export function createHost(hosting: Hosting): (request: Request) => Promise<Response> {
  const underWay = new UnderWay(hosting.clock)
  return async (request) => {
    let asked: Asked | undefined
    let beats: Beats | undefined
    try {
      const { body, id } = await admitted(request, hosting, ALLOWED, hosting.secrets)
      if (hosting.isClosing() && request.method === 'POST') throw fault('APP_CLOSED')
      if (request.method === 'DELETE') {
        const stopped = readStop(body)
        carrierOf(stopped, id, request, hosting)
        underWay.stop(stopped.idempotencyKey)
        return new Response(null, { status: 204, headers: PLAIN })
      }
      const { heartbeatTo, ...attempt } = readAsked(body)
      const carry = carrierOf(attempt, id, request, hosting)
      asked = attempt
      const { heartbeatMs = null } = attempt
      const to = heartbeatTo === undefined ? undefined : { address: heartbeatTo, heartbeatMs, asks: hosting.asks }
      const answer = await underWay.make(attempt, request.signal, (signal, stop) => {
        beats = new Beats({ asked: attempt, to, secrets: hosting.signing, clock: hosting.clock, stop })
        return carry(attempt, signal, beats.heartbeat)
      })
      return answer === undefined
        ? new Response(null, { status: 204, headers: PLAIN })
        : new Response(answer, { headers: { ...PLAIN, 'content-type': 'application/json' } })
    } catch (error) {
      const said = asked === undefined ? refusalOf(error) : failureOf(error)
      if (asked === undefined) hosting.refused(request, said)
      else if (said.status >= 500) hosting.failed(asked, error)
      return problem({ ...said, progress: beats?.progress })
    } finally {
      beats?.over()
    }
  }
}

/** Whether a request is what it was signed as, and for here; what carries it out. */
function carrierOf(
  { operation, idempotencyKey }: Pick<Asked, 'operation' | 'idempotencyKey'>,
  id: string | null,
  request: Request,
  { carried }: Hosting,
): Carrier {
  const named = request.headers.get('idempotency-key') ?? idempotencyKey
  if ((id !== null && id !== idempotencyKey) || named !== idempotencyKey)
    throw refused('webhook-id, Idempotency-Key and the idempotencyKey of the body are not one')
  const { pathname } = new URL(request.url)
  const carry = carried.get(operation)
  if (carry !== undefined && pathname.endsWith(`/${pathName(operation)}`)) return carry
  const near = nearest(operation, [...carried.keys()])
  throw fault('OPERATION_UNHOSTED', { operation: operation.slice(0, 200), path: pathname.slice(0, 200), nearest: near })
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

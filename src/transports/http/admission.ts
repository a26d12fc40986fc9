// What both doors of this transport do with a request before they look at it (operations that are carried out here, answers
// that come later), and how they refuse it: its type, its size, its signature, in this order.
import type { Clock } from '../../core/clock.ts'
import { fault, isBalletError, type BalletError } from '../../core/errors.ts'
import { toFailure } from '../../core/failure.ts'
import { signedId, type Secrets } from './signature.ts'

/** How requests are taken. */
export interface Taking {
  readonly clock: Clock
  readonly bodyLimitBytes: number
  /** All bytes of a body. @throws BODY_TOO_LARGE, OVERLOADED, BODY_INCOMPLETE */
  readonly read: (request: Request, limitBytes: number) => Promise<Uint8Array>
  /** A request was not taken, for this reason. */
  readonly refused: (request: Request, said: Said) => void
}

/** How a request is answered that came to nothing. */
export interface Said {
  readonly status: number
  readonly code: string
  readonly detail: string
  readonly headers?: Record<string, string>
  /** JSON: how far the attempt came. */
  readonly progress?: string | undefined
}

/** Headers of every answer. */
export const PLAIN = { 'cache-control': 'no-store', 'x-content-type-options': 'nosniff' }

/**
 * The body of a request, once it is sure who sent it, and the id that it was signed with; null where nothing is signed.
 * @throws METHOD_NOT_ALLOWED, BODY_TYPE, SIGNATURE_REFUSED, and what reading it throws
 */
export async function admitted(
  request: Request,
  { clock, bodyLimitBytes, read }: Omit<Taking, 'refused'>,
  allowed: readonly string[],
  secrets: Secrets,
): Promise<{ readonly body: Uint8Array; readonly id: string | null }> {
  const { method, headers } = request
  if (!allowed.includes(method)) {
    const path = new URL(request.url).pathname.slice(0, 200)
    throw fault('METHOD_NOT_ALLOWED', { method, path, allowed: allowed.join(', ') })
  }
  const type = headers.get('content-type') ?? ''
  // A page in a browser cannot send this type to another origin without asking first.
  if (!/^application\/json\s*(?:;|$)/i.test(type))
    throw fault('BODY_TYPE', { type: type.slice(0, 100), expected: 'application/json' })
  const body = await read(request, bodyLimitBytes)
  return { body, id: secrets.length === 0 ? null : signedId(secrets, headers, body, clock.now()) }
}

/** Of a request that was not taken. */
export function refusalOf(error: unknown): Said {
  const known: BalletError = isBalletError(error) ? error : fault('INVARIANT', { problem: toFailure(error).message })
  const headers: Record<string, string> = {}
  if (known.status === 503 || known.status === 429) headers['retry-after'] = '1'
  if (known.code === 'METHOD_NOT_ALLOWED') headers['allow'] = String(known.details['allowed'])
  return { status: known.status, code: known.code, detail: known.message, headers }
}

export function problem({ status, code, detail, headers = {}, progress }: Said): Response {
  const words = JSON.stringify({ title: titles[status] ?? 'Failed', status, code, detail })
  const body = progress === undefined ? words : `${words.slice(0, -1)},"progress":${progress}}`
  return new Response(body, { status, headers: { ...PLAIN, ...headers, 'content-type': 'application/problem+json' } })
}

const titles: Readonly<Record<number, string>> = {
  401: 'Not signed as it must be',
  404: 'Not here',
  410: 'Not wanted any more',
  422: 'Refused for good',
  503: 'Not now',
}

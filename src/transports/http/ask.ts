// The side that asks: one attempt is one request, `POST <url>/<operation>`. Connections are kept open and limited in
// number, each service has its own; no redirect is followed, no more of an answer is read than its limit, and nobody
// waits for longer than the attempt. By node:http and not by `fetch`, which ends a request of five minutes by itself.
import { Agent as PlainAgent, request as plainRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import { Agent as SecureAgent, request as secureRequest } from 'node:https'
import { fault, type BalletError } from '../../core/errors.ts'
import type { Asked, Transport } from '../../core/transport.ts'
import type { Clock } from '../../core/clock.ts'
import { askedText, pathName } from './asked-text.ts'
import { noAnswer, valueOf, type Came, type Whom } from './meaning.ts'
import { signatureHeaders, type Secrets } from './signature.ts'

/** How a service is reached. */
export interface Reached {
  /** `https://payment.internal/ballet`; the names of operations come behind it. */
  readonly url: URL
  readonly secrets: Secrets
  /** Most bytes of an answer. */
  readonly answerLimitBytes: number
  /** Most connections at once; further attempts wait for one. */
  readonly connections: number
  readonly clock: Clock
}

/** How long a connection is kept that nothing is asked on: shorter than servers usually keep them. */
const IDLE_MS = 4000
const HEADER_LIMIT_BYTES = 16_384

/** The way to a service over HTTP. */
export function httpTransport({ url, secrets, answerLimitBytes, connections, clock }: Reached): Transport {
  const isSecure = url.protocol === 'https:'
  const settings = { keepAlive: true, maxSockets: connections, timeout: IDLE_MS, scheduling: 'lifo' } as const
  const agent = isSecure ? new SecureAgent(settings) : new PlainAgent(settings)
  const base = url.href.replace(/\/$/, '')
  return {
    origin: url.origin,
    async ask(asked, signal) {
      const whom = { call: asked.operation, url: `${base}/${pathName(asked.operation)}` }
      const body = Buffer.from(askedText(asked))
      const headers = headersOf(asked, body, secrets, clock.now())
      const send = (): ClientRequest =>
        (isSecure ? secureRequest : plainRequest)(whom.url, {
          method: 'POST',
          agent,
          headers,
          signal,
          maxHeaderSize: HEADER_LIMIT_BYTES,
        })
      try {
        return valueOf(await exchange(send, body, whom, answerLimitBytes), whom, clock.now())
      } catch (error) {
        throw signal.aborted ? signal.reason : error
      }
    },
  }
}

function headersOf(asked: Asked, body: Buffer, secrets: Secrets, nowMs: number): Record<string, string> {
  return {
    'content-type': 'application/json',
    'content-length': String(body.byteLength),
    accept: 'application/json, application/problem+json',
    'accept-encoding': 'identity',
    'user-agent': 'ballet',
    // For gateways and frameworks that look at it; it is in the body too, and is what the signature is made for.
    'idempotency-key': asked.idempotencyKey,
    ...signatureHeaders(secrets, { id: asked.idempotencyKey, seconds: Math.floor(nowMs / 1000), body }),
  }
}

/** Sends the request and reads its answer in whole. */
async function exchange(send: () => ClientRequest, body: Buffer, whom: Whom, limitBytes: number): Promise<Came> {
  try {
    return await sent(send(), body, whom, limitBytes)
  } catch (error) {
    // The other side closed the connection while nothing was asked on it: it has not seen this request.
    if (!(error instanceof StaleConnection)) throw error
    return sent(send(), body, whom, limitBytes)
  }
}

/** A connection that was kept, and was gone when it was needed. */
class StaleConnection extends Error {}

function sent(request: ClientRequest, body: Buffer, whom: Whom, limitBytes: number): Promise<Came> {
  return new Promise((resolve, reject) => {
    request.on('error', (error) => {
      const isStale = request.reusedSocket && codeOf(error) === 'ECONNRESET'
      reject(isStale ? new StaleConnection() : unreachable(whom, error))
    })
    request.on('response', (incoming) => {
      read(incoming, whom, limitBytes).then(
        (bytes) => resolve(cameAs(incoming, bytes)),
        (error: unknown) => {
          // What is left of the answer would come all the same.
          request.destroy()
          reject(error)
        },
      )
    })
    request.end(body)
  })
}

function cameAs({ statusCode = 0, headers }: IncomingMessage, body: Uint8Array): Came {
  return { status: statusCode, type: headers['content-type'] ?? '', retryAfter: headers['retry-after'], body }
}

async function read(incoming: IncomingMessage, whom: Whom, limitBytes: number): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  let bytes = 0
  try {
    for await (const chunk of incoming as AsyncIterable<Uint8Array>) {
      bytes += chunk.byteLength
      if (bytes > limitBytes) throw noAnswer(whom, `it is larger than ${limitBytes} bytes`)
      chunks.push(chunk)
    }
  } catch (error) {
    throw codeOf(error) === 'REMOTE_ANSWER_INVALID' ? error : noAnswer(whom, 'it breaks off', error)
  }
  return Buffer.concat(chunks)
}

function unreachable(whom: Whom, error: Error): BalletError {
  const code = codeOf(error)
  // The parser of HTTP says what it could not read, and a name that leads to several addresses has an error for each.
  if (code.startsWith('HPE_')) return noAnswer(whom, `it is not valid HTTP (${code})`, error)
  return fault('REMOTE_UNREACHABLE', { ...whom, problem: code === '' ? error.message : code }, error)
}

function codeOf(error: unknown): string {
  return error instanceof Error && 'code' in error && typeof error.code === 'string' ? error.code : ''
}

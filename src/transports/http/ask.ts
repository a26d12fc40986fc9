// The side that asks: one attempt is one request, `POST <url>/<operation>`. Connections are kept open and limited in
// number, each service has its own; no redirect is followed, no more of an answer is read than its limit, and nobody
// waits for longer than the attempt. An attempt that is given up is waited for all the same, while the other side is asked
// to stop (`DELETE`): what it does must not come after what takes it back. By node:http and not by `fetch`, which ends a
// request of five minutes by itself. Put together by place.ts.
import { Agent as PlainAgent, request as plainRequest, type ClientRequest, type IncomingMessage } from 'node:http'
import { Agent as SecureAgent, request as secureRequest } from 'node:https'
import { fault, type BalletError } from '../../core/errors.ts'
import type { Asked, Transport } from '../../core/transport.ts'
import { elapsedOf, type Clock } from '../../core/clock.ts'
import type { Answers, Expected } from './answers.ts'
import { askedText, pathName, stopText } from './asked-text.ts'
import { hearLast, noAnswer, valueOf, type Came, type Whom } from './meaning.ts'
import { codeOf, isGivenUp } from './reason.ts'
import { signatureHeaders, type Secrets } from './signature.ts'

/** How a service is reached. */
export interface Reached {
  /** `https://payment.internal/ballet`; the names of operations come behind it. */
  readonly url: URL
  readonly secrets: Secrets
  /** Most bytes of an answer. */
  readonly answerLimitBytes: number
  /** Most connections at once; further attempts wait for one. As many beside them say that attempts are given up. */
  readonly connections: number
  readonly clock: Clock
  /** Where answers may be sent later; null: they have to come with the request. */
  readonly answers: Answers | null
}

/** How long a connection is kept that nothing is asked on: shorter than servers usually keep them. */
const IDLE_MS = 4000
const HEADER_LIMIT_BYTES = 16_384

/** A request that is about an attempt, not sent yet; `isAnew` on a connection of its own, as is each that stops one. */
type Open = (method: 'POST' | 'DELETE', whom: Whom, asked: Asked, body: Buffer, isAnew?: boolean) => ClientRequest

function opener({ url, secrets, connections, clock }: Reached): Open {
  const isSecure = url.protocol === 'https:'
  const settings = { keepAlive: true, maxSockets: connections, timeout: IDLE_MS, scheduling: 'lifo' } as const
  const keeping = isSecure ? new SecureAgent(settings) : new PlainAgent(settings)
  // What stops attempts must not wait for a connection that they hold; as many at once, since thousands may be given up in one moment.
  const apart = { maxSockets: connections }
  const stopping = isSecure ? new SecureAgent(apart) : new PlainAgent(apart)
  return (method, whom, { idempotencyKey: id, traceparent }, body, isAnew = false) => {
    const signature = signatureHeaders(secrets, { id, seconds: Math.floor(clock.now() / 1000), body })
    const headers = {
      ...HEADERS,
      'content-length': String(body.byteLength),
      'idempotency-key': id,
      traceparent,
      ...signature,
    }
    const agent = method === 'DELETE' ? stopping : isAnew ? (false as const) : keeping
    const how = { method, agent, headers, maxHeaderSize: HEADER_LIMIT_BYTES }
    return isSecure ? secureRequest(whom.url, how) : plainRequest(whom.url, how)
  }
}

/** The way to a service over HTTP. */
export function httpTransport(reached: Reached): Transport {
  const { url, secrets, answerLimitBytes, clock, answers } = reached
  const base = url.href.replace(/\/$/, '')
  const open = opener(reached)
  return {
    origin: url.origin,
    hears: answers !== null,
    ...(answers === null ? {} : { awaits: (request) => answers.awaits(request) }),
    async ask(asked, signal, told) {
      const whom = { call: asked.operation, url: `${base}/${pathName(asked.operation)}` }
      const { idempotencyKey, timeoutMs } = asked
      const heard = asked.heartbeatMs == null ? undefined : told
      const about = { idempotencyKey, secrets, timeoutMs, limitBytes: answerLimitBytes }
      const expected = answers?.expect({ ...about, heard, isGivenUp: () => isGivenUp(signal) })
      const body = Buffer.from(askedText(asked, expected && answers?.addressOf(expected)))
      const until = elapsedOf(clock) + timeoutMs
      const tellStop = (): void => {
        const words = Buffer.from(stopText(asked))
        forget(open('DELETE', whom, asked, words), words)
      }
      // What it means that nobody wants the answer any more, where the attempt stands just now.
      let stop = (): void => {}
      const onAbort = (): void => stop()
      const send = (isAnew: boolean): ClientRequest => {
        const request = open('POST', whom, asked, body, isAnew)
        stop = () => {
          // Whoever wants to take back what this does has to know when it is over.
          const isAwaited = isGivenUp(signal) && request.socket?.connecting === false
          if (!isAwaited) return void request.destroy()
          linger(request, until - elapsedOf(clock))
          tellStop()
        }
        if (signal.aborted) stop()
        return request.end(body)
      }
      /** Of an attempt that is given up it is waited for until its time is over, which the engine sees to. */
      const later = ({ came }: Expected): Promise<Came> =>
        new Promise((resolve, reject) => {
          const isTold = signal.aborted && isGivenUp(signal)
          stop = () => (isGivenUp(signal) ? tellStop() : reject(signal.reason as Error))
          if (signal.aborted && !isTold) stop()
          void came.then(resolve)
        })
      signal.addEventListener('abort', onAbort)
      try {
        const came = await exchange(send, whom, answerLimitBytes)
        const isLater = came.status === 202 && expected !== undefined
        const final = isLater ? await later(expected) : came
        if (heard !== undefined) hearLast(final, whom, heard)
        return valueOf(final, whom, clock.now())
      } catch (error) {
        throw signal.aborted ? signal.reason : error
      } finally {
        signal.removeEventListener('abort', onAbort)
        expected?.forget()
      }
    },
  }
}

/** Waits for an answer for so long, and keeps no process alive by that. */
function linger(request: ClientRequest, ms: number): void {
  request.socket?.unref()
  request.setTimeout(Math.max(ms, 1), () => request.destroy())
}

/** A request of which nobody wants to know what came of it. */
function forget(request: ClientRequest, body: Buffer): void {
  request.on('error', () => {})
  request.on('response', (incoming) => incoming.on('error', () => {}).resume())
  request.on('socket', (socket) => socket.unref())
  request.setTimeout(IDLE_MS, () => request.destroy()).end(body)
}

const HEADERS = {
  'content-type': 'application/json',
  accept: 'application/json, application/problem+json',
  'accept-encoding': 'identity',
  'user-agent': 'ballet',
}

/** Sends the request and reads its answer in whole. */
async function exchange(send: (isAnew: boolean) => ClientRequest, whom: Whom, limitBytes: number): Promise<Came> {
  try {
    return await sent(send(false), whom, limitBytes)
  } catch (error) {
    // Mostly the other side closed the connection while nothing was asked on it, and has not seen this request; others that
    // are kept may have gone with it.
    if (!(error instanceof StaleConnection)) throw error
    return sent(send(true), whom, limitBytes)
  }
}

/** A connection that was kept, and was gone when it was needed. */
class StaleConnection extends Error {}
const GONE: ReadonlySet<string> = new Set(['ECONNRESET', 'EPIPE'])

function sent(request: ClientRequest, whom: Whom, limitBytes: number): Promise<Came> {
  return new Promise((resolve, reject) => {
    request.on('error', (error) => {
      const isStale = request.reusedSocket && GONE.has(codeOf(error))
      reject(isStale ? new StaleConnection() : unreachable(whom, error))
    })
    request.on('upgrade', (_incoming, socket) => {
      socket.destroy()
      reject(noAnswer(whom, 'its status is 101, and no other protocol was asked for'))
    })
    // Whatever else there may be that is neither an answer nor an error: nobody waits for what cannot come.
    let isAnswered = false
    request.on('close', () => {
      if (!isAnswered)
        reject(fault('REMOTE_UNREACHABLE', { ...whom, problem: 'the connection was closed without an answer' }))
    })
    request.on('response', (incoming) => {
      isAnswered = true
      read(incoming, whom, limitBytes).then(
        (bytes) => {
          resolve(cameAs(incoming, bytes))
          // Who has answered need not read the rest: its connection would never be free for another request.
          if (!request.writableFinished) request.destroy()
        },
        (error: unknown) => {
          // What is left of the answer would come all the same.
          request.destroy()
          reject(error)
        },
      )
    })
  })
}

function cameAs({ statusCode = 0, headers }: IncomingMessage, body: Uint8Array): Came {
  const isChunked = /\bchunked\s*$/i.test(headers['transfer-encoding'] ?? '')
  const isWhole = isChunked || headers['content-length'] !== undefined
  const type = headers['content-type'] ?? ''
  const encoding = headers['content-encoding']?.trim() ?? ''
  const encoded = encoding === '' || encoding.toLowerCase() === 'identity' ? {} : { encoding }
  return { status: statusCode, type, retryAfter: headers['retry-after'], body, isWhole, ...encoded }
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

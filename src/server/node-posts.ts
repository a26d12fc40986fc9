// Requests that a node makes of another by itself, many a second: each is a text and has a text for its answer. By node:http and
// not by `fetch`, which takes ten times the processor time for them. Used by forward.ts.
import { Agent as PlainAgent, request as plainRequest, type IncomingMessage } from 'node:http'
import { Agent as SecureAgent, request as secureRequest } from 'node:https'
import { fault } from '../core/errors.ts'

export interface NodePost {
  readonly url: string
  readonly headers: Readonly<Record<string, string>>
  readonly body: Uint8Array
  /** Ends it. */
  readonly signal: AbortSignal
}

export interface NodePosted {
  readonly status: number
  readonly headers: Readonly<Record<string, unknown>>
  readonly text: string
}

/** How long a connection is kept that nothing is asked on: shorter than servers usually keep them. */
const IDLE_MS = 4000
/** Of an answer. */
const LIMIT_BYTES = 32 * 1024 * 1024
const GONE: ReadonlySet<unknown> = new Set(['ECONNRESET', 'EPIPE'])

export class NodePosts {
  readonly #plain = new PlainAgent({ keepAlive: true, timeout: IDLE_MS, scheduling: 'lifo' })
  readonly #secure = new SecureAgent({ keepAlive: true, timeout: IDLE_MS, scheduling: 'lifo' })

  /** @throws what node:http does; what is posted may have arrived all the same */
  async post(post: NodePost): Promise<NodePosted> {
    try {
      return await this.#send(post, false)
    } catch (error) {
      if (!(error instanceof StaleConnection)) throw error
      return this.#send(post, true)
    }
  }

  #send({ url, headers, body, signal }: NodePost, isAnew: boolean): Promise<NodePosted> {
    return new Promise((resolve, reject) => {
      const isSecure = url.startsWith('https:')
      const agent = isAnew ? (false as const) : isSecure ? this.#secure : this.#plain
      const how = { method: 'POST', agent, headers: { ...headers, 'content-length': body.byteLength } }
      const request = isSecure ? secureRequest(url, how) : plainRequest(url, how)
      const abort = (): void => void request.destroy(signal.reason as Error)
      const end = (settle: () => void): void => {
        signal.removeEventListener('abort', abort)
        settle()
      }
      request.on('error', (error: Error & { readonly code?: unknown }) => {
        const isStale = request.reusedSocket && GONE.has(error.code) && !signal.aborted
        end(() => reject(isStale ? new StaleConnection() : error))
      })
      request.on('response', (incoming) => {
        read(incoming, url).then(
          (text) => end(() => resolve({ status: incoming.statusCode ?? 0, headers: incoming.headers, text })),
          (error: unknown) => {
            request.destroy()
            end(() => reject(error))
          },
        )
      })
      if (signal.aborted) abort()
      else signal.addEventListener('abort', abort)
      request.end(body)
    })
  }
}

/** A connection that was kept, and was gone when it was needed: mostly the other side has closed it, and has not seen this request. */
class StaleConnection extends Error {}

const tooLarge = (address: string): Error =>
  fault('OWNER_SILENT', { address, problem: `its answer has more than ${LIMIT_BYTES} bytes` })

function read(incoming: IncomingMessage, address: string): Promise<string> {
  return new Promise((resolve, reject) => {
    const chunks: Buffer[] = []
    let bytes = 0
    incoming.on('data', (chunk: Buffer) => {
      bytes += chunk.byteLength
      if (bytes > LIMIT_BYTES) incoming.destroy(tooLarge(address))
      else chunks.push(chunk)
    })
    incoming.on('end', () => resolve(Buffer.concat(chunks).toString()))
    incoming.on('error', reject)
  })
}

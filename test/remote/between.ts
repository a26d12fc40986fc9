// What stands between a service that fetches its calls and its application, a proxy say: it does with each request as it is told. An
// application never learns that it has given a request up.
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import type { AddressInfo } from 'node:net'

export interface Met {
  /** The nth of its kind, from 1 on. */
  readonly number: number
  /** Its `webhook-id`. */
  readonly id: string
  readonly body: string
  /** What it stands in front of. */
  readonly target: string
  readonly pass: () => Promise<Reply>
}

export interface Reply {
  readonly status: number
  readonly text?: string
  /** Of the header `Retry-After`, seconds. */
  readonly retryAfter?: number
}

/** What is answered to a request; null for nothing, ever. What is left out is passed on. */
export interface Meets {
  readonly work?: (met: Met) => Reply | null | Promise<Reply | null>
  readonly answer?: (met: Met) => Reply | null | Promise<Reply | null>
  readonly end?: (met: Met) => Reply | null | Promise<Reply | null>
}

/** What a proxy says by itself. */
export const page = (status: number): Reply => ({ status, text: `<html><h1>${status}</h1></html>` })

/** What an application says. */
export const problem = (status: number, code: string, detail: string): Reply => ({
  status,
  text: JSON.stringify({ title: code, status, code, detail }),
})

const HEADERS = ['content-type', 'user-agent', 'webhook-id', 'webhook-timestamp', 'webhook-signature']

/** Stands in front of `target` until it is closed. */
export async function between(
  target: string,
  meets: Meets,
): Promise<{ readonly url: string; readonly close: () => void }> {
  const numbers = { work: 0, answer: 0, end: 0, heartbeat: 0 }
  const met = async (request: IncomingMessage): Promise<Reply | null> => {
    const { method = '', url = '' } = request
    const parts: Buffer[] = []
    for await (const part of request) parts.push(part as Buffer)
    const kind = kindOf(method, url)
    const body = Buffer.concat(parts).toString()
    const pass = async (): Promise<Reply> => {
      const headers = HEADERS.map((name): [string, string] => [name, String(request.headers[name])])
      const response = await fetch(target + url, { method, headers, body })
      return { status: response.status, text: await response.text() }
    }
    const meet = kind === 'heartbeat' ? undefined : meets[kind]
    const id = String(request.headers['webhook-id'])
    return (meet ?? (({ pass: on }) => on()))({ number: ++numbers[kind], id, body, target, pass })
  }
  const server = createServer((request, response) => {
    met(request).then(
      (reply) => {
        if (reply === null) return
        if (reply.retryAfter !== undefined) response.setHeader('retry-after', reply.retryAfter)
        response.writeHead(reply.status).end(reply.status === 204 ? undefined : reply.text)
      },
      () => response.destroy(),
    )
  }).listen(0, '127.0.0.1')
  await once(server, 'listening')
  const close = (): void => {
    server.close()
    server.closeAllConnections()
  }
  return { url: `http://127.0.0.1:${(server.address() as AddressInfo).port}`, close }
}

function kindOf(method: string, url: string): 'work' | 'answer' | 'end' | 'heartbeat' {
  if (method === 'DELETE') return 'end'
  if (url.endsWith('/heartbeat')) return 'heartbeat'
  return url.split('/').length > 4 ? 'answer' : 'work'
}

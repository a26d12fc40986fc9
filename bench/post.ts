// Posts orders to a URL over connections that are kept: the client of every system that is asked over HTTP. What it takes of the
// processors is missed by the server that is measured, so it is the cheapest client that answers for what it reads
// (docs/decisions/0053-load-by-undici.md).
import { Pool, type Dispatcher } from 'undici'
import type { Endpoint } from './host.ts'
import type { Order } from './order.ts'

export interface Poster {
  /** Settles when the order has been answered to be done. */
  post(order: Order): Promise<void>
  close(): void
}

export function poster({ url, body }: Endpoint, connections: number): Poster {
  const { origin, pathname, search } = new URL(url)
  const pool = new Pool(origin, { connections, pipelining: 1 })
  const asked = { path: pathname + search, method: 'POST', headers: { 'content-type': 'application/json' } } as const
  const post = (order: Order): Promise<void> =>
    new Promise((resolve, reject) => {
      const answered = done((status, said) => {
        if (said.includes('r-4711')) resolve()
        else reject(new Error(`${status}: ${said.slice(0, 500)}`))
      }, reject)
      pool.dispatch({ ...asked, body: body.replace('ORDER', JSON.stringify(order)) }, answered)
    })
  return { post, close: () => void pool.destroy() }
}

/** Takes an answer in, and tells of it when it is whole. */
function done(
  tell: (status: number, said: string) => void,
  failed: (error: Error) => void,
): Dispatcher.DispatchHandler {
  const parts: Buffer[] = []
  let status = 0
  return {
    onRequestStart: () => {},
    onResponseStart: (_, code) => {
      status = code
    },
    onResponseData: (_, part) => {
      parts.push(part)
    },
    onResponseEnd: () => tell(status, Buffer.concat(parts).toString()),
    onResponseError: (_, error) => failed(error),
  }
}

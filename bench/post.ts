// Posts orders to a URL over connections that are kept: the client of every system that is asked over HTTP.
import { Agent, request } from 'node:http'
import type { Endpoint } from './host.ts'
import type { Order } from './order.ts'

export interface Poster {
  /** Settles when the order has been answered to be done. */
  post(order: Order): Promise<void>
  close(): void
}

export function poster({ url, body }: Endpoint, connections: number): Poster {
  const agent = new Agent({ keepAlive: true, maxSockets: connections })
  const post = (order: Order): Promise<void> =>
    new Promise((resolve, reject) => {
      const text = body.replace('ORDER', JSON.stringify(order))
      const headers = { 'content-type': 'application/json', 'content-length': Buffer.byteLength(text) }
      const asked = request(url, { method: 'POST', agent, headers })
      asked.on('error', reject)
      asked.on('response', (answered) => {
        const parts: Buffer[] = []
        answered.on('data', (part: Buffer) => parts.push(part))
        answered.on('end', () => {
          const said = Buffer.concat(parts).toString()
          if (said.includes('r-4711')) resolve()
          else reject(new Error(`${answered.statusCode}: ${said.slice(0, 500)}`))
        })
      })
      asked.end(text)
    })
  return { post, close: () => agent.destroy() }
}

// The barest server there is: reads an order, has it carried through, answers.
import { createServer } from 'node:http'
import type { AddressInfo } from 'node:net'
import type { Endpoint } from './host.ts'
import type { Order } from './order.ts'

export interface BareServer {
  readonly endpoint: Endpoint
  close(): void
}

export async function serveBare(carry: (order: Order) => Promise<unknown>): Promise<BareServer> {
  const server = createServer((incoming, outgoing) => {
    const parts: Buffer[] = []
    incoming.on('data', (part: Buffer) => parts.push(part))
    incoming.on('end', () => {
      void carry(JSON.parse(Buffer.concat(parts).toString()) as Order).then(
        () => outgoing.end('{"receipt":"r-4711"}'),
        (error: unknown) => outgoing.writeHead(500).end(String(error)),
      )
    })
  })
  await new Promise<void>((resolve) => server.listen(0, '127.0.0.1', () => resolve()))
  const { port } = server.address() as AddressInfo
  return {
    endpoint: { url: `http://127.0.0.1:${port}/`, body: 'ORDER' },
    close: () => {
      server.closeAllConnections()
      server.close()
    },
  }
}

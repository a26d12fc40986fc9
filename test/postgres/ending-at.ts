// A way to a server on which the connection ends as soon as a text is to cross: in peace, so that whoever uses it sees it
// close and no error of the network.
import { once } from 'node:events'
import { connect, createServer, type AddressInfo } from 'node:net'

export interface Door {
  /** The same URL, by this way. */
  readonly url: string
  readonly close: () => void
}

export async function endingAt(url: string, text: string): Promise<Door> {
  const { hostname, port } = new URL(url)
  const door = createServer((client) => {
    const server = connect(Number(port || 5432), hostname)
    server.pipe(client)
    client.on('data', (piece) => {
      if (!piece.includes(text)) return void server.write(piece)
      client.end()
      server.destroy()
    })
    for (const socket of [client, server]) socket.on('error', () => {})
  }).listen(0, '127.0.0.1')
  await once(door, 'listening')
  const { port: found } = door.address() as AddressInfo
  return { url: url.replace(/@[^/?]+/, `@127.0.0.1:${found}`), close: () => void door.close() }
}

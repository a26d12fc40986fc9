// Stands between a client and a PostgreSQL server and counts the statements that go by, exactly: the server's own figures
// come late. Knows of the protocol only how a message begins, so it is for connections without TLS.
import { connect, createServer, type AddressInfo } from 'node:net'

export interface StatementCounter {
  /** The URL of the server, by way of this counter. */
  readonly url: string
  /** Statements so far. */
  readonly statements: () => number
  close(): void
}

/** A simple query, and the execution of a prepared one. */
const STATEMENTS = new Set(['Q', 'E'])
/** Type of a message, and its length without the type. */
const HEADER = 5

export async function countStatements(serverUrl: string): Promise<StatementCounter> {
  const server = new URL(serverUrl)
  let statements = 0
  const listener = createServer((client) => {
    const upstream = connect(Number(server.port || 5432), server.hostname)
    const take = messages((type) => {
      if (STATEMENTS.has(type)) statements += 1
    })
    client.on('data', take)
    client.pipe(upstream).pipe(client)
    client.on('error', () => upstream.destroy())
    upstream.on('error', () => client.destroy())
  })
  await new Promise<void>((resolve) => listener.listen(0, '127.0.0.1', () => resolve()))
  const { port } = listener.address() as AddressInfo
  const url = new URL(serverUrl)
  url.hostname = '127.0.0.1'
  url.port = String(port)
  return { url: url.href, statements: () => statements, close: () => listener.close() }
}

/** Tells the type of every message of a client, however its bytes are cut into pieces. The first one has no type. */
function messages(tell: (type: string) => void): (piece: Buffer) => void {
  let rest = Buffer.alloc(0)
  let first = true
  return (piece) => {
    rest = Buffer.concat([rest, piece])
    for (;;) {
      const header = first ? HEADER - 1 : HEADER
      if (rest.length < header) return
      const length = header - 4 + rest.readUInt32BE(header - 4)
      if (rest.length < length) return
      if (!first) tell(String.fromCharCode(rest[0] ?? 0))
      // A request for TLS, which a client sends first if it would like to have it, is answered and followed by the real one.
      first = first && rest.length >= 8 && rest.readUInt32BE(4) === SSL_REQUEST
      rest = rest.subarray(length)
    }
  }
}

const SSL_REQUEST = 80_877_103

// A bare connection to a server, for the tests of what no well-behaved client sends.
import { connect, type Socket } from 'node:net'

/** An open connection. */
export interface Connection {
  readonly socket: Socket
  send(text: string | Uint8Array): void
  /** Everything that has come so far. */
  received(): string
  /** Resolves with everything that was received, once `pattern` has been or the other side has ended the connection. */
  until(pattern: RegExp): Promise<string>
  /** Resolves with everything that was received, once the other side has ended the connection. */
  ended(): Promise<string>
}

/** Connects to a port of this machine. */
export async function connection(port: number): Promise<Connection> {
  const socket = connect({ port, host: '127.0.0.1' })
  let received = ''
  let isEnded = false
  const listeners = new Set<() => void>()
  const changed = (): void => listeners.forEach((listener) => listener())
  socket.setEncoding('utf8').on('data', (chunk: string) => {
    received += chunk
    changed()
  })
  // A reset ends the connection too; what came before it stays received.
  socket.on('error', () => {})
  socket.on('close', () => {
    isEnded = true
    changed()
  })
  const when = (condition: () => boolean): Promise<string> =>
    new Promise((resolve) => {
      const check = (): void => {
        if (!condition() && !isEnded) return
        listeners.delete(check)
        resolve(received)
      }
      listeners.add(check)
      check()
    })
  await new Promise((resolve) => {
    socket.once('connect', resolve)
  })
  return {
    socket,
    send: (text) => void socket.write(text),
    received: () => received,
    until: (pattern) => when(() => pattern.test(received)),
    ended: () => when(() => isEnded),
  }
}

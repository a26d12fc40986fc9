// A connection to the server as nobody's client library makes it: any bytes, in any pieces, ended in any way. What comes
// back is read by a small parser of its own, so that an answer which is no HTTP is seen as that.
import { connect, type Socket } from 'node:net'

/** What is done to a connection, in order. */
export type Piece =
  | { readonly kind: 'send'; readonly bytes: string | Uint8Array }
  /** Goes on when this has come. */
  | { readonly kind: 'until'; readonly pattern: RegExp }
  /** Says that nothing more comes, and listens. */
  | { readonly kind: 'end' }
  /** Goes away. */
  | { readonly kind: 'destroy' }

export interface Answer {
  readonly status: number
  /** Names in lower case; a header that comes twice is joined by a comma. */
  readonly headers: ReadonlyMap<string, string>
  readonly body: string
}

export interface Exchange {
  readonly answers: readonly Answer[]
  /** What came and is no answer. */
  readonly rest: string
  /** Whether the server ended the connection, or nothing came for so long that it was given up. */
  readonly end: 'server' | 'client' | 'silence'
}

const SILENCE_MS = 20_000

interface Wanted {
  /** The connection is left once so many answers have come; the server ends it otherwise. */
  readonly answers?: number
  /** The method of the requests: an answer to HEAD has no body. */
  readonly isHead?: boolean
}

/** Carries out the pieces on a connection of their own. */
export async function exchange(port: number, pieces: readonly Piece[], wanted: Wanted = {}): Promise<Exchange> {
  const { answers: enough = 1, isHead = false } = wanted
  const wire = new Wire(connect({ port, host: '127.0.0.1' }))
  const isEnough = (): boolean => readAnswers(wire.received(), isHead, false).answers.length >= enough
  await wire.opened
  for (const piece of pieces) {
    if (piece.kind === 'send') wire.socket.write(piece.bytes)
    else if (piece.kind === 'end') wire.socket.end()
    else if (piece.kind === 'destroy') wire.socket.destroy()
    else await wire.until(() => piece.pattern.test(wire.received().toString('latin1')))
  }
  await wire.until(isEnough)
  const end = wire.end ?? 'client'
  wire.socket.destroy()
  return { ...readAnswers(wire.received(), isHead, end === 'server'), end }
}

class Wire {
  readonly socket: Socket
  readonly opened: Promise<void>
  end: Exchange['end'] | undefined
  #chunks: Buffer[] = []
  readonly #listeners = new Set<() => void>()

  constructor(socket: Socket) {
    this.socket = socket
    const opened = Promise.withResolvers<void>()
    this.opened = opened.promise
    const changed = (): void => this.#listeners.forEach((listener) => listener())
    const over = (end: Exchange['end']): void => {
      this.end ??= end
      opened.resolve()
      changed()
    }
    socket.setTimeout(SILENCE_MS, () => over('silence'))
    socket.on('connect', () => opened.resolve())
    socket.on('data', (chunk: Buffer) => {
      this.#chunks.push(chunk)
      changed()
    })
    // A server that has refused something does not read the rest of it: the connection is reset under what is written.
    socket.on('error', () => over('server'))
    socket.on('end', () => over('server'))
    socket.on('close', () => over('server'))
  }

  received(): Buffer {
    if (this.#chunks.length > 1) this.#chunks = [Buffer.concat(this.#chunks)]
    return this.#chunks[0] ?? Buffer.alloc(0)
  }

  /** Resolves when a condition holds, or the connection is over. */
  until(condition: () => boolean): Promise<void> {
    const { promise, resolve } = Promise.withResolvers<void>()
    const look = (): void => {
      if (this.end === undefined && !condition()) return
      this.#listeners.delete(look)
      resolve()
    }
    this.#listeners.add(look)
    look()
    return promise
  }
}

/** The whole answers in what was received. Those of status 1xx are passed over. */
function readAnswers(received: Buffer, isHead: boolean, isEnded: boolean): Pick<Exchange, 'answers' | 'rest'> {
  const answers: Answer[] = []
  let at = 0
  for (;;) {
    const end = received.indexOf('\r\n\r\n', at)
    const [line = '', ...lines] = received.subarray(at, Math.max(at, end)).toString('latin1').split('\r\n')
    const status = Number(/^HTTP\/1\.1 (\d{3}) /.exec(line)?.[1])
    if (end === -1 || Number.isNaN(status)) break
    const headers = readHeaders(lines)
    const body = status < 200 || isHead ? { text: '', end: end + 4 } : readBody(received, end + 4, headers, isEnded)
    if (body === undefined) break
    if (status >= 200) answers.push({ status, headers, body: body.text })
    at = body.end
  }
  return { answers, rest: received.subarray(at).toString('latin1') }
}

function readHeaders(lines: readonly string[]): ReadonlyMap<string, string> {
  const headers = new Map<string, string>()
  for (const line of lines) {
    const colon = line.indexOf(':')
    const name = line.slice(0, colon).toLowerCase()
    const value = line.slice(colon + 1).trim()
    headers.set(name, headers.has(name) ? `${headers.get(name)}, ${value}` : value)
  }
  return headers
}

function readBody(
  received: Buffer,
  start: number,
  headers: ReadonlyMap<string, string>,
  isEnded: boolean,
): { readonly text: string; readonly end: number } | undefined {
  const length = headers.get('content-length')
  if (length !== undefined) {
    const end = start + Number(length)
    return end <= received.length ? { text: received.toString('utf8', start, end), end } : undefined
  }
  if (headers.get('transfer-encoding') !== 'chunked')
    return isEnded ? { text: received.toString('utf8', start), end: received.length } : undefined
  const parts: Buffer[] = []
  for (let at = start; ;) {
    const line = received.indexOf('\r\n', at)
    if (line === -1) return undefined
    const size = parseInt(received.toString('latin1', at, line), 16)
    const end = line + 2 + size
    if (end + 2 > received.length) return undefined
    if (size === 0) return { text: Buffer.concat(parts).toString('utf8'), end: end + 2 }
    parts.push(received.subarray(line + 2, end))
    at = end + 2
  }
}

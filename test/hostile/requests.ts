// Requests as bytes: what the corpus sends, written out by hand so that nothing is mended on the way.
import type { Piece } from './wire.ts'

export interface RequestParts {
  readonly method?: string
  /** As it stands in the request line. */
  readonly target: string
  /** Whole lines, besides those that every request has. */
  readonly headers?: readonly string[]
  readonly body?: string | Uint8Array
  /** The type of the body; default application/json. */
  readonly type?: string | null
  readonly host?: string
}

/** The bytes of a request after which the server ends the connection. */
export function request(parts: RequestParts): Buffer {
  const { method = parts.body === undefined ? 'GET' : 'POST', target, headers = [], body, host = 'localhost' } = parts
  const { type = 'application/json' } = parts
  const bytes = body === undefined ? undefined : Buffer.from(body)
  const lines = [
    `${method} ${target} HTTP/1.1`,
    `Host: ${host}`,
    'Connection: close',
    ...headers,
    ...(bytes === undefined || type === null ? [] : [`Content-Type: ${type}`]),
    ...(bytes === undefined ? [] : [`Content-Length: ${bytes.length}`]),
  ]
  const head = Buffer.from(`${lines.join('\r\n')}\r\n\r\n`)
  return bytes === undefined ? head : Buffer.concat([head, bytes])
}

/** One piece. */
export const send = (bytes: string | Uint8Array): Piece => ({ kind: 'send', bytes })

/** Lines of a head, as they are, with the empty one behind them. */
export const head = (...lines: readonly string[]): string => [...lines, '', ''].join('\r\n')

/** A string as a part of an address, every byte of it escaped; halves of characters become the bytes that they would be. */
export function escaped(text: string): string {
  let all = ''
  for (const part of text.match(/[^]/gu) ?? []) {
    const code = part.codePointAt(0) ?? 0
    if (/^[A-Za-z0-9_-]$/.test(part)) all += part
    else if (code >= 0xd800 && code <= 0xdfff)
      all += [0xe0 | (code >> 12), 0x80 | ((code >> 6) & 0x3f), 0x80 | (code & 0x3f)].map(percent).join('')
    else all += [...Buffer.from(part)].map(percent).join('')
  }
  return all
}

const percent = (byte: number): string => `%${byte.toString(16).padStart(2, '0')}`

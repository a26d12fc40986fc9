// Answers to what never becomes a request: bytes that are not HTTP, headers that are too large, clients that are too
// slow. The parser of node:http finds them and gives the bare connection, so the answer is written by hand.
import { STATUS_CODES, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '../core/clock.ts'
import { fault, type BalletError } from '../core/errors.ts'
import { isLingering, linger } from './linger.ts'
import { problemAnswer, problemHeaders, problemOf } from './problem.ts'

/** 16 KiB. */
export const HEADER_LIMIT_BYTES = 16_384

/**
 * Answers a connection whose request could not be read, and ends it.
 * @param last the answer that was begun last on this connection. While it stands between, nothing may be written.
 */
export function refuseConnection(error: Error, socket: Duplex, last: ServerResponse | undefined, clock: Clock): void {
  // What comes after a refusal is thrown away, whatever it is.
  if (isLingering(socket)) return
  const isBusy = last !== undefined && !last.writableFinished && (last.headersSent || last.req.complete)
  if (isBusy || !socket.writable || codeOf(error) === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const problem = faultOf(error)
  const body = JSON.stringify(problemOf(problem, '/'))
  const headers = { ...problemHeaders(problem), 'content-length': String(Buffer.byteLength(body)), connection: 'close' }
  const lines = Object.entries(headers).map(([name, value]) => `${name}: ${value}\r\n`)
  const status = `${problem.status} ${STATUS_CODES[problem.status] ?? ''}`
  socket.write(`HTTP/1.1 ${status}\r\n${lines.join('')}\r\n${body}`)
  linger(socket, clock)
}

function faultOf(error: Error): BalletError {
  switch (codeOf(error)) {
    case 'HPE_HEADER_OVERFLOW':
      return fault('HEADERS_TOO_LARGE', { limit: HEADER_LIMIT_BYTES })
    case 'ERR_HTTP_REQUEST_TIMEOUT':
      return fault('REQUEST_TIMEOUT')
    default:
      return fault('REQUEST_MALFORMED', {
        problem: 'reason' in error ? String(error.reason).toLowerCase() : 'its bytes are not understood',
      })
  }
}

function codeOf(error: Error): string {
  return 'code' in error ? String(error.code) : ''
}

/** Answers a request whose line or host is not understood. */
export function refuseRequest(error: unknown): Response {
  const problem = error instanceof Error ? error.message.slice(0, 100).toLowerCase() : 'its line is not understood'
  return problemAnswer(fault('REQUEST_MALFORMED', { problem }), '/')
}

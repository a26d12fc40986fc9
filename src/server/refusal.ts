// Answers to what never becomes a request: bytes that are not HTTP, headers that are too large, clients that are too
// slow. The parser of node:http finds them and gives the bare connection, so the answer is written by hand.
import { STATUS_CODES, type ServerResponse } from 'node:http'
import type { Duplex } from 'node:stream'
import type { Clock } from '../core/clock.ts'
import { fault, type BalletError } from '../core/errors.ts'
import { linger } from './linger.ts'
import { problemAnswer, problemHeaders, problemOf } from './problem.ts'
import { isOut, type Unanswered } from './unanswered.ts'

/** 16 KiB. */
export const HEADER_LIMIT_BYTES = 16_384

/** Connections that were refused: what comes on them afterwards is thrown away, whatever it is. */
const refused = new WeakSet<Duplex>()

/**
 * Answers a connection whose request could not be read, and ends it. Requests that came whole before it are answered
 * first, and then it is only ended: what would be written now would be taken for the answer of one of them.
 */
export function refuseConnection(error: Error, socket: Duplex, unanswered: Unanswered, clock: Clock): void {
  if (refused.has(socket)) return
  refused.add(socket)
  if (!socket.writable || codeOf(error) === 'ECONNRESET') {
    socket.destroy()
    return
  }
  const owed = unanswered.of(socket)
  const last = owed.at(-1)
  const isBroken = last?.req.complete === false
  if (last === undefined || (owed.length === 1 && isBroken && !last.headersSent)) {
    refuse(faultOf(error), socket, clock)
    return
  }
  // A request that broke off behind others is not answered: its connection is cut once they are.
  const others = isBroken ? owed.slice(0, -1) : owed
  void endAfter(others, socket, isBroken, clock)
}

async function endAfter(
  answers: readonly ServerResponse[],
  socket: Duplex,
  isBroken: boolean,
  clock: Clock,
): Promise<void> {
  await isOut(answers)
  if (isBroken) socket.destroy()
  else linger(socket, clock)
}

/** Writes a refusal to the bare connection, on which nothing is owed, and ends it. */
export function refuse(problem: BalletError, socket: Duplex, clock: Clock): void {
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

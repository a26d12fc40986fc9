// Reads what a request carries, never more than its limit: the bytes are counted as they come, so that neither a
// missing nor a false Content-Length helps, and the first byte too many ends the reading. A body is UTF-8 JSON and is
// parsed by the guard of core/json-guard.ts. Used by the API and, through `readJson`, by the application's own routes.
import type { IncomingMessage } from 'node:http'
import { fault, isBalletError } from '../core/errors.ts'
import { parseJson } from '../core/json-guard.ts'
import type { Json } from '../core/json.ts'
import { BodyRoom } from './body-room.ts'

/** 1 MiB. */
export const BODY_LIMIT_BYTES = 1_048_576
/** 32 MiB: past it a body belongs in a file store, with a reference to it in the input. */
export const BODY_LIMIT_MAX_BYTES: number = 32 * BODY_LIMIT_BYTES

/** Where the body of a request of our own server comes from: in it, because a table of many of them is work for the collector. */
const SOURCE: unique symbol = Symbol('source')
interface Sourced {
  [SOURCE]?: IncomingMessage
}

/**
 * Lets the body of a request be read where it comes in: a client may send it in pieces of one byte, and what a stream of
 * `fetch` costs for each would keep everybody else waiting.
 */
export function readFrom(request: Request & Sourced, incoming: IncomingMessage): void {
  request[SOURCE] = incoming
}

/** The type of a body without its parameters, in lower case; null when none is named. */
export function mediaType(request: Request): string | null {
  const type = request.headers.get('content-type')?.split(';', 1)[0]?.trim().toLowerCase()
  return type === undefined || type === '' ? null : type
}

/** Refuses a body that is not UTF-8 of the type `expected` (words for the hint). @throws BODY_TYPE, BODY_ENCODED */
export function checkEncoding(request: Request, isExpected: boolean, expected: string): void {
  const type = request.headers.get('content-type') ?? ''
  const charset = /;\s*charset\s*=\s*"?([^";\s]+)/i.exec(type)?.[1]?.toLowerCase()
  if (!isExpected || (charset !== undefined && charset !== 'utf-8' && charset !== 'utf8')) {
    throw fault('BODY_TYPE', { type: type.slice(0, 100), expected })
  }
  const encoding = request.headers.get('content-encoding')?.toLowerCase() ?? 'identity'
  if (encoding !== 'identity') throw fault('BODY_ENCODED', { encoding: encoding.slice(0, 100) })
}

/**
 * The JSON body of a request whose content type is `application/json`.
 * @param limitBytes default 1 MiB.
 * @throws BODY_TYPE, BODY_ENCODED, BODY_TOO_LARGE, BODY_INCOMPLETE, and what `parseJson` throws.
 */
export async function readJson(request: Request, limitBytes: number = BODY_LIMIT_BYTES): Promise<Json> {
  checkJson(request)
  return parseBytes(await readBytes(request, limitBytes))
}

/** As `readJson`; undefined for a body of no bytes, whatever its type is said to be. */
export async function readJsonOrNothing(request: Request, limitBytes: number): Promise<Json | undefined> {
  const bytes = await readBytes(request, limitBytes)
  if (bytes.byteLength === 0) return undefined
  checkJson(request)
  return parseBytes(bytes)
}

/** @throws BODY_TYPE, BODY_ENCODED */
function checkJson(request: Request): void {
  const { headers } = request
  // As nearly everybody writes it.
  if (headers.get('content-type') === 'application/json' && !headers.has('content-encoding')) return
  checkEncoding(request, mediaType(request) === 'application/json', 'application/json')
}

const utf8 = new TextDecoder('utf-8', { fatal: true })

/** The value of JSON bytes. @throws JSON_MALFORMED and what `parseJson` throws. */
export function parseBytes(bytes: Uint8Array): Json {
  let text: string
  try {
    text = utf8.decode(bytes)
  } catch {
    throw fault('JSON_MALFORMED', { problem: 'it is not UTF-8' })
  }
  return parseJson(text)
}

/** All bytes of a body. @throws BODY_TOO_LARGE as soon as that is known, OVERLOADED, BODY_INCOMPLETE */
export async function readBytes(
  request: Request & Sourced,
  limitBytes: number,
  room: BodyRoom = everybodys,
): Promise<Uint8Array> {
  const count = counter(request, limitBytes)
  let held = 0
  const hold = (chunk: Uint8Array): void => {
    const bytes = count(chunk)
    room.grow(held, bytes)
    held = bytes
  }
  const source = request[SOURCE]
  try {
    if (source !== undefined && !source.readableDidRead) return await readIncoming(source, hold)
    // A length that is named is kept by the parser of HTTP, so the whole can be asked for; it is counted all the same.
    if (!request.headers.has('content-length')) return await readChunks(request.body, hold)
    const bytes = new Uint8Array(await request.arrayBuffer())
    count(bytes)
    return bytes
  } catch (error) {
    throw isBalletError(error) ? error : fault('BODY_INCOMPLETE', {}, error)
  } finally {
    room.leave(held)
  }
}

/** Memory is one for all servers of a process. */
const everybodys = new BodyRoom()

function readIncoming(incoming: IncomingMessage, count: (chunk: Uint8Array) => void): Promise<Uint8Array> {
  return new Promise((resolve, reject) => {
    // The client has gone: it is over, and none of what follows will be heard, not of what has come either.
    if (incoming.destroyed) return reject(incoming.errored ?? fault('BODY_INCOMPLETE'))
    const chunks: Uint8Array[] = []
    const take = (chunk: Uint8Array): void => {
      try {
        count(chunk)
        chunks.push(chunk)
      } catch (error) {
        incoming.off('data', take).pause()
        reject(error)
      }
    }
    // What comes after the first of these changes nothing.
    incoming.on('end', () => resolve(together(chunks)))
    incoming.on('error', reject)
    incoming.on('close', reject)
    incoming.on('data', take)
  })
}

async function readChunks(
  body: ReadableStream<Uint8Array> | null,
  count: (chunk: Uint8Array) => void,
): Promise<Uint8Array> {
  const chunks: Uint8Array[] = []
  const reader = body?.getReader()
  if (reader === undefined) return new Uint8Array()
  try {
    for (let read = await reader.read(); !read.done; read = await reader.read()) {
      count(read.value)
      chunks.push(read.value)
    }
  } finally {
    reader.cancel().catch(() => {})
  }
  return together(chunks)
}

/** Mostly there is one. */
function together(chunks: readonly Uint8Array[]): Uint8Array {
  const [first] = chunks
  return chunks.length === 1 && first !== undefined ? first : Buffer.concat(chunks)
}

/** The same request, whose body fails with BODY_TOO_LARGE when it is read past the limit. @throws BODY_TOO_LARGE */
export function limitRequest(request: Request, limitBytes: number): Request {
  const count = counter(request, limitBytes)
  const { url, method, headers, signal } = request
  // Only a body in chunks can grow past what was said.
  if (method === 'GET' || method === 'HEAD' || headers.has('content-length')) return request
  const source: ReadableStream<Uint8Array> | null = request.body
  if (source === null) return request
  const reader = source.getReader()
  const body = new ReadableStream<Uint8Array>({
    async pull(controller) {
      const { done, value } = await reader.read()
      if (done) return controller.close()
      count(value)
      controller.enqueue(value)
    },
    cancel: (reason) => reader.cancel(reason),
  })
  return new Request(url, { method, headers, signal, body, duplex: 'half' })
}

/**
 * Counts chunks and gives the bytes so far.
 * @throws BODY_TOO_LARGE at once for a length that is named, else with the first byte too many.
 */
function counter(request: Request, limitBytes: number): (chunk: Uint8Array) => number {
  const check = (bytes: number): void => {
    if (bytes > limitBytes) throw fault('BODY_TOO_LARGE', { limit: limitBytes })
  }
  check(Number(request.headers.get('content-length') ?? 0))
  let bytes = 0
  return (chunk) => {
    bytes += chunk.byteLength
    check(bytes)
    return bytes
  }
}

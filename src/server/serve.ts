// The server: one port for the API and the application's own routes. Safe by default: it listens on this machine only,
// serves only requests that name this machine, and refuses to listen elsewhere without a token. Every connection has
// limits in time and size. How it ends: ending.ts.
import { createServer, IncomingMessage, type OutgoingHttpHeaders, type Server, type ServerResponse } from 'node:http'
import type { AddressInfo, Socket } from 'node:net'
import { getRequestListener } from '@hono/node-server'
import { RESPONSE_ALREADY_SENT } from '@hono/node-server/utils/response'
import type { Clock } from '../core/clock.ts'
import { fault } from '../core/errors.ts'
import { isLoopback } from '../core/loopback.ts'
import { systemClock } from '../engine/clock.ts'
import type { Answer, PlainAnswer } from './answer.ts'
import { BODY_LIMIT_BYTES, readFrom } from './body.ts'
import { Ending } from './ending.ts'
import { Entrance } from './entrance.ts'
import { createFetch, type AppSource, type HandlerOptions, type Parts } from './handler.ts'
import { lingerAfterAnswers } from './linger.ts'
import { refuse, refuseConnection, refuseRequest, HEADER_LIMIT_BYTES } from './refusal.ts'
import { Traffic } from './traffic.ts'
import { Unanswered } from './unanswered.ts'

/** How an application is served. */
export interface ServeOptions extends Omit<HandlerOptions, 'token'>, ListenOptions {
  /** What callers of the API must bear, one of several while it is being changed; needed to listen anywhere but on this machine alone, unless there are API keys. */
  readonly token?: string | readonly string[] | undefined
}

/** Where a server listens, and what its connections may cost. */
export interface ListenOptions {
  /** 0 takes any free port. */
  readonly port: number
  /** Address to listen on; default 127.0.0.1. Any that is not of this machine alone needs a secret: a token, or secrets. */
  readonly host?: string | undefined
  /** Largest body of a request, in bytes; default 1 MiB, at most 32 MiB. */
  readonly bodyLimitBytes?: number | undefined
  /** How long `close()` goes on serving connections that were kept, each to the end of its next answer, in milliseconds; default 100. */
  readonly drainMs?: number | undefined
  /** How long `close()` lets requests finish after that, in milliseconds; default 5,000. */
  readonly graceMs?: number | undefined
  /** How long a client may take to send its headers, in milliseconds; default 10,000. */
  readonly headersTimeoutMs?: number | undefined
  /** How long a client may take to send its whole request, in milliseconds; default 60,000. */
  readonly requestTimeoutMs?: number | undefined
  /** How long a client may take to read the next piece of its answer, in milliseconds; default 30,000. */
  readonly stallTimeoutMs?: number | undefined
  /** How long a connection is kept between two requests, in milliseconds; default 10,000. A proxy in front has to keep its own for less than that. */
  readonly keepAliveMs?: number | undefined
  /** How many connections may be open at once; default 1,000. */
  readonly connections?: number | undefined
  readonly clock?: Clock | undefined
}

/** A server that listens, until it is closed. */
export interface Serving extends AsyncDisposable {
  /** `http://127.0.0.1:4400` */
  readonly url: string
  /** The port that it listens on. */
  readonly port: number
  /**
   * Takes no more connections, and serves those that are kept to the end of their next answer: a proxy that knows no better has sent
   * something on each. Resolves when none is left or `drainMs` are over. `close()` begins with it; whoever closes the application
   * while `close()` is at work waits for this before.
   */
  drain(): Promise<void>
  /** Finishes what is under way (`graceMs`), and resolves once the port is free. Safe to call twice. The application stays open. */
  close(): Promise<void>
}

const KEEP_ALIVE_MS = 10_000
const STALL_MS = 30_000
/** Connections at once; more are closed as they come. Six times as many were served as well, for some more memory. */
const CONNECTIONS = 1000
/** Connections that the system holds until they are taken: a crowd that comes at once is not turned away. */
const BACKLOG = 4096

/**
 * Serves an application until `close()`. Given a promise of one, it listens at once and answers 503 until it is there.
 * Errors: BIND_UNSAFE, TOKEN_INVALID, API_KEYS_INVALID, NODE_SECRET_SHORT, PORT_BUSY, LISTEN_FAILED.
 */
export function serve(app: AppSource, options: ServeOptions): Promise<Serving> {
  return serveWith(app, options, {})
}

/** `serve`, with parts that a test puts in the place of what there is. */
export async function serveWith(app: AppSource, options: ServeOptions, parts: Parts): Promise<Serving> {
  const host = options.host ?? '127.0.0.1'
  const token = options.token === undefined || options.token.length === 0 ? null : options.token
  const isLocal = isLoopback(host)
  const hasKeys = (options.apiKeys ?? '') !== '' || (options.apiKeysFile ?? '') !== ''
  if (!isLocal && token === null && !hasKeys) throw fault('BIND_UNSAFE', { host: host === '' ? 'every address' : host })
  const traffic = new Traffic()
  const hosts = isLocal ? (options.hosts ?? []) : options.hosts
  return serveFetch(
    createFetch(app, { ...options, token, hosts }, traffic, { clock: options.clock, ...parts }),
    traffic,
    options,
  )
}

/** Serves what answers requests until `close()`, which is to refuse them while `traffic` is closing. @throws PORT_BUSY, LISTEN_FAILED */
export async function serveFetch(
  fetch: (request: Request) => Promise<Answer>,
  traffic: Traffic,
  options: ListenOptions,
): Promise<Serving> {
  const host = options.host ?? '127.0.0.1'
  const parts = { traffic, unanswered: new Unanswered() }
  const server = createListener(fetch, parts, options)
  const ending = new Ending(server, parts, options)
  const port = await listen(server, host, options.port)
  const end = (): Promise<void> => ending.close()
  return {
    url: `http://${reachable(host)}:${port}`,
    port,
    drain: () => ending.drain(),
    close: end,
    [Symbol.asyncDispose]: end,
  }
}

/** The host of a URL under which this machine reaches a server that listens on `host`. */
function reachable(host: string): string {
  if (host === '' || host === '0.0.0.0') return '127.0.0.1'
  if (host === '::') return '[::1]'
  return host.includes(':') ? `[${host}]` : host
}

function createListener(
  fetch: (request: Request) => Promise<Answer>,
  { traffic, unanswered }: { readonly traffic: Traffic; readonly unanswered: Unanswered },
  options: ListenOptions,
): Server {
  const listener = getRequestListener(
    async (request, { incoming, outgoing }) => {
      if (incoming instanceof IncomingMessage) readFrom(request, incoming)
      const answered = await fetch(request)
      if (answered instanceof Response) return answered
      write(answered, outgoing)
      return RESPONSE_ALREADY_SENT
    },
    { overrideGlobalObjects: false, errorHandler: refuseRequest },
  )
  const stallMs = options.stallTimeoutMs ?? STALL_MS
  const entrance = new Entrance((incoming, outgoing) => void listener(incoming, outgoing))
  const server = createServer({
    headersTimeout: options.headersTimeoutMs ?? 10_000,
    requestTimeout: options.requestTimeoutMs ?? 60_000,
    connectionsCheckingInterval: Math.min(1000, options.headersTimeoutMs ?? 1000),
    keepAliveTimeout: options.keepAliveMs ?? Math.min(KEEP_ALIVE_MS, stallMs),
    maxHeaderSize: HEADER_LIMIT_BYTES,
    // A request without a host is refused like any other bad one, with a problem and not with an empty answer.
    requireHostHeader: false,
    keepAlive: true,
    noDelay: true,
  })
  server.maxConnections = options.connections ?? CONNECTIONS
  server.timeout = stallMs
  const clock = options.clock ?? systemClock
  server.on('connection', (socket) => lingerAfterAnswers(socket, unanswered, clock))
  const take = (incoming: IncomingMessage, outgoing: ServerResponse): void => {
    nameHost(incoming)
    outgoing.on('close', traffic.enter())
    unanswered.enter(outgoing)
    if (traffic.isLast) outgoing.setHeader('connection', 'close')
    entrance.take(incoming, outgoing)
  }
  server.on('request', take)
  // A client that asks before it sends a body that is too large is told so instead of being asked to send it.
  server.on('checkContinue', (incoming: IncomingMessage, outgoing: ServerResponse) => {
    const limitBytes = options.bodyLimitBytes ?? BODY_LIMIT_BYTES
    const ask = (): void => (outgoing.headersSent ? undefined : outgoing.writeContinue())
    if (Number(incoming.headers['content-length'] ?? 0) <= limitBytes) ask()
    // A door may take more than the site does, and asks for it by reading.
    else incoming.once('resume', ask)
    take(incoming, outgoing)
  })
  // Any other expectation may be ignored, and is.
  server.on('checkExpectation', take)
  // Nothing has moved for a while: a connection that is kept alive, or an answer that nobody reads and that takes memory.
  // While an answer is being made, nothing has to move.
  server.on('timeout', (socket: Socket) => {
    if (socket.writableLength > 0 || unanswered.of(socket).length === 0) socket.destroy()
  })
  // There is nothing behind this server that a client could be connected to.
  server.on('connect', (_incoming, socket) =>
    refuse(fault('REQUEST_MALFORMED', { problem: 'this is no proxy' }), socket, clock),
  )
  server.on('clientError', (error, socket) => refuseConnection(error, socket, unanswered, clock))
  return server
}

/**
 * HTTP/1.0 need not name a host, and what asks whether a node is ready may not (`option httpchk` of HAProxy): it has asked whoever it
 * reached. No browser does, so no page is behind it.
 */
function nameHost(incoming: IncomingMessage): void {
  if (incoming.httpVersion !== '1.0' || incoming.headers.host !== undefined) return
  incoming.headers.host = 'localhost'
  incoming.rawHeaders.push('Host', 'localhost')
}

interface Outgoing {
  writeHead(status: number, headers: OutgoingHttpHeaders): unknown
  end(text: string): unknown
}

function write({ status, headers, text }: PlainAnswer, outgoing: Outgoing): void {
  outgoing.writeHead(status, { ...headers, 'content-length': Buffer.byteLength(text) })
  outgoing.end(text)
}

function listen(server: Server, host: string, port: number): Promise<number> {
  return new Promise((resolve, reject) => {
    const failed = (error: unknown): void => {
      const code = error instanceof Error && 'code' in error ? String(error.code) : ''
      const problem = error instanceof Error ? error.message : String(error)
      reject(
        code === 'EADDRINUSE' ? fault('PORT_BUSY', { port }) : fault('LISTEN_FAILED', { host, port, problem }, error),
      )
    }
    server.once('error', failed)
    try {
      server.listen({ port, host, exclusive: true, backlog: BACKLOG }, () => {
        server.off('error', failed)
        resolve((server.address() as AddressInfo).port)
      })
    } catch (error) {
      failed(error)
    }
  })
}

// The door `ballet/http`: services in other processes. `elsewhere` says that the operations of a service are carried out
// there, `serviceHandler` and `serveService` carry them out. What goes over the wire: docs/reference/remote.md.
import type { Clock } from './core/clock.ts'
import { fault } from './core/errors.ts'
import { toFailure } from './core/failure.ts'
import { isLoopback } from './core/loopback.ts'
import type { Defined } from './define/definition-symbol.ts'
import type { Log, ServiceDefinition } from './define/definition.ts'
import { placed, serviceDefinitionOf } from './define/elsewhere.ts'
import { hosted } from './define/hosted.ts'
import { systemClock, systemRandom } from './engine/clock.ts'
import { consoleLog, logOf, safeLog } from './engine/log.ts'
import { BODY_LIMIT_BYTES, BODY_LIMIT_MAX_BYTES, readBytes } from './server/body.ts'
import { createGuard } from './server/guard.ts'
import { problemAnswer, tellable } from './server/problem.ts'
import { Refusals } from './server/refusals.ts'
import { serveFetch, type ListenOptions, type Serving } from './server/serve.ts'
import { Traffic } from './server/traffic.ts'
import { createHost, type Hosting } from './transports/http/host.ts'
import { WorkFetcher } from './transports/http/fetch-work.ts'
import {
  answersAt,
  fetchedTransportOf,
  transportOf,
  urlOf,
  type ElsewhereOptions,
  type FetchedOptions,
  type LaterAnswers,
} from './transports/http/place.ts'
import { secretsOf } from './transports/http/signature.ts'

export type { ElsewhereOptions, FetchedOptions, LaterAnswers } from './transports/http/place.ts'
export type { ListenOptions, Serving } from './server/serve.ts'

/**
 * The same service, whose operations are carried out in another process:
 *
 *     ballet({ services: [elsewhere(payment, { url: process.env.PAYMENT_URL, secrets: [process.env.PAYMENT_SECRET] }), shipping] })
 *
 * Workflows and reactions call it as they did. An attempt is one request, `POST <url>/<operation>`; what it answers is
 * judged as if it had been answered here. What `run` it has is not used.
 * @throws DEFINITION_INVALID, SECRET_INVALID, SECRET_MISSING
 */
export function elsewhere<Placed extends Defined<ServiceDefinition>>(
  service: Placed,
  options: ElsewhereOptions,
): Placed {
  const { name } = serviceDefinitionOf(service, 'elsewhere(...)')
  return placed(service, transportOf(name, options, systemClock))
}

/**
 * The same service, for one that nobody can call, behind a firewall, say: it fetches its calls from where the application is served,
 * and sends its answers there.
 *
 *     ballet({ services: [fetched(payment, { secrets: [process.env.PAYMENT_SECRET] }), shipping] })
 *
 * Calls wait until it has room for them, and no attempt begins before. In its own process it runs `fetchWork`. What `run` it has
 * here is not used.
 * @throws DEFINITION_INVALID, SECRET_INVALID, SECRET_MISSING
 */
export function fetched<Placed extends Defined<ServiceDefinition>>(service: Placed, options: FetchedOptions): Placed {
  const { name } = serviceDefinitionOf(service, 'fetched(...)')
  return placed(service, fetchedTransportOf(name, options, { clock: systemClock, read: readBytes }))
}

/**
 * A door of this process for answers that services send later, when they have answered an attempt with 202. `url` is where they reach
 * it, and each process has its own; mount it in the application's routes:
 *
 *     const answers = laterAnswers(process.env.ANSWERS_URL)      // 'https://shop-1.internal/answers'
 *     ballet({
 *       services: [elsewhere(payment, { url, secrets, answers })],
 *       http: () => async (request) => (await answers.take(request)) ?? ownRoutes(request),
 *     })
 *
 * What is refused stands in the `log`, by default JSON lines on the standard error, each kind once a minute at most.
 * @throws DEFINITION_INVALID
 */
export function laterAnswers(url: string | undefined, options: { readonly log?: Log | undefined } = {}): LaterAnswers {
  const refusals = new Refusals(systemClock, safeLog(options.log ?? consoleLog))
  return answersAt(url, {
    clock: systemClock,
    read: readBytes,
    // Its address is known to the service alone, and stands in no log.
    refused: (_, said) => (OF_ADDRESS.has(said.code) ? undefined : refusals.add('an answer that came later', said)),
  })
}

/** That nobody waits at an address, as for an answer that was taken before, is as it should be; and what a request for one says has the address. */
const OF_ADDRESS: ReadonlySet<string> = new Set(['ANSWER_UNAWAITED', 'HEARTBEAT_UNWANTED', 'METHOD_NOT_ALLOWED'])

/** How the operations of services are carried out here. */
export interface ServiceOptions {
  /**
   * What requests must be signed with, one of several while they are being changed: `whsec_<base64>`. What is undefined or empty is
   * none. Null only where something in front of it decides who may ask.
   */
  readonly secrets: readonly (string | undefined)[] | null
  /** Largest body of a request, in bytes; default 1 MiB, at most 32 MiB. */
  readonly bodyLimitBytes?: number | undefined
  /**
   * Where `context.log` and failed attempts are written, and requests that were refused, each kind once a minute at most; default: JSON
   * lines on the standard error.
   */
  readonly log?: Log | undefined
}

type Services = Defined<ServiceDefinition> | readonly Defined<ServiceDefinition>[]

/**
 * A function from request to answer that carries out the operations of services, to mount in any server that speaks fetch:
 *
 *     const handle = serviceHandler(payment, { secrets: [process.env.PAYMENT_SECRET] })
 *
 * It takes every request whose path ends with the name of an operation: `POST /charge`.
 * @throws DEFINITION_INVALID, SECRET_INVALID, SECRET_MISSING
 */
export function serviceHandler(services: Services, options: ServiceOptions): (request: Request) => Promise<Response> {
  if (options.secrets !== null && secretsOf(options.secrets).length === 0)
    throw fault('SECRET_MISSING', { what: 'serviceHandler(...)', where: 'what a handler is mounted in' })
  const log = safeLog(options.log ?? consoleLog)
  const secrets = secretsOf(options.secrets ?? [])
  const refusals = new Refusals(systemClock, log)
  const how = { secrets, signing: secrets, asks: false, clock: systemClock }
  return handlerOf(services, options, { log, refusals, traffic: new Traffic(), ...how })
}

interface Handling extends Pick<Hosting, 'secrets' | 'signing' | 'asks' | 'clock'> {
  readonly log: Log
  readonly refusals: Refusals
  readonly traffic: Traffic
}

function handlerOf(
  services: Services,
  options: Pick<ServiceOptions, 'bodyLimitBytes'>,
  { log, refusals, traffic, ...how }: Handling,
) {
  return createHost({
    carried: hosted([services].flat(), (run, op) => logOf(log, run, op)),
    ...how,
    bodyLimitBytes: Math.min(options.bodyLimitBytes ?? BODY_LIMIT_BYTES, BODY_LIMIT_MAX_BYTES),
    read: readBytes,
    isClosing: () => traffic.isClosing,
    refused: (request, said) => {
      // It is made again elsewhere, or here when this process is up again.
      if (said.code !== 'APP_CLOSED') refusals.add(lineOf(request), said)
    },
    failed: ({ operation, run, op, attempt }, error) => {
      const { code, message } = toFailure(error)
      log.warn(`${run} ${op}: attempt ${attempt} at ${operation} failed: ${message}`, undefined, { run, op, code })
    },
  })
}

/** How services are served. */
export interface ServeServiceOptions extends Omit<ServiceOptions, 'secrets'>, ListenOptions {
  /** As for `serviceHandler`; may be none while the server listens on this machine alone. */
  readonly secrets?: readonly (string | undefined)[] | undefined
  /**
   * Is given every request first, and answers what is no attempt: `GET /ledger`. What it answers with undefined goes on, and must not have
   * been read then. Nobody has looked at a signature.
   */
  readonly http?: ((request: Request) => Response | undefined | Promise<Response | undefined>) | undefined
}

/** Of a request, for the log. */
const lineOf = ({ method, url }: Request): string => `${method} ${new URL(url).pathname.slice(0, 200)}`

const isProbe = ({ method, url }: Request): boolean =>
  (method === 'GET' || method === 'HEAD') && new URL(url).pathname === '/healthz'

const alive = (isClosing: boolean): Response =>
  Response.json({ status: isClosing ? 'closing' : 'ok' }, { status: isClosing ? 503 : 200 })

/**
 * Serves the operations of services until `close()`, which lets attempts that are under way finish, and answers `GET /healthz`:
 *
 *     const serving = await serveService(payment, { port: 4500, secrets: [process.env.PAYMENT_SECRET] })
 *
 * @throws DEFINITION_INVALID, SECRET_INVALID, SECRET_MISSING, PORT_BUSY, LISTEN_FAILED
 */
export async function serveService(services: Services, options: ServeServiceOptions): Promise<Serving> {
  const { host = '127.0.0.1', secrets = [] } = options
  const read = secretsOf(secrets)
  const isOpen = read.length === 0
  if (isOpen && !isLoopback(host))
    throw fault('SECRET_MISSING', { what: 'serveService(...)', where: host === '' ? 'every address' : host })
  const traffic = new Traffic()
  const log = safeLog(options.log ?? consoleLog)
  const refusals = new Refusals(options.clock ?? systemClock, log)
  const how = { secrets: read, signing: read, asks: false, clock: systemClock }
  const handle = handlerOf(services, options, { log, refusals, traffic, ...how })
  // Where nothing is signed, a page in a browser of this machine must not be able to ask.
  const guard = isOpen ? createGuard({ token: null, hosts: [], origins: [] }) : null
  const answer = async (request: Request): Promise<Response> => {
    const { pathname } = new URL(request.url)
    try {
      guard?.admit(request)
      const own = await options.http?.(request)
      if (own !== undefined) return own
    } catch (error) {
      const told = tellable(error, log, lineOf(request))
      // A bug has its own line.
      const { status, code, message: detail } = told
      if (told.family !== 'bug') refusals.add(lineOf(request), { status, code, detail })
      return problemAnswer(told, pathname)
    }
    return isProbe(request) ? alive(traffic.isClosing) : handle(request)
  }
  return serveFetch(answer, traffic, options)
}

/** How a service fetches its calls. */
export interface FetchWorkOptions {
  /** Where the application is served: `https://ballet.example`, with a path if need be. */
  readonly at: string | undefined
  /** What requests are signed with, `whsec_<base64>`, as the application has them for `fetched`; at least one. */
  readonly secrets: readonly (string | undefined)[]
  /** Calls of each service that are carried out at once, at most; default 10. */
  readonly atOnce?: number | undefined
  /** Where `context.log` and failed attempts are written; default: JSON lines on the standard error. */
  readonly log?: Log | undefined
  readonly clock?: Clock | undefined
}

/** Services that fetch their calls, until they are closed. */
export interface FetchingServices extends AsyncDisposable {
  /** Fetches nothing more; resolves when what was fetched is answered. Safe to call twice. */
  close(): Promise<void>
}

/**
 * Carries out the operations of services that nobody can call: asks the application for calls, and sends it what came of them.
 *
 *     const fetching = fetchWork(payment, { at: 'https://ballet.example', secrets: [process.env.PAYMENT_SECRET] })
 *     process.once('SIGTERM', () => void fetching.close())
 *
 * Where the application cannot be reached it asks again, a little later, and says so in the log.
 * @throws DEFINITION_INVALID, SECRET_INVALID, SECRET_MISSING
 */
export function fetchWork(services: Services, options: FetchWorkOptions): FetchingServices {
  const all = [services].flat()
  const { atOnce = 10, clock = systemClock } = options
  const secrets = secretsOf(options.secrets)
  if (secrets.length === 0) throw fault('SECRET_MISSING', { what: 'fetchWork(...)', where: 'what it asks' })
  if (!Number.isSafeInteger(atOnce) || atOnce < 1)
    throw fault('DEFINITION_INVALID', { what: 'fetchWork(...)', problem: 'atOnce must be a whole number above 0' })
  const log = safeLog(options.log ?? consoleLog)
  const refusals = new Refusals(clock, log)
  // What it carries out it has asked for itself.
  const handling = { log, refusals, traffic: new Traffic(), secrets: [], signing: secrets, asks: true, clock }
  const carry = handlerOf(all, { bodyLimitBytes: BODY_LIMIT_MAX_BYTES }, handling)
  const fetchers = all.map((service) => {
    const { name } = serviceDefinitionOf(service, 'fetchWork(...)')
    return new WorkFetcher({
      at: urlOf('fetchWork(...)', options.at),
      service: name,
      secrets,
      atOnce,
      clock,
      chance: () => systemRandom.seed() / 2 ** 32,
      carry,
      troubled: (problem) => log.warn(problem),
      well: () => log.info(`the calls of ${name} are fetched again`),
    })
  })
  const close = async (): Promise<void> => {
    await Promise.all(fetchers.map((fetcher) => fetcher.close()))
  }
  return { close, [Symbol.asyncDispose]: close }
}

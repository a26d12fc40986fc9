// From a request to its answer, for a server of our own (serve.ts) and for any framework that speaks fetch. Order of
// judgement: who asks (guard.ts), whether the application takes work, which route, then the route itself. What is not
// Ballet's goes to the application's own routes; the dashboard is shown whatever the application does. A node that stands by passes on what only the owner can do (forward.ts).
// Nothing that is thrown leaves as anything but a problem.
import { Hono, type Context } from 'hono'
import { getPath } from 'hono/utils/url'
import { fault, isBalletError, type BalletError } from '../core/errors.ts'
import { isRecord } from '../core/json.ts'
import type { Application, HttpRoutes } from '../define/application.ts'
import type { Log } from '../define/definition.ts'
import type { Clock } from '../core/clock.ts'
import { systemClock } from '../engine/clock.ts'
import { consoleLog, safeLog } from '../engine/log.ts'
import { standbyFault } from '../engine/standing.ts'
import { AmongNodes } from './among-nodes.ts'
import type { ApiKeysOptions } from './api-keys.ts'
import { Admitted, type Conditions } from './admitted.ts'
import { answer as answerOf, PlainAnswer, type Answer } from './answer.ts'
import { BODY_LIMIT_BYTES, BODY_LIMIT_MAX_BYTES, limitRequest } from './body.ts'
import { Dashboard, DASHBOARD_FOLDER } from './dashboard.ts'
import { FailedSignIns } from './failed-sign-ins.ts'
import { Forbidden } from './forbidden.ts'
import { Forwarding, isForwarded, isForWantOfNode, nodeSecretsOf } from './forward.ts'
import { createGuard, type Guard } from './guard.ts'
import { ASKS_LIMIT_BYTES, ASKS_PATH, ASKS_SIGNED, asksCarrier, asksOf } from './asks.ts'
import { Hints, hintOf, HINTS_LIMIT_BYTES, HINTS_PATH, TAKEN } from './hints.ts'
import { guardBody } from './own-body.ts'
import { problemAnswer, stackOf, tellable } from './problem.ts'
import { Query } from './query.ts'
import type { Route } from './route.ts'
import { carryingOf, type There } from './carrying.ts'
import {
  allowedMethods,
  asksForOwner,
  carriedRun,
  asksForToken,
  isOfWork,
  isReserved,
  nowhere,
  routeOf,
  ROUTES,
  scopesFor,
  shown,
} from './routes.ts'
import type { Allowed } from './tokens.ts'
import { Traffic } from './traffic.ts'
import { Work, WORK_BETWEEN_PATH } from './work.ts'

/** How requests are judged and answered. */
export interface HandlerOptions extends ApiKeysOptions {
  /**
   * What callers of the API must bear (`Authorization: Bearer <token>`): one of several, while it is being changed. Null only where
   * something in front of the handler decides who may reach it.
   */
  readonly token: string | readonly string[] | null
  /** Tokens that are taken as well, of whoever only reads (GET, HEAD): a dashboard, Prometheus. Default: none. */
  readonly readToken?: string | readonly string[] | undefined
  /** Further names that a request may be for, `shop.internal`; without them a request may name any host. */
  readonly hosts?: readonly string[] | undefined
  /** Other origins whose pages may write here, `https://shop.example.com`. */
  readonly origins?: readonly string[] | undefined
  /**
   * The application's own routes; they get every path that is not Ballet's. Default: those of `ballet({ http })`, in whose
   * place they stand.
   */
  readonly routes?: HttpRoutes | undefined
  /** False: there is no dashboard, and its paths are the application's. Default: it is at `/dashboard/`. */
  readonly dashboard?: boolean | undefined
  /** Largest body of a request, in bytes; default 1 MiB, at most 32 MiB. */
  readonly bodyLimitBytes?: number | undefined
  /**
   * What the nodes that share a store sign with what they pass on to the owner, at least 16 characters; several while it is
   * being changed: a node signs with each, and two nodes understand each other by one that both have. Without it a node that stands by
   * refuses what only the owner can do, and says who that is.
   */
  readonly nodeSecret?: string | readonly string[] | undefined
  /** Where unexpected errors are written; default: the standard error. */
  readonly log?: Log | undefined
}

/** An application, or one that is still recovering: until it is there, requests are answered with 503 NOT_READY. */
export type AppSource = Application | Promise<Application>

type OwnRoutes = ReturnType<HttpRoutes>
type Backing =
  | { readonly kind: 'recovering' }
  | { readonly kind: 'ready'; readonly app: Application; readonly own: OwnRoutes | null }

/**
 * The HTTP API and the application's own routes as one function from request to answer, to mount in another server.
 * @throws TOKEN_INVALID, API_KEYS_INVALID, NODE_SECRET_SHORT
 * @example
 * export const POST = handler(app, { token: process.env.BALLET_TOKEN ?? null })
 */
export function handler(app: AppSource, options: HandlerOptions): (request: Request) => Promise<Response> {
  const fetch = createFetch(app, options, new Traffic())
  return async (request) => {
    const answered = await fetch(request)
    return answered instanceof Response ? answered : answered.toResponse()
  }
}

/** What a test may put in the place of what there is. */
export interface Parts {
  readonly clock?: Clock | undefined
  /** The folder of the dashboard. */
  readonly dashboard?: URL | undefined
}

/** `handler` for a server that counts its requests in `traffic`. */
export function createFetch(
  app: AppSource,
  options: HandlerOptions,
  traffic: Traffic,
  parts: Parts = {},
): (request: Request) => Promise<Answer> {
  const site = new Site(app, options, traffic, parts)
  const hono = new Hono()
  for (const route of ROUTES) {
    const path = route.path.replace(/\{(\w+)\}/g, ':$1')
    // Whatever a route answers is handed on as it is.
    hono.on(route.method, path, (context) => site.route(route, context) as Promise<Response>)
  }
  hono.notFound((context) => site.elsewhere(context))
  hono.onError((error, context) => site.failed(error, context.req.raw))
  return async (request) => {
    try {
      const page = site.dashboard(request)
      if (page !== null) return await page
      const entering = site.enter(request)
      const entered = entering instanceof Promise ? await entering : entering
      return entered instanceof Response || entered instanceof PlainAnswer ? entered : await hono.fetch(entered)
    } catch (error) {
      return site.failed(error, request)
    }
  }
}

class Site {
  readonly #guard: Guard
  readonly #traffic: Traffic
  readonly #limitBytes: number
  readonly #log: Log
  readonly #forwarding: Forwarding
  /** What another node has passed on, and has judged. */
  readonly #passedOn = new WeakSet<Request>()
  /** What another node has not answered: it came before this server began to close. */
  readonly #left = new WeakSet<Request>()
  readonly #forbidden: Forbidden
  readonly #problems = new Map<string, number>()
  readonly #conditions: Conditions
  readonly #work: Work
  readonly #dashboard: Dashboard | null
  #backing: Backing = { kind: 'recovering' }

  constructor(app: AppSource, options: HandlerOptions, traffic: Traffic, { clock = systemClock, dashboard }: Parts) {
    const { hosts = null, origins = [] } = options
    this.#dashboard = options.dashboard === false ? null : new Dashboard(dashboard ?? DASHBOARD_FOLDER)
    this.#traffic = traffic
    this.#limitBytes = Math.min(options.bodyLimitBytes ?? BODY_LIMIT_BYTES, BODY_LIMIT_MAX_BYTES)
    this.#log = safeLog(options.log ?? consoleLog)
    this.#guard = createGuard({ ...options, hosts, origins, clock, log: this.#log })
    this.#forwarding = new Forwarding(nodeSecretsOf(options.nodeSecret), systemClock)
    this.#forbidden = new Forbidden(clock, this.#log, this.#problems)
    const hints = new Hints(this.#forwarding)
    const isPassedOn = (request: Request): boolean => this.#passedOn.has(request)
    this.#work = new Work({ forwarding: this.#forwarding, clock, isPassedOn, log: this.#log })
    this.#conditions = {
      traffic,
      bodyLimitBytes: this.#limitBytes,
      passing: hints,
      among: new AmongNodes(this.#forwarding),
      work: this.#work,
      problems: this.#problems,
      guard: this.#guard,
      failedSignIns: new FailedSignIns(clock, this.#log),
      app: (request) => this.#ready(request).app,
    }
    const take = (opened: Application): void => {
      this.#work.serve(opened)
      this.#forwarding.serve(opened)
      opened.hints.listen((to, hint) => hints.send(to, hint))
      if (this.#forwarding.isPossible) opened.asks.carry(asksCarrier(this.#forwarding))
      this.#backing = { kind: 'ready', app: opened, own: (options.routes ?? opened.http)?.(opened) ?? null }
    }
    if (!(app instanceof Promise)) take(app)
    // Whoever opens the application hears of it when that fails; here it stays not ready.
    else
      app
        .then(take)
        .catch((error: unknown) => this.#log.error('the application is not ready', { stack: stackOf(error) }))
  }

  /** What the dashboard answers; null when a request is not for it. */
  dashboard(request: Request): Promise<Response> | null {
    // To read a URL is dear, and few are for it.
    if (this.#dashboard === null || !request.url.includes('/dashboard')) return null
    if (!Dashboard.has(new URL(request.url).pathname)) return null
    this.#guard.admit(request)
    return this.#dashboard.answer(request)
  }

  /** The request as it is to be answered here, or the answer of the node that owns the store. Known at once where nothing is passed on. */
  enter(request: Request): Request | Answer | Promise<Request | Answer> {
    const isOwner = this.#backing.kind === 'ready' && this.#backing.app.standing.role === 'owner'
    const isWhole = isOwner && !this.#forwarding.isPossible && !this.#traffic.isClosing
    return isWhole && !isForwarded(request) ? request : this.#enter(request)
  }

  async #enter(request: Request): Promise<Request | Answer> {
    if (this.#traffic.isClosing) return isForwarded(request) ? Forwarding.closing(request) : request
    if (this.#backing.kind === 'recovering') return request
    const { app } = this.#backing
    const { standing } = app
    if (isForwarded(request)) return this.#take(request, app)
    if (standing.role === 'owner') return this.#toCarrier(request, app)
    if (!asksForOwner(request)) return request
    this.#admit(request, getPath(request))
    if (standing.role === 'recovering') throw fault('NOT_READY')
    const { owner } = standing
    if (!this.#forwarding.isPossible || owner?.address == null) throw standbyFault(owner)
    // It waits, and nothing is lost when that is cut short.
    const isWork = isOfWork(new URL(request.url).pathname)
    const isQuestion = request.method === 'GET' || isWork
    if (isQuestion && carriedRun(request) !== null)
      return this.#waitThere(request, { owner, app, isCarried: () => app.standing.owner?.id === owner.id })
    // Nobody asks the owner, or the store who that is, whom it does not know.
    const judged = isWork ? await this.#work.judged(app, request) : request
    const limitBytes = Work.limitBytes(app, judged, this.#limitBytes)
    const pass = async (signal: AbortSignal): Promise<Response> => {
      try {
        const answer = await this.#forwarding.pass(judged, standing, { limitBytes, signal })
        // It may be closing.
        if (isForWantOfNode(answer)) standing.doubt()
        return answer
      } catch (error) {
        standing.doubt()
        throw error
      }
    }
    // A question can be cut short when this node ends; what is to be done is waited for.
    return isQuestion ? this.#traffic.wait(request.signal, pass) : pass(request.signal)
  }

  /** What only the node that carries a run can do at once goes there, where that is known. */
  async #toCarrier(request: Request, app: Application): Promise<Request | Response> {
    const run = this.#forwarding.isPossible ? carriedRun(request) : null
    const owner = run === null ? null : app.carrierOf(run)
    if (run === null || owner === null) return request
    this.#admit(request, getPath(request))
    const isCarried = (): boolean => app.carrierOf(run)?.id === owner.id
    if (request.method === 'GET') return this.#waitThere(request, { owner, app, isCarried })
    const { over, stop, here } = carryingOf(request, { clock: systemClock, isCarried })
    try {
      const { signal } = request
      return await this.#forwarding.pass(request, { owner, over }, { limitBytes: this.#limitBytes, signal })
    } catch (error) {
      // What was not sent can be asked by way of the inbox of the shard.
      if (isBalletError(error) && error.code === 'OWNER_UNREACHABLE') return here()
      throw error
    } finally {
      stop()
    }
  }

  /** Waits for the end of a run at the node that carries it; what that does not answer is answered here, from committed rows. */
  async #waitThere(request: Request, { owner, app, isCarried }: There): Promise<Request | Response> {
    const { over, stop, here } = carryingOf(request, { clock: systemClock, isCarried })
    const pass = (signal: AbortSignal): Promise<Response> =>
      this.#forwarding.pass(request, { owner, over }, { limitBytes: this.#limitBytes, signal })
    try {
      const answer = await this.#traffic.wait(request.signal, pass)
      if (!isForWantOfNode(answer)) return answer
      await answer.body?.cancel()
    } catch {
      // Why is in nobody's way: this node has the answer too.
    } finally {
      stop()
    }
    app.standing.doubt()
    const left = here()
    this.#left.add(left)
    return left
  }

  async #take(request: Request, app: Application): Promise<Request | Answer> {
    const { standing, hints, asks } = app
    const { role, node, owner } = standing
    const path = getPath(request)
    try {
      if (path === ASKS_PATH) {
        const body = await this.#forwarding.signedBody(request, node, ASKS_LIMIT_BYTES, ASKS_SIGNED)
        return answerOf(200, await asks.take(asksOf(body)))
      }
      if (path === HINTS_PATH) {
        hints.take(hintOf(await this.#forwarding.signedBody(request, node, HINTS_LIMIT_BYTES)))
        return new Response(null, { status: TAKEN })
      }
      const limitBytes = Work.limitBytes(app, request, this.#limitBytes)
      const taken = await this.#forwarding.take(request, node, limitBytes)
      if (path === WORK_BETWEEN_PATH) return await this.#work.between(app, taken, request.signal)
      if (role === 'standby') throw standbyFault(owner)
      this.#passedOn.add(taken)
      return taken
    } catch (error) {
      const { pathname } = new URL(request.url)
      if (!isBalletError(error) || error.code !== 'FORWARD_FORBIDDEN') throw error
      this.#forbidden.add(`${request.method} ${pathname}`, error)
      return Forwarding.refusal(error, pathname)
    }
  }

  async route(route: Route, context: Context): Promise<Answer> {
    const request = context.req.raw
    const allowed = this.#admit(request, context.req.path, route)
    const query = new Query(request.url, route.query)
    const exchange = new Admitted(this.#conditions, { request, segments: context.req.param(), query, allowed })
    const answered = await route.answer(exchange)
    // A wait that was cut short: the node that has passed it on goes on waiting.
    const isCut = this.#traffic.isCut && request.method === 'GET' && this.#passedOn.has(request)
    return isCut ? Forwarding.closing(request) : answered
  }

  /** Every request that no route of the table takes. */
  async elsewhere(context: Context): Promise<Response> {
    const { method, path } = context.req
    this.#admit(context.req.raw, path)
    if (!isReserved(path)) return this.#own(context.req.raw, path)
    const allowed = allowedMethods(path)
    throw allowed === '' ? nowhere(method, path) : fault('METHOD_NOT_ALLOWED', { method, path: shown(path), allowed })
  }

  failed(error: unknown, request: Request): Response {
    const { pathname } = new URL(request.url)
    const problem = tellable(error, this.#log, `${request.method} ${pathname}`)
    this.#problems.set(problem.code, (this.#problems.get(problem.code) ?? 0) + 1)
    return problemAnswer(problem, pathname)
  }

  async #own(request: Request, path: string): Promise<Response> {
    const { own, app } = this.#ready(request)
    if (own === null) throw nowhere(request.method, path)
    // An answer may be larger than the requests of a site, and the door that takes it says in its log what is too large for it.
    const limitBytes = app.awaits(request) ? BODY_LIMIT_MAX_BYTES : this.#limitBytes
    const response = await this.#ask(own, limitRequest(request, limitBytes), path)
    if (response === undefined) throw nowhere(request.method, path)
    return guardBody(response, (error) => this.#threw(request.method, path, error))
  }

  /** HEAD is answered as GET without the body when the routes do not know it. */
  async #ask(own: OwnRoutes, request: Request, path: string): Promise<Response | undefined> {
    const { method } = request
    try {
      const response = this.#answered(await own(request), method, path)
      if (response !== undefined || method !== 'HEAD') return response
      const { url, headers, signal } = request
      const got = this.#answered(await own(new Request(url, { headers, signal })), method, path)
      // Nobody waits for the end of a body that nobody reads.
      got?.body?.cancel().catch(() => {})
      return got === undefined ? undefined : new Response(null, got)
    } catch (error) {
      throw this.#threw(method, path, error)
    }
  }

  /** What the caller hears of an error in the code of a route. */
  #threw(method: string, path: string, error: unknown): BalletError {
    if (isBalletError(error)) return error
    this.#log.error(`the application's route for ${method} ${path} threw`, { stack: stackOf(error) })
    return fault('ROUTE_THREW', { method, path: shown(path) })
  }

  /** What a route answered with, if that is an answer: a framework of the application may have a `Response` of its own. */
  #answered(given: Response | undefined, method: string, path: string): Response | undefined {
    const answered: unknown = given
    if (
      answered === undefined ||
      (isRecord(answered) && typeof answered['status'] === 'number' && answered['status'] >= 200)
    )
      return given
    this.#log.error(`the application's route for ${method} ${path} answered with something that is no Response`)
    throw fault('ROUTE_THREW', { method, path: shown(path) })
  }

  /** @returns what is allowed to whoever asks; null where nobody is asked who it is */
  #admit(request: Request, path: string, route = routeOf(request, path)): Allowed | null {
    if (!this.#passedOn.has(request)) this.#guard.admit(request)
    if (!this.#guard.isTokenAsked || !asksForToken(path)) return null
    return this.#guard.identify(request, scopesFor(route, request))
  }

  #ready(request: Request): Extract<Backing, { kind: 'ready' }> {
    if (this.#traffic.isClosing && !this.#left.has(request)) throw fault('APP_CLOSED')
    if (this.#backing.kind === 'recovering') throw fault('NOT_READY')
    return this.#backing
  }
}

// The one table of the API's routes, and the questions that are asked of it: which methods a path takes, which route
// somebody may have meant, which paths the application's own routes may not have.
import { getPath } from 'hono/utils/url'
import { fault, type BalletError } from '../core/errors.ts'
import { nearest } from '../core/names.ts'
import { aboutRoutes } from './about.ts'
import { actionRoutes } from './actions.ts'
import { asideRoutes } from './aside.ts'
import { ASKS_PATH } from './asks.ts'
import { choreographyRoutes } from './choreographies.ts'
import { eventRoutes } from './events.ts'
import { failingRoutes } from './failing.ts'
import { HINTS_PATH } from './hints.ts'
import { keyRoutes } from './keys.ts'
import { metricRoutes } from './metrics.ts'
import { ERRORS_PATH } from './problem.ts'
import type { Scope } from './api-key.ts'
import type { Route } from './route.ts'
import { runRoutes } from './runs.ts'
import { scheduleRoutes } from './schedules.ts'
import { SESSION_PATH, sessionRoutes } from './session.ts'
import { signalRoutes } from './signals.ts'
import { WORK_BETWEEN_PATH, WORK_PATH } from './work.ts'
import { workRoutes } from './work-routes.ts'

export const ROUTES: readonly Route[] = [
  ...runRoutes,
  ...signalRoutes,
  ...actionRoutes,
  ...eventRoutes,
  ...keyRoutes,
  ...choreographyRoutes,
  ...scheduleRoutes,
  ...asideRoutes,
  ...failingRoutes,
  ...aboutRoutes,
  ...metricRoutes,
  ...sessionRoutes,
  ...workRoutes,
]

/** First segments of paths that belong to Ballet, used and to come. */
const RESERVED: ReadonlySet<string> = new Set(['api', 'hooks', 'callbacks', 'healthz', 'readyz'])

/** Whether a path is Ballet's; the others are the application's. */
export function isReserved(path: string): boolean {
  return RESERVED.has(path.split('/', 2)[1] ?? '')
}

/** Paths of Ballet that are for everybody: the probes of an orchestrator, and where one signs in. */
const OPEN: ReadonlySet<string> = new Set(['/healthz', '/readyz', SESSION_PATH])

/**
 * Whether a path asks for the token, when there is one: everything of Ballet but what is for everybody, as what errors mean is, and what
 * is judged by the secret of a service.
 */
export function asksForToken(path: string): boolean {
  return isReserved(path) && !OPEN.has(path) && !path.startsWith(`${ERRORS_PATH}/`) && !isOfWork(path)
}

/** What only nodes ask of each other: passed on for somebody, it would be signed as if a node asked. */
const BETWEEN_NODES: ReadonlySet<string> = new Set([ASKS_PATH, HINTS_PATH, WORK_BETWEEN_PATH])

/**
 * What a key needs for a request to a route: the scope of that, and `read` for whoever waits for what becomes of it. Of what no
 * route takes nothing is needed but to be somebody.
 */
export function scopesFor(route: Route | undefined, { url }: Request): readonly Scope[] {
  const { scope } = route ?? { scope: 'everybody' }
  if (scope === 'everybody' || scope === 'service') return []
  const isWait = new URLSearchParams(/^[^?#]*(\?[^#]*)/.exec(url)?.[1]).has('wait')
  return isWait && scope !== 'read' ? [scope, 'read'] : [scope]
}

/** The route of a request that is passed on before it has come to one. */
export function routeOf({ method }: Request, path: string): Route | undefined {
  const asked = method === 'HEAD' ? 'GET' : method
  return ROUTES.find((route) => route.method === asked && patternOf(route, path) === path)
}

/** Whether services ask here that fetch their calls. */
export const isOfWork = (path: string): boolean => path.startsWith(`${WORK_PATH}/`)

/**
 * Whether only the node that owns the store can answer: a write, a wait for what happens there, and the application's own
 * routes, of which nobody knows what they do. The rest is read from committed rows, and a session concerns no store.
 */
export function asksForOwner(request: Request): boolean {
  const { method, url } = request
  const { pathname, searchParams } = new URL(url)
  // The path as its receiver reads it, which is not as it is written.
  if (pathname === SESSION_PATH || BETWEEN_NODES.has(getPath(request))) return false
  return !isReserved(pathname) || (method !== 'GET' && method !== 'HEAD') || searchParams.has('wait')
}

/** The run of a request that only the node which carries it can answer, or answers at once: an action, or a wait for its end. */
export function carriedRun({ method, url }: Request): string | null {
  const { pathname, searchParams } = new URL(url)
  const [, id, action] = /^\/api\/runs\/([^/]+)(?:\/(retry|answer|fail))?$/.exec(pathname) ?? []
  const isCarried = method === 'GET' ? action === undefined && searchParams.has('wait') : action !== undefined
  if (id === undefined || !isCarried) return null
  try {
    return decodeURIComponent(id)
  } catch {
    return null
  }
}

/** The methods that a path takes, `GET, HEAD`; empty when there is no such path. */
export function allowedMethods(path: string): string {
  const methods = ROUTES.filter((route) => patternOf(route, path) === path).map((route) => route.method)
  return methods.map((method) => (method === 'GET' ? 'GET, HEAD' : method)).join(', ')
}

/** Of a path that no route has. */
export const nowhere = (method: string, path: string): BalletError =>
  fault('ROUTE_UNKNOWN', { method, path: shown(path), nearest: nearestRoute(path) })

/** A path in a message. */
export const shown = (path: string): string => (path.length > 200 ? `${path.slice(0, 200)}…` : path)

/** ` Did you mean "/api/runs"?`, or nothing when no route is near. */
function nearestRoute(path: string): string {
  return nearest(path, new Set(ROUTES.map((route) => patternOf(route, path))))
}

/** The path of a route with the segments of `path` in the places of its braces. */
function patternOf(route: Route, path: string): string {
  const segments = path.split('/')
  const parts = route.path.split('/')
  if (parts.length !== segments.length) return route.path
  return parts.map((part, at) => (part.startsWith('{') && segments[at] !== '' ? segments[at] : part)).join('/')
}

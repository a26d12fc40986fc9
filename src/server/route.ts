// What a route of the API is, and what its answer is made from. All routes stand in one table (routes.ts), from which
// matching, 405, the nearest path of a 404 and the check of docs/reference/http.md are derived.
import type { Application } from '../define/application.ts'
import { invariant } from '../core/errors.ts'
import type { AmongNodes } from './among-nodes.ts'
import type { Answer } from './answer.ts'
import type { Scope } from './api-key.ts'
import type { FailedSignIns } from './failed-sign-ins.ts'
import type { Guard } from './guard.ts'
import type { Hints } from './hints.ts'
import type { Query } from './query.ts'
import type { Work } from './work.ts'

export interface Route {
  readonly method: 'GET' | 'POST' | 'DELETE'
  /** `{name}` stands for one segment. */
  readonly path: `/${string}`
  /**
   * What an API key needs to get here; `everybody` where nothing is asked for, and `service` where the secret of a service is judged
   * in its place.
   */
  readonly scope: Scope | 'everybody' | 'service'
  /** One line for people. */
  readonly summary: string
  /** The parameters that it takes; any other is refused. */
  readonly query: readonly string[]
  readonly answer: (exchange: Exchange) => Promise<Answer>
}

/** One request to a route, admitted and ready to be answered. */
export interface Exchange {
  /** Throws NOT_READY or APP_CLOSED while the application takes no work. */
  readonly app: Application
  readonly request: Request
  /** The segments that the braces of the path stand for, decoded. */
  readonly segments: Readonly<Record<string, string>>
  readonly query: Query
  readonly bodyLimitBytes: number
  /** How often a problem was answered, by its code. */
  readonly problems: ReadonlyMap<string, number>
  /** Whether what only the owner can do is passed on while this node stands by, and whether that takes it. */
  readonly passing: Pick<Hints, 'isPossible' | 'check'>
  /** The name of the API key that was borne, or with which the session was begun; null without one. */
  readonly keyName: string | null
  /** Refuses an API key that lacks a scope which only what stands in the request asks for. @throws SCOPE_MISSING */
  readonly demand: (scope: Scope) => void
  readonly guard: Pick<Guard, 'isTokenAsked' | 'allowed' | 'keyUses' | 'sessionFor'>
  readonly failedSignIns: FailedSignIns
  /** What other nodes answer. */
  readonly among: AmongNodes
  /** For services that fetch their calls. */
  readonly work: Work
  /** Runs work that only waits; its signal is aborted when the client has gone or the server is closing. */
  wait<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result>
}

/** Most items of a page. */
export const PAGE_LIMIT = 1000

/** A segment of the path. */
export function segment(exchange: Exchange, name: string): string {
  const value = exchange.segments[name]
  invariant(value !== undefined, `the path of a route has no segment ${name}`)
  return value
}

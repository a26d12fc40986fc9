// One request that was admitted and has a route: what handler.ts hands to it. What all of them have in common is made once for
// a site, and each only refers to it: there is one of these for every request.
import type { Application } from '../define/application.ts'
import type { Scope } from './api-key.ts'
import { demandScope } from './guard.ts'
import type { Query } from './query.ts'
import type { Exchange } from './route.ts'
import type { Allowed } from './tokens.ts'
import type { Traffic } from './traffic.ts'

/** What all requests to a site have in common. */
export interface Conditions extends Pick<
  Exchange,
  'among' | 'bodyLimitBytes' | 'failedSignIns' | 'guard' | 'passing' | 'problems' | 'work'
> {
  readonly traffic: Traffic
  readonly app: (request: Request) => Application
}

/** One of them, which a route may answer. */
export class Admitted implements Exchange {
  readonly #conditions: Conditions
  readonly request: Request
  readonly segments: Readonly<Record<string, string>>
  readonly query: Query
  readonly #allowed: Allowed | null

  constructor(
    conditions: Conditions,
    {
      request,
      segments,
      query,
      allowed,
    }: Pick<Exchange, 'request' | 'segments' | 'query'> & { readonly allowed: Allowed | null },
  ) {
    this.#conditions = conditions
    this.request = request
    this.segments = segments
    this.query = query
    this.#allowed = allowed
  }

  get keyName(): string | null {
    return this.#allowed === null || typeof this.#allowed === 'string' ? null : this.#allowed.name
  }

  demand(scope: Scope): void {
    demandScope(this.#allowed, scope)
  }

  get app(): Application {
    return this.#conditions.app(this.request)
  }

  get bodyLimitBytes(): number {
    return this.#conditions.bodyLimitBytes
  }

  get problems(): Exchange['problems'] {
    return this.#conditions.problems
  }

  get guard(): Exchange['guard'] {
    return this.#conditions.guard
  }

  get failedSignIns(): Exchange['failedSignIns'] {
    return this.#conditions.failedSignIns
  }

  get passing(): Exchange['passing'] {
    return this.#conditions.passing
  }

  get among(): Exchange['among'] {
    return this.#conditions.among
  }

  get work(): Exchange['work'] {
    return this.#conditions.work
  }

  wait<Result>(work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    return this.#conditions.traffic.wait(this.request.signal, work)
  }
}

// Talks to a running application over its HTTP API. Every request has a deadline; an error comes back as what the
// application said (RemoteError with its code), an answer is checked before anybody reads it. The token goes to the
// address that it belongs to and nowhere else: redirects are refused.
import type { Clock } from '../core/clock.ts'
import { fault, isBalletError } from '../core/errors.ts'
import { isRecord } from '../core/json.ts'
import type { RunView } from '../core/views.ts'
import type { PublishRequest, SignalRequest, StartRequest } from '../define/application.ts'
import { shapeProblem, type Accepted, type Answers } from './answer-shapes.ts'
import { RemoteError } from './problem.ts'
import type { Reads } from './reads.ts'

const DEADLINE_MS = 30_000

export interface Client extends Reads {
  readonly url: string
  /** `created` is false when it existed already. */
  start(request: StartRequest): Promise<Accepted>
  /** The answer has the event's source and position as well. */
  publish(request: PublishRequest): Promise<Accepted>
  signal(request: SignalRequest): Promise<Accepted>
  /** The run when it has ended, or as it is after `waitMs`. */
  settled(id: string, waitMs: number): Promise<RunView | null>
}

interface Ask {
  readonly query?: Readonly<Record<string, string | number | boolean | undefined>>
  readonly body?: unknown
  readonly extraMs?: number
}

interface Answer {
  readonly status: number
  readonly body: unknown
}

/** A client for the application at `url`. Nothing is sent before it is asked for something. */
export function clientFor(url: string, token: string | null, clock: Clock): Client {
  const base = url.replace(/\/+$/, '')
  const ask = async (
    method: 'GET' | 'POST',
    path: string,
    { query = {}, body, extraMs = 0 }: Ask = {},
  ): Promise<Answer> => {
    const target = new URL(`${base}${path}`)
    for (const [name, value] of Object.entries(query))
      if (value !== undefined) target.searchParams.append(name, String(value))
    const abort = new AbortController()
    const cancel = clock.after(DEADLINE_MS + extraMs, () =>
      abort.abort(fault('PROCESS_UNREACHABLE', { url: base, problem: 'no answer in time' })),
    )
    try {
      const response = await fetch(target, {
        method,
        headers: {
          accept: 'application/json',
          ...(token === null ? {} : { authorization: `Bearer ${token}` }),
          ...(body === undefined ? {} : { 'content-type': 'application/json' }),
        },
        ...(body === undefined ? {} : { body: JSON.stringify(body) }),
        redirect: 'error',
        signal: abort.signal,
      })
      return read(base, response.status, await response.text())
    } catch (error) {
      throw isBalletError(error) || error instanceof RemoteError
        ? error
        : fault('PROCESS_UNREACHABLE', { url: base, problem: reason(error) }, error)
    } finally {
      cancel()
    }
  }
  const checked = <Kind extends keyof Answers>(kind: Kind, { body }: Answer): Answers[Kind] => {
    const problem = shapeProblem(kind, body)
    if (problem === undefined) return body as Answers[Kind]
    throw fault('PROCESS_UNREACHABLE', { url: base, problem: `its answer is not understood, ${problem}` })
  }
  const get = async <Kind extends keyof Answers>(
    kind: Kind,
    path: string,
    query: Ask['query'] = {},
  ): Promise<Answers[Kind]> => checked(kind, await ask('GET', path, { query }))
  const settled = async (id: string, waitMs: number): Promise<RunView | null> =>
    orNull(async () =>
      checked('run', await ask('GET', `/api/runs/${segment(id)}`, { query: { wait: `${waitMs}ms` }, extraMs: waitMs })),
    )
  return {
    url: base,
    settled,
    start: async (request) => checked('accepted', await ask('POST', '/api/runs', { body: request })),
    publish: async ({ cause, ...event }) =>
      checked(
        'accepted',
        await ask('POST', '/api/events', { body: { specversion: '1.0', ...event, causationid: cause } }),
      ),
    signal: async ({ run, name, data, id }) =>
      checked(
        'accepted',
        await ask('POST', `/api/runs/${segment(run)}/signals/${segment(name)}`, { body: { data, id } }),
      ),
    run: async (id) => orNull(async () => get('run', `/api/runs/${segment(id)}`)),
    runs: async ({ status, ...rest }) => get('runs', '/api/runs', { ...rest, status: status?.join(',') }),
    journal: async (run, request) => orNull(async () => get('journal', `/api/runs/${segment(run)}/journal`, request)),
    events: async ({ types, ...rest }) => get('events', '/api/events', { ...rest, type: types?.join(',') }),
    key: async (field, value) => get('key', `/api/keys/${segment(field)}/${segment(value)}`),
    graph: async (root) => get('graph', '/api/graph', { root }),
    async fields() {
      const { events, workflows } = await get('app', '/api/app')
      return [
        ...new Set([
          ...events.map(({ key }) => key),
          ...workflows.flatMap(({ key }) => (key === undefined ? [] : [key])),
        ]),
      ]
    },
    close: async () => {},
  }
}

/** Whether something at `url` answers its health check. */
export async function answersHealth(url: string, clock: Clock, limitMs = 2000): Promise<boolean> {
  const abort = new AbortController()
  const cancel = clock.after(limitMs, () => abort.abort())
  try {
    const response = await fetch(new URL('/healthz', url), { signal: abort.signal, redirect: 'error' })
    await response.arrayBuffer()
    return response.ok
  } catch {
    return false
  } finally {
    cancel()
  }
}

/** An id as one segment of a path: also `~`, which some proxies treat in their own way. @throws ID_INVALID for a dot segment. */
function segment(id: string): string {
  if (id === '.' || id === '..' || id === '')
    throw fault('ID_INVALID', { what: 'The id', id, problem: 'it cannot stand in an address' })
  return encodeURIComponent(id).replaceAll('~', '%7E')
}

function read(url: string, status: number, text: string): Answer {
  let body: unknown
  try {
    body = JSON.parse(text)
  } catch {
    throw fault('PROCESS_UNREACHABLE', { url, problem: `it answered ${status} with something that is not JSON` })
  }
  if (status < 400) return { status, body }
  const { code, detail, title, hint } = isRecord(body) ? body : {}
  if (typeof code !== 'string')
    throw fault('PROCESS_UNREACHABLE', { url, problem: `it answered ${status} without an error of ours` })
  const words = typeof detail === 'string' ? detail : typeof title === 'string' ? title : code
  throw new RemoteError({ code, status, detail: words, hint: typeof hint === 'string' ? hint : '' })
}

async function orNull<Value>(work: () => Promise<Value>): Promise<Value | null> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof RemoteError && error.problem.code === 'RUN_UNKNOWN') return null
    throw error
  }
}

/** Why a request failed, in a few words: `fetch` keeps the reason in a cause. */
function reason(error: unknown): string {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  if (cause instanceof AggregateError && cause.errors.length > 0) return reason(cause.errors[0])
  if (!(cause instanceof Error)) return String(cause)
  return 'code' in cause && cause.code === 'ECONNREFUSED' ? 'nothing listens there' : cause.message
}

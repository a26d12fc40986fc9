// Talks to a running application over its HTTP API. Every request has a deadline; an error comes back as what the
// application said (RemoteError with its code), an answer is checked before anybody reads it. The token goes to the
// address that it belongs to and nowhere else: redirects are refused. What would be done once more if it came twice gets its id
// here, so that neither somebody between who sends it again nor whoever has no answer to it does that.
import { randomUUID } from 'node:crypto'
import type { AsideAction, AsideActed } from '../core/aside-views.ts'
import type { Clock } from '../core/clock.ts'
import { fault, isBalletError, type BalletError } from '../core/errors.ts'
import { parseText } from '../core/json-text.ts'
import { isRecord } from '../core/json.ts'
import type { ApplicationView, RunView, ScheduleView } from '../core/views.ts'
import type {
  ActAllRequest,
  Acted,
  ActedAll,
  AnswerRequest,
  ConductRequest,
  FailRequest,
  PublishRequest,
  RetryRequest,
  ScheduleActed,
  SignalRequest,
  StartRequest,
  TriggerRequest,
} from '../define/application.ts'
import type { Reasoned } from '../define/reasoned.ts'
import type { ActAsidesRequest, AsidesActed } from '../define/asides.ts'
import { shapeProblem, type Accepted, type Answers } from './answer-shapes.ts'
import { RemoteError } from './problem.ts'
import type { KnownNames, Reads } from './reads.ts'

/** Longer than the half a minute for which an application waits for another node: it says what is known of it, and what to do. */
const DEADLINE_MS = 45_000
const PROBE_MS = 2000
/** What an action on up to 10,000 runs may take besides. */
const BULK_MS = 300_000

export interface Client extends Reads {
  readonly url: string
  app(): Promise<ApplicationView>
  /** `created` is false when it existed already. */
  start(request: StartRequest): Promise<Accepted>
  /** The answer has the event's source and position as well. */
  publish(request: PublishRequest): Promise<Accepted>
  conduct(request: ConductRequest): Promise<Accepted>
  signal(request: SignalRequest): Promise<Accepted>
  cancel(run: string, request: Reasoned): Promise<Acted>
  retry(run: string, request: RetryRequest): Promise<Acted>
  answer(run: string, request: AnswerRequest): Promise<Acted>
  fail(run: string, request: FailRequest): Promise<Acted>
  actOnAll(request: ActAllRequest): Promise<ActedAll>
  actOnAside(action: AsideAction, item: string, request: Reasoned): Promise<AsideActed>
  actOnAsides(request: ActAsidesRequest): Promise<AsidesActed>
  schedules(): Promise<{ readonly items: readonly ScheduleView[] }>
  pause(schedule: string, request: Reasoned): Promise<ScheduleActed>
  resume(schedule: string, request: Reasoned): Promise<ScheduleActed>
  trigger(schedule: string, request: TriggerRequest): Promise<Accepted>
  /** The run when it has ended, or as it is after `waitMs`. */
  settled(id: string, waitMs: number): Promise<RunView | null>
}

/** A client for the application at `url`. Nothing is sent before it is asked for something. */
export function clientFor(url: string, token: string | null, clock: Clock): Client {
  const api = new Api(url.replace(/\/+$/, ''), token, clock)
  const ofRun = (id: string): string => `/api/runs/${segment(id)}`
  const ofSchedule = (name: string): string => `/api/schedules/${segment(name)}`
  return {
    url: api.url,
    // A workflow, and what is conducted, may have an id by its key, which only the application knows.
    start: async ({ id, ...body }) =>
      api.post('accepted', '/api/runs', { ...body, id: id ?? (body.call.includes('.') ? randomUUID() : undefined) }),
    publish: async ({ cause, id = randomUUID(), ...event }) =>
      api.post('accepted', '/api/events', { specversion: '1.0', ...event, id, causationid: cause }),
    conduct: async ({ choreography, ...body }) =>
      api.post('accepted', `/api/choreographies/${segment(choreography)}/runs`, body),
    signal: async ({ run, name, data, id = randomUUID() }) =>
      api.post('accepted', `${ofRun(run)}/signals/${segment(name)}`, { data, id }),
    cancel: async (run, body) => api.post('acted', `${ofRun(run)}/cancel`, body),
    retry: async (run, body) => api.post('acted', `${ofRun(run)}/retry`, body),
    answer: async (run, body) => api.post('acted', `${ofRun(run)}/answer`, body),
    fail: async (run, body) => api.post('acted', `${ofRun(run)}/fail`, body),
    actOnAll: async ({ action, limit, rehearse, by, why, ...filter }) =>
      api.post('actedAll', '/api/actions', { action, filter, limit, rehearse, by, why }, BULK_MS),
    asides: async (query) => api.get('asides', '/api/aside', { ...query }),
    aside: async (item) => api.get('aside', `/api/aside/${segment(item)}`),
    actOnAside: async (action, item, body) => api.post('asideActed', `/api/aside/${segment(item)}/${action}`, body),
    actOnAsides: async ({ action, limit, rehearse, by, why, ...filter }) =>
      api.post('asidesActed', '/api/aside', { action, filter, limit, rehearse, by, why }, BULK_MS),
    schedules: async () => api.get('schedules', '/api/schedules'),
    pause: async (name, body) => api.post('scheduleActed', `${ofSchedule(name)}/pause`, body),
    resume: async (name, body) => api.post('scheduleActed', `${ofSchedule(name)}/resume`, body),
    trigger: async (name, body) => api.post('accepted', `${ofSchedule(name)}/runs`, body),
    settled: async (id, waitMs) =>
      orNull(async () => api.get('run', ofRun(id), { wait: `${Math.round(waitMs)}ms` }, waitMs)),
    run: async (id) => orNull(async () => api.get('run', ofRun(id))),
    runs: async ({ status, ...rest }) => api.get('runs', '/api/runs', { ...rest, status: status?.join(',') }),
    counts: async () => api.get('counts', '/api/counts'),
    journal: async (run, query) => orNull(async () => api.get('journal', `${ofRun(run)}/journal`, query)),
    events: async ({ types, ...rest }) => api.get('events', '/api/events', { ...rest, type: types?.join(',') }),
    key: async (field, value, cursor) => api.get('key', `/api/keys/${segment(field)}/${segment(value)}`, { cursor }),
    flows: async (name, query) => api.get('flows', `/api/choreographies/${segment(name)}`, { ...query }),
    graph: async (root, cursor) => api.get('graph', '/api/graph', { root, cursor }),
    app: async () => api.get('app', '/api/app'),
    nodes: async () => api.get('nodes', '/api/nodes'),
    async fields() {
      const { events, workflows } = await api.get('app', '/api/app')
      return [...new Set([...events, ...workflows].flatMap(({ key }) => (key === undefined ? [] : [key])))]
    },
    known: async () => namesOf(await api.get('app', '/api/app')),
    close: async () => {},
  }
}

function namesOf({ workflows, services, choreographies, events, signals }: ApplicationView): KnownNames {
  const called = services.flatMap(({ operations, reactions }) => [...operations, ...reactions])
  return {
    runs: [...workflows, ...called, ...choreographies].map(({ name }) => name),
    events: events.map(({ type }) => type),
    signals,
    of: 'application',
  }
}

type Query = Readonly<Record<string, string | number | boolean | undefined>>

/** One request and its answer, checked. */
class Api {
  readonly url: string
  readonly #token: string | null
  readonly #clock: Clock

  constructor(url: string, token: string | null, clock: Clock) {
    this.url = url
    this.#token = token
    this.#clock = clock
  }

  async get<Kind extends keyof Answers>(
    kind: Kind,
    path: string,
    query: Query = {},
    waitMs = 0,
  ): Promise<Answers[Kind]> {
    const target = new URL(`${this.url}${path}`)
    for (const [name, value] of Object.entries(query)) {
      if (value !== undefined) target.searchParams.append(name, String(value))
    }
    return this.#ask(kind, target, { method: 'GET' }, waitMs)
  }

  async post<Kind extends keyof Answers>(kind: Kind, path: string, body: object, waitMs = 0): Promise<Answers[Kind]> {
    const headers = { 'content-type': 'application/json' }
    const init = { method: 'POST', headers, body: JSON.stringify(body) }
    try {
      return await this.#ask(kind, new URL(`${this.url}${path}`), init, waitMs)
    } catch (error) {
      if (!isBalletError(error) || error.code !== 'PROCESS_UNREACHABLE' || !mayBeDone(error)) throw error
      const { code, status, message: detail } = error
      throw new RemoteError({ code, status, detail, hint: unknownHint('id' in body ? body.id : undefined) })
    }
  }

  async #ask<Kind extends keyof Answers>(
    kind: Kind,
    target: URL,
    init: RequestInit,
    waitMs: number,
  ): Promise<Answers[Kind]> {
    const abort = new AbortController()
    const cancel = this.#clock.after(DEADLINE_MS + waitMs, () => abort.abort(this.#unreachable('no answer in time')))
    const bearer: Readonly<Record<string, string>> =
      this.#token === null ? {} : { authorization: `Bearer ${this.#token}` }
    try {
      const headers = { accept: 'application/json', ...bearer, ...(init.headers as Record<string, string> | undefined) }
      const response = await fetch(target, { ...init, headers, redirect: 'manual', signal: abort.signal })
      return this.#read(kind, response, await response.text())
    } catch (error) {
      throw isBalletError(error) || error instanceof RemoteError ? error : this.#unreachable(reason(error), error)
    } finally {
      cancel()
    }
  }

  #read<Kind extends keyof Answers>(kind: Kind, { status, headers }: Response, text: string): Answers[Kind] {
    const refused = status >= 300 && status < 500 ? new Refused() : undefined
    if (status >= 300 && status < 400) {
      const to = headers.get('location') ?? 'nowhere'
      throw this.#unreachable(`it redirects (${status}) to ${to}, and no redirect is followed`, refused)
    }
    let body: unknown
    try {
      body = parseText(text)
    } catch {
      const isPage = /^text\/html\b/i.test(headers.get('content-type') ?? '')
      const what = isPage
        ? 'a page (HTML), which comes from a proxy or from another server'
        : 'something that is not JSON'
      throw this.#unreachable(`it answered ${status} with ${what}`, refused)
    }
    if (status < 400) {
      const problem = shapeProblem(kind, body)
      if (problem === undefined) return body as Answers[Kind]
      throw this.#unreachable(`its answer is not understood, ${problem}`)
    }
    const { code, detail, title, hint } = isRecord(body) ? body : {}
    if (typeof code !== 'string') throw this.#unreachable(`it answered ${status} without an error of ours`, refused)
    const words = typeof detail === 'string' ? detail : typeof title === 'string' ? title : code
    throw new RemoteError({ code, status, detail: words, hint: typeof hint === 'string' ? hint : '' })
  }

  #unreachable(problem: string, cause?: unknown): BalletError {
    return fault('PROCESS_UNREACHABLE', { url: this.url, problem }, cause)
  }
}

/** Whether something at `url` answers its health check. */
export async function answersHealth(url: string, clock: Clock): Promise<boolean> {
  return (await probed(url, '/healthz', clock))?.ok ?? false
}

/** Null when it says that it takes work, else why it does not, as far as it tells. */
export async function takesWork(
  url: string,
  clock: Clock,
): Promise<{ readonly detail: string; readonly hint: string } | null> {
  const answer = await probed(url, '/readyz', clock)
  if (answer?.ok === true) return null
  const { detail, hint } = problemOf(answer?.text ?? '')
  return {
    detail: typeof detail === 'string' ? detail : '',
    hint: typeof hint === 'string' ? hint : 'It recovers, ends, or its engine has stopped: its log says which.',
  }
}

/** What a probe is answered; null when it is not. */
async function probed(
  url: string,
  probe: '/healthz' | '/readyz',
  clock: Clock,
): Promise<{ readonly ok: boolean; readonly text: string } | null> {
  const abort = new AbortController()
  const cancel = clock.after(PROBE_MS, () => abort.abort())
  try {
    const response = await fetch(new URL(probe, url), { signal: abort.signal, redirect: 'error' })
    return { ok: response.ok, text: await response.text() }
  } catch {
    return null
  } finally {
    cancel()
  }
}

function problemOf(text: string): Readonly<Record<string, unknown>> {
  try {
    const body: unknown = parseText(text)
    return isRecord(body) ? body : {}
  } catch {
    return {}
  }
}

/** An id as one segment of a path: also `~`, which some proxies treat in their own way. @throws ID_INVALID for a dot segment. */
function segment(id: string): string {
  if (id === '.' || id === '..' || id === '')
    throw fault('ID_INVALID', { what: 'The id', id, problem: 'it cannot stand in an address' })
  return encodeURIComponent(id).replaceAll('~', '%7E')
}

async function orNull<Value>(work: () => Promise<Value>): Promise<Value | null> {
  try {
    return await work()
  } catch (error) {
    if (error instanceof RemoteError && error.problem.code === 'RUN_UNKNOWN') return null
    throw error
  }
}

/** Whoever has answered so has done nothing. */
class Refused extends Error {}

/** How a connection ends on which something may have been sent; whoever cannot connect, is redirected or shown a wrong certificate, has sent nothing. */
const BROKEN = /^(?:ECONNRESET|EPIPE|ETIMEDOUT|UND_ERR_(?:SOCKET|HEADERS_TIMEOUT|BODY_TIMEOUT)|HPE_\w+)$/

/** What to do about a request that has no answer. */
const unknownHint = (id: unknown): string =>
  typeof id === 'string'
    ? `Whether it was done is not known. Send it again with --id ${id}, and it is done once.`
    : 'Whether it was done is not known: look there, ballet runs, before you send it again.'

/** What failed: `fetch` keeps it in a cause, and a name that leads to several addresses has one for each. */
function causeOf(error: unknown): unknown {
  const cause = error instanceof Error && error.cause instanceof Error ? error.cause : error
  return cause instanceof AggregateError && cause.errors.length > 0 ? causeOf(cause.errors[0]) : cause
}

function codeOf(error: unknown): string {
  const cause = causeOf(error)
  return cause instanceof Error && 'code' in cause ? String(cause.code) : ''
}

/** Whether somebody may have got what has no answer: it broke off, or what came is none. */
const mayBeDone = ({ cause }: BalletError): boolean => cause === undefined || BROKEN.test(codeOf(cause))

/** Why a request failed, in a few words. */
function reason(error: unknown): string {
  const cause = causeOf(error)
  if (!(cause instanceof Error)) return String(cause)
  return codeOf(cause) === 'ECONNREFUSED' ? 'nothing listens there' : cause.message
}

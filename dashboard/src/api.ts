// What the pages ask of the server: the API that everybody has, with problems as errors. Every write bears the header by which
// the server knows that this page sent it. The server's own clock is followed, so that "in 3s" is right where the clock of
// the person's machine is not.
import type {
  Acted,
  ActedAll,
  AsideAction,
  AsideActed,
  AsidesPage,
  AsideWholeView,
  ApplicationView,
  CountsView,
  EventView,
  FailingPage,
  FlowView,
  JournalView,
  KeyView,
  NodesView,
  Page,
  Related,
  RunView,
  ScheduleView,
} from './shown.ts'
import { isRecord } from './shown.ts'

/** What the server refused, or that it could not be asked (`status` 0). */
export class Problem extends Error {
  override readonly name: string = 'Problem'
  readonly status: number
  readonly code: string
  readonly hint: string
  readonly details: Readonly<Record<string, unknown>>

  constructor(status: number, body: Readonly<Record<string, unknown>>) {
    const text = (name: string): string => (typeof body[name] === 'string' ? body[name] : '')
    super(text('detail') || text('title') || `The server answered with ${status}.`)
    this.status = status
    this.code = text('code')
    this.hint = text('hint')
    this.details = isRecord(body['details']) ? body['details'] : {}
  }
}

type Fields = Readonly<Record<string, string | number | undefined>>

/** JSON as a person wrote it. It goes to the server as it stands, so that what the server refuses (a number that cannot be kept, a
 * key that stands twice) is not smoothed over here. */
export class Written {
  readonly text: string

  constructor(text: string) {
    this.text = text
  }
}

/** Fields of a request; undefined ones are left out. */
export type Body = Readonly<Record<string, unknown>>

function jsonOf(body: Body): string {
  const fields = Object.entries(body).filter(([, value]) => value !== undefined)
  const text = (value: unknown): string => (value instanceof Written ? value.text : JSON.stringify(value))
  return `{${fields.map(([name, value]) => `${JSON.stringify(name)}:${text(value)}`).join(',')}}`
}

/** How far the clock of the server is ahead, in milliseconds. A header has whole seconds. */
let ahead = 0
const AHEAD_MATTERS = 2000

/** The time of the server, in milliseconds since the epoch. */
export const serverNow = (): number => Date.now() + ahead

function noteClock(date: string | null): void {
  const difference = Date.parse(date ?? '') - Date.now()
  if (Number.isFinite(difference)) ahead = Math.abs(difference) < AHEAD_MATTERS ? 0 : difference
}

const queryOf = (fields: Fields): string => {
  const query = new URLSearchParams()
  for (const [name, value] of Object.entries(fields))
    if (value !== undefined && value !== '') query.set(name, `${value}`)
  return query.size === 0 ? '' : `?${query.toString()}`
}

/** How long an answer is waited for: a node that hangs, or whose database is away, holds a question, and a proxy asks another next time. */
const READ_MS = 10_000

/** @throws Problem, with a status of 0 when there is no answer */
async function fetched(path: string, init: RequestInit): Promise<readonly [Response, text: string]> {
  const late = new AbortController()
  // What a write came to is waited for: it may be done.
  const timer = init.method === 'GET' ? setTimeout(() => late.abort(), READ_MS) : undefined
  try {
    const response = await fetch(path, { ...init, signal: late.signal })
    return [response, await response.text()]
  } catch {
    const words = late.signal.aborted ? `has not answered in ${READ_MS / 1000} s` : 'does not answer'
    throw new Problem(0, { detail: `The server ${words}.`, hint: 'It is asked again by itself.' })
  } finally {
    clearTimeout(timer)
  }
}

/** Of a proxy that has no server behind it: it speaks for none. */
const AWAY: ReadonlySet<number> = new Set([502, 503, 504])

/** Whether a problem says that nobody has answered: a server would have said why. */
export const isAway = (error: unknown): boolean =>
  error instanceof Problem && (error.status === 0 || (AWAY.has(error.status) && error.code === ''))

async function ask(method: string, path: string, body?: Body): Promise<unknown> {
  const [response, text] = await fetched(`/api${path}`, {
    method,
    headers: {
      accept: 'application/json',
      ...(method === 'GET' ? {} : { 'x-ballet-csrf': '1' }),
      ...(body === undefined ? {} : { 'content-type': 'application/json' }),
    },
    ...(body === undefined ? {} : { body: jsonOf(body) }),
  })
  noteClock(response.headers.get('date'))
  const isJson = /\bjson\b/.test(response.headers.get('content-type') ?? '')
  const answer: unknown = isJson && text !== '' ? JSON.parse(text) : undefined
  if (!response.ok) throw new Problem(response.status, isRecord(answer) ? answer : {})
  return answer
}

const get = async <Answer>(path: string, fields: Fields = {}): Promise<Answer> =>
  (await ask('GET', `${path}${queryOf(fields)}`)) as Answer
const post = async <Answer>(path: string, body: Body): Promise<Answer> => (await ask('POST', path, body)) as Answer

const at = (...parts: readonly string[]): string => parts.map((part) => `/${encodeURIComponent(part)}`).join('')

export type Action = 'retry' | 'cancel' | 'answer' | 'fail'

/** What a write of something new answers. */
export interface Accepted {
  readonly id: string
  readonly created: boolean
}

export interface Session {
  /** Whether the server asks for a token at all. */
  readonly required: boolean
  readonly signedIn: boolean
  /** False for who has signed in with what only reads. */
  readonly mayWrite: boolean
  /** Each of the scopes that there are and that were given; absent: an older server, which knows none. */
  readonly scopes?: readonly Scope[]
  /** The API key with which somebody has signed in; null: it was a token. */
  readonly key?: { readonly name: string; readonly until: string | null } | null
}

/** What an API key may do. */
export type Scope = 'read' | 'start' | 'signal' | 'act' | 'all'

export const api = {
  app: () => get<ApplicationView>('/app'),
  counts: () => get<CountsView>('/counts'),
  nodes: () => get<NodesView>('/nodes'),
  runs: (fields: Fields) => get<Page<RunView>>('/runs', fields),
  run: (id: string) => get<RunView>(at('runs', id)),
  journal: (id: string, fields: Fields) => get<Page<JournalView>>(`${at('runs', id)}/journal`, fields),
  graph: (root: string, cursor?: string) => get<Related>('/graph', { root, cursor }),
  key: (field: string, value: string, cursor?: string) => get<KeyView>(at('keys', field, value), { cursor }),
  events: (fields: Fields) => get<Page<EventView>>('/events', fields),
  flows: (name: string, fields: Fields) => get<Page<FlowView>>(at('choreographies', name), fields),
  flow: (name: string, key: string) => get<FlowView>(at('choreographies', name, key)),
  schedules: () => get<{ readonly items: readonly ScheduleView[] }>('/schedules'),
  hold: (name: string, action: 'pause' | 'resume', body: Body) => post<unknown>(at('schedules', name, action), body),
  fire: (name: string, body: Body) => post<Accepted>(at('schedules', name, 'runs'), body),
  act: (id: string, action: Action, body: Body) => post<Acted>(`${at('runs', id)}/${action}`, body),
  actOnAll: (body: Body) => post<ActedAll>('/actions', body),
  failing: () => get<FailingPage>('/failing'),
  asides: () => get<AsidesPage>('/aside'),
  aside: (item: string) => get<AsideWholeView>(at('aside', item)),
  actOnAside: (item: string, action: AsideAction, body: Body) => post<AsideActed>(at('aside', item, action), body),
  signal: (id: string, name: string, body: Body) => post<Accepted>(`${at('runs', id)}${at('signals', name)}`, body),
  start: (body: Body) => post<Accepted>('/runs', body),
  publish: (body: Body) => post<Accepted & { readonly source: string }>('/events', body),
  conduct: (name: string, body: Body) => post<Accepted>(`${at('choreographies', name)}/runs`, body),
  /** A server that knows no sessions asks for none. */
  async session(): Promise<Session> {
    try {
      return await get<Session>('/session')
    } catch (error) {
      if (error instanceof Problem && error.status === 404) return { required: false, signedIn: false, mayWrite: true }
      throw error
    }
  },
  signIn: (token: string) => post<undefined>('/session', { token }),
  signOut: async (): Promise<void> => {
    await ask('DELETE', '/session')
  },
}

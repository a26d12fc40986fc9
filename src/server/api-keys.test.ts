// What each kind of API key may do at every route of the table, borne and as a session; and what a header may have in it. On servers
// that listen.
import { afterAll, describe, expect, it } from 'vitest'
import { systemClock } from '../engine/clock.ts'
import { silentLog } from '../engine/log.ts'
import { digestOf, lineOf, newKey, SCOPES, type Scope } from './api-key.ts'
import type { Problem } from './problem.ts'
import type { Route } from './route.ts'
import { ROUTES } from './routes.ts'
import { serve, type ServeOptions, type Serving } from './serve.ts'
import { testApplication, type Asked } from './test-application.ts'
import { connection } from './test-socket.ts'

const servings: Serving[] = []
afterAll(async () => {
  for (const one of servings) await one.close()
})

async function serving(options: Partial<ServeOptions>): Promise<{ url: string; port: number; asked: Asked[] }> {
  const { app, asked } = testApplication()
  const server = await serve(app, { port: 0, log: silentLog, ...options })
  servings.push(server)
  return { url: server.url, port: server.port, asked }
}

const HOUR = 3_600_000
const made = (name: string, scopes: readonly Scope[], until: number | null = null) => {
  const key = newKey(name)
  return { key, line: lineOf({ name, scopes, digest: digestOf(key), until }) }
}
const KEYS = {
  read: made('look', ['read']),
  start: made('ci', ['start']),
  signal: made('mail', ['signal']),
  act: made('night-watch', ['act']),
  both: made('shop', ['read', 'start'], systemClock.now() + HOUR),
  all: made('admin', ['all']),
  over: made('gone', ['all'], systemClock.now() - 1000),
}
const apiKeys = Object.values(KEYS).map(({ line }) => line)

const json = { 'content-type': 'application/json' }
type Headers = Readonly<Record<string, string>>
const bearing = (key: string): Headers => ({ authorization: `Bearer ${key}` })

/** What keeps a request out; `in` when nothing of that does. */
const REFUSALS = ['TOKEN_REQUIRED', 'TOKEN_READS_ONLY', 'API_KEY_OVER', 'SCOPE_MISSING', 'CSRF_REQUIRED']
async function kept(url: string, route: Pick<Route, 'method' | 'path'>, headers: Headers): Promise<string> {
  const path = route.path.replace(/\{\w+\}/g, 'orderId')
  const body = route.method === 'POST' ? { body: '{}' } : {}
  const response = await fetch(`${url}${path}`, { method: route.method, headers: { ...json, ...headers }, ...body })
  const text = await response.text()
  const { code = '', detail } = text.startsWith('{') ? (JSON.parse(text) as Partial<Problem>) : {}
  if (!REFUSALS.includes(code)) return 'in'
  const lacks = /lacks the scope (\w+),/.exec(detail ?? '')?.[1]
  return lacks === undefined ? `${response.status} ${code}` : `${response.status} lacks ${lacks}`
}

describe('what a route asks for', () => {
  it('is written down here as well, so that no route has another scope by mistake', () => {
    const written = ROUTES.map(({ method, path, scope }) => `${scope}: ${method} ${path}`)
    expect(written.sort()).toEqual(
      [
        ...['/healthz', '/readyz', '/api/errors/{code}', '/api/session'].map((path) => `everybody: GET ${path}`),
        'everybody: POST /api/session',
        'everybody: DELETE /api/session',
        'start: POST /api/runs',
        'start: POST /api/events',
        'start: POST /api/choreographies/{name}/runs',
        'signal: POST /api/runs/{id}/signals/{name}',
        ...['cancel', 'retry', 'answer', 'fail'].map((action) => `act: POST /api/runs/{id}/${action}`),
        'act: POST /api/actions',
        'act: POST /api/aside',
        ...['retry', 'drop'].map((action) => `act: POST /api/aside/{item}/${action}`),
        ...['aside', 'aside/{item}', 'failing'].map((path) => `read: GET /api/${path}`),
        ...['pause', 'resume', 'runs'].map((action) => `act: POST /api/schedules/{name}/${action}`),
        ...['runs', 'runs/{id}', 'runs/{id}/journal', 'counts', 'events', 'graph', 'keys/{field}/{value}'].map(
          (path) => `read: GET /api/${path}`,
        ),
        ...['choreographies', 'choreographies/{name}', 'choreographies/{name}/{key}'].map(
          (path) => `read: GET /api/${path}`,
        ),
        ...['schedules', 'schedules/{name}', 'app', 'nodes', 'metrics'].map((path) => `read: GET /api/${path}`),
        'service: POST /api/work/{service}',
        'service: DELETE /api/work/{service}',
        'service: POST /api/work/{service}/{token}',
        'service: POST /api/work/{service}/{token}/heartbeat',
      ].sort(),
    )
  })
})

describe('every route', async () => {
  const { url, asked } = await serving({
    token: 'open-sesame',
    readToken: 'only-look',
    apiKeys: apiKeys.join('\n'),
  })
  const sessionOf = async (token: string): Promise<Headers> => {
    const response = await fetch(`${url}/api/session`, {
      method: 'POST',
      headers: json,
      body: JSON.stringify({ token }),
    })
    expect(response.status).toBe(204)
    return {
      cookie: /^[^;]+/.exec(response.headers.get('set-cookie') ?? '')?.[0] ?? '',
      'x-ballet-csrf': '1',
      origin: url,
    }
  }
  const lacking =
    (scopes: readonly Scope[]) =>
    ({ scope }: Route): string =>
      scopes.some((one) => one === 'all' || one === scope) ? 'in' : `403 lacks ${scope}`
  const always = (words: string) => (): string => words
  const isRead = ({ method }: Route): boolean => method === 'GET'
  const kinds: readonly (readonly [string, Headers, (route: Route) => string])[] = [
    ['nothing', {}, always('401 TOKEN_REQUIRED')],
    ['another key', bearing(newKey('ci')), always('401 TOKEN_REQUIRED')],
    ['what a server knows of a key', bearing(digestOf(KEYS.all.key).toString('hex')), always('401 TOKEN_REQUIRED')],
    ['a key in capitals', bearing(KEYS.all.key.toUpperCase()), always('401 TOKEN_REQUIRED')],
    ['a key that is over', bearing(KEYS.over.key), always('401 API_KEY_OVER')],
    ['the key beside a session', { ...(await sessionOf(KEYS.all.key)), ...bearing(KEYS.read.key) }, lacking(['read'])],
    ['a token', bearing('open-sesame'), always('in')],
    ['a token that only reads', bearing('only-look'), (route) => (isRead(route) ? 'in' : '403 TOKEN_READS_ONLY')],
    ['the key read', bearing(KEYS.read.key), lacking(['read'])],
    ['the key start', bearing(KEYS.start.key), lacking(['start'])],
    ['the key signal', bearing(KEYS.signal.key), lacking(['signal'])],
    ['the key act', bearing(KEYS.act.key), lacking(['act'])],
    ['the key read and start', bearing(KEYS.both.key), lacking(['read', 'start'])],
    ['the key all', bearing(KEYS.all.key), lacking(['all'])],
    ['a session of the key read', await sessionOf(KEYS.read.key), lacking(['read'])],
    ['a session of the key start', await sessionOf(KEYS.start.key), lacking(['start'])],
    ['a session of the key all', await sessionOf(KEYS.all.key), lacking(['all'])],
  ]

  it.each(kinds)('is answered for %s as it is to be', async (_kind, headers, expected) => {
    const open: readonly Route['scope'][] = ['everybody', 'service']
    const routes = ROUTES.filter((route) => !open.includes(route.scope))
    expect(routes.length).toBeGreaterThan(20)
    for (const route of routes)
      expect([route.method, route.path, await kept(url, route, headers)]).toEqual([
        route.method,
        route.path,
        expected(route),
      ])
  })

  it('that is for everybody, or for services, asks for no key', async () => {
    for (const route of ROUTES.filter(({ scope }) => scope === 'everybody' || scope === 'service'))
      for (const headers of [{}, bearing(KEYS.start.key), bearing(KEYS.over.key)])
        expect([route.path, (await kept(url, route, headers)).replace('401 TOKEN_REQUIRED', 'in')]).toEqual([
          route.path,
          'in',
        ])
  })

  it('asks the application nothing for a key that lacks the scope', async () => {
    asked.length = 0
    for (const route of ROUTES.filter(({ scope }) => scope !== 'start' && SCOPES.some((one) => one === scope)))
      await kept(url, route, bearing(KEYS.start.key))
    expect(asked).toEqual([])
  })

  it('asks for read as well where a key waits for what it has started, however that is written', async () => {
    const wait = async (query: string, key: string): Promise<string> => {
      const init = { method: 'POST', headers: { ...json, ...bearing(key) }, body: JSON.stringify({ call: 'checkout' }) }
      const response = await fetch(`${url}/api/runs?${query}`, init)
      return `${response.status} ${((await response.json()) as { detail?: string }).detail ?? ''}`.slice(0, 41)
    }
    for (const query of ['wait=1s', '%77ait=1s', 'wait=1s#x', 'wait', 'a=1&wait=1s'])
      expect([query, await wait(query, KEYS.start.key)]).toEqual([query, '403 The API key "ci" lacks the scope read'])
    expect(await wait('wait=1s', KEYS.both.key)).toBe('201 ')
  })
})

describe('what a header may have in it', async () => {
  const { port, asked } = await serving({ apiKeys: apiKeys.join(',') })
  const { key } = KEYS.start
  const ask = async (lines: string): Promise<string> => {
    const client = await connection(port)
    client.send(
      `${lines.replaceAll('<ci>', key).replaceAll('<admin>', KEYS.all.key)}\r\nHost: localhost\r\nContent-Length: 0\r\nConnection: close\r\n\r\n`,
    )
    const answer = await client.ended()
    // Whatever was sent is not said again.
    expect(answer).not.toContain(key.slice(-20))
    return `${answer.slice(9, 12)} ${/"code":"(\w+)"/.exec(answer)?.[1] ?? ''}`.trim()
  }
  const act = 'POST /api/runs/a/cancel HTTP/1.1'
  const bearer = 'Authorization: Bearer <ci>'

  it.each([
    [`${act}\r\n${bearer}`, '403 SCOPE_MISSING'],
    [`${act}\r\n${bearer}\r\nX-HTTP-Method-Override: GET`, '403 SCOPE_MISSING'],
    [`${act}\r\n${bearer}\r\nX-Original-URL: /healthz\r\nX-Rewrite-URL: /healthz`, '403 SCOPE_MISSING'],
    [`${act}\r\n${bearer}\r\nAuthorization: Bearer <admin>`, '401 TOKEN_REQUIRED'],
    [
      `${act}?_method=GET\r\n${bearer}`.replace('cancel HTTP/1.1?_method=GET', 'cancel?_method=GET HTTP/1.1'),
      '403 SCOPE_MISSING',
    ],
    [`POST /api/./runs/a/../a/cancel HTTP/1.1\r\n${bearer}`, '403 SCOPE_MISSING'],
    [`POST /api/run%73/a/canc%65l HTTP/1.1\r\n${bearer}`, '403 SCOPE_MISSING'],
    [`POST /%61pi/runs/a/cancel HTTP/1.1\r\n${bearer}`, '403 SCOPE_MISSING'],
    [`POST http://localhost/api/runs/a/cancel HTTP/1.1\r\n${bearer}`, '403 SCOPE_MISSING'],
    [`POST /dashboard/../api/runs/a/cancel HTTP/1.1\r\n${bearer}`, '403 SCOPE_MISSING'],
    [`POST //api/runs/a/cancel HTTP/1.1\r\n${bearer}`, '404 ROUTE_UNKNOWN'],
    [`POST /api/runs/a/cancel/ HTTP/1.1\r\n${bearer}`, '404 ROUTE_UNKNOWN'],
    [`HEAD /api/runs/a HTTP/1.1\r\n${bearer}`, '403'],
    [`OPTIONS /api/runs/a/cancel HTTP/1.1\r\n${bearer}`, '405 METHOD_NOT_ALLOWED'],
    [`${act}\r\nAuthorization: Basic <ci>`, '401 TOKEN_REQUIRED'],
    [`${act}\r\nAuthorization: <ci>`, '401 TOKEN_REQUIRED'],
    [`${act}\r\nAuthorization: Bearer <ci>,<admin>`, '401 TOKEN_REQUIRED'],
    [`${act}\r\nAuthorization: Bearer <ci> <admin>`, '401 TOKEN_REQUIRED'],
    [`${act}\r\nAuthorization: Bearer <ci>\u0000`, '400 REQUEST_MALFORMED'],
    [`${act}\r\nX-Api-Key: <admin>`, '401 TOKEN_REQUIRED'],
    [act.replace('cancel', 'cancel?token=<admin>'), '401 TOKEN_REQUIRED'],
    [`${act}\r\nBallet-Forwarded: v1,1,${'0'.repeat(32)},${'0'.repeat(64)}\r\n${bearer}`, '403 FORWARD_FORBIDDEN'],
  ])('%s', async (lines, expected) => {
    expect(await ask(lines)).toBe(expected)
    expect(asked).toEqual([])
  })
})

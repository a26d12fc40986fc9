// Who gets in with what, at every route of the table: a token, a session, one that proves nothing, one that is over, one that was
// made up, one of a token that is gone. On servers that listen.
import { createHmac } from 'node:crypto'
import { afterAll, describe, expect, it } from 'vitest'
import type { Clock } from '../core/clock.ts'
import type { Application } from '../define/application.ts'
import type { Log } from '../define/definition.ts'
import { systemClock } from '../engine/clock.ts'
import { silentLog } from '../engine/log.ts'
import { SCOPES } from './api-key.ts'
import { createGuard } from './guard.ts'
import { handler } from './handler.ts'
import type { Problem } from './problem.ts'
import { ROUTES } from './routes.ts'
import { serve, type ServeOptions, type Serving } from './serve.ts'
import { testApplication, type Asked } from './test-application.ts'

const servings: Serving[] = []
afterAll(async () => {
  for (const one of servings) await one.close()
})

async function serving(
  options: Partial<ServeOptions> = {},
  answers: Partial<Application> = {},
): Promise<{ url: string; asked: Asked[] }> {
  const { app, asked } = testApplication(answers)
  const server = await serve(app, { port: 0, token: 'open-sesame', log: silentLog, ...options })
  servings.push(server)
  return { url: server.url, asked }
}

/** A clock of the system that was set. */
function movable(): { clock: Clock; move: (ms: number) => void } {
  let by = 0
  return {
    clock: { ...systemClock, now: () => systemClock.now() + by, elapsed: () => performance.now() + by },
    move: (ms) => void (by += ms),
  }
}

type Headers = Readonly<Record<string, string>>
const json = { 'content-type': 'application/json' }

const signIn = (url: string, token: unknown = 'open-sesame', headers: Headers = {}): Promise<Response> =>
  fetch(`${url}/api/session`, { method: 'POST', headers: { ...json, ...headers }, body: JSON.stringify({ token }) })

/** The cookie that a browser would send from then on, `ballet=v1...`. */
async function cookieOf(url: string, token?: string, headers?: Headers): Promise<string> {
  const response = await signIn(url, token, headers)
  expect(response.status).toBe(204)
  return /^[^;]+/.exec(response.headers.get('set-cookie') ?? '')?.[0] ?? ''
}

const codeOf = async (response: Response): Promise<string> => {
  const text = await response.text()
  return text.startsWith('{') ? ((JSON.parse(text) as Partial<Problem>).code ?? '') : ''
}
const REFUSALS = ['TOKEN_REQUIRED', 'TOKEN_READS_ONLY', 'CSRF_REQUIRED', 'ORIGIN_FORBIDDEN']
/** What keeps a request out; `in` when nothing does. */
const kept = async (response: Response): Promise<string> => {
  const code = await codeOf(response)
  return REFUSALS.includes(code) ? `${response.status} ${code}` : 'in'
}

const forged = (token: string, untilSeconds: number): string => {
  const said = `v1.${untilSeconds}`
  return `${said}.${createHmac('sha256', token).update(`ballet session ${said}`).digest('base64url')}`
}
const inSeconds = (seconds: number): number => Math.floor(systemClock.now() / 1000) + seconds

describe('who gets in', async () => {
  const { url, asked } = await serving({ token: ['open-sesame', 'second'], readToken: 'only-look' })
  const [first, second, reading] = [
    await cookieOf(url),
    await cookieOf(url, 'second'),
    await cookieOf(url, 'only-look'),
  ]
  const page = { 'x-ballet-csrf': '1', origin: url }
  const [read, write] = [
    { read: 'in', write: 'in' },
    { read: 'in', write: '403 CSRF_REQUIRED' },
  ]
  const reads = { read: 'in', write: '403 TOKEN_READS_ONLY' }
  const out = { read: '401 TOKEN_REQUIRED', write: '401 TOKEN_REQUIRED' }
  const wrongEnd = first.at(-2) === 'A' ? 'B' : 'A'
  const later = first.replace(/v1\.\d+/, `v1.${inSeconds(90_000)}`)
  const cookie = (value: string, more: Headers = page): Headers => ({ ...more, cookie: value })
  const ways: readonly (readonly [string, Headers, { read: string; write: string }])[] = [
    ['nothing', {}, out],
    ['nothing, from a page of this server', page, out],
    ['a token', { authorization: 'Bearer open-sesame' }, read],
    ['the other token', { authorization: 'Bearer second' }, read],
    ['a token that only reads', { authorization: 'Bearer only-look' }, reads],
    ['a session', cookie(first), read],
    ['a session of a token that only reads', cookie(reading), reads],
    ['a session of a token that only reads, of no page', cookie(reading, {}), write],
    ['a session beside one that only reads', cookie(`${reading}; ${first}`), read],
    ['a token that only reads beside a session', { ...cookie(first), authorization: 'Bearer only-look' }, reads],
    ['a session of the other token', cookie(second), read],
    [
      'a session, as a browser names the site',
      cookie(first, { 'x-ballet-csrf': '1', 'sec-fetch-site': 'same-origin' }),
      read,
    ],
    [
      'a session beside one that is over',
      cookie(`__Host-ballet=${forged('open-sesame', inSeconds(-1))}; ${first}`),
      read,
    ],
    ['a session over https, behind any number that are none', cookie(`${'ballet=x; '.repeat(9)}__Host-${first}`), read],
    ['a session that was made up from the token', cookie(`ballet=${forged('open-sesame', inSeconds(60))}`), read],
    ['a session without the header', cookie(first, { origin: url }), write],
    ['a session with another header', cookie(first, { ...page, 'x-ballet-csrf': '0' }), write],
    ['a session of no page', cookie(first, { 'x-ballet-csrf': '1' }), write],
    ['a session of a page of the same site', cookie(first, { ...page, 'sec-fetch-site': 'same-site' }), write],
    [
      'a session of a page of another site',
      cookie(first, { 'x-ballet-csrf': '1', 'sec-fetch-site': 'cross-site' }),
      write,
    ],
    [
      'a session of a page of another origin',
      cookie(first, { ...page, origin: 'https://evil.com' }),
      { ...write, write: '403 ORIGIN_FORBIDDEN' },
    ],
    ['a session that is over', cookie(`ballet=${forged('open-sesame', inSeconds(-1))}`), out],
    ['a session of a token that is gone', cookie(`ballet=${forged('third', inSeconds(60))}`), out],
    ['a session with another signature', cookie(first.slice(0, -2) + wrongEnd + first.slice(-1)), out],
    ['a session that was made longer', cookie(later), out],
    ['a session without a signature', cookie(`ballet=v1.${inSeconds(60)}.`), out],
    ['a session of no kind', cookie('ballet=; ballet=v2; ballet'), out],
    ['a session under another name', cookie(first.replace('ballet', 'balleto')), out],
    ['a token as a session', cookie('ballet=open-sesame'), out],
    ['a session as a token', { ...page, authorization: `Bearer ${first.slice('ballet='.length)}` }, out],
    ['a session beside a wrong token', { ...cookie(first), authorization: 'Bearer open-sesam' }, out],
  ]
  // What services ask is judged by their secrets, and there is none here.
  const isForAll = (path: string): boolean =>
    ['/healthz', '/readyz', '/api/session'].includes(path) || /^\/api\/(?:errors|work)\//.test(path)

  it.each(ROUTES.map(({ method, path }) => [method, path.replace(/\{\w+\}/g, 'x')] as const))(
    '%s %s',
    async (method, path) => {
      const isRead = method === 'GET'
      for (const [what, headers, { read: ofRead, write: ofWrite }] of ways) {
        asked.length = 0
        const body = isRead ? {} : { body: '{"by":"x"}' }
        const found = await kept(await fetch(url + path, { method, headers: { ...json, ...headers }, ...body }))
        const guarded = isRead ? ofRead : ofWrite
        // Whatever is for everybody: a page of another origin still writes nothing.
        const open = guarded === '403 ORIGIN_FORBIDDEN' ? guarded : 'in'
        const expected = isForAll(path) ? open : guarded
        expect([what, found]).toEqual([what, expected])
        expect(expected === 'in' ? [] : asked).toEqual([])
      }
    },
  )

  it('HEAD is a read, and a path that is not there is asked for as all others', async () => {
    for (const [what, headers, { read: ofRead, write: ofWrite }] of ways) {
      const head = await fetch(`${url}/api/runs`, { method: 'HEAD', headers })
      expect([what, head.status]).toEqual([what, ofRead === 'in' ? 200 : 401])
      const deleted = await fetch(`${url}/api/none`, { method: 'DELETE', headers })
      expect([what, await kept(deleted)]).toEqual([what, ofWrite])
    }
  })

  it("a session is nothing to the application's own routes", async () => {
    const routes = () => (request: Request) => new Response(request.method)
    const own = await serving({ routes })
    for (const headers of [{}, { cookie: first }, { cookie: 'ballet=x' }])
      expect(await (await fetch(`${own.url}/orders`, { method: 'POST', headers })).text()).toBe('POST')
  })
})

describe('a session', () => {
  const isIn = async (url: string, cookie: string): Promise<boolean> =>
    (await fetch(`${url}/api/runs`, { headers: { cookie } })).status === 200

  it('is a cookie that no script reads and no other site sends', async () => {
    const { url } = await serving()
    const { headers } = await signIn(url)
    expect(headers.getSetCookie()).toEqual([
      expect.stringMatching(/^ballet=v1\.\d+\.[\w-]{43}; HttpOnly; SameSite=Strict; Path=\/; Max-Age=28800$/),
    ])
    expect(headers.get('cache-control')).toBe('no-store')
  })

  it('that was begun over https never goes over http; what a proxy says of that is not believed', async () => {
    const { url } = await serving()
    const origin = url.replace('http:', 'https:')
    const { headers } = await signIn(url, 'open-sesame', { origin })
    expect(headers.get('set-cookie')).toMatch(
      /^__Host-ballet=v1\.\S+; Secure; HttpOnly; SameSite=Strict; Path=\/; Max-Age=28800$/,
    )
    expect(await isIn(url, await cookieOf(url, 'open-sesame', { origin }))).toBe(true)
    const { app } = testApplication()
    const init = { method: 'POST', headers: json, body: '{"token":"t"}' }
    const mounted = await handler(app, { token: 't' })(new Request('https://shop.example/api/session', init))
    expect(mounted.headers.get('set-cookie')).toMatch(/^__Host-ballet=/)
    const said = await signIn(url, 'open-sesame', { 'x-forwarded-proto': 'https', forwarded: 'proto=https' })
    expect(said.headers.get('set-cookie')).toMatch(/^ballet=/)
  })

  it('ends after eight hours', async () => {
    const { clock, move } = movable()
    const { url } = await serving({ clock })
    const cookie = await cookieOf(url)
    move(8 * 3_600_000 - 10_000)
    expect(await isIn(url, cookie)).toBe(true)
    move(10_000)
    expect(await isIn(url, cookie)).toBe(false)
    const response = await fetch(`${url}/api/runs`, { headers: { cookie } })
    expect(await response.json()).toMatchObject({ detail: expect.stringContaining('session') as string })
  })

  it('is good at every node that has its token, and at none without', async () => {
    const [old, both, fresh] = await Promise.all([['old'], ['new', 'old'], ['new']].map((token) => serving({ token })))
    const urls = [old?.url ?? '', both?.url ?? '', fresh?.url ?? '']
    const where = (cookie: string): Promise<boolean[]> => Promise.all(urls.map((url) => isIn(url, cookie)))
    expect(await where(await cookieOf(urls[0] ?? '', 'old'))).toEqual([true, true, false])
    expect(await where(await cookieOf(urls[1] ?? '', 'old'))).toEqual([true, true, false])
    expect(await where(await cookieOf(urls[1] ?? '', 'new'))).toEqual([false, true, true])
  })

  it('is begun and ended by a node that stands by, and good for what that passes on', async () => {
    const nodeSecret = 'the secret of these nodes'
    const owner = await serving({ nodeSecret })
    const over = new AbortController().signal
    const standing = { node: 'me', owner: { id: 'node-1', address: owner.url }, isSure: false, over, doubt: () => {} }
    const { url } = await serving({ nodeSecret }, { standing: { ...standing, role: 'standby' } })
    const cookie = await cookieOf(url)
    // Also where it can pass nothing on.
    const alone = await serving({}, { standing: { ...standing, owner: null, role: 'standby' } })
    expect((await signIn(alone.url)).status).toBe(204)
    const body = JSON.stringify({ call: 'checkout', input: {} })
    const start = (headers: Headers): Promise<Response> =>
      fetch(`${url}/api/runs`, { method: 'POST', headers: { ...json, cookie, ...headers }, body })
    expect(await kept(await start({ origin: url }))).toBe('403 CSRF_REQUIRED')
    expect((await start({ origin: url, 'x-ballet-csrf': '1' })).status).toBe(201)
    expect(owner.asked.map(([name]) => name)).toEqual(['startNamed'])
  })

  it('is asked for, begun and ended at one path', async () => {
    const { url } = await serving()
    const show = async (headers: Headers): Promise<unknown> => (await fetch(`${url}/api/session`, { headers })).json()
    const cookie = await cookieOf(url)
    expect(await show({})).toEqual({ required: true, signedIn: false, mayWrite: false, scopes: [], key: null })
    expect(await show({ cookie })).toEqual({
      required: true,
      signedIn: true,
      mayWrite: true,
      scopes: [...SCOPES],
      key: null,
    })
    expect(await show({ authorization: 'Bearer open-sesame' })).toEqual({
      required: true,
      signedIn: true,
      mayWrite: true,
      scopes: [...SCOPES],
      key: null,
    })
    expect(await show({ cookie, authorization: 'Bearer x' })).toEqual({
      required: true,
      signedIn: false,
      mayWrite: false,
      scopes: [],
      key: null,
    })
    const ended = await fetch(`${url}/api/session`, { method: 'DELETE', headers: { cookie } })
    expect([ended.status, ended.headers.getSetCookie()]).toEqual([
      204,
      [
        '__Host-ballet=; Secure; HttpOnly; SameSite=Strict; Path=/; Max-Age=0',
        'ballet=; HttpOnly; SameSite=Strict; Path=/; Max-Age=0',
      ],
    ])
  })

  it('says what may be done with it', async () => {
    const { url } = await serving({ readToken: ['only-look', 'new-look'] })
    const shown = async (headers: Headers): Promise<unknown> => (await fetch(`${url}/api/session`, { headers })).json()
    const signedIn = { required: true, signedIn: true }
    expect(await shown({})).toEqual({ required: true, signedIn: false, mayWrite: false, scopes: [], key: null })
    expect(await shown({ cookie: await cookieOf(url) })).toEqual({
      ...signedIn,
      mayWrite: true,
      scopes: [...SCOPES],
      key: null,
    })
    expect(await shown({ cookie: await cookieOf(url, 'new-look') })).toEqual({
      ...signedIn,
      mayWrite: false,
      scopes: ['read'],
      key: null,
    })
  })

  it('is not needed where no token is asked for', async () => {
    const { url } = await serving({ token: undefined })
    expect(await (await fetch(`${url}/api/session`)).json()).toEqual({
      required: false,
      signedIn: false,
      mayWrite: true,
      scopes: [...SCOPES],
      key: null,
    })
    const response = await signIn(url)
    expect([response.status, response.headers.get('set-cookie')]).toEqual([204, null])
    // Not a cookie that anybody could make without a token.
    const guard = createGuard({ token: null, hosts: [], origins: [] })
    const asking = new Request(`${url}/api/runs`, { headers: { cookie: `ballet=${forged('', inSeconds(60))}` } })
    expect(guard.allowed(asking)).toBe(null)
  })

  it.each([
    [{ token: 'open-sesam' }, 401, 'TOKEN_REQUIRED'],
    [{ token: '' }, 422, 'REQUEST_INVALID'],
    [{ token: ['open-sesame'] }, 422, 'REQUEST_INVALID'],
    [{ tokens: 'open-sesame' }, 422, 'REQUEST_INVALID'],
    [{}, 422, 'REQUEST_INVALID'],
    [{ token: 'x'.repeat(70_000) }, 413, 'BODY_TOO_LARGE'],
  ])('is not begun with %j', async (body, status, code) => {
    const { url } = await serving()
    const response = await fetch(`${url}/api/session`, { method: 'POST', headers: json, body: JSON.stringify(body) })
    expect([response.status, response.headers.get('set-cookie'), await codeOf(response)]).toEqual([status, null, code])
  })

  it('is not begun by a form of another page, nor for a host that is not ours', async () => {
    const { url } = await serving()
    expect(await codeOf(await signIn(url, 'open-sesame', { origin: 'https://evil.com' }))).toBe('ORIGIN_FORBIDDEN')
    expect(await codeOf(await signIn(url, 'open-sesame', { 'content-type': 'text/plain' }))).toBe('BODY_TYPE')
    const { url: elsewhere } = await serving({ hosts: ['shop.internal'] })
    expect(() =>
      createGuard({ token: 't', hosts: [], origins: [] }).admit(new Request('http://evil.com/api/session')),
    ).toThrow(/evil\.com/)
    expect((await signIn(elsewhere)).status).toBe(204)
  })
})

describe('signing in with a wrong token', () => {
  it('is refused unread after ten, and then judged now and then; nobody else is touched', async () => {
    const { clock, move } = movable()
    const lines: string[] = []
    const log: Log = { ...silentLog, warn: (line) => void lines.push(line) }
    const { url } = await serving({ clock, log })
    const cookie = await cookieOf(url)
    const wrong = await Promise.all(Array.from({ length: 10 }, () => signIn(url, 'wrong')))
    expect(wrong.map(({ status }) => status)).toEqual(Array.from({ length: 10 }, () => 401))
    const refused = await signIn(url)
    expect([refused.status, await codeOf(refused)]).toEqual([429, 'SIGN_IN_LATER'])
    expect(Number(refused.headers.get('retry-after'))).toBeGreaterThan(0)
    const others = [{ cookie }, { authorization: 'Bearer open-sesame' }]
    for (const headers of others) expect((await fetch(`${url}/api/runs`, { headers })).status).toBe(200)
    move(6000)
    expect((await signIn(url)).status).toBe(204)
    expect((await signIn(url, 'wrong')).status).toBe(401)
    expect((await signIn(url)).status).toBe(429)
    expect(lines).toEqual(['a sign-in was refused: a wrong token, or too many of them'])
    move(60_000)
    expect((await signIn(url, 'wrong')).status).toBe(401)
    expect(lines.slice(1)).toEqual(['13 sign-ins were refused: a wrong token, or too many of them'])
  })

  it('is as often after a clock was set back', async () => {
    const { clock, move } = movable()
    const { url } = await serving({ clock })
    for (let at = 0; at < 10; at++) expect((await signIn(url, 'wrong')).status).toBe(401)
    move(-3_600_000)
    expect((await signIn(url)).status).toBe(429)
    move(6000)
    expect((await signIn(url)).status).toBe(204)
  })
})

import { describe, expect, it } from 'vitest'
import { createGuard } from './guard.ts'
import { isBalletError } from '../core/errors.ts'
import { handler, type HandlerOptions } from './handler.ts'
import type { Problem } from './problem.ts'
import { ROUTES } from './routes.ts'
import { serve } from './serve.ts'
import { testApplication } from './test-application.ts'
import { connection } from './test-socket.ts'

const code = async (response: Response): Promise<string> => ((await response.json()) as Problem).code
const run = JSON.stringify({ call: 'checkout', input: {} })

describe('where the server listens', () => {
  const local = ['127.0.0.1', 'localhost', '::1', '127.1.2.3']
  const open = ['0.0.0.0', '::', '']

  it.each([...local, '0.0.0.0', '::'])('%s with a token', async (host) => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0, host, token: 'open-sesame' })
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
  })

  it.each(local)('%s without a token', async (host) => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0, host })
    expect((await fetch(`${server.url}/api/app`)).status).toBe(200)
  })

  it.each(open.flatMap((host) => [undefined, ''].map((token) => [host, token] as const)))(
    'not %j with the token %j',
    async (host, token) => {
      const { app } = testApplication()
      await expect(serve(app, { port: 0, host, token })).rejects.toMatchObject({ code: 'BIND_UNSAFE' })
    },
  )

  it('not on a port that is taken, or an address that is not here', async () => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0 })
    await expect(serve(app, { port: server.port })).rejects.toMatchObject({
      code: 'PORT_BUSY',
      details: { port: server.port },
    })
    await expect(serve(app, { port: 70_000 })).rejects.toMatchObject({ code: 'LISTEN_FAILED' })
    await expect(serve(app, { port: 0, host: '192.0.2.1', token: 'x' })).rejects.toMatchObject({
      code: 'LISTEN_FAILED',
    })
  })
})

describe('the host that a request names', () => {
  const ask = async (lines: string, hosts: readonly string[] = []): Promise<string> => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0, hosts })
    const client = await connection(server.port)
    client.send(`${lines.replaceAll('\n', '\r\n')}\r\nConnection: close\r\n\r\n`)
    const answer = await client.ended()
    return `${answer.slice(9, 12)} ${/"code":"(\w+)"/.exec(answer)?.[1] ?? ''}`.trim()
  }

  it.each(['localhost', 'LOCALHOST:4400', '127.0.0.1:1', '[::1]:4400', 'shop.localhost'])('may be %s', async (host) => {
    expect(await ask(`GET /api/app HTTP/1.1\nHost: ${host}`)).toBe('200')
  })

  it.each([
    'evil.com',
    'localhost.evil.com',
    '192.168.0.7:4400',
    'localhost@evil.com',
    'evil.com#localhost',
    'localhost/x',
    'a b',
  ])('may not be %s, on any path', async (host) => {
    for (const path of ['/api/app', '/healthz', '/orders']) {
      expect(await ask(`GET ${path} HTTP/1.1\nHost: ${host}`)).toMatch(/^(403 HOST_FORBIDDEN|400 REQUEST_MALFORMED)$/)
    }
  })

  it('may not differ from the one in the request line', async () => {
    expect(await ask('GET http://evil.com/api/app HTTP/1.1\nHost: localhost')).toBe('403 HOST_FORBIDDEN')
    expect(await ask('GET http://localhost/api/app HTTP/1.1\nHost: evil.com')).toBe('403 HOST_FORBIDDEN')
    expect(await ask('GET http://localhost/api/app HTTP/1.1\nHost: localhost')).toBe('200')
  })

  it('may be missing in HTTP/1.0, as in the checks of a load balancer, and in no later one', async () => {
    for (const path of ['/readyz', '/api/app']) {
      expect(await ask(`GET ${path} HTTP/1.0`)).toBe('200')
      expect(await ask(`OPTIONS ${path} HTTP/1.0`)).toBe('405 METHOD_NOT_ALLOWED')
      expect(await ask(`GET ${path} HTTP/1.0\nHost: evil.com`)).toBe('403 HOST_FORBIDDEN')
      expect(await ask(`GET ${path} HTTP/1.0\nHost:`)).toBe('400 REQUEST_MALFORMED')
      expect(await ask(`GET ${path} HTTP/1.1`)).toBe('400 REQUEST_MALFORMED')
    }
    expect(await ask('GET http://evil.com/api/app HTTP/1.0')).toBe('403 HOST_FORBIDDEN')
    expect(await ask('GET /readyz HTTP/1.0', ['shop.internal'])).toBe('200')
  })

  it('is judged whatever names were ours before, however many', () => {
    const guard = createGuard({ token: null, hosts: [], origins: [] })
    const admit = (host: string): void => guard.admit(new Request(`http://${host}/api/app`))
    for (let name = 0; name < 250; name++) {
      admit(`name${name}.localhost`)
      for (const evil of ['evil.com', 'name.localhost.evil.com:4400']) expect(() => admit(evil)).toThrow(/evil\.com/)
    }
  })

  it('may be a name that the options allow', async () => {
    expect(await ask('GET /api/app HTTP/1.1\nHost: shop.internal:80', ['Shop.internal'])).toBe('200')
    expect(await ask('GET /api/app HTTP/1.1\nHost: other.internal', ['shop.internal'])).toBe('403 HOST_FORBIDDEN')
  })
})

describe('the origin of a write', () => {
  const write = async (origin: string, origins: readonly string[] = [], path = '/api/runs'): Promise<Response> => {
    const { app } = testApplication()
    const routes = () => () => new Response('done')
    await using server = await serve(app, { port: 0, origins, routes })
    const own = origin === 'own' ? server.url : origin
    const headers = { 'content-type': 'application/json', origin: own }
    const response = await fetch(`${server.url}${path}`, { method: 'POST', headers, body: run })
    return new Response(await response.text(), { status: response.status, headers: response.headers })
  }

  it('may be the server itself, or one that the options allow', async () => {
    expect((await write('own')).status).toBe(201)
    expect((await write('https://shop.example.com', ['https://shop.example.com'])).status).toBe(201)
  })

  it.each(['https://evil.com', 'null', 'http://localhost:1', 'http://127.0.0.1', 'file://', 'own, https://evil.com'])(
    'may not be %s',
    async (origin) => {
      expect(await code(await write(origin))).toBe('ORIGIN_FORBIDDEN')
      expect(await code(await write(origin, [], '/orders'))).toBe('ORIGIN_FORBIDDEN')
    },
  )

  it('is told with the host that came, since a proxy may have named another', async () => {
    // As nginx does unless it is told otherwise: its own address of the node, or the name without the port.
    const refused = (await (await write('https://shop.example.com:8443')).json()) as Problem
    expect(refused.detail).toMatch(/"https:\/\/shop\.example\.com:8443" .* for the host "127\.0\.0\.1:\d+"\.$/)
    expect(refused.hint).toContain('pass the Host on')
  })

  it('does not matter for a read, which no page of another origin can see', async () => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0 })
    const response = await fetch(`${server.url}/api/app`, { headers: { origin: 'https://evil.com' } })
    expect(response.status).toBe(200)
    expect(response.headers.get('access-control-allow-origin')).toBeNull()
    expect(Object.fromEntries(response.headers)).toMatchObject({
      'x-content-type-options': 'nosniff',
      'x-frame-options': 'DENY',
      'content-security-policy': "default-src 'none'; frame-ancestors 'none'",
      'cross-origin-resource-policy': 'same-origin',
      'cache-control': 'no-store',
    })
  })
})

describe('the token', () => {
  const paths = [
    ...ROUTES.map((route) => [route.method, route.path.replace(/\{\w+\}/g, 'x')] as const),
    ...(
      [
        'GET /api',
        'GET /api/',
        'GET /api/none',
        'PUT /api/runs',
        'GET /%61pi/app',
        'GET /hooks/a',
        'POST /callbacks/a',
      ] as const
    ).map((line) => line.split(' ') as [string, string]),
  ]
  const given: readonly (readonly [string, Record<string, string>])[] = [
    ['none', {}],
    ['a wrong one', { authorization: 'Bearer open-sesam' }],
    ['a longer one', { authorization: 'Bearer open-sesame-' }],
    ['two', { authorization: 'Bearer open-sesame, Bearer x' }],
    ['another scheme', { authorization: 'Basic open-sesame' }],
    ['one in the wrong place', { 'x-api-key': 'open-sesame' }],
  ]

  it.each(paths)('guards %s %s', async (method, path) => {
    const { app, asked } = testApplication()
    await using server = await serve(app, { port: 0, token: 'open-sesame' })
    const ask = (headers: Record<string, string>): Promise<Response> =>
      fetch(`${server.url}${path}`, {
        method,
        headers: { 'content-type': 'application/json', ...headers },
        ...(method === 'GET' ? {} : { body: run }),
      })
    // What services ask is judged by their secrets, and there is none here.
    const isForAll = ['/healthz', '/readyz', '/api/session'].includes(path) || /^\/api\/(?:errors|work)\//.test(path)
    for (const [, headers] of given) {
      const response = await ask(headers)
      expect(response.status === 401).toBe(!isForAll)
      expect(response.headers.get('www-authenticate')).toBe(isForAll ? null : 'Bearer')
    }
    expect(asked.filter(([name]) => name !== 'describe')).toEqual([])
    expect((await ask({ authorization: 'Bearer open-sesame' })).status).not.toBe(401)
    expect((await ask({ authorization: 'bearer  open-sesame' })).status).not.toBe(401)
  })

  it('may be one of several while it is changed; a list of none is none', async () => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0, token: ['new', 'old'] })
    const ask = (token: string): Promise<Response> =>
      fetch(`${server.url}/api/app`, { headers: { authorization: `Bearer ${token}` } })
    const answers = await Promise.all(['new', 'old', 'older', 'new,old'].map(ask))
    expect(answers.map(({ status }) => status)).toEqual([200, 200, 401, 401])
    expect(() => handler(app, { token: [] })).toThrow(expect.objectContaining({ code: 'TOKEN_INVALID' }))
    expect(() => handler(app, { token: ['new', ''] })).toThrow(expect.objectContaining({ code: 'TOKEN_INVALID' }))
    await expect(serve(app, { port: 0, host: '0.0.0.0', token: [] })).rejects.toMatchObject({ code: 'BIND_UNSAFE' })
  })

  it.each([
    ['a b', 'has a space or a comma in it'],
    ['a,b', 'has a space or a comma in it'],
    ['open\tsesame', 'has a space or a comma in it'],
    ['open\u00a0sesame', 'has a space or a comma in it'],
    ['sésame', 'has a character in it that is not printable ASCII'],
    ['open\u0000', 'has a character in it that is not printable ASCII'],
    ['a'.repeat(8193), 'has 8193 characters, more than 8192'],
  ])('is refused at the start where no request could have it: %j', async (token, problem) => {
    const { app } = testApplication()
    const refusal = { code: 'TOKEN_INVALID', details: { problem } }
    await expect(serve(app, { port: 0, token })).rejects.toMatchObject(refusal)
    expect(() => handler(app, { token })).toThrow(expect.objectContaining(refusal))
  })

  it('of a handler may not be empty', () => {
    const { app } = testApplication()
    expect(() => handler(app, { token: '' })).toThrow(expect.objectContaining({ code: 'TOKEN_INVALID' }))
    const problemOf = (options: Pick<HandlerOptions, 'token' | 'readToken'>): unknown => {
      try {
        handler(app, options)
      } catch (error) {
        return isBalletError(error) ? error.details['problem'] : error
      }
      return 'none'
    }
    expect(problemOf({ token: 'a', readToken: 'b c' })).toBe('has a space or a comma in it')
    expect(problemOf({ token: 'a', readToken: [] })).toBe('none')
    // Everybody else could do as they like, and only whoever has the token could not.
    expect(problemOf({ token: null, readToken: 'b' })).toBe('only reads, and there is none that allows everything')
    expect(problemOf({ token: ['a', 'b'], readToken: ['c', 'b'] })).toBe(
      'is one that only reads and one that allows everything',
    )
  })

  it('may have every other character, and a whole lot of them', async () => {
    const { app } = testApplication()
    const printable = Array.from({ length: 94 }, (_, at) => String.fromCharCode(33 + at)).filter((one) => one !== ',')
    const token = printable.join('').repeat(88)
    await using server = await serve(app, { port: 0, token })
    const ask = (borne: string) => fetch(`${server.url}/api/app`, { headers: { authorization: `Bearer ${borne}` } })
    expect([(await ask(token)).status, (await ask(token.slice(1))).status]).toEqual([200, 401])
  })

  it("is not asked for by the application's own routes", async () => {
    const { app } = testApplication()
    const routes = () => () => new Response('open')
    await using server = await serve(app, { port: 0, token: 'open-sesame', routes })
    expect(await (await fetch(`${server.url}/orders`)).text()).toBe('open')
  })
})

import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { fault } from '../core/errors.ts'
import type { HttpRoutes } from '../define/application.ts'
import { readJson } from './body.ts'
import { ballet, open, operation, service } from '../index.ts'
import { handler } from './handler.ts'
import type { Problem } from './problem.ts'
import { serve } from './serve.ts'
import { testApplication } from './test-application.ts'
import { connection } from './test-socket.ts'

const quiet = { info: () => {}, warn: () => {}, error: () => {} }
const problem = async (response: Response): Promise<Problem> => (await response.json()) as Problem

/** What the examples do: look at the path, read a body, pass on what is not theirs. */
const orders: HttpRoutes = (app) => async (request) => {
  const { pathname } = new URL(request.url)
  if (pathname === '/orders' && request.method === 'POST') {
    const body = await readJson(request)
    return Response.json({ app: app.name, body }, { status: 202 })
  }
  if (pathname === '/orders' && request.method === 'GET')
    return new Response('all orders', { headers: { 'x-own': '1' } })
  if (pathname === '/declined') throw fault('RUN_UNKNOWN', { id: 'x' })
  if (pathname === '/broken') throw new TypeError('secret')
  if (pathname === '/raw') return new Response(await request.text())
  return undefined
}

describe("the application's own routes", () => {
  it('get every path that is not reserved', async () => {
    const { app } = testApplication()
    const seen: string[] = []
    const routes: HttpRoutes = () => (request) => {
      seen.push(new URL(request.url).pathname)
      return new Response('own')
    }
    await using server = await serve(app, { port: 0, routes })
    const own = ['/', '/orders', '/apis', '/api-docs', '/healthz2', '/v1/api/runs', '/%61pix', '//api']
    const reserved = [
      '/api',
      '/api/',
      '/api/none',
      '/%61pi',
      '/api%2f',
      '/hooks',
      '/hooks/github',
      '/callbacks/1',
      '/healthz/x',
      '/readyz/',
    ]
    for (const path of [...own, ...reserved]) await fetch(`${server.url}${path}`)
    expect(seen).toEqual([...own, '/api%2f'])
  })

  it.each([['a text'], [null], [{ status: 0 }], [5]])(
    'answer with a Response or nothing: %s is told in the log',
    async (given) => {
      const { app } = testApplication()
      const said: string[] = []
      const log = { ...quiet, error: (message: string) => void said.push(message) }
      const routes = (() => async () => given) as unknown as HttpRoutes
      await using server = await serve(app, { port: 0, routes, log })
      const got = await fetch(`${server.url}/own`)
      expect([got.status, (await problem(got)).code]).toEqual([500, 'ROUTE_THREW'])
      expect(said).toEqual(["the application's route for GET /own answered with something that is no Response"])
    },
  )

  it('answer as they like', async () => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0, routes: orders })
    const got = await fetch(`${server.url}/orders`)
    expect([got.status, got.headers.get('x-own'), await got.text()]).toEqual([200, '1', 'all orders'])
    const headers = { 'content-type': 'application/json' }
    const posted = await fetch(`${server.url}/orders`, { method: 'POST', headers, body: '{"a":[1]}' })
    expect([posted.status, await posted.json()]).toEqual([202, { app: 'shop', body: { a: [1] } }])
  })

  it('answer HEAD as GET when they do not know it', async () => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0, routes: orders })
    const head = await fetch(`${server.url}/orders`, { method: 'HEAD' })
    expect([head.status, head.headers.get('x-own'), await head.text()]).toEqual([200, '1', ''])
    expect((await fetch(`${server.url}/none`, { method: 'HEAD' })).status).toBe(404)
  })

  it('that pass a request on leave a 404', async () => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0, routes: orders })
    const response = await fetch(`${server.url}/ordres`)
    expect(response.status).toBe(404)
    expect(await problem(response)).toMatchObject({ code: 'ROUTE_UNKNOWN', instance: '/ordres' })
    await using bare = await serve(app, { port: 0 })
    expect((await fetch(`${bare.url}/orders`)).status).toBe(404)
  })

  it('that throw become a problem: their own, or one that tells nothing', async () => {
    const { app } = testApplication()
    const errors: string[] = []
    const log = {
      ...quiet,
      error: (line: string, data?: unknown) => void errors.push(`${line} ${JSON.stringify(data)}`),
    }
    await using server = await serve(app, { port: 0, routes: orders, log })
    expect(await problem(await fetch(`${server.url}/declined`))).toMatchObject({ status: 404, code: 'RUN_UNKNOWN' })
    expect(errors).toEqual([])
    const response = await fetch(`${server.url}/broken`)
    const text = await response.text()
    expect([response.status, text.includes('secret')]).toEqual([500, false])
    expect(JSON.parse(text)).toMatchObject({ code: 'ROUTE_THREW', details: { method: 'GET', path: '/broken' } })
    expect(errors.join()).toContain('secret')
  })

  it('never read more than the limit', async () => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0, routes: orders, bodyLimitBytes: 1000, log: quiet })
    const ask = (body: string): Promise<Response> => fetch(`${server.url}/raw`, { method: 'POST', body })
    expect(await (await ask('x'.repeat(1000))).text()).toBe('x'.repeat(1000))
    expect(await problem(await ask('x'.repeat(1001)))).toMatchObject({ status: 413, code: 'BODY_TOO_LARGE' })
    const client = await connection(server.port)
    client.send('POST /raw HTTP/1.1\r\nHost: localhost\r\nTransfer-Encoding: chunked\r\n\r\n')
    client.send(`3e9\r\n${'x'.repeat(1001)}\r\n`)
    expect(await client.until(/BODY_TOO_LARGE/)).toMatch(/^HTTP\/1\.1 413 /)
    client.socket.destroy()
  })

  it.each([
    ['a part of its body', 100],
    ['all of its body', 7],
  ])(
    'are told that the body is incomplete when its client had gone, after %s, before they asked for it',
    async (_what, length) => {
      const { app } = testApplication()
      const [begun, code] = [Promise.withResolvers<void>(), Promise.withResolvers<unknown>()]
      const routes: HttpRoutes = () => async (request) => {
        begun.resolve()
        // What a route may do first: it is busy for as long as the client has patience.
        await new Promise((resolve) => request.signal.addEventListener('abort', resolve))
        await new Promise(setImmediate)
        code.resolve(await readJson(request).catch((error: { code: string }) => error.code))
        return new Response('heard by nobody')
      }
      await using server = await serve(app, { port: 0, routes, log: quiet })
      const client = await connection(server.port)
      client.send(
        `POST /own HTTP/1.1\r\nHost: localhost\r\nContent-Type: application/json\r\nContent-Length: ${length}\r\n\r\n`,
      )
      client.send('{"a":1}')
      await begun.promise
      client.socket.destroy()
      expect(await code.promise).toBe('BODY_INCOMPLETE')
    },
  )

  it('read JSON with the guard of the API', async () => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0, routes: orders })
    const headers = { 'content-type': 'application/json' }
    const response = await fetch(`${server.url}/orders`, { method: 'POST', headers, body: '{"__proto__":1}' })
    expect(await problem(response)).toMatchObject({ status: 400, code: 'JSON_KEY_FORBIDDEN' })
  })
})

describe('the body of an answer of the own routes', () => {
  const failing = (parts: readonly string[], until: Promise<void>): ReadableStream => {
    const left = [...parts]
    return new ReadableStream({
      async pull(controller) {
        const part = left.shift()
        if (part !== undefined) return controller.enqueue(new TextEncoder().encode(part))
        await until
        throw new TypeError('secret')
      },
    })
  }
  let seen = Promise.withResolvers<void>()
  const routes: HttpRoutes = () => (request) => {
    const { pathname } = new URL(request.url)
    if (pathname === '/first') return new Response(failing([], Promise.resolve()), { headers: { 'x-own': '1' } })
    if (pathname === '/later') return new Response(failing(['begun'], seen.promise))
    if (pathname === '/refused')
      return new Response(
        new ReadableStream({ pull: (controller) => controller.error(fault('RUN_UNKNOWN', { id: 'x' })) }),
      )
    const headers = new Headers([
      ['set-cookie', 'a=1'],
      ['set-cookie', 'b=2'],
    ])
    return new Response(pathname === '/none' ? null : 'a text', { status: 202, statusText: 'Taken', headers })
  }
  const listening = () => {
    const errors: string[] = []
    const log = {
      ...quiet,
      error: (line: string, data?: unknown) => void errors.push(`${line} ${JSON.stringify(data)}`),
    }
    return { errors, log, app: testApplication().app }
  }

  it('that fails before its first part is a problem that tells nothing', async () => {
    const { app, errors, log } = listening()
    await using server = await serve(app, { port: 0, routes, log })
    const mounted = handler(app, { token: null, routes, log })
    for (const got of [await fetch(`${server.url}/first`), await mounted(new Request('http://localhost/first'))]) {
      const text = await got.text()
      expect([got.status, got.headers.get('x-own'), text.includes('secret')]).toEqual([500, null, false])
      expect(JSON.parse(text)).toMatchObject({ code: 'ROUTE_THREW', details: { method: 'GET', path: '/first' } })
    }
    expect(errors).toHaveLength(2)
    expect(errors[0]).toMatch(/^the application's route for GET \/first threw .*TypeError: secret/)
    expect((await problem(await fetch(`${server.url}/refused`))).code).toBe('RUN_UNKNOWN')
  })

  it.each<[string, () => Response | Promise<Response>]>([
    ['was read', async () => ((response) => response.text().then(() => response))(new Response('once'))],
    ['is being read', () => ((response) => (response.body?.getReader(), response))(new Response('held'))],
    ['has a part that is neither bytes nor a text', () => new Response(ReadableStream.from([{ secret: 1 }]) as never)],
  ])('that %s is a problem that tells nothing', async (_words, make) => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0, routes: () => async () => make(), log: quiet })
    const answered = await fetch(`${server.url}/own`)
    expect([answered.status, (await problem(answered)).code]).toEqual([500, 'ROUTE_THREW'])
  })

  it('may be of texts and of buffers', async () => {
    const { app } = testApplication()
    const parts = ['one, ', new TextEncoder().encode('two, ').buffer, new TextEncoder().encode('three')]
    const mixed: HttpRoutes = () => () => new Response(ReadableStream.from(parts) as never)
    await using server = await serve(app, { port: 0, routes: mixed })
    expect(await (await fetch(`${server.url}/own`)).text()).toBe('one, two, three')
  })

  it('that nobody reads, because it was asked for the head, is not waited for', async () => {
    const { app } = testApplication()
    const never = new ReadableStream({ cancel: () => new Promise(() => {}) })
    const endless: HttpRoutes = () => (request) => (request.method === 'GET' ? new Response(never) : undefined)
    await using server = await serve(app, { port: 0, routes: endless })
    expect((await fetch(`${server.url}/own`, { method: 'HEAD' })).status).toBe(200)
  })

  it('that fails later breaks off, and is in the log', async () => {
    const { app, errors, log } = listening()
    await using server = await serve(app, { port: 0, routes, log })
    const client = await connection(server.port)
    seen = Promise.withResolvers()
    client.send('GET /later HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await client.until(/begun/)
    seen.resolve()
    const all = await client.ended()
    expect([all.startsWith('HTTP/1.1 200 '), all.includes('begun'), all.includes('secret')]).toEqual([
      true,
      true,
      false,
    ])
    // What would say that this was all of it.
    expect(all).not.toMatch(/\r\n0\r\n/)
    expect(errors.join()).toContain('secret')
  })

  it('goes out as it is, with its status and every header', async () => {
    const { app, log } = listening()
    await using server = await serve(app, { port: 0, routes, log })
    for (const [path, body] of [
      ['/text', 'a text'],
      ['/none', ''],
    ] as const) {
      const got = await fetch(`${server.url}${path}`)
      expect([got.status, got.headers.getSetCookie(), await got.text()]).toEqual([202, ['a=1', 'b=2'], body])
    }
  })
})

describe('the routes that the definition of an application brings along', () => {
  const echo = service('echo', { say: operation({ input: z.string(), output: z.string(), run: (text) => text }) })
  const definition = ballet({
    name: 'talk',
    services: [echo],
    http: (app) => async (request) => {
      const { pathname } = new URL(request.url)
      if (pathname !== '/said') return undefined
      const { id } = await app.start(echo.say('hello'))
      return Response.json(await app.result(id))
    },
  })
  const other: HttpRoutes = () => (request) =>
    new URL(request.url).pathname === '/other' ? new Response('other') : undefined

  it('are served by whatever serves the application', async () => {
    await using app = await opened()
    await using server = await serve(app, { port: 0, log: quiet })
    await using early = await serve(Promise.resolve(app), { port: 0, log: quiet })
    const mounted = handler(app, { token: null, log: quiet })
    expect(await (await fetch(`${server.url}/said`)).json()).toBe('hello')
    expect(await (await fetch(`${early.url}/said`)).json()).toBe('hello')
    expect(await (await mounted(new Request('http://localhost/said'))).json()).toBe('hello')
    expect((await mounted(new Request('http://localhost/other'))).status).toBe(404)
  })

  it('give way to others that are given to the server', async () => {
    await using app = await opened()
    await using server = await serve(app, { port: 0, routes: other, log: quiet })
    const mounted = handler(app, { token: null, routes: other, log: quiet })
    const answers = [
      await fetch(`${server.url}/other`),
      await fetch(`${server.url}/said`),
      await mounted(new Request('http://localhost/other')),
      await mounted(new Request('http://localhost/said')),
    ]
    expect(answers.map(({ status }) => status)).toEqual([200, 404, 200, 404])
  })

  async function opened() {
    const app = await open(definition, { store: 'memory:', log: quiet })
    return Object.assign(app, { [Symbol.asyncDispose]: () => app.close() })
  }
})

describe('the handler, mounted in another server', () => {
  const request = (path: string, init: RequestInit = {}): Request =>
    new Request(`https://shop.example.com${path}`, init)

  it('serves the API and the own routes', async () => {
    const { app } = testApplication()
    const answer = handler(app, { token: null, routes: orders })
    expect((await answer(request('/api/app'))).status).toBe(200)
    expect(await (await answer(request('/orders'))).text()).toBe('all orders')
    const body = JSON.stringify({ call: 'checkout', input: {} })
    const headers = { 'content-type': 'application/json' }
    expect((await answer(request('/api/runs', { method: 'POST', headers, body }))).status).toBe(201)
    const foreign = { ...headers, origin: 'https://evil.com' }
    expect((await answer(request('/api/runs', { method: 'POST', headers: foreign, body }))).status).toBe(403)
    const own = { ...headers, origin: 'https://shop.example.com' }
    expect((await answer(request('/api/runs', { method: 'POST', headers: own, body }))).status).toBe(201)
  })

  it('asks for the token, and for the hosts when they are named', async () => {
    const { app } = testApplication()
    const answer = handler(app, { token: 'open-sesame', hosts: ['shop.example.com'] })
    expect((await answer(request('/api/app'))).status).toBe(401)
    expect((await answer(request('/api/app', { headers: { authorization: 'Bearer open-sesame' } }))).status).toBe(200)
    expect((await answer(new Request('https://evil.com/api/app'))).status).toBe(403)
  })
})

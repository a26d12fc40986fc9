import { describe, expect, it } from 'vitest'
import type { Clock } from '../core/clock.ts'
import type { RunView } from '../core/views.ts'
import type { Application } from '../define/application.ts'
import type { Problem } from './problem.ts'
import { serve } from './serve.ts'
import { RUN, testApplication } from './test-application.ts'
import { connection } from './test-socket.ts'

const code = async (response: Response): Promise<string> => ((await response.json()) as Problem).code
const waiting = 'checkout:8841?wait=60s'

/** An application whose `settled` does not end by itself, and what became of the signals that it was given. */
function patient(answers: Partial<Application> = {}): {
  app: Application
  signals: AbortSignal[]
  asked: () => Promise<void>
} {
  const signals: AbortSignal[] = []
  const waiters: (() => void)[] = []
  const { app } = testApplication({
    settled: (_id, _waitMs, signal) => {
      if (signal !== undefined) signals.push(signal)
      for (const waiter of waiters.splice(0)) waiter()
      return new Promise<RunView | null>((resolve) => {
        signal?.addEventListener('abort', () => resolve(RUN))
      })
    },
    ...answers,
  })
  return { app, signals, asked: () => new Promise((resolve) => waiters.push(resolve)) }
}

describe('close', () => {
  it('answers waits with the run as it is, and takes no time for it', async () => {
    const { app, signals, asked } = patient()
    const server = await serve(app, { port: 0, graceMs: 60_000 })
    const begun = asked()
    const answer = fetch(`${server.url}/api/runs/${waiting}`)
    await begun
    await server.close()
    const response = await answer
    expect([response.status, await response.json()]).toEqual([200, RUN])
    expect(signals.map((signal) => signal.aborted)).toEqual([true])
  })

  it('lets a request under way finish first', async () => {
    const slow = Promise.withResolvers<{ items: [] }>()
    const { app, asked } = testApplication({ runs: () => slow.promise })
    // A clock on which everything but the grace is over at once.
    const clock: Clock = {
      now: () => 0,
      after(delayMs, callback) {
        if (delayMs < 60_000) callback()
        return () => {}
      },
    }
    const server = await serve(app, { port: 0, graceMs: 60_000, clock })
    const client = await connection(server.port)
    client.send('GET /api/runs HTTP/1.1\r\nHost: localhost\r\n\r\nGET /api/app HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await until(() => asked.length > 0)
    const closed = server.close()
    slow.resolve({ items: [] })
    await closed
    const answers = await client.ended()
    expect(answers.match(/HTTP\/1\.1 \d+/g)?.[0]).toBe('HTTP/1.1 200')
    await expect(fetch(server.url)).rejects.toThrow('fetch failed')
  })

  it('serves a connection that was kept to the end of its next answer, and is not longer about it than that', async () => {
    const { app } = testApplication()
    const server = await serve(app, { port: 0, drainMs: 600_000 })
    const clients = await Promise.all([connection(server.port), connection(server.port)])
    const request = 'GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n'
    for (const client of clients) client.send(request)
    for (const client of clients) await client.until(/keep-alive/)
    const closed = server.close()
    await expect(fetch(server.url)).rejects.toThrow('fetch failed')
    for (const client of clients) client.send(request)
    for (const client of clients)
      expect((await client.ended()).match(/HTTP\/1\.1 \d+|connection: [a-z-]+/gi)).toEqual([
        'HTTP/1.1 200',
        'Connection: keep-alive',
        'HTTP/1.1 200',
        'connection: close',
      ])
    await closed
  })

  it('ends a connection that was kept and on which nothing comes', async () => {
    const server = await serve(testApplication().app, { port: 0, drainMs: 0 })
    const client = await connection(server.port)
    client.send('GET /healthz HTTP/1.1\r\nHost: localhost\r\n\r\n')
    await client.until(/keep-alive/)
    await server.drain()
    expect(await client.ended()).toMatch(/^HTTP\/1\.1 200 OK/)
    await server.close()
  })

  it('refuses what comes on open connections, except for the probe of the process', async () => {
    const slow = Promise.withResolvers<{ items: [] }>()
    const { app, asked } = testApplication({ runs: () => slow.promise })
    const server = await serve(app, { port: 0, drainMs: 0, graceMs: 60_000, routes: () => () => new Response('own') })
    const ports = ['/api/app', '/readyz', '/orders', '/healthz']
    const clients = await Promise.all(ports.map(() => connection(server.port)))
    // A connection is kept when it has a request under way: half of one, here.
    for (const [at, client] of clients.entries()) client.send(`GET ${ports[at]} HTTP/1.1\r\nHost: localhost\r\nX-`)
    const pending = fetch(`${server.url}/api/runs`)
    await until(() => asked.length > 0)
    await server.drain()
    const closed = server.close()
    for (const client of clients) client.send('A: b\r\n\r\n')
    const answers = await Promise.all(clients.map((client) => client.ended()))
    expect(answers.map((answer) => answer.slice(9, 12))).toEqual(['503', '503', '503', '200'])
    expect(answers[0]).toMatch(/connection: close[^]*retry-after: 1[^]*APP_CLOSED/i)
    slow.resolve({ items: [] })
    await closed
    expect((await pending).status).toBe(200)
  })

  it('ends what does not finish within the grace', async () => {
    const { app, asked } = testApplication({ runs: () => new Promise(() => {}) })
    const server = await serve(app, { port: 0, graceMs: 20 })
    const pending = fetch(`${server.url}/api/runs`).catch(String)
    await until(() => asked.length > 0)
    await server.close()
    expect(await pending).toContain('fetch failed')
  })

  it('is safe twice, frees the port and leaves the application open', async () => {
    const { app, asked } = testApplication()
    const server = await serve(app, { port: 0 })
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
    await Promise.all([server.close(), server.close()])
    await server.close()
    await using again = await serve(app, { port: server.port })
    expect(again.port).toBe(server.port)
    expect(asked).toEqual([])
  })
})

describe('a wait', () => {
  it('is given up when the client has gone', async () => {
    const { app, signals, asked } = patient()
    await using server = await serve(app, { port: 0 })
    const begun = asked()
    const stop = new AbortController()
    const answer = fetch(`${server.url}/api/runs/${waiting}`, { signal: stop.signal }).catch(String)
    await begun
    const given = signals[0]
    stop.abort()
    expect(await answer).toContain('AbortError')
    await new Promise((resolve) => {
      if (given?.aborted) resolve(undefined)
      else given?.addEventListener('abort', resolve)
    })
    expect(given?.aborted).toBe(true)
  })

  it('holds nothing once it is answered, a thousand times', async () => {
    const signals: AbortSignal[] = []
    const { app } = testApplication({
      settled: (_id, _waitMs, signal) => {
        if (signal !== undefined) signals.push(signal)
        return Promise.resolve(RUN)
      },
    })
    const server = await serve(app, { port: 0 })
    for (let batch = 0; batch < 20; batch++) {
      const answers = await Promise.all(Array.from({ length: 50 }, () => fetch(`${server.url}/api/runs/${waiting}`)))
      await Promise.all(answers.map((answer) => answer.text()))
    }
    await server.close()
    expect([signals.length, signals.filter((signal) => signal.aborted).length]).toEqual([1000, 0])
  })
})

describe('an application that is still recovering', () => {
  it('is up but not ready, and takes work once it is there', async () => {
    const { app } = testApplication()
    const opening = Promise.withResolvers<Application>()
    await using server = await serve(opening.promise, { port: 0, routes: () => () => new Response('own') })
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
    for (const path of ['/readyz', '/api/app', '/orders']) {
      const response = await fetch(`${server.url}${path}`)
      expect([response.status, response.headers.get('retry-after'), await code(response)]).toEqual([
        503,
        '1',
        'NOT_READY',
      ])
    }
    opening.resolve(app)
    await opening.promise
    expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
    expect(await (await fetch(`${server.url}/orders`)).text()).toBe('own')
  })

  it('stays so when it cannot be opened', async () => {
    const errors: unknown[] = []
    const log = { info: () => {}, warn: () => {}, error: (line: string) => void errors.push(line) }
    await using server = await serve(Promise.reject(new TypeError('no disk')), { port: 0, log })
    expect(await code(await fetch(`${server.url}/readyz`))).toBe('NOT_READY')
    expect(errors).toEqual(['the application is not ready'])
  })
})

/** Resolves once a condition holds; it is looked at whenever the event loop comes round. */
async function until(condition: () => boolean): Promise<void> {
  while (!condition()) {
    await new Promise((resolve) => {
      setImmediate(resolve)
    })
  }
}

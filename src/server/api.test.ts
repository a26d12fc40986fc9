import { describe, expect, it } from 'vitest'
import { fault } from '../core/errors.ts'
import { serve } from './serve.ts'
import { testApplication } from './test-application.ts'
import type { Problem } from './problem.ts'

const json = { 'content-type': 'application/json' }
const post = (body: unknown): RequestInit => ({ method: 'POST', headers: json, body: JSON.stringify(body) })
const problem = async (response: Response): Promise<Problem> => (await response.json()) as Problem

describe('POST /api/runs', () => {
  it('starts a run: 201, and where it is', async () => {
    const { app, asked } = testApplication()
    await using server = await serve(app, { port: 0 })
    const response = await fetch(`${server.url}/api/runs`, post({ call: 'checkout', input: { orderId: '8841' } }))
    expect(response.status).toBe(201)
    expect(response.headers.get('location')).toBe('/api/runs/checkout:8841')
    expect(response.headers.get('content-type')).toBe('application/json')
    expect(await response.json()).toEqual({ id: 'checkout:8841', created: true })
    expect(asked).toEqual([['startNamed', { call: 'checkout', input: { orderId: '8841' }, id: undefined }]])
  })

  it('hands the times on, and says when an overloaded application may be asked again', async () => {
    const { app, asked } = testApplication({
      startNamed: () => Promise.reject(fault('OVERLOADED', { problem: '10,000 runs are under way', seconds: 7 })),
    })
    await using server = await serve(app, { port: 0 })
    const times = { at: '2026-12-24T18:00:00Z', deadline: '2026-12-25T18:00:00+01:00' }
    const response = await fetch(`${server.url}/api/runs`, post({ call: 'checkout', input: 1, ...times }))
    expect(asked).toEqual([['startNamed', { call: 'checkout', input: 1, ...times }]])
    expect([response.status, response.headers.get('retry-after')]).toEqual([429, '7'])
    expect(await problem(response)).toMatchObject({ code: 'OVERLOADED', details: { seconds: 7 } })
  })

  it('answers 200 when the run exists, and 409 when it has another input', async () => {
    const { app } = testApplication({
      startNamed: ({ id = '', input }) =>
        input === 1 ? Promise.resolve({ id, created: false }) : Promise.reject(fault('RUN_CONFLICT', { id })),
    })
    await using server = await serve(app, { port: 0 })
    const same = await fetch(`${server.url}/api/runs`, post({ call: 'checkout', input: 1, id: 'a/b' }))
    expect([same.status, same.headers.get('location')]).toEqual([200, '/api/runs/a%2Fb'])
    const other = await fetch(`${server.url}/api/runs`, post({ call: 'checkout', input: 2, id: 'x' }))
    expect(other.status).toBe(409)
    expect(other.headers.get('content-type')).toBe('application/problem+json')
    expect(await problem(other)).toEqual({
      type: '/api/errors/RUN_CONFLICT',
      title: 'Run conflict',
      status: 409,
      code: 'RUN_CONFLICT',
      detail: 'The run "x" exists with another input.',
      hint: 'Use another id, or the same input.',
      instance: '/api/runs',
      details: { id: 'x' },
    })
  })

  it.each([
    [[], 'the top', 'it must be an object with call, input, id, at, deadline'],
    [{ call: 'checkout', inptu: {} }, 'inptu', 'there is no such field, perhaps "input"'],
    [{ call: 'checkout', zzzzzz: {} }, 'zzzzzz', 'there is no such field (only call, input, id, at, deadline)'],
    [{ input: {} }, 'call', 'it is missing'],
    [{ call: 7, input: {} }, 'call', 'it must be a string that is not empty'],
    [{ call: 'checkout', input: {}, id: '' }, 'id', 'it must be a string that is not empty'],
    [{ call: 'checkout', input: {}, at: 1764547200000 }, 'at', 'it must be a string that is not empty'],
  ])('refuses %j', async (body, path, why) => {
    const { app, asked } = testApplication()
    await using server = await serve(app, { port: 0 })
    const response = await fetch(`${server.url}/api/runs`, post(body))
    expect(response.status).toBe(422)
    expect(await problem(response)).toMatchObject({ code: 'REQUEST_INVALID', details: { path, problem: why } })
    expect(asked).toEqual([])
  })
})

describe('GET /api/runs', () => {
  it('hands every filter on', async () => {
    const { app, asked } = testApplication()
    await using server = await serve(app, { port: 0 })
    const query =
      'name=checkout&status=running,stuck&status=failed&reason=threw&kind=workflow&key=orderId:8841&root=run:a&limit=5&cursor=c'
    const response = await fetch(`${server.url}/api/runs?${query}`)
    expect(response.status).toBe(200)
    expect(await response.json()).toMatchObject({ items: [{ id: 'checkout:8841' }], cursor: 'next' })
    expect(asked).toEqual([
      [
        'runs',
        {
          name: 'checkout',
          status: ['running', 'stuck', 'failed'],
          reason: 'threw',
          kind: 'workflow',
          key: 'orderId:8841',
          root: 'run:a',
          limit: 5,
          cursor: 'c',
        },
      ],
    ])
  })

  it.each([
    ['stauts=running', 'stauts', 'there is no such parameter, perhaps "status"'],
    ['status=done', 'status', 'it must be one of running, stuck, completed, failed, cancelled'],
    ['reason=bug', 'reason', 'it must be one of call, threw, diverged, limit, poisoned, conflict, unreadable'],
    ['kind=saga', 'kind', 'it must be one of workflow, operation, reaction, choreography'],
    ['limit=0', 'limit', 'it must be a whole number from 1 to 1000'],
    ['limit=1001', 'limit', 'it must be a whole number from 1 to 1000'],
    ['limit=1e2', 'limit', 'it must be a whole number from 1 to 1000'],
    ['name=', 'name', 'it is empty'],
    ['name=a%00', 'name', 'it has a null character, which nothing that is kept has'],
    ['name=a&name=b', 'name', 'it is given more than once'],
    ['key=8841', 'key', 'it must be field:value, for example orderId:8841'],
  ])('refuses ?%s', async (query, name, why) => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0 })
    const response = await fetch(`${server.url}/api/runs?${query}`)
    expect(response.status).toBe(400)
    expect(await problem(response)).toMatchObject({ code: 'QUERY_INVALID', details: { name, problem: why } })
  })
})

describe('GET /api/runs/{id}', () => {
  it.each(['checkout:8841~gift-wrap.0', 'payment:order.created:shop/7', 'a/b#c~d%25', 'x+y=z@w'])(
    'finds %s',
    async (id) => {
      const { app, asked } = testApplication()
      await using server = await serve(app, { port: 0 })
      const response = await fetch(`${server.url}/api/runs/${encodeURIComponent(id)}`)
      expect(response.status).toBe(404)
      expect(await problem(response)).toMatchObject({ code: 'RUN_UNKNOWN', details: { id } })
      expect(asked).toEqual([['run', id]])
    },
  )

  it('answers 200 with the run, at once or at the end of a wait', async () => {
    const { app, asked } = testApplication()
    await using server = await serve(app, { port: 0 })
    expect((await fetch(`${server.url}/api/runs/checkout:8841`)).status).toBe(200)
    expect((await fetch(`${server.url}/api/runs/checkout:8841?wait=1.5s`)).status).toBe(200)
    expect(asked.map(([name, id, waitMs]) => [name, id, waitMs])).toEqual([
      ['run', 'checkout:8841', undefined],
      ['settled', 'checkout:8841', 1500],
    ])
    expect((await fetch(`${server.url}/api/runs/nobody?wait=1s`)).status).toBe(404)
  })

  it.each([
    ['30', 'it must be a number with ms, s or m, for example 30s'],
    ['-1s', 'it must be a number with ms, s or m, for example 30s'],
    ['61s', 'it must be at most 60s'],
  ])('refuses ?wait=%s', async (wait, why) => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0 })
    const response = await fetch(`${server.url}/api/runs/checkout:8841?wait=${wait}`)
    expect(response.status).toBe(400)
    expect(await problem(response)).toMatchObject({ code: 'QUERY_INVALID', details: { name: 'wait', problem: why } })
  })

  it('does not look for what no run can be called', async () => {
    const { app, asked } = testApplication()
    await using server = await serve(app, { port: 0 })
    for (const id of ['%00', 'a%20b', '%ED%A0%80', '%zz%ff']) {
      expect((await fetch(`${server.url}/api/runs/${id}`)).status).toBe(404)
    }
    expect(asked.filter(([name, id]) => name === 'run' && /[^\x21-\x7e]/.test(String(id)))).toEqual([])
  })
})

describe('the journal, signals, keys, the graph and the application', () => {
  it('reads a page of a journal', async () => {
    const { app, asked } = testApplication()
    await using server = await serve(app, { port: 0 })
    expect((await fetch(`${server.url}/api/runs/checkout:8841/journal?limit=2&cursor=5`)).status).toBe(200)
    expect((await fetch(`${server.url}/api/runs/nobody/journal`)).status).toBe(404)
    expect(asked).toEqual([
      ['journal', 'checkout:8841', { limit: 2, cursor: '5' }],
      ['journal', 'nobody', {}],
    ])
  })

  it('sends a signal: 202, and 200 when it had come before', async () => {
    const { app, asked } = testApplication({
      signalNamed: ({ id = 's-1' }) => Promise.resolve({ id, created: id !== 'again' }),
    })
    await using server = await serve(app, { port: 0 })
    const url = `${server.url}/api/runs/checkout:8841~gift-wrap.0/signals/cancel-order`
    const first = await fetch(url, post({ data: { by: 'ann' } }))
    expect([first.status, await first.json()]).toEqual([202, { id: 's-1', created: true }])
    const second = await fetch(url, post({ data: { by: 'ann' }, id: 'again' }))
    expect([second.status, await second.json()]).toEqual([200, { id: 'again', created: false }])
    expect(asked[0]).toEqual([
      'signalNamed',
      { run: 'checkout:8841~gift-wrap.0', name: 'cancel-order', data: { by: 'ann' }, id: undefined },
    ])
    const third = await fetch(url, post({ date: 1 }))
    expect(await problem(third)).toMatchObject({ code: 'REQUEST_INVALID', details: { path: 'date' } })
  })

  it('shows a key, and refuses what is none', async () => {
    const { app, asked } = testApplication()
    await using server = await serve(app, { port: 0 })
    const response = await fetch(`${server.url}/api/keys/orderId/8841`)
    expect([response.status, await response.json()]).toMatchObject([200, { field: 'orderId', value: '8841' }])
    await fetch(`${server.url}/api/keys/orderId/8841?cursor=1-2`)
    expect(asked).toEqual([
      ['key', 'orderId', '8841', undefined],
      ['key', 'orderId', '8841', '1-2'],
    ])
    expect(await problem(await fetch(`${server.url}/api/keys/orderId/a%20b`))).toMatchObject({ code: 'KEY_INVALID' })
    expect(await problem(await fetch(`${server.url}/api/keys/9x/a`))).toMatchObject({ code: 'KEY_INVALID' })
  })

  it('shows a graph by its root', async () => {
    const { app, asked } = testApplication()
    await using server = await serve(app, { port: 0 })
    const response = await fetch(`${server.url}/api/graph?root=${encodeURIComponent('event:shop:e#1')}`)
    expect([response.status, await response.json()]).toMatchObject([200, { root: 'event:shop:e#1', events: [] }])
    expect(asked).toEqual([['graph', 'event:shop:e#1', undefined]])
    expect(await problem(await fetch(`${server.url}/api/graph`))).toMatchObject({ details: { name: 'root' } })
  })

  it('shows the application and whether it is there', async () => {
    const { app } = testApplication()
    await using server = await serve(app, { port: 0 })
    expect(await (await fetch(`${server.url}/api/app`)).json()).toMatchObject({ name: 'shop' })
    expect(await (await fetch(`${server.url}/healthz`)).json()).toEqual({ status: 'up' })
    expect(await (await fetch(`${server.url}/readyz`)).json()).toEqual({
      status: 'ready',
      recovered: { runs: 0, stuck: 0, durationMs: 1 },
    })
  })
})

describe('GET /api/events', () => {
  it('hands every filter on', async () => {
    const { app, asked } = testApplication()
    await using server = await serve(app, { port: 0 })
    const query = 'key=orderId:8841&type=order.created,order.shipped&published=true&cursor=3&limit=9'
    expect((await fetch(`${server.url}/api/events?${query}`)).status).toBe(200)
    expect(asked).toEqual([
      [
        'events',
        { key: 'orderId:8841', types: ['order.created', 'order.shipped'], published: true, cursor: '3', limit: 9 },
      ],
    ])
    expect((await fetch(`${server.url}/api/events?published=yes`)).status).toBe(400)
  })
})

describe('an error', () => {
  it('that nobody expected is logged with its stack and told without', async () => {
    const errors: unknown[] = []
    const log = { info: () => {}, warn: () => {}, error: (...line: unknown[]) => void errors.push(line) }
    const { app } = testApplication({ runs: () => Promise.reject(new TypeError('secret /etc/passwd')) })
    await using server = await serve(app, { port: 0, log })
    const response = await fetch(`${server.url}/api/runs`)
    const text = await response.text()
    expect([response.status, text.includes('secret'), text.includes('.ts')]).toEqual([500, false, false])
    expect(JSON.parse(text)).toMatchObject({ code: 'INVARIANT', instance: '/api/runs' })
    expect(JSON.stringify(errors)).toContain('secret /etc/passwd')
  })

  it('that passes says when to ask again', async () => {
    const { app } = testApplication({ runs: () => Promise.reject(fault('STORE_FAILED', { problem: 'disk full' })) })
    await using server = await serve(app, { port: 0 })
    const response = await fetch(`${server.url}/api/runs`)
    expect([response.status, response.headers.get('retry-after')]).toEqual([503, '1'])
  })
})

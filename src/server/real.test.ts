// The API on the real engine: what a client is told is what happened, what is refused left nothing behind, and what was
// acknowledged outlives the process's memory.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it } from 'vitest'
import { z } from 'zod'
import type { RunView, EventView, KeyView, Page } from '../core/views.ts'
import type { Application } from '../define/application.ts'
import { ballet, event, open, operation, service, signal, workflow } from '../index.ts'
import { silentLog } from '../engine/log.ts'
import type { Problem } from './problem.ts'
import { serve, type Serving } from './serve.ts'

const Order = z.object({ orderId: z.string(), items: z.array(z.object({ sku: z.string(), qty: z.int() })).default([]) })
const OrderCreated = event('order.created', Order, { key: 'orderId' })
const Wrapped = event('gift.wrapped', z.object({ orderId: z.string() }), { key: 'orderId' })
const Cancel = signal('cancel-order', z.object({ by: z.string() }))
const Numbers = z.object({ numbers: z.array(z.number()) })

function definition() {
  const gifts = service('gifts', {
    wrap: operation({ input: Order, outcomes: [Wrapped], run: ({ orderId }) => Wrapped({ orderId }) }),
    // Says what was delivered to it, to see that nothing is lost on the way.
    echo: operation({ input: Numbers, output: Numbers, run: (input) => input }),
  })
  gifts.on(OrderCreated, (order) => gifts.wrap(order))
  const wrapping = workflow(
    'gift-wrap',
    { input: Order, output: z.object({ done: z.boolean() }) },
    async (run, order) => {
      await run.call(gifts.wrap(order))
      return { done: true }
    },
  )
  const checkout = workflow(
    'checkout',
    { input: Order, output: z.object({ by: z.string() }), key: 'orderId', signals: [Cancel] },
    async (run, order) => {
      await run.call(wrapping(order))
      const cancelled = await run.receive(Cancel)
      return { by: cancelled.data.by }
    },
  )
  return ballet({ name: 'shop', services: [gifts], workflows: [checkout, wrapping], events: [OrderCreated] })
}

let app: Application
let server: Serving
beforeEach(async () => {
  app = await open(definition(), { store: 'memory:', log: silentLog })
  server = await serve(app, { port: 0, log: silentLog })
})
afterEach(async () => {
  await server.close()
  await app.close()
})

const headers = { 'content-type': 'application/json' }
const post = (path: string, body: unknown): Promise<Response> =>
  fetch(`${server.url}${path}`, { method: 'POST', headers, body: JSON.stringify(body) })
async function get<Answer>(path: string): Promise<Answer> {
  const response = await fetch(`${server.url}${path}`)
  return (await response.json()) as Answer
}
const problem = async (response: Response): Promise<Problem> => (await response.json()) as Problem

describe('a run', () => {
  it('is started once, however many ask at the same time', async () => {
    const order = { call: 'checkout', input: { orderId: '8841' } }
    const answers = await Promise.all(Array.from({ length: 30 }, () => post('/api/runs', order)))
    expect(answers.map(({ status }) => status).sort((left, right) => left - right)).toEqual([
      ...Array.from({ length: 29 }, () => 200),
      201,
    ])
    const ids = await Promise.all(answers.map(async (answer) => ((await answer.json()) as { id: string }).id))
    expect(new Set(ids)).toEqual(new Set(['checkout:8841']))
    const other = await post('/api/runs', {
      call: 'checkout',
      input: { orderId: '8841', items: [{ sku: 'a', qty: 1 }] },
    })
    expect([other.status, (await problem(other)).code]).toEqual([409, 'RUN_CONFLICT'])
    expect((await get<Page<RunView>>('/api/runs?name=checkout')).items.length).toBe(1)
  })

  it('has a child with a path of its own, takes a signal once, and ends', async () => {
    await post('/api/runs', { call: 'checkout', input: { orderId: '1' } })
    const { items } = await get<Page<RunView>>('/api/runs?name=gift-wrap')
    const child = items[0]?.id ?? ''
    expect(child).toMatch(/^checkout:1~/)
    const ended = await get<RunView>(`/api/runs/${encodeURIComponent(child)}?wait=10s`)
    expect([ended.status, ended.parent, ended.output]).toEqual(['completed', 'checkout:1', { done: true }])
    const cancel = (data: unknown): Promise<Response> => post('/api/runs/checkout:1/signals/cancel-order', data)
    const answers = await Promise.all([1, 2, 3].map(() => cancel({ data: { by: 'Ann' }, id: 'c-1' })))
    const statuses = answers.map(({ status }) => status)
    // The first is taken; the others are the same one, or come when the run has ended by it.
    expect(statuses.filter((status) => status === 202)).toEqual([202])
    expect(statuses.filter((status) => ![202, 200, 409].includes(status))).toEqual([])
    const run = await get<RunView>('/api/runs/checkout:1?wait=10s')
    expect([run.status, run.output, run.waits]).toEqual(['completed', { by: 'Ann' }, []])
    const late = await cancel({ data: { by: 'Bob' } })
    expect([late.status, (await problem(late)).code]).toEqual([409, 'RUN_ENDED'])
  })

  it('gets its numbers and strings as they were sent', async () => {
    const numbers = [0.1, 1e21, -1.5e-7, 9007199254740991, 5e-324]
    const started = await post('/api/runs', { call: 'gifts.echo', input: { numbers }, id: 'echo' })
    expect(started.status).toBe(201)
    expect((await get<RunView>('/api/runs/echo?wait=10s')).output).toEqual({ numbers })
  })

  it('is listed page by page, each once', async () => {
    for (let at = 0; at < 7; at++)
      await post('/api/runs', { call: 'gifts.wrap', input: { orderId: `o${at}` }, id: `r${at}` })
    const seen: string[] = []
    for (let cursor: string | undefined = ''; cursor !== undefined;) {
      const page: Page<RunView> = await get(
        `/api/runs?kind=operation&limit=3${cursor === '' ? '' : `&cursor=${cursor}`}`,
      )
      seen.push(...page.items.map(({ id }) => id))
      ;({ cursor } = page)
    }
    expect(seen).toEqual(['r6', 'r5', 'r4', 'r3', 'r2', 'r1', 'r0'])
    expect((await problem(await fetch(`${server.url}/api/runs?cursor=%2F`))).code).toBe('QUERY_INVALID')
  })
})

describe('what is refused', () => {
  it.each<[string, unknown, number, string, string]>([
    ['/api/runs', { call: 'chekout', input: {} }, 422, 'CALL_UNKNOWN', 'Did you mean "checkout"?'],
    ['/api/runs', { call: 'checkout' }, 422, 'INPUT_INVALID', 'the input of checkout'],
    [
      '/api/runs',
      { call: 'checkout', input: { orderId: '1', items: [{ sku: 'a', qty: 'x' }] } },
      422,
      'INPUT_INVALID',
      'items.0.qty',
    ],
    ['/api/runs', { call: 'checkout', input: { orderId: 'a/b' } }, 422, 'KEY_INVALID', 'orderId'],
    ['/api/runs', { call: 'checkout', input: { orderId: '1' }, id: 'a~b' }, 422, 'ID_INVALID', 'a~b'],
    ['/api/runs', { call: 'checkout', input: { orderId: '1' }, id: 'x'.repeat(257) }, 422, 'ID_INVALID', '256'],
    ['/api/events', { type: 'order.craeted', data: {} }, 422, 'EVENT_UNKNOWN', 'Did you mean "order.created"?'],
    ['/api/events', { type: 'order.created', data: { orderId: 7 } }, 422, 'INPUT_INVALID', 'orderId'],
    ['/api/events', { type: 'order.created', data: { orderId: '1' }, subject: '2' }, 422, 'REQUEST_INVALID', 'subject'],
    ['/api/events', { type: 'order.created', data: { orderId: '1' }, id: 'a b' }, 422, 'ID_INVALID', 'a b'],
    ['/api/runs/none/signals/cancel-order', { data: { by: 'a' } }, 404, 'RUN_UNKNOWN', 'none'],
  ])('%s %j', async (path, body, status, code, words) => {
    const response = await post(path, body)
    const answer = await problem(response)
    expect([response.status, answer.code]).toEqual([status, code])
    expect(answer.detail).toContain(words)
    expect((await get<Page<RunView>>('/api/runs')).items).toEqual([])
    expect((await get<Page<EventView>>('/api/events')).items).toEqual([])
  })

  it('by a run leaves the run as it was', async () => {
    await post('/api/runs', { call: 'checkout', input: { orderId: '1' } })
    const unknown = await problem(await post('/api/runs/checkout:1/signals/cancel', { data: { by: 'a' } }))
    expect([unknown.code, unknown.details['nearest']]).toEqual(['SIGNAL_UNKNOWN', undefined])
    const bare = await problem(await post('/api/runs/checkout:1/signals/cancel-order', { by: 'a' }))
    expect(bare).toMatchObject({ code: 'REQUEST_INVALID', details: { path: 'data' } })
    const wrong = await problem(await post('/api/runs/checkout:1/signals/cancel-order', { data: { by: 1 } }))
    expect([wrong.code, wrong.details['path']]).toEqual(['INPUT_INVALID', 'by'])
    expect((await get<RunView>('/api/runs/checkout:1')).status).toBe('running')
  })
})

describe('an event', () => {
  it('is published once, reacted to, and shown with what it caused', async () => {
    const body = {
      specversion: '1.0',
      id: 'web/7#1',
      source: 'web',
      type: 'order.created',
      data: { orderId: '5', items: [] },
    }
    const answers = await Promise.all([1, 2, 3].map(() => post('/api/events', body)))
    expect(answers.map(({ status }) => status).sort((left, right) => left - right)).toEqual([200, 200, 202])
    const positions = await Promise.all(
      answers.map(async (answer) => ((await answer.json()) as { position: number }).position),
    )
    expect(new Set(positions).size).toBe(1)
    const conflict = await post('/api/events', { ...body, data: { orderId: '6', items: [] } })
    expect([conflict.status, (await problem(conflict)).code]).toEqual([409, 'EVENT_CONFLICT'])
    const runs = await get<Page<RunView>>('/api/runs?kind=reaction')
    const [reaction] = runs.items
    expect(runs.items.length).toBe(1)
    const ended = await get<RunView>(`/api/runs/${encodeURIComponent(reaction?.id ?? '')}?wait=10s`)
    expect([ended.status, ended.cause]).toEqual(['completed', 'event:web:web/7#1'])
    const of = await get<KeyView>('/api/keys/orderId/5')
    expect([of.runs.length, of.events.map(({ type }) => type)]).toEqual([1, ['order.created', 'gift.wrapped']])
    const graph = await get<KeyView>(`/api/graph?root=${encodeURIComponent('event:web:web/7#1')}`)
    expect([graph.runs.length, graph.events.length]).toEqual([1, 2])
  })

  it('that one application shows, another takes as it is', async () => {
    await post('/api/events', { type: 'order.created', id: 'e-1', data: { orderId: '5', items: [] } })
    const { items } = await get<Page<EventView>>('/api/events?type=order.created')
    const other = await open(definition(), { store: 'memory:', log: silentLog })
    await using second = await serve(other, { port: 0 })
    const sent = await fetch(`${second.url}/api/events`, {
      method: 'POST',
      headers: { 'content-type': 'application/cloudevents+json' },
      body: JSON.stringify(items[0]),
    })
    expect(sent.status).toBe(202)
    await other.close()
  })
})

describe('a wait', () => {
  it('ends with the run, with the time, or with the server', async () => {
    await post('/api/runs', { call: 'checkout', input: { orderId: '1' } })
    expect((await get<RunView>('/api/runs/checkout:1?wait=20ms')).status).toBe('running')
    const toEnd = get<RunView>('/api/runs/checkout:1?wait=60s')
    await post('/api/runs/checkout:1/signals/cancel-order', { data: { by: 'Ann' } })
    expect((await toEnd).status).toBe('completed')
    await post('/api/runs', { call: 'checkout', input: { orderId: '2' } })
    const cut = get<RunView>('/api/runs/checkout:2?wait=60s')
    // The child's end comes after the wait was begun or before: either way the parent goes on waiting.
    await get<RunView>('/api/runs/checkout:2?wait=20ms')
    await server.close()
    expect((await cut).status).toBe('running')
  })
})

describe('an application that has closed', () => {
  it('is up, not ready, and takes nothing', async () => {
    await app.close()
    expect((await fetch(`${server.url}/healthz`)).status).toBe(200)
    expect((await fetch(`${server.url}/readyz`)).status).toBe(503)
    const start = await post('/api/runs', { call: 'checkout', input: { orderId: '1' } })
    expect([start.status, start.headers.get('retry-after'), (await problem(start)).code]).toEqual([
      503,
      '1',
      'APP_CLOSED',
    ])
  })
})

describe('on a file', () => {
  it('what was acknowledged is there after a restart', async () => {
    const folder = mkdtempSync(join(tmpdir(), 'ballet-http-'))
    const store = `file:${join(folder, 'shop.db')}`
    try {
      for (const round of [1, 2]) {
        const opened = await open(definition(), { store, log: silentLog })
        await using filed = await serve(opened, { port: 0 })
        const response = await fetch(`${filed.url}/api/runs`, {
          method: 'POST',
          headers,
          body: JSON.stringify({ call: 'checkout', input: { orderId: '1' } }),
        })
        expect(response.status).toBe(round === 1 ? 201 : 200)
        await response.text()
        await filed.close()
        await opened.close()
      }
    } finally {
      rmSync(folder, { recursive: true })
    }
  })
})

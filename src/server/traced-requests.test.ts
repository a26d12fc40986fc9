// Whoever asks over HTTP under a span of their own is known by it: by the header, or, of an event, by the extension of CloudEvents.
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { silentLog } from '../engine/log.ts'
import { ballet, choreography, event, open, operation, seq, service, signal, workflow } from '../index.ts'
import type { Application } from '../define/application.ts'
import { serve, type Serving } from './serve.ts'

const Order = z.object({ orderId: z.string() })
const Placed = event('placed', Order, { key: 'orderId' })
const Told = event('told', Order, { key: 'orderId' })
const Go = signal('go', z.null())
const desk = service('desk', { tell: operation({ input: Order, outcomes: [Told], run: (order) => Told(order) }) })
desk.on(Placed, (order) => desk.tell(order))
const waits = workflow('waits', { input: Order, output: z.null(), key: 'orderId', signals: [Go] }, async (run) => {
  await run.receive(Go)
  return null
})
const telling = choreography('telling', { key: 'orderId' }, seq(Placed, Told))
const definition = ballet({ name: 'shop', services: [desk], workflows: [waits], choreographies: [telling] })

const [caller, maker] = ['a', 'b'].map((digit) => `00-${digit.repeat(32)}-${digit.repeat(16)}-01`)

let app: Application
let server: Serving
beforeEach(async () => {
  app = await open(definition, { store: 'memory:', log: silentLog })
  server = await serve(app, { port: 0, log: silentLog })
})
afterEach(async () => {
  await server.close()
  await app.close()
})

async function post(path: string, body: unknown, headers: Record<string, string | undefined>): Promise<number> {
  const given = Object.entries(headers).flatMap(([name, value]) => (value === undefined ? [] : [[name, value]]))
  const answer = await fetch(server.url + path, {
    method: 'POST',
    headers: { 'content-type': 'application/json', ...Object.fromEntries(given) },
    body: JSON.stringify(body),
  })
  await answer.arrayBuffer()
  return answer.status
}
const placed = async (): Promise<readonly unknown[]> =>
  (await app.events({ types: ['placed'] })).items.map(({ traceparent }) => traceparent)

test('a start, a signal, an event and a flow have the span of the header', async () => {
  const traced = { traceparent: caller }
  expect(await post('/api/runs', { call: 'waits', input: { orderId: '1' } }, traced)).toBe(201)
  expect(await post('/api/runs/waits:1/signals/go', { data: null }, traced)).toBe(202)
  expect(await post('/api/events', { type: 'placed', data: { orderId: '2' } }, traced)).toBe(202)
  const flow = { type: 'placed', data: { orderId: '3' } }
  expect(await post('/api/choreographies/telling/runs', flow, traced)).toBe(201)
  expect(await app.run('waits:1')).toMatchObject({ cause: null, traceparent: caller })
  expect((await app.journal('waits:1'))?.items[1]).toMatchObject({ delivered: { name: 'go', traceparent: caller } })
  expect(await placed()).toEqual([caller, caller])
})

test('the extension of an event says who made it, and stands over the header of whoever brings it', async () => {
  const made = { specversion: '1.0', source: 'web', type: 'placed', data: { orderId: '1' } }
  const structured = { 'content-type': 'application/cloudevents+json' }
  const traced = { traceparent: caller }
  await post('/api/events', { ...made, id: 'a', traceparent: maker }, { ...structured, ...traced })
  await post('/api/events', { ...made, id: 'b', traceparent: maker }, structured)
  const binary = { 'ce-specversion': '1.0', 'ce-id': 'c', 'ce-source': 'web', 'ce-type': 'placed' }
  await post('/api/events', made.data, { ...binary, 'ce-traceparent': maker, ...traced })
  await post('/api/events', made.data, { ...binary, 'ce-id': 'd', ...traced })
  expect(await placed()).toEqual([maker, maker, maker, caller])
})

test('a header, or an extension, that is none is passed over', async () => {
  const rubbish = [undefined, '', 'rubbish', `${caller}, ${maker}`, caller?.toUpperCase(), `ff${caller?.slice(2)}`]
  for (const [index, traceparent] of rubbish.entries()) {
    const data = { orderId: `${index}` }
    expect(await post('/api/runs', { call: 'waits', input: data }, { traceparent })).toBe(201)
    expect(await post(`/api/runs/waits:${index}/signals/go`, { data: null }, { traceparent })).toBe(202)
    expect(await post('/api/events', { type: 'placed', data }, { traceparent })).toBe(202)
    expect(await app.run(`waits:${index}`)).not.toHaveProperty('traceparent')
  }
  expect(await post('/api/events', { type: 'placed', data: { orderId: 'x' }, traceparent: 'rubbish' }, {})).toBe(202)
  expect(await placed()).toEqual([...rubbish.map(() => undefined), undefined])
})

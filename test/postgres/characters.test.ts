// What PostgreSQL holds in no text, a null character, and what no UTF-8 has, half a surrogate pair: whatever names and filters have
// in them, they are refused in words or match nothing, and the application goes on.
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, choreography, event, operation, seq, service, workflow } from '../../src/index.ts'
import { serve } from '../../src/server.ts'
import { keptLog, openForTest } from '../support/applications.ts'
import { placeForTest } from './two-versions.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const Placed = event('placed', z.object({ orderId: z.string() }), { key: 'orderId' })
const Packed = event('packed', Placed.schema, { key: 'orderId' })
const desk = service('desk', {
  pack: operation({ input: Placed.schema, outcomes: [Packed], run: (order) => Packed(order) }),
})
desk.on(Placed, (order) => desk.pack(order))
const packing = choreography('packing', { key: 'orderId' }, seq(Placed, Packed))
const flow = workflow('flow', { input: z.null(), output: z.null() }, async () => null)
const definition = ballet({ name: 'shop', services: [desk], workflows: [flow], choreographies: [packing] })

const open = async () => openForTest(definition, { store: (await placeForTest()).url('&shards=4&pool=4') })

const REFUSED = ['REQUEST_INVALID', 'QUERY_INVALID', 'ID_INVALID', 'KEY_INVALID', 'RUN_UNKNOWN', 'CHOREOGRAPHY_UNKNOWN']

test.each([
  ['a null character', '\0'],
  ['half a surrogate pair', '\ud800'],
])('%s in what a program asks is refused in words, or does no harm', async (_, odd) => {
  const app = await open()
  const name = `a${odd}`
  const data = { orderId: 'o' }
  const asked: Readonly<Record<string, () => Promise<unknown>>> = {
    'runs name': async () => (await app.runs({ name })).items[0],
    'runs key': async () => (await app.runs({ key: name })).items[0],
    'runs root': async () => (await app.runs({ root: name })).items[0],
    'runs status': async () => (await app.runs({ status: [name as 'stuck'] })).items[0],
    'runs kind': async () => (await app.runs({ kind: name as 'workflow' })).items[0],
    'runs cursor': async () => app.runs({ cursor: name }),
    'events key': async () => (await app.events({ key: name })).items[0],
    'events types': async () => (await app.events({ types: [name] })).items[0],
    flows: () => app.flows(name),
    'flows state': async () => (await app.flows('packing', { state: name as 'complete' })).items[0],
    'flows cursor': async () =>
      (await app.flows('packing', { cursor: Buffer.from(`orderId:${name}`).toString('base64url') })).items[0],
    'flow key': () => app.flow('packing', name),
    key: async () => (await app.key('orderId', name)).runs[0],
    'key field': async () => (await app.key(name, 'o')).runs[0],
    graph: async () => (await app.graph(name)).runs[0],
    run: () => app.run(name),
    journal: () => app.journal(name),
    'act on all, name': async () => (await app.actOnAll({ action: 'cancel', name })).refused[0],
    'act on all, root': async () => (await app.actOnAll({ action: 'cancel', root: name })).refused[0],
    cancel: () => app.cancel(name),
    signal: () => app.signalNamed({ run: name, name: 'go', data: null }),
    'start id': () => app.start(flow(null), { id: name }),
    'publish id': () => app.publish(Placed(data), { id: name }),
    'publish source': () => app.publish(Placed(data), { source: name }),
    'publish cause': () => app.publishNamed({ type: 'placed', data, cause: name }),
    'publish key': () => app.publish(Placed({ orderId: name })),
    'conduct cause': () =>
      app.conductNamed({ choreography: 'packing', type: 'placed', data: { orderId: 'p' }, cause: name }),
  }
  // The choreography is known by then.
  await app.publish(Placed({ orderId: 'first' }))
  const wrong: unknown[] = []
  for (const [door, ask] of Object.entries(asked)) {
    const refused = await ask().then(
      () => null,
      (error: { readonly code: string }) => error.code,
    )
    if (refused !== null && !REFUSED.includes(refused)) wrong.push([door, refused])
  }
  expect(wrong).toEqual([])
  await app.start(flow(null), { id: 'after' })
  expect(await app.result('after')).toBeNull()
})

test('a null character in a request is refused in words, wherever it is', async () => {
  const app = await open()
  const server = await serve(app, { port: 0, log: keptLog() })
  closing.push(() => server.close())
  await app.publish(Placed({ orderId: 'first' }))
  const data = { orderId: 'o' }
  const requests: readonly (readonly [path: string, body?: object])[] = [
    ['/api/choreographies/a%00'],
    ['/api/choreographies/packing/a%00'],
    ['/api/choreographies/a%00/o'],
    ['/api/choreographies/packing?cursor=b3JkZXJJZDphAA'],
    ['/api/runs?name=a%00'],
    ['/api/runs/a%00'],
    ['/api/runs/a%00/journal'],
    ['/api/keys/orderId/a%00'],
    ['/api/graph?root=a%00'],
    ['/api/events?type=a%00'],
    ['/api/choreographies/a%00/runs', { type: 'placed', data }],
    ['/api/choreographies/packing/runs', { type: 'placed', data, cause: 'a\0' }],
    ['/api/runs', { call: 'a\0', input: null }],
    ['/api/runs', { call: 'flow', input: null, id: 'a\0' }],
    ['/api/runs/a%00/cancel', {}],
    ['/api/runs/a/signals/a%00', { data: null }],
    ['/api/events', { type: 'a\0', data }],
    ['/api/events', { type: 'placed', data, causationid: 'a\0' }],
    ...['name', 'reason', 'root', 'key'].map(
      (field) => ['/api/actions', { action: 'cancel', filter: { [field]: 'orderId:a\0' } }] as const,
    ),
  ]
  const wrong: unknown[] = []
  for (const [path, body] of requests) {
    const headers = { 'content-type': 'application/json' }
    const init = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) }
    const { status } = await fetch(server.url + path, init)
    if (status < 400 || status >= 500) wrong.push([path, body, status])
  }
  expect(wrong).toEqual([])
  expect((await fetch(`${server.url}/readyz`)).status).toBe(200)
})

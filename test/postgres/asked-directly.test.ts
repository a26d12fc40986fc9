// What is asked at a node that does not own the shard goes to the node that does, over HTTP, and leaves nothing in an inbox; it goes by
// the inbox wherever that node cannot be reached, gives no answer, or has a store of its own.
import { once } from 'node:events'
import { createServer, type Server } from 'node:http'
import type { AddressInfo } from 'node:net'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import {
  ballet,
  choreography,
  event,
  operation,
  seq,
  service,
  workflow,
  type Application,
  type Codec,
  type OpenOptions,
} from '../../src/index.ts'
import type { NodeAnswer, NodeAsk } from '../../src/define/node.ts'
import { serve } from '../../src/server.ts'
import { keptLog, openForTest, until } from '../support/applications.ts'
import { connection } from './subject.ts'
import { placeForTest } from './two-versions.ts'

const nodeSecret = 'a secret of the nodes of this test'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const Order = z.object({ orderId: z.string(), total: z.number() })
const Placed = event('order.placed', Order, { key: 'orderId' })
const Paid = event('order.paid', Order, { key: 'orderId' })
const bank = service('bank', {
  pay: operation({ input: Order, outcomes: [Paid], run: (order) => Paid(order) }),
  sum: operation({ input: Order, output: z.number(), run: ({ total }) => total }),
})
bank.on(Placed, (order) => bank.pay(order))
const checkout = workflow('checkout', { input: Order, output: z.number(), key: 'orderId' }, async (run, order) =>
  run.call(bank.sum(order)),
)
const Noted = event('order.noted', z.object({ orderId: z.string(), note: z.string() }), { key: 'orderId' })
const paying = choreography('paying', { key: 'orderId' }, seq(Placed, Paid.as('paid')))
const definition = (version: string) =>
  ballet({ name: 'shop', version, services: [bank], workflows: [checkout], choreographies: [paying], events: [Noted] })

interface World {
  /** Owns every shard. */
  readonly owner: Application
  /** Owns none, and is asked. */
  readonly asked: Application
  /** Rows that were ever put into an inbox. */
  readonly posted: () => Promise<number>
}

interface Settings extends OpenOptions {
  /** In the place of the server of the owner: where it says that it is. */
  readonly elsewhere?: string
  /** Of the node that is asked. */
  readonly graceOfAskedMs?: number
}

/** How what belonged to the other node went there. */
function ways(app: Application): ReadonlyMap<unknown, number> {
  const samples = app.metrics().find(({ name }) => name === 'ballet_elsewhere_total')?.samples ?? []
  return new Map(samples.flatMap((one) => ('value' in one ? [[one.labels['way'], one.value] as const] : [])))
}

async function world({ elsewhere, graceOfAskedMs = 5000, ...options }: Settings = {}): Promise<World> {
  const place = await placeForTest()
  const store = place.url('&shards=8&lease=2&pool=4')
  const opening = Promise.withResolvers<Application>()
  const server = await serve(opening.promise, { port: 0, nodeSecret, log: keptLog() })
  closing.push(() => server.close())
  const owner = await openForTest(definition('2'), { store, address: elsewhere ?? server.url, ...options })
  opening.resolve(owner)
  const { namespace, codec } = options
  const shared = { namespace, codec }
  const asked = await openForTest(definition('1'), { store, graceMs: graceOfAskedMs, ...shared })
  const other = await serve(asked, { port: 0, nodeSecret, log: keptLog() })
  closing.push(() => other.close())
  await until(asked, null, async () => asked.carrierOf('checkout:1') !== null)
  const sql = await connection()
  const [{ name }] =
    (await sql`SELECT pg_get_serial_sequence(${`${place.schema}.inbox`}, 'id') AS name`) as unknown as [
      { name: string },
    ]
  const posted = async (): Promise<number> => {
    const [row] = await sql.unsafe(`SELECT CASE WHEN is_called THEN last_value ELSE 0 END AS count FROM ${name}`)
    return Number(row?.['count'])
  }
  return { owner, asked, posted }
}

/** Has the test answer in the place of the owner. */
function inPlace({ asked }: World, answer: (ask: NodeAsk) => Promise<NodeAnswer>): void {
  asked.asks.carry((_, asks) => Promise.all(asks.map(answer)))
}

/** A server in the place of that of a node. */
async function inItsPlace(answer: Parameters<typeof createServer>[1]): Promise<{ server: Server; url: string }> {
  const server = createServer(answer).listen(0, '127.0.0.1')
  await once(server, 'listening')
  closing.push(() => {
    server.closeAllConnections()
    server.close()
  })
  return { server, url: `http://127.0.0.1:${(server.address() as AddressInfo).port}` }
}

test('starts, events and flows that are asked for at another node are done by the owner, and nothing lies in an inbox for them', async () => {
  const { asked, posted } = await world()
  const order = { orderId: '1', total: 7 }
  expect(await asked.start(checkout(order))).toEqual({ id: 'checkout:1', created: true })
  expect(await asked.result('checkout:1')).toBe(7)
  expect(await asked.start(checkout(order))).toEqual({ id: 'checkout:1', created: false })
  await expect(asked.start(checkout({ ...order, total: 8 }))).rejects.toMatchObject({ code: 'RUN_CONFLICT' })

  const placed = { orderId: '2', total: 7 }
  const { id, position } = await asked.publish(Placed(placed), { id: '2' })
  expect(position).toBeGreaterThan(0)
  expect(await asked.publish(Placed(placed), { id })).toMatchObject({ position, created: false })
  await expect(asked.publish(Placed({ ...placed, total: 8 }), { id })).rejects.toMatchObject({ code: 'EVENT_CONFLICT' })
  expect(await asked.result('bank:order.placed:2')).toMatchObject({ type: 'order.paid' })

  const conducted = await asked.conduct(paying)(Placed({ orderId: '3', total: 7 }))
  expect(conducted).toEqual({ id: 'paying:3', created: true })
  await asked.result(conducted.id)
  // What was known already was not asked, and a conflict is seen here.
  expect(ways(asked)).toEqual(
    new Map([
      ['node', 3],
      ['inbox', 0],
    ]),
  )
  expect(await posted()).toBe(0)
})

test('what the owner refuses is refused with its words, and no row is left behind', async () => {
  const { asked, posted } = await world({ limits: { openRuns: 1, arrivals: 1 } })
  const many = Array.from({ length: 40 }, (_, index) => asked.start(checkout({ orderId: `o-${index}`, total: 1 })))
  const came = await Promise.allSettled(many)
  const codes = came.flatMap((one) => (one.status === 'rejected' ? [(one.reason as { code: string }).code] : []))
  expect(new Set(codes)).toEqual(new Set(['OVERLOADED']))
  expect(codes.length).toBeLessThan(40)
  expect(await posted()).toBe(0)
})

test('events of one key that are published one after the other, and not waited for, come in their order', async () => {
  const { asked, posted } = await world()
  const all = Array.from({ length: 30 }, (_, total) =>
    asked.publish(Placed({ orderId: '1', total }), { id: `e-${total}` }),
  )
  const positions = (await Promise.all(all)).map(({ position }) => position)
  expect(positions).toEqual(positions.toSorted((one, other) => one - other))
  expect(await posted()).toBe(0)
})

test('events of one key come in their order also where some of them go by the inbox', async () => {
  const { asked, owner, posted } = await world()
  const wide = 'x'.repeat(300 * 1024)
  // Of each request the owner does the first half.
  asked.asks.carry(async (_, asks) => {
    const done = await owner.asks.take(asks.slice(0, asks.length / 2))
    return asks.map((_ask, index) => done[index] ?? { unknown: true })
  })
  const all = Array.from({ length: 40 }, (_, total) =>
    asked.publish(Noted({ orderId: '1', note: total % 10 === 9 ? wide : '' }), { id: `e-${total}` }),
  )
  const positions = (await Promise.all(all)).map(({ position }) => position)
  expect(positions).toEqual(positions.toSorted((one, other) => one - other))
  expect(await posted()).toBeGreaterThan(4)
})

test('a flow that is asked for twice in one moment, without an id, is begun once, and both are told so', async () => {
  const { asked } = await world()
  const flow = () => asked.conduct(paying)(Placed({ orderId: '1', total: 7 }))
  expect(await Promise.all([flow(), flow()])).toEqual([
    { id: 'paying:1', created: true },
    { id: 'paying:1', created: false },
  ])
})

test('what the owner says to have done is not what somebody else has started under that name', async () => {
  const all = await world()
  const { asked, owner } = all
  inPlace(all, async () => {
    await owner.start(checkout({ orderId: '1', total: 8 }))
    return { done: { id: 'checkout:1', created: true } }
  })
  await expect(asked.start(checkout({ orderId: '1', total: 7 }))).rejects.toMatchObject({ code: 'RUN_CONFLICT' })
})

test('what the owner refuses because of what is in another store is not refused: it goes by the inbox', async () => {
  const all = await world()
  const { asked, posted } = all
  inPlace(all, ({ kind }) => {
    const code = kind === 'start' ? 'RUN_CONFLICT' : 'EVENT_CONFLICT'
    return Promise.resolve({ refused: { code, details: { id: '1', source: 'shop' } } })
  })
  expect(await asked.start(checkout({ orderId: '1', total: 7 }))).toEqual({ id: 'checkout:1', created: true })
  expect(await asked.publish(Placed({ orderId: '2', total: 7 }), { id: '2' })).toMatchObject({ created: true })
  expect(await posted()).toBe(2)
})

test('an answer that nobody understands says nothing: it goes by the inbox, and is as new as it was', async () => {
  const all = await world({ limits: { openRuns: 1, arrivals: 1 } })
  const { asked, owner } = all
  inPlace(all, async (ask) => {
    await owner.asks.take([ask])
    return { done: { id: 7 } }
  })
  expect(await asked.start(checkout({ orderId: '1', total: 7 }))).toEqual({ id: 'checkout:1', created: true })
})

test('what is encrypted to bytes, in a namespace of its own, comes whole', async () => {
  const codec: Codec = {
    encode: (text) => new TextEncoder().encode(text).map((byte) => byte ^ 0x5a),
    decode: (payload) => {
      if (typeof payload === 'string') throw new TypeError('it is no text')
      return new TextDecoder().decode(payload.map((byte) => byte ^ 0x5a))
    },
  }
  const { asked, owner, posted } = await world({ namespace: 'tenant', codec })
  await asked.startNamed({ call: 'checkout', input: { orderId: '1', total: 7 }, id: 'one' })
  expect(await asked.result('one')).toBe(7)
  const { id } = await asked.publishNamed({
    type: 'order.noted',
    data: { orderId: '1', note: 'Zoë 𝄞 \u0000' },
  })
  const { items } = await owner.events({ types: ['order.noted'] })
  expect(items).toMatchObject([{ id, data: { note: 'Zoë 𝄞 \u0000' } }])
  expect(await posted()).toBe(0)
})

test('F8: the owner is of an older version, which has no door for that: it goes by way of the inbox', async () => {
  const paths: string[] = []
  const { url } = await inItsPlace((incoming, outgoing) => {
    paths.push(incoming.url ?? '')
    incoming.resume().on('end', () => outgoing.writeHead(404).end('{"code":"ROUTE_UNKNOWN"}'))
  })
  const { asked, posted } = await world({ elsewhere: url })
  expect(await asked.start(checkout({ orderId: '1', total: 7 }))).toEqual({ id: 'checkout:1', created: true })
  expect(await asked.result('checkout:1')).toBe(7)
  expect(ways(asked)).toEqual(
    new Map([
      ['node', 0],
      ['inbox', 1],
    ]),
  )
  expect(paths).toContain('/api/asks')
  expect(await posted()).toBe(1)
})

test('F8: the owner has done it, and its answer is lost: it is done once, and is as new as it was', async () => {
  const owners = Promise.withResolvers<Application>()
  const { url } = await inItsPlace((incoming, outgoing) => {
    const chunks: Buffer[] = []
    incoming.on('data', (chunk: Buffer) => chunks.push(chunk))
    incoming.on('end', () => {
      const body = JSON.parse(Buffer.concat(chunks).toString()) as []
      // It hears what is asked, as its own server would have it, and is cut off before it can say so.
      if (incoming.url === '/api/asks')
        void owners.promise.then((owner) => owner.asks.take(body)).then(() => outgoing.destroy())
      else outgoing.writeHead(204).end()
    })
  })
  const { asked, owner, posted } = await world({ elsewhere: url })
  owners.resolve(owner)
  expect(await asked.publish(Placed({ orderId: '1', total: 7 }), { id: 'e-1' })).toMatchObject({ created: true })
  expect(await asked.start(checkout({ orderId: '2', total: 7 }))).toEqual({ id: 'checkout:2', created: true })
  expect((await asked.events({ types: ['order.placed'] })).items).toHaveLength(1)
  // The second one is not asked of a node that gave no answer a moment ago.
  expect(await posted()).toBe(2)
})

test('F16: an owner that has done it in another store is not believed: it goes by way of the inbox', async () => {
  const { asked, posted } = await world()
  asked.asks.carry((_, asks) => Promise.resolve(asks.map(() => ({ done: { id: 'checkout:1', created: true } }))))
  expect(await asked.start(checkout({ orderId: '1', total: 7 }))).toEqual({ id: 'checkout:1', created: true })
  expect(await asked.result('checkout:1')).toBe(7)
  expect(await posted()).toBe(1)
})

test('F8: the owner takes what is asked and says nothing: a node that closes does not wait for it beyond its grace', async () => {
  const heard = Promise.withResolvers<void>()
  const { url } = await inItsPlace((incoming) => {
    if (incoming.url === '/api/asks') heard.resolve()
  })
  const { asked, owner } = await world({ elsewhere: url, graceOfAskedMs: 200 })
  const starting = asked.start(checkout({ orderId: '1', total: 7 }))
  await heard.promise
  // Nobody takes it from the inbox either.
  await owner.close()
  const closed = asked.close()
  await expect(starting).rejects.toMatchObject({ code: 'OWNER_SILENT' })
  await closed
})

test('nobody asks so who has no secret of the nodes', async () => {
  const { owner } = await world()
  const server = await serve(owner, { port: 0, nodeSecret, log: keptLog() })
  closing.push(() => server.close())
  const ask = (headers: Record<string, string>) =>
    fetch(`${server.url}/api/asks`, { method: 'POST', headers, body: '[]' })
  expect((await ask({})).status).toBe(404)
  const forged = `v1,${Date.now()},${'0'.repeat(32)},${'0'.repeat(64)}`
  expect((await ask({ 'ballet-forwarded': forged })).status).toBe(403)
})

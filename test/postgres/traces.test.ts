// One trace over several nodes of one store, on a real server: an order whose parts are at two nodes is one tree, of which each
// span is told by one of them; and what a node that is silent may not have told, the next one tells.
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { systemClock } from '../../src/engine/clock.ts'
import { ballet, event, operation, service, workflow, type Application } from '../../src/index.ts'
import { postgres } from '../../src/stores/postgres/postgres-store.ts'
import { openForTest } from '../support/applications.ts'
import { once, startCollector, treeOf, type CollectedSpan } from '../support/collector.ts'
import { connection, newPlace } from './subject.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** So many that each of two nodes is sure to get some. */
const [SHARDS, ORDERS] = [32, 12]
const Order = z.object({ orderId: z.string() })
const Parcel = z.object({ parcelId: z.string() })
const Placed = event('order.placed', Order, { key: 'orderId' })
const Packed = event('parcel.packed', Parcel, { key: 'parcelId' })

/** Of an order the parcel has a key of its own, so that it is in another shard. */
function definition() {
  const desk = service('desk', {
    pack: operation({
      input: Order,
      outcomes: [Packed],
      run: ({ orderId }) => Packed({ parcelId: `parcel of ${orderId}`.replaceAll(' ', '-') }),
    }),
    send: operation({ input: Parcel, output: z.null(), run: () => null }),
  })
  const dispatch = workflow('dispatch', { input: Parcel, output: z.null(), key: 'parcelId' }, (run, parcel) =>
    run.call(desk.send(parcel)),
  )
  desk.on(Placed, (order) => desk.pack(order))
  desk.on(Packed, (parcel) => dispatch(parcel))
  return ballet({ name: 'shop', services: [desk], workflows: [dispatch], events: [Placed, Packed] })
}

async function newUrl(): Promise<string> {
  const found = await newPlace()
  closing.push(() => found.drop())
  return found.url(`&shards=${SHARDS}&lease=1`)
}

/** It is not there before its event has come to its node. */
async function ended(app: Application, id: string): Promise<void> {
  while ((await app.settled(id, 1000))?.ended == null) await round()
}

async function placed(app: Application): Promise<void> {
  await Promise.all(
    Array.from({ length: ORDERS }, async (_, number) => {
      await app.publish(Placed({ orderId: `o-${number}` }), { id: `p-${number}` })
    }),
  )
  await Promise.all(Array.from({ length: ORDERS }, (_, number) => ended(app, `dispatch:parcel-of-o-${number}`)))
}

/** Shards that a node has and has taken up. */
function owned(app: Application): number {
  const sample = app.metrics().find(({ name }) => name === 'ballet_shards_owned')?.samples[0]
  return sample !== undefined && 'value' in sample ? sample.value : 0
}
const round = (): Promise<void> => new Promise((resolve) => setImmediate(resolve))

const TREE = [
  'event order.placed',
  '  reaction desk:order.placed',
  '    attempt desk.pack',
  '    event parcel.packed',
  '      reaction desk:parcel.packed',
  '        workflow dispatch',
  '          call desk.send',
  '            attempt desk.send',
]

const treesOf = (spans: readonly CollectedSpan[]): readonly (readonly string[])[] =>
  [...Map.groupBy(spans, ({ traceId }) => traceId).values()].map((own) => [...treeOf(own)].sort())
const expected = Array.from({ length: ORDERS }, () => [...TREE].sort())

test('orders whose parts are at two nodes: each is one tree, and no span is told twice', async () => {
  const collector = await startCollector()
  const store = await newUrl()
  const traces = { endpoint: collector.endpoint }
  const one = await openForTest(definition(), { store, traces })
  const other = await openForTest(definition(), { store, traces })
  while (owned(one) === SHARDS || owned(one) + owned(other) < SHARDS) await round()
  await placed(one)
  await one.close()
  await other.close()
  expect(collector.faults).toEqual([])
  expect(treesOf(collector.spans)).toEqual(expected)
  expect(once(collector.spans)).toHaveLength(collector.spans.length)
  const tellers = Map.groupBy(collector.requests, ({ resource }) => resource['service.instance.id'])
  expect(tellers.size).toBe(2)
})

test('a node takes over from one that is silent: it tells what that may not have told', async () => {
  const collector = await startCollector()
  const store = await newUrl()
  const one = await openForTest(definition(), { store, traces: false })
  await placed(one)
  await one.close()
  const silent = postgres({ url: store, clock: systemClock })
  await silent.open()
  const ghost = { id: 'ghost', app: 'shop', version: '1', ballet: '0', address: null }
  await silent.leases?.join(ghost)
  await silent.leases?.takeAll(
    Array.from({ length: SHARDS }, (_, shard) => shard),
    ghost.id,
    ghost.app,
  )
  await silent.close()
  const schema = new URL(store).searchParams.get('schema')
  await (await connection()).unsafe(`UPDATE ${schema}.nodes SET until = 1 WHERE id = 'ghost'`)
  const next = await openForTest(definition(), { store, traces: { endpoint: collector.endpoint } })
  while (owned(next) < SHARDS) await round()
  await next.close()
  expect(collector.faults).toEqual([])
  expect(treesOf(collector.spans)).toEqual(expected)
})

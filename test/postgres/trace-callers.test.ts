// A caller's span goes along with what is asked at another node than that of the run, or in a transaction.
import postgres from 'postgres'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, choreography, event, operation, seq, service, signal, workflow } from '../../src/index.ts'
import { until } from '../support/applications.ts'
import { serverUrl } from './subject.ts'
import { nodesOf } from './two-versions.ts'

const Order = z.object({ orderId: z.string() })
const Placed = event('placed', Order, { key: 'orderId' })
const Told = event('told', Order, { key: 'orderId' })
const Go = signal('go', z.null())
const desk = service('desk', { tell: operation({ input: Order, outcomes: [Told], run: (order) => Told(order) }) })
desk.on(Placed, (order) => desk.tell(order))
const waits = workflow('waits', { input: Order, output: z.null(), key: 'orderId', signals: [Go] }, async (run) => {
  await run.receive(Go)
  await run.receive(Go)
  return null
})
const telling = choreography('telling', { key: 'orderId' }, seq(Placed, Told))

const caller = (digit: number): string => `00-${String(digit).repeat(32)}-${String(digit).repeat(16)}-01`

test('what is asked by way of another node, or by a transaction, has the span of its caller', async () => {
  const { old, owner } = await nodesOf((version) =>
    ballet({ name: 'shop', version, services: [desk], workflows: [waits], choreographies: [telling] }),
  )
  const sql = postgres(await serverUrl(), { max: 1, onnotice: () => {} })
  // They lie in inboxes until those are read, all at once.
  const asked = [
    old.start(waits({ orderId: '1' }), { traceparent: caller(1) }),
    old.publish(Placed({ orderId: '2' }), { id: '2', traceparent: caller(2) }),
    old.conduct(telling)(Placed({ orderId: '3' }), { id: '3', traceparent: caller(3) }),
  ]
  await Promise.all(asked)
  await old.signal('waits:1', Go(null), { traceparent: caller(4) })
  // By way of the node that has the shards, and of the one that has none.
  await sql.begin(async (tx) => {
    await owner.start(waits({ orderId: '5' }), { traceparent: caller(5), tx })
    await old.start(waits({ orderId: '6' }), { traceparent: caller(6), tx })
    await owner.publish(Placed({ orderId: '7' }), { id: '7', traceparent: caller(7), tx })
    await old.publish(Placed({ orderId: '8' }), { id: '8', traceparent: caller(8), tx })
    await owner.signal('waits:1', Go(null), { traceparent: caller(9), tx })
  })
  await sql.end()
  await owner.result('waits:1')
  const wanted = ['waits:1', 'waits:5', 'waits:6']
  const runs = await until(owner, null, async () => {
    const { items } = await owner.runs({ name: 'waits' })
    return items.length === wanted.length && items
  })
  expect(Object.fromEntries(runs.map(({ id, traceparent }) => [id, traceparent]))).toEqual({
    'waits:1': caller(1),
    'waits:5': caller(5),
    'waits:6': caller(6),
  })
  const events = await until(owner, null, async () => {
    const { items } = await owner.events({ types: ['placed'] })
    return items.length === 4 && items
  })
  expect(Object.fromEntries(events.map(({ id, traceparent }) => [id, traceparent]))).toEqual({
    2: caller(2),
    3: caller(3),
    7: caller(7),
    8: caller(8),
  })
  expect((await owner.journal('waits:1'))?.items.map(({ delivered }) => delivered)).toMatchObject([
    { kind: 'start' },
    { kind: 'signal', traceparent: caller(4) },
    { kind: 'signal', traceparent: caller(9) },
  ])
})

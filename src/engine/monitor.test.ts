// The flows of a choreography as the engine follows them: by committed events of every style, durable, with deadlines.
import { expect, test } from 'vitest'
import { z } from 'zod'
import type { Clock } from '../core/clock.ts'
import { parseDetail } from '../core/flow-account.ts'
import { openForTest, until } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { live, rounds, sweep } from '../../test/support/sweeps.ts'
import {
  ballet,
  choice,
  choreography,
  event,
  operation,
  optional,
  seq,
  service,
  signal,
  workflow,
  type Application,
  type FlowRow,
} from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const Order = z.object({ orderId: z.string() })
const byOrder = { key: 'orderId' } as const
const Created = event('order.created', Order, byOrder)
const Paid = event('payment.approved', Order, byOrder)
const Declined = event('payment.declined', Order, byOrder)
const Shipped = event('order.shipped', Order, byOrder)
const Overdue = event(
  'fulfilment.overdue',
  z.object({ orderId: z.string(), choreography: z.string(), awaited: z.array(z.string()) }),
  { key: 'orderId' },
)
const Go = signal('go', z.null())

const fulfilment = choreography(
  'fulfilment',
  { key: 'orderId' },
  seq(
    Created,
    choice(seq(Paid.within('30s'), Shipped.within('2d')).as('fulfilled'), Declined.within('30s').as('declined')),
  ),
)

function parts() {
  const told: unknown[] = []
  const payment = service('payment', {
    charge: operation({ input: Order, outcomes: [Paid, Declined], run: (order) => Paid(order) }),
  })
  const shipping = service('shipping', {
    ship: operation({ input: Order, outcomes: [Shipped], run: (order) => Shipped(order) }),
  })
  const desk = service('desk', { tell: operation({ input: Overdue.schema, run: (data) => void told.push(data) }) })
  desk.on(Overdue, (data) => desk.tell(data))
  const checkout = workflow(
    'checkout',
    { input: Order, output: z.null(), ...byOrder, signals: [Go] },
    async (run, order) => {
      run.emit(Created(order))
      await run.call(payment.charge(order))
      await run.receive(Go)
      await run.call(shipping.ship(order))
      return null
    },
  )
  const definition = ballet({
    services: [payment, shipping, desk],
    workflows: [checkout],
    choreographies: [fulfilment],
    events: [Created],
  })
  return { definition, checkout, told, shipping }
}

/** Time passes, in steps: flows are read before they are written, those that were taken for new when they go on. */
async function pass(clock: SteppedClock, ms: number): Promise<void> {
  for (const part of [20, 300, ms - 320]) {
    await rounds(20)
    clock.pass(part)
  }
}

const flowOf = (data: MemoryData, id: string): FlowRow | undefined =>
  data.flows.get(JSON.stringify(['default', 'fulfilment', `orderId:${id}`]))
const standing = (app: Application, data: MemoryData, id: string, wanted: string) =>
  until(app, null, async () => {
    const flow = flowOf(data, id)
    return flow?.standing === wanted && flow
  })

test('the outcomes of the calls of a workflow, and published events, are one flow', async () => {
  const data = new MemoryData()
  const { definition, checkout } = parts()
  const app = await openForTest(definition, { store: memory(data) })
  await app.start(checkout({ orderId: 'a' }))
  expect(await standing(app, data, 'a', 'on track')).toMatchObject({ key: 'orderId:a' })
  await app.signal('checkout:a', Go(null))
  expect(await standing(app, data, 'a', 'complete')).toMatchObject({ ending: 'fulfilled', due: null })
  await app.publish(Created({ orderId: 'b' }))
  await app.publish(Declined({ orderId: 'b' }))
  expect(await standing(app, data, 'b', 'complete')).toMatchObject({ ending: 'declined' })
})

test('F12: an event that its choreography does not expect: the flow is broken, and says what was expected', async () => {
  const data = new MemoryData()
  const app = await openForTest(parts().definition, { store: memory(data) })
  await app.publish(Created({ orderId: 'a' }))
  await app.publish(Shipped({ orderId: 'a' }), { id: 'early' })
  const row = await standing(app, data, 'a', 'broken')
  expect(JSON.parse(row.detail)).toMatchObject({
    broken: { how: 'unexpected', type: 'order.shipped', expected: ['payment.approved', 'payment.declined'] },
  })
  // It is followed all the same.
  await app.publish(Declined({ orderId: 'a' }))
  await until(app, null, async () => flowOf(data, 'a')?.ending === 'declined')
  await app.publish(Declined({ orderId: 'a' }))
  await until(app, null, async () => (await app.flow('fulfilment', 'a'))?.breaks === 2)
})

test('a flow that does not go as it should says what was done in it and not taken back', async () => {
  const clock = new SteppedClock()
  const Failed = event('shipping.failed', Order, byOrder)
  const Refunded = event('payment.refunded', Order, byOrder)
  const payment = service('payment', {
    charge: operation({ input: Order, outcomes: [Paid, Declined], run: (order) => Paid(order) }),
    refund: operation({ input: Order, undoes: 'charge', outcomes: [Refunded], run: (order) => Refunded(order) }),
  })
  const shipping = service('shipping', {
    ship: operation({ input: Order, outcomes: [Shipped, Failed], run: (order) => Shipped(order) }),
  })
  payment.on(Failed, (order) => payment.refund(order))
  // Those of this test are shipped by hand.
  shipping.on(Paid, (order) => (order.orderId.length > 3 ? null : shipping.ship(order)))
  const shipped = choice(Shipped.within('1m'), seq(Failed.within('1m'), Refunded))
  const flow = choreography('delivery', byOrder, seq(Created, choice(seq(Paid, shipped), Declined)))
  const definition = ballet({ services: [payment, shipping], choreographies: [flow] })
  const app = await openForTest(definition, { store: memory(new MemoryData()), clock })
  const owes = async (key: string) => {
    await pass(clock, 1000)
    return (await app.flow('delivery', key))?.owes
  }
  for (const orderId of ['late', 'wrong', 'fine', 'declined']) await app.publish(Created({ orderId }))
  for (const orderId of ['late', 'wrong', 'fine']) await app.publish(Paid({ orderId }))
  await app.publish(Declined({ orderId: 'declined' }))
  expect(await owes('late')).toBeUndefined()
  await app.publish(Shipped({ orderId: 'fine' }))
  await app.publish(Declined({ orderId: 'wrong' }))
  await app.publish(Declined({ orderId: 'declined' }), { id: 'again' })
  const charge = [{ operation: 'payment.charge', undo: 'payment.refund' }]
  expect(await owes('wrong')).toEqual(charge)
  await pass(clock, 60_000)
  expect(await owes('late')).toEqual(charge)
  expect(await owes('fine')).toBeUndefined()
  // It was never charged, although it is broken as well.
  expect(await app.flow('delivery', 'declined')).toMatchObject({ state: 'broken' })
  expect(await owes('declined')).toBeUndefined()
  await app.publish(Failed({ orderId: 'late' }))
  expect(await owes('late')).toBeUndefined()
})

test('an event of a key whose flow has not begun is foreign to it', async () => {
  const data = new MemoryData()
  const app = await openForTest(parts().definition, { store: memory(data) })
  await app.publish(Shipped({ orderId: 'a' }))
  await app.publish(Created({ orderId: 'b' }))
  await standing(app, data, 'b', 'on track')
  expect(await app.flow('fulfilment', 'a')).toBeNull()
  expect((await app.flows('fulfilment')).items.map(({ key: { value } }) => value)).toEqual(['b'])
})

test('a deadline that passes makes it overdue and is an event, once, also over a restart; what comes late heals it', async () => {
  const data = new MemoryData()
  const clock = new SteppedClock()
  const { definition, told } = parts()
  const first = await openForTest(definition, { store: memory(data), clock })
  await first.publish(Created({ orderId: 'a' }))
  await pass(clock, 1000)
  await standing(first, data, 'a', 'on track')
  expect([...data.timers.values()]).toMatchObject([{ run: 0, op: 'fulfilment orderId:a' }])
  await first.close()
  const app = await openForTest(definition, { store: memory(data), clock })
  await pass(clock, 28_000)
  await app.publish(Created({ orderId: 'b' }))
  expect(told).toEqual([])
  await pass(clock, 2000)
  await pass(clock, 1000)
  await standing(app, data, 'a', 'overdue')
  await until(app, null, async () => told.length === 1)
  expect(told).toMatchObject([
    { orderId: 'a', choreography: 'fulfilment', awaited: ['payment.approved', 'payment.declined'] },
  ])
  await app.publish(Paid({ orderId: 'a' }))
  await pass(clock, 1000)
  const row = await standing(app, data, 'a', 'on track')
  expect(parseDetail(row.detail)).toMatchObject({ overdues: 1, broken: null })
  expect(row.due).not.toBeNull()
})

test('an event behind its deadline that comes before the timer does: the flow was overdue, and that is told once', async () => {
  const data = new MemoryData()
  const clock = new SteppedClock()
  const soon = choreography('fulfilment', { key: 'orderId' }, seq(Created, Paid.within('10ms'), Shipped.within('2d')))
  const { definition, told } = parts()
  const app = await openForTest({ ...definition, choreographies: [soon] }, { store: memory(data), clock })
  for (const id of ['late', 'in-time']) await app.publish(Created({ orderId: id }))
  await rounds(20)
  clock.pass(10)
  await app.publish(Paid({ orderId: 'in-time' }))
  clock.pass(10)
  await rounds(20)
  // Not written by now: there is no timer.
  expect([data.timers.size, flowOf(data, 'late')]).toEqual([0, undefined])
  await app.publish(Paid({ orderId: 'late' }))
  await pass(clock, 1000)
  expect(parseDetail((await standing(app, data, 'late', 'on track')).detail)).toMatchObject({ overdues: 1 })
  expect(parseDetail((await standing(app, data, 'in-time', 'on track')).detail)).toMatchObject({ overdues: 0 })
  await until(app, null, async () => told.length > 0)
  expect(told).toMatchObject([{ orderId: 'late', awaited: ['payment.approved'] }])
  await app.publish(Shipped({ orderId: 'late' }))
  await pass(clock, 1000)
  await standing(app, data, 'late', 'complete')
  expect(told.length).toBe(1)
})

test('F1: a process dies before its monitor took an event and one behind its deadline: what is overdue is told when all is up', async () => {
  const data = new MemoryData()
  const { definition, told } = parts()
  const first = await openForTest(definition, { store: memory(data), clock: new SteppedClock() })
  await first.close()
  let now = Date.UTC(2030, 0, 2)
  // Nothing waits long enough in this process: it takes no event.
  const after: Clock['after'] = (ms, ring) => {
    if (ms <= 0) setImmediate(ring)
    return () => {}
  }
  const dying = await openForTest(definition, { store: memory(data), clock: { now: () => now, after } })
  await dying.publish(Created({ orderId: 'a' }))
  now += 40_000
  await dying.publish(Paid({ orderId: 'a' }))
  expect(flowOf(data, 'a')).toBeUndefined()
  const clock = new SteppedClock(now)
  const app = await openForTest(definition, { store: memory(data), clock })
  await pass(clock, 1000)
  expect(parseDetail((await standing(app, data, 'a', 'on track')).detail)).toMatchObject({ overdues: 1 })
  await until(app, null, async () => told.length > 0)
  expect(told).toMatchObject([{ orderId: 'a', awaited: ['payment.approved', 'payment.declined'] }])
})

test('F1: a process dies before its monitor took an event: it is taken when the application is opened again', async () => {
  const data = new MemoryData()
  const clock = new SteppedClock()
  const { definition } = parts()
  const first = await openForTest(definition, { store: memory(data), clock })
  await pass(clock, 1000)
  await first.publish(Created({ orderId: 'a' }))
  // No time passes, so that nothing is written of it; and this process is as good as dead.
  expect(flowOf(data, 'a')).toBeUndefined()
  const app = await openForTest(definition, { store: memory(data), clock })
  await pass(clock, 1000)
  await standing(app, data, 'a', 'on track')
})

test('a choreography that was changed takes the events of a key once more', async () => {
  const data = new MemoryData()
  const clock = new SteppedClock()
  const { definition } = parts()
  const first = await openForTest(definition, { store: memory(data), clock })
  await first.publish(Created({ orderId: 'a' }))
  await pass(clock, 1000)
  await standing(first, data, 'a', 'on track')
  await first.close()
  const changed = choreography('fulfilment', { key: 'orderId' }, seq(Created, Paid.within('1h').as('paid')))
  const app = await openForTest({ ...definition, choreographies: [changed] }, { store: memory(data), clock })
  await app.publish(Paid({ orderId: 'a' }))
  await pass(clock, 1000)
  expect(await standing(app, data, 'a', 'complete')).toMatchObject({ ending: 'paid' })
})

test('with a retention a flow that waits for nothing is forgotten when it is old, and one that waits is kept', async () => {
  const data = new MemoryData()
  const clock = new SteppedClock()
  const options = { store: memory(data), clock, retention: { runs: '100s' } } as const
  const app = await openForTest(parts().definition, options)
  for (const orderId of ['ended', 'waits', 'broken']) await app.publish(Created({ orderId }))
  await app.publish(Declined({ orderId: 'ended' }))
  await app.publish(Shipped({ orderId: 'broken' }))
  await sweep(clock)
  expect((await app.flows('fulfilment')).items.map(({ state }) => state)).toEqual(['broken', 'complete', 'on track'])
  await live(clock, 110)
  await sweep(clock)
  expect((await app.flows('fulfilment')).items).toMatchObject([{ key: { value: 'waits' }, state: 'overdue' }])
  // What comes for a flow that is forgotten does not find it in memory either.
  await app.publish(Shipped({ orderId: 'ended' }))
  await app.publish(Created({ orderId: 'broken' }))
  await sweep(clock)
  const flows = (await app.flows('fulfilment')).items
  expect(flows.map(({ key, state }) => [key.value, state])).toEqual([
    ['broken', 'on track'],
    ['waits', 'overdue'],
  ])
})

test('what came for a flow while the sweep had its old row in hand is not forgotten', async () => {
  const flow = choreography('delivery', byOrder, seq(Created, optional(Shipped)))
  const definition = ballet({ services: [], choreographies: [flow], events: [Created, Shipped] })
  const data = new MemoryData()
  const clock = new SteppedClock()
  const store = memory(data)
  let between: (() => Promise<void>) | null = null
  const real = store.flowsOf.bind(store)
  store.flowsOf = async (...args) => {
    const page = await real(...args)
    if (between !== null && page.some((row) => row?.key === 'orderId:x' && row.changed <= clock.now() - 100_000)) {
      const now = between
      between = null
      await now()
    }
    return page
  }
  const app = await openForTest(definition, { store, clock, retention: { runs: '100s' } })
  await app.publish(Created({ orderId: 'x' }))
  await live(clock, 90)
  between = async () => {
    await app.publish(Shipped({ orderId: 'x' }))
    await app.flow('delivery', 'x')
  }
  await live(clock, 20)
  expect(between).toBeNull()
  await rounds(20)
  expect(await app.flow('delivery', 'x')).toMatchObject({ state: 'complete' })
})

test('keys of which only foreign events come are not kept in memory for ever', async () => {
  const clock = new SteppedClock()
  const store = memory(new MemoryData())
  const read: string[] = []
  const real = store.flowsOf.bind(store)
  store.flowsOf = async (shard, ns, name, keys) => {
    read.push(...keys)
    return real(shard, ns, name, keys)
  }
  const app = await openForTest(parts().definition, { store, clock })
  const come = async (orderId: string): Promise<void> => void (await app.publish(Shipped({ orderId })))
  for (let number = 0; number <= 10_000; number += 100)
    await Promise.all(Array.from({ length: 100 }, (_, index) => come(`${number + index}`)))
  await pass(clock, 1000)
  await rounds(20)
  await come('0')
  await pass(clock, 1000)
  expect(read.filter((key) => key === 'orderId:0')).toHaveLength(2)
})

test('with a retention the events of a flow that waits stay: a changed choreography is held against all of them', async () => {
  const data = new MemoryData()
  const clock = new SteppedClock()
  const options = () => ({ store: memory(data), clock, retention: { runs: '100s' } }) as const
  const waitsFor = (within: '200s' | '250s') =>
    ballet({
      services: [],
      choreographies: [choreography('delivery', byOrder, seq(Created, Paid, Shipped.within(within)))],
      events: [Created, Paid, Shipped],
    })
  const first = await openForTest(waitsFor('200s'), options())
  await first.publish(Created({ orderId: 'a' }))
  await live(clock, 90)
  await first.publish(Paid({ orderId: 'a' }))
  await live(clock, 40)
  await first.close()
  const app = await openForTest(waitsFor('250s'), options())
  await live(clock, 230)
  expect(await app.flow('delivery', 'a')).toMatchObject({ state: 'overdue', overdues: 1 })
  await app.publish(Shipped({ orderId: 'a' }))
  expect(await app.flow('delivery', 'a')).toMatchObject({ state: 'complete' })
})

// Reactions on the real engine: one run per event and reaction, in order per (service, key), deduplicated, with causes.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest, until } from '../../test/support/applications.ts'
import type { Application } from '../define/application.ts'
import { ballet, event, on, operation, service, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const Order = z.object({ orderId: z.string(), n: z.number() })
const Created = event('order.created', Order, { key: 'orderId' })
const Paid = event('order.paid', Order, { key: 'orderId' })
const Shipped = event('order.shipped', Order, { key: 'orderId' })
const Cancelled = event('order.cancelled', Order, { key: 'orderId' })
const output = z.json()

const ended = (app: Application, count: number) => async () => {
  const { items } = await app.runs({ kind: 'reaction', limit: 1000 })
  return items.length >= count && items.every((run) => run.ended !== null) && items
}

test('a chain of reactions: outcomes are published, each step names its cause, ids stay short', async () => {
  const payment = service('payment', {
    charge: operation({ input: Order, outcomes: [Paid], run: (order) => Paid(order) }),
  })
  const shipping = service('shipping', {
    ship: operation({ input: Order, outcomes: [Shipped], run: (order) => Shipped(order) }),
  })
  payment.on(Created, (order) => payment.charge(order))
  shipping.on(Paid, (order) => shipping.ship(order))
  const app = await openForTest(ballet({ name: 'shop', services: [payment, shipping] }))
  const published = await app.publish(Created({ orderId: 'o', n: 1 }), { id: 'e1' })
  expect(published).toMatchObject({ id: 'e1', source: 'shop', created: true })
  await until(app, 'orderId:o', ended(app, 2))
  const { runs, events } = await app.key('orderId', 'o')
  expect(runs.map((run) => run.name)).toEqual(['payment:order.created', 'shipping:order.paid'])
  expect(runs[0]).toMatchObject({
    id: 'payment:order.created:e1',
    kind: 'reaction',
    cause: 'event:shop:e1',
    root: 'event:shop:e1',
    status: 'completed',
  })
  const [created, paid, shipped] = events
  expect(events.map((one) => one.type)).toEqual(['order.created', 'order.paid', 'order.shipped'])
  expect(paid).toMatchObject({
    source: 'payment',
    causationid: `run:${runs[0]?.id}`,
    correlationid: 'event:shop:e1',
    published: true,
  })
  expect(runs[1]?.cause).toBe(`event:payment:${paid?.id}`)
  expect(shipped?.causationid).toBe(`run:${runs[1]?.id}`)
  expect(shipped?.id.length).toBeLessThan(140)
  expect(created?.sequence.length).toBe(16)
})

test('F12: an event that comes twice: it is reacted to once, from the same source; another source is another event', async () => {
  const seen: string[] = []
  const payment = service('payment', {
    charge: operation({ input: Order, run: (_order, context) => void seen.push(context.idempotencyKey) }),
  })
  payment.on(Created, (order) => payment.charge(order))
  const app = await openForTest(ballet({ services: [payment] }))
  const order = Created({ orderId: 'o', n: 1 })
  const all = await Promise.all([
    app.publish(order, { id: 'e' }),
    app.publish(order, { id: 'e' }),
    app.publish(order, { id: 'e', source: 'elsewhere' }),
  ])
  expect(all.map((one) => one.created).sort()).toEqual([false, true, true])
  await expect(app.publish(Created({ orderId: 'o', n: 2 }), { id: 'e' })).rejects.toMatchObject({
    code: 'EVENT_CONFLICT',
  })
  await until(app, 'orderId:o', ended(app, 2))
  expect(new Set(seen).size).toBe(2)
})

test('one at a time per key in the order of the events, other keys at once, order none overtakes', async () => {
  const log: string[] = []
  const doors = new Map([1, 2].map((n) => [n, gate()]))
  const begun = new Map([1, 2].map((n) => [n, gate()]))
  const payment = service('payment', {
    charge: operation({
      input: Order,
      run: async ({ orderId, n }) => {
        log.push(`begin ${orderId}${n}`)
        if (orderId === 'a') begun.get(n)?.open()
        if (orderId === 'a') await doors.get(n)?.promise
        log.push(`end ${orderId}${n}`)
      },
    }),
    cancel: operation({ input: Order, run: ({ orderId }) => void log.push(`cancel ${orderId}`) }),
  })
  payment.on(Created, (order) => payment.charge(order))
  payment.on(Cancelled, (order) => payment.cancel(order), { order: 'none' })
  const app = await openForTest(ballet({ services: [payment] }))
  await app.publish(Created({ orderId: 'a', n: 1 }))
  await app.publish(Created({ orderId: 'a', n: 2 }))
  await app.publish(Created({ orderId: 'b', n: 3 }))
  await app.publish(Cancelled({ orderId: 'a', n: 0 }))
  await until(app, null, async () => (await app.runs({ status: ['completed'] })).items.length === 2)
  expect(log.filter((line) => line.includes('a'))).toEqual(['begin a1', 'cancel a'])
  doors.get(1)?.open()
  await begun.get(2)?.promise
  expect(log.indexOf('end a1')).toBeLessThan(log.indexOf('begin a2'))
  doors.get(2)?.open()
  await until(app, null, ended(app, 4))
})

test('F14: a mapping that throws or lies: its reaction is stuck at once, and holds its lane and no other', async () => {
  const done: string[] = []
  const payment = service('payment', {
    charge: operation({
      input: Order.extend({ n: z.number().max(5) }),
      run: ({ orderId, n }) => void done.push(`${orderId}${n}`),
    }),
  })
  const other = service('other', {
    note: operation({ input: Order, run: ({ orderId, n }) => void done.push(`note ${orderId}${n}`) }),
  })
  payment.on(Created, (order) => {
    if (order.n === 0) throw new RangeError('a bug in the mapping')
    return payment.charge(order)
  })
  other.on(Created, (order) => (order.n > 5 ? null : other.note(order)))
  const data = new MemoryData()
  const definition = ballet({ services: [payment, other] })
  const app = await openForTest(definition, { store: memory(data) })
  await app.publish(Created({ orderId: 'a', n: 0 }))
  await app.publish(Created({ orderId: 'a', n: 1 }))
  await app.publish(Created({ orderId: 'b', n: 9 }))
  await app.publish(Created({ orderId: 'c', n: 2 }))
  await until(app, null, async () => (await app.runs({ status: ['completed'] })).items.length === 4)
  expect(done).not.toContain('a1')
  const { items } = await app.runs({ status: ['stuck'] })
  expect(items.map((run) => [run.key?.value, run.reason, run.error?.code]).sort()).toEqual([
    ['a', 'threw', 'RangeError'],
    ['b', 'threw', 'INPUT_INVALID'],
  ])
  const again = await openForTest(definition, { store: memory(data) })
  expect(again.recovered).toMatchObject({ runs: 3, stuck: 2 })
  await again.publish(Created({ orderId: 'c', n: 3 }))
  await until(again, null, async () => (await again.runs({ status: ['completed'] })).items.length === 6)
  expect(done).toContain('c3')
  expect(done).not.toContain('a1')
})

test('a reaction whose call is a workflow ends when that has started, under the key of the order', async () => {
  const checkout = workflow('checkout', { input: Order, output, key: 'orderId' }, async (run, order) => {
    await run.sleep('1ms')
    return order.n
  })
  const desk = service('desk', {})
  const definition = ballet({
    services: [desk],
    workflows: [checkout],
    reactions: [on(desk, Created, (order) => checkout(order))],
  })
  const app = await openForTest(definition)
  await app.publish(Created({ orderId: 'o', n: 4 }), { id: 'e' })
  expect(
    await until(app, null, async () => (await app.run('checkout:o'))?.ended !== undefined && app.result('checkout:o')),
  ).toBe(4)
  expect(await app.run('desk:order.created:e')).toMatchObject({ status: 'completed', output: { run: 'checkout:o' } })
  expect(await app.run('checkout:o')).toMatchObject({
    cause: 'run:desk:order.created:e',
    parent: 'desk:order.created:e',
  })
  await app.publish(Created({ orderId: 'o', n: 5 }), { id: 'f' })
  const conflict = await until(
    app,
    null,
    async () => (await app.run('desk:order.created:f'))?.status === 'stuck' && app.run('desk:order.created:f'),
  )
  expect(conflict).toMatchObject({ reason: 'conflict', error: { code: 'RUN_CONFLICT' } })
  expect(await app.start(checkout({ orderId: 'o', n: 4 }))).toEqual({ id: 'checkout:o', created: false })
})

test('outcomes of a workflow are events that nobody reacts to, unless it publishes them', async () => {
  const reacted: number[] = []
  const payment = service('payment', {
    charge: operation({ input: Order, outcomes: [Paid], run: (order) => Paid(order) }),
  })
  const other = service('other', { note: operation({ input: Order, run: ({ n }) => void reacted.push(n) }) })
  other.on(Paid, (order) => other.note(order))
  const flow = workflow('flow', { input: Order, output, key: 'orderId' }, async (run, { orderId }) => {
    await run.call(payment.charge({ orderId, n: 1 }))
    await run.call(payment.charge({ orderId, n: 2 }), { publish: true })
    return null
  })
  const app = await openForTest(ballet({ services: [payment, other], workflows: [flow] }))
  await app.start(flow({ orderId: 'o', n: 0 }))
  await app.start(payment.charge({ orderId: 'p', n: 3 }))
  await until(app, null, ended(app, 2))
  expect(reacted.sort()).toEqual([2, 3])
  const { items } = await app.events()
  expect(items.map((one) => [(one.data as { n: number }).n, one.published]).sort()).toEqual([
    [1, false],
    [2, true],
    [3, true],
  ])
})

test('F1: a crash before reactions were done: they are done after it, in order, under the same key', async () => {
  const keys: string[] = []
  const hold = gate()
  let held = true
  const payment = service('payment', {
    charge: operation({
      input: Order,
      run: async ({ n }, context) => {
        keys.push(`${n} ${context.idempotencyKey}`)
        if (held) await hold.promise
      },
    }),
  })
  payment.on(Created, (order) => payment.charge(order))
  const definition = ballet({ services: [payment] })
  const data = new MemoryData()
  const first = await openForTest(definition, { store: memory(data) })
  for (const n of [1, 2, 3]) await first.publish(Created({ orderId: 'o', n }))
  await until(first, null, async () => keys.length === 1)
  held = false
  const second = await openForTest(definition, { store: memory(data) })
  await until(second, null, ended(second, 3))
  expect(keys.map((key) => key[0])).toEqual(['1', '1', '2', '3'])
  expect(new Set(keys).size).toBe(3)
  hold.open()
})

test('a mapping that threw is tried again when the application is opened: mended, its reaction and its lane go on', async () => {
  let broken = true
  const done: number[] = []
  const payment = service('payment', { charge: operation({ input: Order, run: ({ n }) => void done.push(n) }) })
  payment.on(Created, (order) => {
    if (broken) throw new RangeError('a bug in the mapping')
    return order.n === 2 ? null : payment.charge(order)
  })
  const definition = ballet({ services: [payment] })
  const data = new MemoryData()
  const first = await openForTest(definition, { store: memory(data) })
  for (const n of [1, 2, 3]) await first.publish(Created({ orderId: 'o', n }))
  await until(first, null, async () => (await first.runs({ status: ['stuck'] })).items.length === 3)
  broken = false
  const second = await openForTest(definition, { store: memory(data) })
  await until(second, null, ended(second, 3))
  expect(done).toEqual([1, 3])
})

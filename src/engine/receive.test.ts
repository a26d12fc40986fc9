// What a run receives: every event of its key from where it stands, once, in order; and a deadline never beats what
// was acknowledged before it.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest, until } from '../../test/support/applications.ts'
import { guarded } from '../../test/support/stores.ts'
import { ballet, event, operation, service, signal, workflow } from '../index.ts'
import { memory } from '../stores/memory/memory-store.ts'

const Order = z.object({ orderId: z.string() })
const Paid = event('order.paid', Order.extend({ n: z.number() }), { key: 'orderId' })
const Shipped = event('order.shipped', Order.extend({ n: z.number() }), { key: 'orderId' })
const Go = signal('go', z.object({ n: z.number() }))
const output = z.json()

test('an event that a wait does not want any more does not make the run deaf for another wait', async () => {
  const flow = workflow('flow', { input: Order, output, key: 'orderId', signals: [Go] }, async (run) => {
    const [either, shipped] = await Promise.all([run.receive([Paid, Go]), run.receive(Shipped)])
    return [either.type, shipped.data.n]
  })
  const app = await openForTest(ballet({ services: [], workflows: [flow], events: [Paid, Shipped] }))
  await app.start(flow({ orderId: 'o' }))
  await until(app, null, async () => (await app.run('flow:o'))?.waits.length === 2)
  await app.signal('flow:o', Go({ n: 1 }))
  await app.publish(Paid({ orderId: 'o', n: 1 }))
  await app.publish(Shipped({ orderId: 'o', n: 2 }))
  expect((await app.settled('flow:o', 1000))?.output).toEqual(['go', 2])
})

test('F12: a deadline beside an event that was acknowledged before it: the event comes first', async () => {
  const flow = workflow('flow', { input: Order, output, key: 'orderId', signals: [Go] }, async (run) => {
    await run.receive(Go)
    return (await run.receive(Paid, { within: '1ms' }))?.data.n ?? 'late'
  })
  const door = gate()
  let slow = false
  const store = guarded(memory(), 'commit', async (pass) => {
    if (slow) await door.promise
    return pass()
  })
  const app = await openForTest(ballet({ services: [], workflows: [flow], events: [Paid] }), { store })
  await app.start(flow({ orderId: 'o' }))
  await app.publish(Paid({ orderId: 'o', n: 5 }))
  slow = true
  const sent = app.signal('flow:o', Go({ n: 1 }))
  // Long after the deadline, the turn that waits becomes durable.
  setTimeout(() => door.open(), 30)
  await sent
  expect(await app.result('flow:o')).toBe(5)
})

test('a deadline does not beat an event whose log is read slowly', async () => {
  const flow = workflow(
    'flow',
    { input: Order, output, key: 'orderId' },
    async (run) => (await run.receive(Paid, { within: '20ms' }))?.data.n ?? 'late',
  )
  const door = gate()
  let holding = false
  const store = guarded(memory(), 'events', async (pass) => {
    if (holding) await door.promise
    return pass()
  })
  const app = await openForTest(ballet({ services: [], workflows: [flow], events: [Paid] }), { store })
  await app.start(flow({ orderId: 'o' }))
  await until(app, null, async () => (await app.run('flow:o'))?.waits.length === 1)
  holding = true
  await app.publish(Paid({ orderId: 'o', n: 5 }))
  setTimeout(() => door.open(), 60)
  expect(await app.result('flow:o')).toBe(5)
})

test('a run that a reaction started hears what came after the event that caused it', async () => {
  const flow = workflow(
    'flow',
    { input: Order, output, key: 'orderId' },
    async (run) => (await run.receive(Shipped)).data.n,
  )
  const desk = service('desk', { noop: operation({ input: z.null(), output: z.null(), run: () => null }) })
  desk.on(Paid, ({ orderId }) => flow({ orderId }))
  const door = gate()
  let holding = false
  // The look-up of the id that the workflow will have takes its time.
  const store = guarded(memory(), 'claims', async (pass) => {
    if (holding) await door.promise
    return pass()
  })
  const app = await openForTest(ballet({ services: [desk], workflows: [flow], events: [Paid, Shipped] }), { store })
  holding = true
  await app.publish(Paid({ orderId: 'o', n: 1 }))
  await app.publish(Shipped({ orderId: 'o', n: 2 }))
  holding = false
  door.open()
  await until(app, null, async () => (await app.run('flow:o')) !== null)
  expect((await app.settled('flow:o', 1000))?.output).toBe(2)
})

test('runs that are parked as soon as they wait hear their events', async () => {
  const flow = workflow('flow', { input: Order, output, key: 'orderId' }, async (run) => [
    (await run.receive(Paid)).data.n,
    (await run.receive(Paid)).data.n,
  ])
  const app = await openForTest(ballet({ services: [], workflows: [flow], events: [Paid] }), { liveRuns: 1 })
  const orders = Array.from({ length: 20 }, (_, n) => `o${n}`)
  await Promise.all(orders.map((orderId) => app.start(flow({ orderId }))))
  for (const n of [1, 2]) await Promise.all(orders.map((orderId) => app.publish(Paid({ orderId, n }))))
  for (const orderId of orders) expect(await app.result(`flow:${orderId}`)).toEqual([1, 2])
})

test('a long life of waits for one of two types reads each event about once', async () => {
  const flow = workflow('flow', { input: Order, output, key: 'orderId' }, async (run) => {
    let sum = 0
    for (let n = 0; n < 500; n++) sum += (await run.receive([Paid, Shipped])).data.n
    return [sum, (await run.receive(Shipped)).data.n]
  })
  let rows = 0
  const store = guarded(memory(), 'events', async (pass) => {
    const page = await pass()
    rows += page.length
    return page
  })
  const app = await openForTest(ballet({ services: [], workflows: [flow], events: [Paid, Shipped] }), { store })
  await app.start(flow({ orderId: 'o' }))
  for (let n = 0; n < 500; n++) await app.publish(Paid({ orderId: 'o', n: 1 }))
  await app.publish(Shipped({ orderId: 'o', n: 7 }))
  expect(await app.result('flow:o')).toEqual([500, 7])
  expect(rows).toBeLessThan(5000)
})

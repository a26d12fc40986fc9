// A choreography that is another one when the application is opened anew, with flows going on.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { describe, expect, test } from 'vitest'
import { z } from 'zod'
import { keptLog, openForTest, until } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { guarded } from '../../test/support/stores.ts'
import { live } from '../../test/support/sweeps.ts'
import { ballet, choreography, event, seq, sqlite, type Application, type Choreography } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const Order = z.object({ orderId: z.string() })
const byOrder = { key: 'orderId' } as const
const Created = event('order.created', Order, byOrder)
const Declined = event('order.declined', Order, byOrder)
const Paid = event('payment.approved', Order, byOrder)
const Shipped = event('order.shipped', Order, byOrder)

test('a flow that has not begun by a changed choreography is none: its row goes, and its deadline tells nothing', async () => {
  const data = new MemoryData()
  const clock = new SteppedClock()
  const log = keptLog()
  const options = () => ({ store: memory(data), clock, log }) as const
  const begins = (first: 'order.created' | 'order.declined') =>
    ballet({
      services: [],
      choreographies: [
        choreography(
          'delivery',
          byOrder,
          seq(first === 'order.created' ? Created : Declined, Paid.within('200s'), Shipped),
        ),
      ],
      events: [Created, Declined, Paid, Shipped],
    })
  const first = await openForTest(begins('order.created'), options())
  for (const orderId of ['a', 'b']) await first.publish(Created({ orderId }))
  expect(await first.flow('delivery', 'a')).toMatchObject({ state: 'on track' })
  await first.close()
  expect(data.timers.size).toBe(2)
  const app = await openForTest(begins('order.declined'), options())
  await app.publish(Paid({ orderId: 'a' }))
  await app.publish(Declined({ orderId: 'b' }))
  expect(await app.flow('delivery', 'a')).toBeNull()
  expect(await app.flow('delivery', 'b')).toMatchObject({ state: 'on track', awaited: [{ event: Paid.type }] })
  await live(clock, 210)
  expect(await app.flow('delivery', 'a')).toBeNull()
  expect(await app.flow('delivery', 'b')).toMatchObject({ state: 'overdue' })
  expect([data.timers.size, data.events.filter(({ type }) => type === 'delivery.overdue')]).toMatchObject([
    0,
    [{ key: 'orderId:b' }],
  ])
  // The other one has begun, by the event that came just then.
  expect(log.lines.filter((line) => line.includes('is not followed any more'))).toEqual([
    expect.stringContaining('The flow delivery of orderId:a is not'),
  ])
})

test('what came before a choreography was followed is no part of its flows, also when it is another one later on', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-changed-'))
  const clock = new SteppedClock()
  const openWith = (...choreographies: readonly Choreography[]) => {
    const definition = ballet({ services: [], choreographies, events: [Created, Declined, Paid, Shipped] })
    return openForTest(definition, { store: sqlite({ file: join(folder, 'store.db') }), clock })
  }
  const before = await openWith()
  for (const type of [Created, Declined]) await before.publish(type({ orderId: 'a' }))
  await before.close()
  const first = await openWith(choreography('delivery', byOrder, seq(Created, Paid)))
  await first.publish(Shipped({ orderId: 'a' }))
  await first.publish(Created({ orderId: 'a' }))
  expect(await first.flow('delivery', 'a')).toMatchObject({ state: 'on track', breaks: 0 })
  await first.close()
  const second = await openWith(choreography('delivery', byOrder, seq(Created, Paid, Declined)))
  await second.publish(Paid({ orderId: 'a' }))
  expect(await second.flow('delivery', 'a')).toMatchObject({ state: 'on track', breaks: 0 })
  await second.close()
  // What came since then is, also where no flow had begun by it.
  const third = await openWith(choreography('delivery', byOrder, seq(Shipped, Created, Paid, Declined)))
  await third.publish(Declined({ orderId: 'a' }))
  expect(await third.flow('delivery', 'a')).toMatchObject({ state: 'complete', breaks: 0 })
  await third.close()
  rmSync(folder, { recursive: true })
})

test('in a store that does not say from where on a choreography is followed, all events of a key count', async () => {
  const data = new MemoryData()
  const clock = new SteppedClock()
  const openWith = (...choreographies: readonly Choreography[]) =>
    openForTest(ballet({ services: [], choreographies, events: [Created, Paid, Shipped] }), {
      store: memory(data),
      clock,
    })
  const before = await openWith()
  await before.publish(Created({ orderId: 'a' }))
  await before.close()
  const first = await openWith(choreography('delivery', byOrder, seq(Paid, Shipped)))
  await first.publish(Paid({ orderId: 'a' }))
  expect(await first.flow('delivery', 'a')).toMatchObject({ state: 'on track' })
  await first.close()
  for (const [name, row] of data.flows)
    if (row.key === '') data.flows.set(name, { ...row, detail: JSON.stringify({ field: byOrder.key }) })
  const second = await openWith(choreography('delivery', byOrder, seq(Created, Paid, Shipped)))
  await second.publish(Shipped({ orderId: 'a' }))
  expect(await second.flow('delivery', 'a')).toMatchObject({ state: 'complete', breaks: 0 })
})

const openOn = (data: MemoryData, clock: SteppedClock, contract: Choreography) =>
  openForTest(ballet({ services: [], choreographies: [contract], events: [Created, Paid, Shipped] }), {
    store: memory(data),
    clock,
  })

describe('an event that another contract in between had no use for', () => {
  const whole = choreography('delivery', byOrder, seq(Created, Paid.within('200s'), Shipped))
  const short = choreography('delivery', byOrder, seq(Created, Shipped))
  /** Something else comes, behind which all that came before counts as followed. */
  const goOn = async (app: Application): Promise<void> => {
    await app.publish(Created({ orderId: 'another' }))
    expect(await app.flow('delivery', 'another')).toMatchObject({ awaited: [{ event: Shipped.type }] })
  }

  test('is part of the flow for the one before, when that is back: a release that is taken back breaks none', async () => {
    const [data, clock] = [new MemoryData(), new SteppedClock()]
    const first = await openOn(data, clock, whole)
    await first.publish(Created({ orderId: 'a' }))
    expect(await first.flow('delivery', 'a')).toMatchObject({ awaited: [{ event: Paid.type }] })
    await first.close()
    const between = await openOn(data, clock, short)
    await between.publish(Paid({ orderId: 'a' }))
    await goOn(between)
    await between.close()
    // Opened twice: that it is back is known for good.
    await (await openOn(data, clock, whole)).close()
    const again = await openOn(data, clock, whole)
    await again.publish(Shipped({ orderId: 'a' }))
    expect(await again.flow('delivery', 'a')).toMatchObject({ state: 'complete', breaks: 0 })
    await again.close()
  })

  test('is part of it for the one after, also behind the last that counted before', async () => {
    const [data, clock] = [new MemoryData(), new SteppedClock()]
    const first = await openOn(data, clock, short)
    for (const type of [Created, Paid]) await first.publish(type({ orderId: 'a' }))
    await goOn(first)
    await first.close()
    const second = await openOn(data, clock, whole)
    await second.publish(Shipped({ orderId: 'a' }))
    expect(await second.flow('delivery', 'a')).toMatchObject({ state: 'complete', breaks: 0 })
    await second.close()
  })

  test('is not overdue when it came in time', async () => {
    const [data, clock] = [new MemoryData(), new SteppedClock()]
    const first = await openOn(data, clock, whole)
    for (const orderId of ['a', 'b']) await first.publish(Created({ orderId }))
    expect(await first.flow('delivery', 'a')).toMatchObject({ state: 'on track' })
    await first.close()
    const between = await openOn(data, clock, short)
    await between.publish(Paid({ orderId: 'a' }))
    await goOn(between)
    await between.close()
    const again = await openOn(data, clock, whole)
    await live(clock, 210)
    expect(await again.flow('delivery', 'a')).toMatchObject({ state: 'on track', awaited: [{ event: Shipped.type }] })
    expect(await again.flow('delivery', 'b')).toMatchObject({ state: 'overdue' })
    await again.close()
  })
})

describe('the limits of flows that go on', () => {
  const limited = choreography('delivery', byOrder, seq(Created, Paid.within('200s'), Shipped))
  const patient = choreography('delivery', byOrder, seq(Created, Paid.within('2000s'), Shipped))
  const unlimited = choreography('delivery', byOrder, seq(Created, Paid, Shipped))
  const told = (data: MemoryData): readonly string[] =>
    data.events.filter(({ type }) => type === 'delivery.overdue').map(({ key }) => key)
  const placeOn = (data: MemoryData) => [...data.flows].find(([, { key }]) => key === '') ?? expect.fail()

  test.each([
    ['had no limit there', unlimited],
    ['had a longer one', patient],
  ])('count again when a release is taken back whose contract %s, though nothing comes for them', async (_, other) => {
    const [data, clock] = [new MemoryData(), new SteppedClock()]
    const first = await openOn(data, clock, limited)
    await first.publish(Created({ orderId: 'a' }))
    await first.close()
    const between = await openOn(data, clock, other)
    await live(clock, 100)
    for (const orderId of ['b', 'c', 'd']) await between.publish(Created({ orderId }))
    await between.publish(Paid({ orderId: 'c' }))
    // The time comes that the first contract has set.
    await live(clock, 150)
    expect(await between.flow('delivery', 'a')).toMatchObject({ state: 'on track' })
    await between.close()
    expect(told(data)).toEqual([])
    const again = await openOn(data, clock, limited)
    await live(clock, 5)
    expect(await again.flow('delivery', 'a')).toMatchObject({ state: 'overdue', overdues: 1 })
    expect(await again.flow('delivery', 'b')).toMatchObject({
      state: 'on track',
      deadlines: [{ events: [Paid.type] }],
    })
    expect(await again.flow('delivery', 'c')).toMatchObject({ state: 'on track', awaited: [{ event: Shipped.type }] })
    await again.publish(Paid({ orderId: 'd' }))
    await live(clock, 100)
    expect(told(data)).toEqual(['orderId:a', 'orderId:b'])
    expect(placeOn(data)[1].detail).not.toContain('isBehind')
    await again.close()
  })

  test('count in the next process when the first one did not come to that', async () => {
    const [data, clock] = [new MemoryData(), new SteppedClock()]
    const first = await openOn(data, clock, unlimited)
    await first.publish(Created({ orderId: 'a' }))
    await first.close()
    // As it stands when the process dies behind its first commit.
    const [name, row] = placeOn(data)
    const detail = { ...JSON.parse(row.detail), hash: limited.flow.hash, isBehind: true }
    data.flows.set(name, { ...row, detail: JSON.stringify(detail) })
    const second = await openOn(data, clock, limited)
    await live(clock, 210)
    expect(told(data)).toEqual(['orderId:a'])
    await second.close()
  })

  test('count when the process with the other contract ends before all of them have been read', async () => {
    const [data, clock] = [new MemoryData(), new SteppedClock()]
    const first = await openOn(data, clock, limited)
    await first.publish(Created({ orderId: 'a' }))
    await first.close()
    const app = ballet({ services: [], choreographies: [unlimited], events: [Created, Paid, Shipped] })
    const store = guarded(memory(data), 'flows', (pass, _, { standing }) =>
      standing === 'on track' ? pass() : Promise.withResolvers<never>().promise,
    )
    const between = await openForTest(app, { store, clock })
    const name = [...data.flows].find(([, { key }]) => key !== '')?.[0] ?? ''
    const isRenewed = () => data.flows.get(name)?.due === null
    await until(between, null, async () => (await live(clock, 1), isRenewed()))
    await between.close()
    const again = await openOn(data, clock, limited)
    await live(clock, 210)
    expect(told(data)).toEqual(['orderId:a'])
    await again.close()
  })

  test('count when a release is taken back by whose contract the flow had ended; what had ended by its own stays so', async () => {
    const [data, clock] = [new MemoryData(), new SteppedClock()]
    const first = await openOn(data, clock, limited)
    for (const orderId of ['a', 'b']) await first.publish(Created({ orderId }))
    for (const type of [Paid, Shipped]) await first.publish(type({ orderId: 'b' }))
    await first.close()
    for (const contract of [choreography('delivery', byOrder, seq(Created)), unlimited]) {
      const between = await openOn(data, clock, contract)
      await live(clock, 50)
      expect(await between.flow('delivery', 'a')).toMatchObject({ state: 'complete' })
      await between.close()
    }
    const again = await openOn(data, clock, limited)
    await live(clock, 90)
    expect(await again.flow('delivery', 'a')).toMatchObject({ state: 'on track', awaited: [{ event: Paid.type }] })
    await live(clock, 20)
    expect(told(data)).toEqual(['orderId:a'])
    expect(await again.flow('delivery', 'b')).toMatchObject({ state: 'complete' })
    await again.close()
  })

  test('count from its events on when it is given one', async () => {
    const [data, clock] = [new MemoryData(), new SteppedClock()]
    const first = await openOn(data, clock, unlimited)
    await first.publish(Created({ orderId: 'a' }))
    await live(clock, 150)
    await first.close()
    const second = await openOn(data, clock, limited)
    await live(clock, 45)
    expect(told(data)).toEqual([])
    await live(clock, 10)
    expect(told(data)).toEqual(['orderId:a'])
    await second.close()
  })

  test('a flow that another contract would not have begun stands as it stood, and goes on when that is taken back', async () => {
    const [data, clock] = [new MemoryData(), new SteppedClock()]
    const first = await openOn(data, clock, limited)
    await first.publish(Created({ orderId: 'a' }))
    await first.close()
    const between = await openOn(data, clock, choreography('delivery', byOrder, seq(Paid, Shipped)))
    await live(clock, 50)
    await between.close()
    const again = await openOn(data, clock, limited)
    await live(clock, 160)
    expect(told(data)).toEqual(['orderId:a'])
    await again.close()
  })
})

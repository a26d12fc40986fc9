// The deadlines of flows, on a store that is a file: each that passes is told once, whatever passes beside it, and whoever is
// there when it does.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { rounds } from '../../test/support/sweeps.ts'
import {
  all,
  ballet,
  choice,
  choreography,
  event,
  operation,
  response,
  seq,
  service,
  sqlite,
  type Application,
  type ChoreographyOptions,
  type Part,
} from '../index.ts'

const folder = mkdtempSync(join(tmpdir(), 'ballet-deadlines-'))
afterAll(() => rmSync(folder, { recursive: true }))

const Order = z.object({ orderId: z.string() })
const byOrder = { key: 'orderId' } as const
const Created = event('order.created', Order, byOrder)
const Packed = event('order.packed', Order, byOrder)
const Paid = event('order.paid', Order, byOrder)
const Settled = event('order.settled', Order, byOrder)
const Declined = event('order.declined', Order, byOrder)
const Overdue = event('delivery.overdue', z.object({ orderId: z.string(), awaited: z.array(z.string()) }), byOrder)

/** The parts of a flow, and what holds beside them. */
type Delivery = readonly [flow: Part, more?: ChoreographyOptions<'orderId'>]

/** An application that follows a flow, or none, and tells of what is late. */
function definitionOf(...[flow, more]: Delivery | readonly []) {
  const desk = service('desk', { tell: operation({ input: Overdue.schema, run: () => {} }) })
  desk.on(Overdue, (data) => desk.tell(data))
  const choreographies = flow === undefined ? [] : [choreography('delivery', byOrder, flow as typeof Created, more)]
  return ballet({ services: [desk], choreographies, events: [Created, Packed, Paid, Settled, Declined] })
}

/** Opens applications, one after the other, on one file. */
function onFile(name: string) {
  return async (clock: SteppedClock, ...delivery: Delivery | readonly []): Promise<Application> =>
    openForTest(definitionOf(...delivery), { store: sqlite({ file: join(folder, `${name}.db`) }), clock })
}

/** Lets time pass, in small steps, until something holds. */
async function when(clock: SteppedClock, holds: () => Promise<boolean>): Promise<void> {
  while (!(await holds())) {
    await rounds(2)
    clock.pass(20)
  }
}

/** What was told of the flow of a key, and what it led to: the types that were awaited, and how many runs reacted. */
async function told(app: Application, orderId = 'a') {
  const { events } = await app.key(byOrder.key, orderId)
  const { items } = await app.runs({ name: 'desk:delivery.overdue', key: `orderId:${orderId}` })
  const overdue = events.filter(({ type }) => type === 'delivery.overdue')
  return [overdue.map(({ data }) => (data as { awaited: string[] }).awaited.join(' or ')), items.length]
}

const overdues = async (app: Application): Promise<number | undefined> => (await app.flow('delivery', 'a'))?.overdues

test('a deadline that is known only behind a later one that was told is told as well', async () => {
  const clock = new SteppedClock()
  const app = await onFile('behind')(
    clock,
    seq(Created, all(Packed.within('50s'), choice(seq(Paid, Settled).within('10s'), Declined.within('100s')))),
  )
  await app.publish(Created({ orderId: 'a' }))
  expect(await app.flow('delivery', 'a')).toMatchObject({ state: 'on track' })
  clock.pass(50_000)
  await when(clock, async () => (await overdues(app)) === 1)
  await app.publish(Paid({ orderId: 'a' }))
  await when(clock, async () => (await overdues(app)) === 2)
  expect(await told(app)).toEqual([['order.packed', 'order.settled'], 2])
})

test('by a clock that was set back no flow is overdue before its time, and what is late then is told', async () => {
  const clock = new SteppedClock()
  const flow = seq(Created, Paid.within('10s'), Packed.within('20s'))
  const openOn = onFile('set-back')
  const first = await openOn(clock, flow)
  await first.publish(Created({ orderId: 'a' }))
  expect(await overdues(first)).toBe(0)
  clock.pass(10_000)
  await when(clock, async () => (await overdues(first)) === 1)
  await first.close()
  const before = new SteppedClock(clock.now() - 3_600_000)
  const app = await openOn(before, flow)
  await app.publish(Paid({ orderId: 'a' }))
  expect(await app.flow('delivery', 'a')).toMatchObject({ state: 'on track', deadlines: [{ passed: false }] })
  before.pass(20_000)
  await when(before, async () => (await overdues(app)) === 2)
  expect(await told(app)).toEqual([['order.paid', 'order.packed'], 2])
})

test('a deadline that was told is not told again when the choreography is changed behind it, nor when it is changed back', async () => {
  const clock = new SteppedClock()
  const openOn = onFile('changed')
  const first = await openOn(clock, seq(Created, Paid.within('10s'), Packed))
  await first.publish(Created({ orderId: 'a' }))
  expect(await overdues(first)).toBe(0)
  clock.pass(10_000)
  await when(clock, async () => (await overdues(first)) === 1)
  await first.close()
  const second = await openOn(clock, seq(Created, all(Packed, Paid.within('1h')), Settled))
  await second.publish(Packed({ orderId: 'a' }))
  expect(await second.flow('delivery', 'a')).toMatchObject({ state: 'on track', overdues: 1 })
  await second.close()
  const app = await openOn(clock, seq(Created, all(Packed, Paid.within('10s')), Settled))
  clock.pass(1000)
  await app.publish(Paid({ orderId: 'a' }))
  expect(await app.flow('delivery', 'a')).toMatchObject({ awaited: [{ event: 'order.settled' }], overdues: 1 })
  expect(await told(app)).toEqual([['order.paid'], 1])
})

test('two limits that ask for the same by the same time are one deadline, which is told once', async () => {
  const clock = new SteppedClock()
  const answered = { always: [response(Created, Paid, { within: '10s' })] }
  const app = await onFile('equal')(clock, seq(Created, Paid.within('10s'), Packed.within('20s')), answered)
  await app.publish(Created({ orderId: 'a' }))
  expect((await app.flow('delivery', 'a'))?.deadlines).toMatchObject([{ events: ['order.paid'], passed: false }])
  clock.pass(10_000)
  await when(clock, async () => ((await overdues(app)) ?? 0) > 0)
  expect(await app.flow('delivery', 'a')).toMatchObject({ overdues: 1, deadlines: [{ passed: true }] })
  expect(await told(app)).toEqual([['order.paid'], 1])
})

test('a deadline that passes while the application runs without its choreography is told when that is back', async () => {
  const clock = new SteppedClock()
  const flow = seq(Created, Paid.within('10s'), Packed)
  const openOn = onFile('without')
  const first = await openOn(clock, flow)
  for (const orderId of ['a', 'b']) await first.publish(Created({ orderId }))
  expect(await overdues(first)).toBe(0)
  await first.close()
  const without = await openOn(clock)
  clock.pass(5000)
  await without.publish(Paid({ orderId: 'b' }))
  clock.pass(5000)
  // What is due by now is taken up, and what came of that is durable.
  for (let second = 0; second < 5; second++) {
    await without.publish(Settled({ orderId: 'other' }))
    await rounds()
    clock.pass(1000)
  }
  await without.close()
  await (await openOn(clock)).close()
  const app = await openOn(clock, flow)
  await when(clock, async () => (await overdues(app)) === 1)
  expect(await app.flow('delivery', 'b')).toMatchObject({ state: 'on track', overdues: 0 })
  expect([await told(app), await told(app, 'b')]).toEqual([
    [['order.paid'], 1],
    [[], 0],
  ])
})

test('a deadline whose timer went while the clock was set back is told by the next process', async () => {
  const clock = new SteppedClock()
  const flow = seq(Created, Paid.within('10s'))
  const openOn = onFile('gone')
  let backMs = 0
  const first = await openForTest(definitionOf(flow), {
    store: sqlite({ file: join(folder, 'gone.db') }),
    clock: { now: () => clock.now() - backMs, after: (ms, ring) => clock.after(ms, ring) },
  })
  await first.publish(Created({ orderId: 'a' }))
  expect(await overdues(first)).toBe(0)
  clock.pass(10_000)
  backMs = 3_600_000
  await rounds(20)
  expect(await overdues(first)).toBe(0)
  await first.close()
  const second = await openOn(clock, flow)
  await when(clock, async () => (await overdues(second)) === 1)
  expect(await told(second)).toEqual([['order.paid'], 1])
})

// A run that conducts, of which a call has failed for good: it goes on as long as its flow can, and ends when it can not.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest, until } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { rounds } from '../../test/support/sweeps.ts'
import { byOrder, codeOf, Created, newFile, Order, runsOf } from '../../test/support/conducted.ts'
import {
  all,
  ballet,
  choice,
  choreography,
  event,
  operation,
  optional,
  seq,
  service,
  TerminalError,
  workflow,
  type Application,
  type Pattern,
} from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const Asked = event('client.asked', Order, byOrder)
const Noted = event('desk.noted', Order, byOrder)
const Answered = event('desk.answered', Order, byOrder)
const gone = (): never => {
  throw new TerminalError('it is not to be had')
}

/** What is to be noted fails; the client asks from outside, and is answered. */
function asking(pattern: Pattern<string | null, 'orderId'> = seq(Created, Asked, Answered)) {
  const desk = service('desk', {
    note: operation({ input: Order, outcomes: [Noted], run: gone }),
    answer: operation({ input: Order, outcomes: [Answered], run: (order) => Answered(order) }),
  })
  desk.on(Created, (order) => desk.note(order))
  desk.on(Asked, (order) => desk.answer(order))
  const flow = choreography('asking', { key: 'orderId' }, pattern, { outside: [Asked] })
  return { flow, definition: ballet({ services: [desk], choreographies: [flow] }) }
}

const hasFailed = (app: Application, id: string) =>
  until(app, 'orderId:o', async () => (await app.run(id))?.steps?.some(({ status }) => status === 'failed'))

test('a call at the side that failed for good is no end, while something may come from outside, also for the next process', async () => {
  const { flow, definition } = asking()
  const store = newFile()
  const app = await openForTest(definition, { store })
  await app.conduct(flow)(Created({ orderId: 'o' }))
  await hasFailed(app, 'asking:o')
  // Whatever the run makes of the failure is durable before this is.
  await app.flow('asking', 'o')
  await app.publish(Created({ orderId: 'other' }))
  expect(await app.run('asking:o')).toMatchObject({ status: 'running' })
  await app.close()
  const next = await openForTest(definition, { store })
  expect(await next.run('asking:o')).toMatchObject({ status: 'running' })
  await next.publish(Asked({ orderId: 'o' }), { id: 'asked' })
  expect(await next.result('asking:o')).toMatchObject({ ending: 'complete' })
  expect((await runsOf(next, 'o')).at(-1)).toMatchObject({ name: 'desk:client.asked', parent: 'asking:o' })
})

test('what failed for good may be left out of the flow: the run goes on, and can end without it', async () => {
  const { flow, definition } = asking(seq(Created, optional(Noted), Asked, Answered))
  const app = await openForTest(definition, { store: memory() })
  await app.conduct(flow)(Created({ orderId: 'o' }))
  await hasFailed(app, 'asking:o')
  await app.publish(Asked({ orderId: 'o' }))
  expect(await app.result('asking:o')).toMatchObject({ ending: 'complete' })
})

test('a flow that can not end without what failed for good is at its end, whatever may still come from outside', async () => {
  const { flow, definition } = asking(seq(Created, all(Noted, Asked), Answered))
  const app = await openForTest(definition, { store: memory() })
  await app.conduct(flow)(Created({ orderId: 'o' }))
  await expect(app.result('asking:o')).rejects.toMatchObject({ code: 'RUN_FAILED' })
  expect(await app.run('asking:o')).toMatchObject({ error: { code: 'CONDUCT_FAILED' } })
})

const Shipped = event('order.shipped', Order, byOrder)
const Refunded = event('payment.refunded', Order, byOrder)
const Late = event('sale.overdue', Order.extend({ awaited: z.array(z.string()) }), byOrder)

/** Nothing is shipped; in two days somebody may notice. */
function sale(refunds: boolean) {
  const desk = service('desk', {
    ship: operation({ input: Order, outcomes: [Shipped], run: gone }),
    refund: operation({ input: Order, outcomes: [Refunded], run: (order) => Refunded(order) }),
  })
  desk.on(Created, (order) => desk.ship(order))
  desk.on(Late, ({ orderId }) => (refunds ? desk.refund({ orderId }) : null), { calls: ['desk.refund'] })
  const flow = choreography(
    'sale',
    { key: 'orderId' },
    seq(Created, choice(Shipped.as('shipped'), Refunded.as('refunded')).within('2d')),
  )
  return { flow, definition: ballet({ services: [desk], choreographies: [flow] }) }
}

async function lateSale(refunds: boolean): Promise<Application> {
  const { flow, definition } = sale(refunds)
  const clock = new SteppedClock()
  const app = await openForTest(definition, { store: memory(new MemoryData()), clock })
  await app.conduct(flow)(Created({ orderId: 'o' }))
  await hasFailed(app, 'sale:o')
  expect(await app.run('sale:o')).toMatchObject({ status: 'running' })
  for (let hours = 0; hours < 72 && (await app.run('sale:o'))?.ended === null; hours++) {
    await rounds(20)
    clock.pass(3_600_000)
  }
  return app
}

test('it waits for a deadline that somebody reacts to, and ends as the flow does by that', async () => {
  const app = await lateSale(true)
  expect(await app.result('sale:o')).toMatchObject({ ending: 'refunded' })
  expect(await app.flow('sale', 'o')).toMatchObject({ state: 'complete', overdues: 1 })
})

test('it fails when the deadline has passed, and nobody answers', async () => {
  const app = await lateSale(false)
  expect(await codeOf(app.result('sale:o'))).toContain('RUN_FAILED: The run "sale:o" failed')
  expect(await app.run('sale:o')).toMatchObject({ error: { code: 'CONDUCT_FAILED' } })
  expect(await app.flow('sale', 'o')).toMatchObject({ state: 'overdue' })
})

test.each([
  ['of the flow', true, 'completed'],
  ['beside the flow', false, 'failed'],
])('a workflow that waits for the deadline by receive: one %s', async (_, isOfFlow, status) => {
  const watch = workflow('watch', { input: Order, output: z.null(), key: 'orderId' }, async (run, { orderId }) => {
    await run.receive(Late)
    run.emit(Refunded({ orderId }))
    return null
  })
  const desk = service('desk', {
    ship: operation({ input: Order, outcomes: [Shipped], run: gone }),
    refund: operation({ input: Order, outcomes: [Refunded], run: (order) => Refunded(order) }),
  })
  desk.on(Created, (order) => desk.ship(order))
  if (isOfFlow) desk.on(Created, (order) => watch(order), { name: 'watching', calls: ['desk.refund'] })
  const pattern = seq(Created, choice(Shipped.as('shipped'), Refunded.as('refunded')).within('2d'))
  const flow = choreography('sale', { key: 'orderId' }, pattern, { outside: [Refunded] })
  const definition = ballet({ services: [desk], events: [Late], workflows: [watch], choreographies: [flow] })
  const clock = new SteppedClock()
  const app = await openForTest(definition, { store: memory(new MemoryData()), clock })
  if (!isOfFlow) await app.start(watch({ orderId: 'o' }))
  await app.conduct(flow)(Created({ orderId: 'o' }))
  await hasFailed(app, 'sale:o')
  for (let hours = 0; hours < 72; hours++) {
    await rounds(20)
    clock.pass(3_600_000)
  }
  expect(await app.run('sale:o')).toMatchObject({ status })
  // Either way the flow is what it comes to.
  expect(await app.flow('sale', 'o')).toMatchObject({ state: 'complete', ending: 'refunded' })
})

test('so is a workflow at the side that failed, when its reaction says that it brings nothing', async () => {
  const telling = workflow('telling', { input: Order, output: z.null(), key: 'orderId' }, async () => gone())
  const desk = service('desk', {
    answer: operation({ input: Order, outcomes: [Answered], run: (order) => Answered(order) }),
  })
  desk.on(Created, (order) => telling(order), { calls: [] })
  desk.on(Asked, (order) => desk.answer(order), { calls: ['desk.answer'] })
  const flow = choreography('asking', { key: 'orderId' }, seq(Created, Asked, Answered), { outside: [Asked] })
  const app = await openForTest(ballet({ services: [desk], workflows: [telling], choreographies: [flow] }))
  await app.conduct(flow)(Created({ orderId: 'o' }))
  expect(await app.settled('telling:o', 5000)).toMatchObject({ status: 'failed' })
  await app.flow('asking', 'o')
  await app.publish(Asked({ orderId: 'o' }), { id: 'asked' })
  expect(await app.result('asking:o')).toMatchObject({ ending: 'complete' })
})

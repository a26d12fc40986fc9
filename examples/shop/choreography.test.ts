// What the shop says of its order process, against what it does: every event of real orders, however they end and
// wherever they are cancelled, has its place in the flow, and the flow ends as the order does. And the check finds
// nothing that is wrong with the shop.
import { checkApplication, isBroken } from 'ballet'
import { afterAll, afterEach, beforeAll, expect, test } from 'vitest'
import { fulfilment } from './choreography.ts'
import { makeShop } from './shop.ts'
import { startShop, type RunningShop, type Sample } from './testing.ts'

let shop: RunningShop
beforeAll(async () => {
  shop = await startShop()
})
afterEach(() => shop.fault())
afterAll(() => shop.close())

/** Walks the events of an order; gives what the flow says at the end, or what it did not expect. */
async function walk(orderId: string): Promise<unknown> {
  const { flow } = fulfilment
  const { items } = await shop.app.events({ key: `orderId:${orderId}`, limit: 1000 })
  let state = flow.start(0)
  for (const { type, time } of items) {
    const next = flow.step(state, type, Date.parse(time))
    if (isBroken(next)) return { ...next, after: items.map((event) => event.type) }
    state = next
  }
  const { standing, ending } = flow.verdict(state)
  return standing === 'on track' ? { standing, expected: flow.expected(state) } : ending
}

test.each<readonly [Sample, string]>([
  ['ok', 'confirmed'],
  ['declined', 'declined'],
  ['short', 'declined'],
  ['shipping-fails', 'refunded'],
])('an order that goes by itself: %s ends %s', async (sample, ending) => {
  const orderId = await shop.order(sample, 'choreographed')
  expect(await shop.over(orderId)).toMatchObject({ status: ending })
  expect(await walk(orderId)).toBe(ending)
})

test.each([
  ['catalog', 'reserve', 'in time', 'cancelled'],
  ['payment', 'charge', 'in time', 'cancelled'],
  ['shipping', 'ship', 'in time', 'cancelled'],
  ['notification', 'notify', 'too late', 'confirmed'],
] as const)('cancelled while %s %s is slow: %s, and it ends %s', async (service, operation, cancellation, ending) => {
  await shop.fault({ service, operation, slowMs: 600_000 })
  const orderId = await shop.order('ok', 'choreographed')
  await shop.when(orderId, ({ steps }) => steps.some(({ step, status }) => step === operation && status === 'running'))
  await shop.post(`/orders/${orderId}/cancel`, {})
  await shop.when(orderId, (order) => order.cancellation === cancellation)
  await shop.fault()
  expect(await shop.over(orderId)).toMatchObject({ status: ending })
  expect(await walk(orderId)).toBe(ending)
})

test('cancelled while it is taken back for another reason: it ends refunded', async () => {
  await shop.fault({ service: 'payment', operation: 'refund', slowMs: 600_000 })
  const orderId = await shop.order('shipping-fails', 'choreographed')
  await shop.when(orderId, ({ steps }) => steps.some(({ step }) => step === 'refund'))
  await shop.post(`/orders/${orderId}/cancel`, {})
  await shop.when(orderId, ({ cancellation }) => cancellation === 'too late')
  await shop.fault()
  expect(await shop.over(orderId)).toMatchObject({ status: 'refunded' })
  expect(await walk(orderId)).toBe('refunded')
})

test('the flow has an ending for each ending of an order', () => {
  expect(fulfilment.flow.endings.toSorted()).toEqual(['cancelled', 'confirmed', 'declined', 'refunded'])
})

test('a check of the shop finds nothing', () => {
  expect(checkApplication(makeShop(null).definition)).toEqual([])
})

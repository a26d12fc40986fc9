// The customer cannot be told: the notification service answers nonsense, which no attempt can mend, so the order is
// stuck and waits for a person. Everything else about it was done. Somebody has the service mended and tries again, or
// calls the customer and answers in its place; then the order ends as it would have.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { done, startShop, styles, type RunningShop, type Sample } from './testing.ts'
import type { StepView, Style } from './status.ts'

let shop: RunningShop
beforeAll(async () => {
  shop = await startShop()
})
afterEach(() => shop.fault())
afterAll(() => shop.close())

/** Places an order whose customer cannot be told. */
async function stuckOrder(sample: Sample, style: Style): Promise<{ orderId: string; step: StepView }> {
  await shop.fault({ service: 'notification', garble: true })
  const orderId = await shop.order(sample, style)
  const { status, steps } = await shop.over(orderId)
  expect(status).toBe('stuck')
  const step = steps.find((one) => one.status === 'stuck')
  expect(step).toMatchObject({ step: 'notify', detail: expect.stringContaining('nonsense') as string })
  return { orderId, step: step as StepView }
}

/** What a person does, over HTTP. */
async function act(action: 'retry' | 'answer', { run = '', op }: StepView, more: object): Promise<void> {
  const path = `/api/runs/${encodeURIComponent(run)}/${action}`
  expect(await shop.post(path, { op, by: 'the support desk', ...more })).toMatchObject({ status: 202 })
}

describe.each(styles)('%s', (style) => {
  test('it is tried again by a person, once the service is mended', async () => {
    const { orderId, step } = await stuckOrder('ok', style)
    await shop.fault()
    await act('retry', step, { why: 'mended' })
    expect(await shop.when(orderId, ({ status }) => status === 'confirmed')).toMatchObject({ paid: 10_700 })
    expect(done(await shop.ledger(orderId)).slice(2)).toEqual(['charge 10700', 'ship', 'notify'])
  })

  test('it is answered by a person, who has called the customer', async () => {
    const { orderId, step } = await stuckOrder('ok', style)
    const value = { type: 'customer.notified', data: { orderId, news: 'confirmed', detail: 'told by telephone' } }
    await act('answer', step, { value })
    const { steps } = await shop.when(orderId, ({ status }) => status === 'confirmed')
    expect(steps.at(-1)).toMatchObject({ step: 'notify', status: 'done', detail: 'confirmed: told by telephone' })
    expect(done(await shop.ledger(orderId)).slice(2)).toEqual(['charge 10700', 'ship'])
  })

  test('what was to be taken back was taken back before', async () => {
    const { orderId, step } = await stuckOrder('shipping-fails', style)
    const before = ['refund 3450', 'release#ribbon', 'release#poster']
    expect(done(await shop.ledger(orderId)).slice(-3)).toEqual(before)
    await shop.fault()
    await act('retry', step, {})
    expect(await shop.when(orderId, ({ status }) => status === 'refunded')).toMatchObject({ paid: 0 })
    expect(done(await shop.ledger(orderId)).slice(-4)).toEqual([...before, 'apologise'])
  })
})

describe('an order that has shipped', () => {
  const cancelRun = async ({ run = '' }: StepView): Promise<void> => {
    const path = `/api/runs/${encodeURIComponent(run)}/cancel`
    expect(await shop.post(path, { by: 'the support desk' })).toMatchObject({ status: 202 })
  }
  const kept = ['charge 10700', 'ship']

  test('keeps its money and its stock when its run is cancelled: the parcel has left', async () => {
    const { orderId, step } = await stuckOrder('ok', 'orchestrated')
    await cancelRun(step)
    await shop.fault()
    const { steps } = await shop.when(orderId, (order) => order.steps.some(({ status }) => status === 'stuck'))
    await act('retry', steps.find(({ status }) => status === 'stuck') as StepView, {})
    expect(await shop.when(orderId, ({ status }) => status === 'confirmed')).toMatchObject({ paid: 10_700 })
    expect(done(await shop.ledger(orderId)).slice(2)).toEqual([...kept, 'notify'])
  })

  test.each(styles)('keeps them when a person lets the message fail: %s', async (style) => {
    const { orderId, step } = await stuckOrder('ok', style)
    const { run = '', op } = step
    const error = { message: 'the address is gone' }
    const path = `/api/runs/${encodeURIComponent(run)}/fail`
    expect(await shop.post(path, { op, error, by: 'the support desk' })).toMatchObject({ status: 202 })
    const order = await shop.when(orderId, ({ status }) => status === 'failed')
    expect(order.paid).toBe(10_700)
    expect(order.steps.at(-1)).toMatchObject({
      step: 'notify',
      status: 'failed',
      run,
      detail: expect.stringContaining(error.message),
    })
    expect(done(await shop.ledger(orderId)).slice(2)).toEqual(kept)
  })
})

test('a reaction that is cancelled leaves an order that has failed, and says which run that was', async () => {
  const { orderId, step } = await stuckOrder('ok', 'choreographed')
  const { run = '' } = step
  expect(await shop.post(`/api/runs/${encodeURIComponent(run)}/cancel`, { by: 'the support desk' })).toMatchObject({
    status: 202,
  })
  const order = await shop.when(orderId, ({ status }) => status === 'failed')
  expect(order.steps.at(-1)).toMatchObject({
    step: 'notify',
    status: 'failed',
    run,
    detail: expect.stringContaining('the support desk'),
  })
})

test('whether a parcel has left is for shipping to say, also when its answer is lost and the run is cancelled', async () => {
  await shop.fault({ service: 'shipping', operation: 'ship', loseAnswers: 1_000_000 })
  const orderId = await shop.order('ok', 'orchestrated')
  await shop.when(orderId, ({ steps }) => steps.some(({ step, status }) => step === 'ship' && status === 'retrying'))
  const path = `/api/runs/${encodeURIComponent(`checkout:${orderId}`)}/cancel`
  expect(await shop.post(path, { by: 'the support desk' })).toMatchObject({ status: 202 })
  await shop.fault()
  expect(await shop.when(orderId, ({ status }) => status === 'confirmed')).toMatchObject({ paid: 10_700 })
  expect(done(await shop.ledger(orderId)).slice(2)).toEqual(['charge 10700', 'ship', 'notify'])
})

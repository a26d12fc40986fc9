// What becomes of orders when services misbehave, and what the faults door takes.
import { afterAll, afterEach, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { deeds, startShop, styles, type RunningShop } from './testing.ts'

let shop: RunningShop
beforeAll(async () => {
  shop = await startShop()
})
afterEach(() => shop.send('DELETE', '/shop/faults'))
afterAll(() => shop.close())

const confirmed = ['reserve applied', 'charge applied 10700', 'ship applied', 'notify applied']

describe.each(styles)('%s', (style) => {
  test('payment breaks twice and then succeeds: charged once, under one key', async () => {
    await shop.post('/shop/faults', { service: 'payment', failTimes: 2 })
    const orderId = await shop.order('ok', style)
    const { status, steps } = await shop.over(orderId)
    expect(status).toBe('confirmed')
    expect(steps.map(({ step, attempts = 1 }) => `${step} ${attempts}`)).toEqual([
      'reserve 1',
      'charge 3',
      'ship 1',
      'notify 1',
    ])
    const rows = shop.ledger(orderId)
    expect(deeds(rows)).toEqual([confirmed[0], 'charge failed', 'charge failed', ...confirmed.slice(1)])
    expect(new Set(rows.filter(({ step }) => step === 'charge').map(({ key }) => key)).size).toBe(1)
  })

  test('an answer that is lost is given again, and nothing is done twice', async () => {
    await shop.post('/shop/faults', { service: 'payment', loseAnswers: 1 })
    const orderId = await shop.order('ok', style)
    expect(await shop.over(orderId)).toMatchObject({ status: 'confirmed' })
    expect(deeds(shop.ledger(orderId))).toEqual([...confirmed.slice(0, 2), 'charge deduped', ...confirmed.slice(2)])
  })

  test('a slow service holds its own orders up and no others', async () => {
    await shop.post('/shop/faults', { service: 'shipping', slowMs: 600_000 })
    const waiting = await shop.order('ok', style)
    const declined = await shop.over(await shop.order('declined', style))
    expect(declined.status).toBe('declined')
    expect((await shop.get(`/orders/${waiting}`)).body).toMatchObject({ status: 'in progress' })
  })

  test('a service told to decline declines', async () => {
    await shop.post('/shop/faults', { service: 'shipping', decline: true })
    expect(await shop.over(await shop.order('ok', style))).toMatchObject({ status: 'refunded' })
  })

  test('an order waits for a service that is down, says so, and goes on when it is back', async () => {
    await shop.post('/shop/faults', { service: 'payment', down: true })
    const orderId = await shop.order('ok', style)
    await untilRetrying(orderId)
    await shop.send('DELETE', '/shop/faults')
    expect(await shop.over(orderId)).toMatchObject({ status: 'confirmed' })
  })
})

/** Resolves once the order tells that its charge broke. */
async function untilRetrying(orderId: string): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>()
  const look = async (): Promise<void> => {
    const { body } = await shop.get(`/orders/${orderId}`)
    if (JSON.stringify(body).includes('"status":"retrying"')) resolve()
  }
  const stop = shop.app.watch(`orderId:${orderId}`, () => void look())
  await look()
  await promise
  stop()
}

test.each([
  [{ service: 'paymnt' }, 'service', 'Did you mean "payment"?'],
  [{ service: 'payment', slowMs: -1 }, 'slowMs', 'Too small'],
  [{ service: 'payment', failTimes: 1.5 }, 'failTimes', 'expected int'],
  [{ service: 'payment', operation: 'chrge' }, 'operation', 'charge and refund'],
  [{ service: 'notification', decline: true }, 'decline', 'no way to decline'],
  [{ service: 'payment', slow: 5 }, 'slow', 'Unrecognized'],
  [{ service: 'payment' }, 'the top', 'it does nothing: give slowMs'],
  [{ service: 'payment', operation: 'charge' }, 'the top', 'it does nothing'],
  [[], 'the top', 'expected object'],
])('%j is refused at the field', async (fault, path, words) => {
  const { status, body } = await shop.post('/shop/faults', fault)
  expect(status).toBe(422)
  expect(body).toMatchObject({
    code: 'BODY_INVALID',
    details: { path },
    detail: expect.stringContaining(words) as string,
  })
  expect((await shop.get('/shop/faults')).body).toEqual({ faults: [] })
})

test.each([
  [{ service: 'paymnt', down: true }, ' Did you mean "payment"?'],
  [{ service: 'payment', operation: 'chrge', down: true }, ' Did you mean "charge"?'],
  [{ service: 'payment', failtimes: 2 }, ' Did you mean "failTimes"?'],
  [{ service: 'payment', operation: 'levitate', down: true }, ''],
  [{ service: 'payment', weather: 'rain' }, ''],
  [{ service: 'payment', failTimes: '2' }, ''],
  [{ service: 7, down: true }, ''],
])('%j is answered with the nearest word of that place, or none', async (fault, words) => {
  const { body } = await shop.post('/shop/faults', fault)
  const { detail } = z.object({ detail: z.string() }).parse(body)
  expect(/ Did you mean .*/.exec(detail)?.[0] ?? '').toBe(words)
})

test('faults are told and taken back', async () => {
  await shop.post('/shop/faults', { service: 'payment', failTimes: 2 })
  await shop.post('/shop/faults', { service: 'shipping', slowMs: 5 })
  const faults = [
    { service: 'payment', failTimes: 2 },
    { service: 'shipping', slowMs: 5 },
  ]
  expect((await shop.get('/shop/faults')).body).toEqual({ faults })
  expect((await shop.send('DELETE', '/shop/faults')).body).toEqual({ faults: [] })
})

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

const reserved = ['reserve#pointe-shoes applied', 'reserve#ribbon applied']
const confirmed = [...reserved, 'charge applied 10700', 'ship applied', 'notify applied']

describe.each(styles)('%s', (style) => {
  test('F13: payment breaks twice and then succeeds: charged once, under one key', async () => {
    await shop.post('/shop/faults', { service: 'payment', failTimes: 2 })
    const orderId = await shop.order('ok', style)
    const { status, steps } = await shop.over(orderId)
    expect(status).toBe('confirmed')
    expect(steps.map(({ step, attempts = 1 }) => `${step} ${attempts}`)).toEqual([
      'reserve 1',
      'reserve 1',
      'charge 3',
      'ship 1',
      'notify 1',
    ])
    const rows = await shop.ledger(orderId)
    expect(deeds(rows)).toEqual([...reserved, 'charge failed', 'charge failed', ...confirmed.slice(2)])
    expect(new Set(rows.filter(({ step }) => step === 'charge').map(({ key }) => key)).size).toBe(1)
  })

  test('F12: an answer that is lost: it is given again, and nothing is done twice', async () => {
    await shop.post('/shop/faults', { service: 'payment', loseAnswers: 1 })
    const orderId = await shop.order('ok', style)
    expect(await shop.over(orderId)).toMatchObject({ status: 'confirmed' })
    expect(deeds(await shop.ledger(orderId))).toEqual([
      ...confirmed.slice(0, 3),
      'charge deduped',
      ...confirmed.slice(3),
    ])
  })

  test('F13: a slow service: it holds its own orders up and no others', async () => {
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

  test('F13: a service that is down: an order waits for it, says so, and goes on when it is back', async () => {
    await shop.post('/shop/faults', { service: 'payment', down: true })
    const orderId = await shop.order('ok', style)
    await shop.when(orderId, ({ steps }) => steps.some(({ status }) => status === 'retrying'))
    await shop.fault()
    expect(await shop.over(orderId)).toMatchObject({ status: 'confirmed' })
  })
})

describe.each(styles)('%s', (style) => {
  test('one item of several breaks: it alone is tried again', async () => {
    await shop.fault({ service: 'catalog', operation: 'reserve', failTimes: 1 })
    const orderId = await shop.order('ok', style)
    expect(await shop.over(orderId)).toMatchObject({ status: 'confirmed', paid: 10_700 })
    const steps = (await shop.ledger(orderId)).map(({ step, outcome }) => `${step} ${outcome}`)
    expect(steps.filter((step) => step.startsWith('reserve'))).toHaveLength(3)
    expect(steps.filter((step) => step.endsWith('failed'))).toHaveLength(1)
  })

  test('what takes back is tried again too, and happens once and in reverse order', async () => {
    await shop.fault({ service: 'catalog', operation: 'release', failTimes: 1 })
    await shop.fault({ service: 'payment', operation: 'refund', loseAnswers: 1 })
    const orderId = await shop.order('shipping-fails', style)
    expect(await shop.over(orderId)).toMatchObject({ status: 'refunded', paid: 0 })
    expect(deeds(await shop.ledger(orderId)).slice(3)).toEqual([
      'ship refused',
      'refund applied 3450',
      'refund deduped',
      'release#ribbon failed',
      'release#ribbon applied',
      'release#poster applied',
      'apologise applied',
    ])
  })
})

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
  [{ service: 'shipping', operation: 'stopp', down: true }, ' Did you mean "stop"?'],
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

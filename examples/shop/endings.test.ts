// How orders end: the same words and the same deeds in both styles.
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { OrderCreated } from './contracts.ts'
import { deeds, startShop, styles, type RunningShop } from './testing.ts'

let shop: RunningShop
beforeAll(async () => {
  shop = await startShop()
})
afterAll(() => shop.close())

const stepsOf = async (orderId: string): Promise<string[]> =>
  (await shop.over(orderId)).steps.map(({ step, status }) => `${step} ${status}`)

describe.each(styles)('%s', (style) => {
  test('an order is confirmed', async () => {
    const orderId = await shop.order('ok', style)
    expect(await shop.over(orderId)).toMatchObject({ orderId, style, status: 'confirmed', paid: 10_700 })
    expect(await stepsOf(orderId)).toEqual(['reserve done', 'charge done', 'ship done', 'notify done'])
    expect(deeds(shop.ledger(orderId))).toEqual([
      'reserve applied',
      'charge applied 10700',
      'ship applied',
      'notify applied',
    ])
  })

  test('a declined card: the stock is released, then the customer is told', async () => {
    const orderId = await shop.order('declined', style)
    expect(await shop.over(orderId)).toMatchObject({ status: 'declined', paid: 0 })
    expect(await stepsOf(orderId)).toEqual(['reserve done', 'charge refused', 'release done', 'notify done'])
    expect(deeds(shop.ledger(orderId))).toEqual([
      'reserve applied',
      'charge refused',
      'release applied',
      'apologise applied',
    ])
  })

  test('out of stock: nothing is taken back, the customer is told', async () => {
    const { body } = await shop.post('/orders', {
      orderId: `short-${style}`,
      style,
      items: [{ sku: 'music-box', qty: 1 }],
      customer: { name: 'Odette', email: 'odette@example.com', card: '1' },
    })
    expect(body).toEqual({ orderId: `short-${style}`, style, url: `/orders/short-${style}` })
    expect(await shop.over(`short-${style}`)).toMatchObject({ status: 'declined', paid: 0 })
    expect(await stepsOf(`short-${style}`)).toEqual(['reserve refused', 'notify done'])
    expect(deeds(shop.ledger(`short-${style}`))).toEqual(['reserve refused', 'apologise applied'])
  })

  test('not deliverable: refund, release, tell, in this order', async () => {
    const orderId = await shop.order('shipping-fails', style)
    expect(await shop.over(orderId)).toMatchObject({ status: 'refunded', paid: 0 })
    const steps = ['reserve done', 'charge done', 'ship refused', 'refund done', 'release done', 'notify done']
    expect(await stepsOf(orderId)).toEqual(steps)
    expect(deeds(shop.ledger(orderId))).toEqual([
      'reserve applied',
      'charge applied 3000',
      'ship refused',
      'refund applied 3000',
      'release applied',
      'apologise applied',
    ])
  })

  test('the stock is what it was once an order is taken back', async () => {
    const left = async (): Promise<unknown> => (await shop.get('/products')).body
    const before = await left()
    await shop.over(await shop.order('shipping-fails', style))
    await shop.over(await shop.order('declined', style))
    expect(await left()).toEqual(before)
  })
})

test('an order that nobody can go on with is stuck, in both styles', async () => {
  const customer = { name: 'Odette', email: 'odette@example.com', card: '1', city: 'Paris' }
  const order = { items: [{ sku: 'no-such-thing', qty: 1 }], customer }
  // The shop's own door would have refused the product.
  await shop.app.startNamed({ call: 'checkout', input: { ...order, orderId: 'lost-orchestrated' } })
  await shop.app.publish(OrderCreated({ ...order, orderId: 'lost-choreographed' }))
  for (const style of styles)
    expect(await shop.over(`lost-${style}`)).toMatchObject({ style, status: 'stuck', paid: 0 })
})

test('flow.json knows every deed', async () => {
  const orderId = await shop.order('shipping-fails', 'orchestrated')
  await shop.over(orderId)
  const text = readFileSync(new URL('./flow.json', import.meta.url), 'utf8')
  const flow = z.object({ steps: z.array(z.object({ name: z.string() })) }).parse(JSON.parse(text))
  const known = flow.steps.map(({ name }) => name)
  expect(shop.ledger(orderId).filter(({ step }) => !known.includes(step))).toEqual([])
})

test('the customer reads the same words in both styles', async () => {
  const [first, second] = await Promise.all(
    styles.map(async (style) => shop.over(await shop.order('shipping-fails', style))),
  )
  const words = (order: typeof first): unknown =>
    order?.steps.map(({ step, status, detail }) => ({ step, status, detail }))
  expect(words(first)).toEqual(words(second))
})

test('in a choreography every deed names the event that brought it about', async () => {
  const orderId = await shop.order('shipping-fails', 'choreographed')
  await shop.over(orderId)
  const rows = shop.ledger(orderId)
  expect(rows.map(({ cause }) => cause)).toEqual([orderId, ...rows.slice(0, -1).map(({ event }) => event)])
})

// How orders end by themselves: the same words, the same deeds and the same money in every style.
import { readFileSync } from 'node:fs'
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { fulfilment } from './choreography.ts'
import { OrderCreated } from './contracts.ts'
import { deeds, startShop, styles, type RunningShop, type Sample } from './testing.ts'

let shop: RunningShop
beforeAll(async () => {
  shop = await startShop()
})
afterAll(() => shop.close())

const customer = { name: 'Odette', email: 'odette@example.com', card: '1', city: 'Paris' }
const stepsOf = async (orderId: string): Promise<string[]> =>
  (await shop.over(orderId)).steps.map(({ step, item, status }) =>
    [step, ...(item === undefined ? [] : [item]), status].join(' '),
  )

describe.each(styles)('%s', (style) => {
  test('an order is confirmed', async () => {
    const orderId = await shop.order('ok', style)
    expect(await shop.over(orderId)).toMatchObject({ orderId, style, status: 'confirmed', paid: 10_700 })
    expect(await stepsOf(orderId)).toEqual([
      'reserve pointe-shoes done',
      'reserve ribbon done',
      'charge done',
      'ship done',
      'notify done',
    ])
    expect(deeds(await shop.ledger(orderId))).toEqual([
      'reserve#pointe-shoes applied',
      'reserve#ribbon applied',
      'charge applied 10700',
      'ship applied',
      'notify applied',
    ])
  })

  test('F13: a declined card: item after item is released, then the customer is told', async () => {
    const orderId = await shop.order('declined', style)
    expect(await shop.over(orderId)).toMatchObject({ status: 'declined', paid: 0 })
    expect(deeds(await shop.ledger(orderId))).toEqual([
      'reserve#tutu applied',
      'reserve#ribbon applied',
      'charge refused',
      'release#ribbon applied',
      'release#tutu applied',
      'apologise applied',
    ])
  })

  test('F13: one of three items is out of stock: the others are released, then the customer is told', async () => {
    const orderId = await shop.order('short', style)
    expect(await shop.over(orderId)).toMatchObject({ status: 'declined', paid: 0 })
    expect(await stepsOf(orderId)).toEqual([
      'reserve pointe-shoes done',
      'reserve music-box refused',
      'reserve ribbon done',
      'release ribbon done',
      'release pointe-shoes done',
      'notify done',
    ])
    expect(deeds(await shop.ledger(orderId))).toEqual([
      'reserve#pointe-shoes applied',
      'reserve#music-box refused',
      'reserve#ribbon applied',
      'release#ribbon applied',
      'release#pointe-shoes applied',
      'apologise applied',
    ])
  })

  test.each([
    ['the only item', ['music-box'], ['reserve#music-box refused', 'apologise applied']],
    [
      'the last item',
      ['ribbon', 'music-box'],
      ['reserve#ribbon applied', 'reserve#music-box refused', 'release#ribbon applied', 'apologise applied'],
    ],
  ])('%s is out of stock', async (what, skus, expected) => {
    const orderId = `${what.replaceAll(' ', '-')}-${style}`
    const items = skus.map((sku) => ({ sku, qty: 1 }))
    await shop.post('/orders', { orderId, style, items, customer })
    expect(await shop.over(orderId)).toMatchObject({ status: 'declined', paid: 0 })
    expect(deeds(await shop.ledger(orderId))).toEqual(expected)
  })

  test('F13: an order that is not deliverable: refund, release item after item, tell, in this order', async () => {
    const orderId = await shop.order('shipping-fails', style)
    expect(await shop.over(orderId)).toMatchObject({ status: 'refunded', paid: 0 })
    expect(deeds(await shop.ledger(orderId))).toEqual([
      'reserve#poster applied',
      'reserve#ribbon applied',
      'charge applied 3450',
      'ship refused',
      'refund applied 3450',
      'release#ribbon applied',
      'release#poster applied',
      'apologise applied',
    ])
  })

  test('the stock is what it was once an order is taken back', async () => {
    const left = async (): Promise<unknown> => (await shop.get('/products')).body
    const before = await left()
    for (const sample of ['shipping-fails', 'declined', 'short'] as const) {
      await shop.over(await shop.order(sample, style))
    }
    expect(await left()).toEqual(before)
  })
})

test.each<Sample>(['ok', 'declined', 'short', 'shipping-fails'])(
  'of %s the customer and whoever looks read the same in every style',
  async (sample) => {
    const [one, ...others] = await Promise.all(
      styles.map(async (style) => {
        const orderId = await shop.order(sample, style)
        const { status, paid, steps } = await shop.over(orderId)
        const words = steps.map(({ at: _at, detail = '', ...step }) => ({
          ...step,
          detail: detail.replace(orderId, 'the order'),
        }))
        return { status, paid, words }
      }),
    )
    expect(others).toEqual(others.map(() => one))
  },
)

test('an order that nobody can go on with has failed, in every style', async () => {
  const order = { items: [{ sku: 'no-such-thing', qty: 1 }], customer }
  // The shop's own door would have refused the product.
  await shop.app.startNamed({ call: 'checkout', input: { ...order, orderId: 'lost-orchestrated' } })
  await shop.app.publish(OrderCreated({ ...order, orderId: 'lost-choreographed' }))
  await shop.app.conduct(fulfilment)(OrderCreated({ ...order, orderId: 'lost-conducted' }))
  for (const style of styles) {
    const lost = await shop.over(`lost-${style}`)
    expect(lost).toMatchObject({ style, status: 'failed', paid: 0 })
    expect(lost.steps.at(-1)).toMatchObject({ status: 'failed', detail: 'there is no product no-such-thing' })
  }
})

test('flow.json knows every deed', async () => {
  const text = readFileSync(new URL('./flow.json', import.meta.url), 'utf8')
  const flow = z.object({ steps: z.array(z.object({ name: z.string() })) }).parse(JSON.parse(text))
  const known = flow.steps.map(({ name }) => name)
  const orderId = await shop.order('shipping-fails', 'orchestrated')
  await shop.over(orderId)
  expect((await shop.ledger(orderId)).filter(({ step }) => !known.includes(step.replace(/#.*$/, '')))).toEqual([])
})

test.each(['choreographed', 'conducted'] as const)(
  '%s: every deed names the event that brought it about',
  async (style) => {
    const orderId = await shop.order('shipping-fails', style)
    await shop.over(orderId)
    const rows = await shop.ledger(orderId)
    // Both reservations come of the order; what follows comes of the thing before it.
    expect(rows.map(({ cause }) => cause)).toEqual([orderId, orderId, ...rows.slice(1, -1).map(({ event }) => event)])
  },
)

// The shop's doors: what they take, what they refuse, and that asking twice makes one order.
import { afterAll, beforeAll, describe, expect, test } from 'vitest'
import { deeds, sampleOf, startShop, styles, type RunningShop } from './testing.ts'

let shop: RunningShop
beforeAll(async () => {
  shop = await startShop()
})
afterAll(() => shop.close())

const customer = { name: 'Odette', email: 'odette@example.com', card: '4000', city: 'Paris' }
const items = [{ sku: 'poster', qty: 1 }]

describe.each(styles)('%s', (style) => {
  test('the same order twice is one order', async () => {
    const body = { orderId: `twice-${style}`, style, items, customer }
    const [first, second] = await Promise.all([shop.post('/orders', body), shop.post('/orders', body)])
    expect(first.status).toBe(202)
    expect(second).toEqual(first)
    await shop.over(`twice-${style}`)
    expect(await shop.post('/orders', body)).toEqual(first)
    expect(deeds(await shop.ledger(`twice-${style}`)).filter((deed) => deed.startsWith('charge'))).toEqual([
      'charge applied 1500',
    ])
  })

  test('the same id with another body, or in the other style, is a conflict', async () => {
    const body = { orderId: `conflict-${style}`, style, items, customer }
    await shop.post('/orders', body)
    const other = styles.find((name) => name !== style)
    for (const changed of [
      { items: [{ sku: 'poster', qty: 2 }] },
      { customer: { ...customer, card: '1' } },
      { style: other },
    ]) {
      expect(await shop.post('/orders', { ...body, ...changed })).toMatchObject({
        status: 409,
        body: { code: 'ORDER_CONFLICT' },
      })
    }
    expect(await shop.over(`conflict-${style}`)).toMatchObject({ style, status: 'confirmed', paid: 1_500 })
  })

  test('a cart lives across requests and makes one order', async () => {
    const cart = `cart-${style}`
    await shop.post(`/carts/${cart}/items`, { sku: 'ribbon', qty: 2 })
    await shop.post(`/carts/${cart}/items`, { sku: 'poster', qty: 1 })
    const filled = await shop.post(`/carts/${cart}/items`, { sku: 'ribbon', qty: 1 })
    const inside = [
      { sku: 'ribbon', qty: 3 },
      { sku: 'poster', qty: 1 },
    ]
    expect(filled).toEqual({ status: 200, body: { id: cart, items: inside, order: null } })

    const placed = await shop.post('/orders', { style, cart, customer })
    expect(placed).toMatchObject({ status: 202, body: { orderId: `order-${cart}` } })
    expect(await shop.over(`order-${cart}`)).toMatchObject({ status: 'confirmed', paid: 2_850 })
    expect(await shop.post('/orders', { style, cart, customer })).toEqual(placed)

    expect((await shop.get(`/carts/${cart}`)).body).toMatchObject({ order: `order-${cart}` })
    expect(await shop.post('/orders', { style, orderId: `other-${style}`, cart, customer })).toMatchObject({
      status: 409,
      body: { code: 'CART_TAKEN', details: { path: 'cart' } },
    })
    expect(await shop.post(`/carts/${cart}/items`, { sku: 'ribbon', qty: 1 })).toMatchObject({ status: 409 })
    expect((await shop.get(`/orders/other-${style}`)).status).toBe(404)
  })
})

test('one id in every style at once becomes one of them', async () => {
  const body = { orderId: 'both', items, customer }
  const answers = await Promise.all(styles.map((style) => shop.post(`/orders?style=${style}`, body)))
  expect(answers.map(({ status }) => status).sort((left, right) => left - right)).toEqual([202, 409, 409])
  await shop.over('both')
  expect(deeds(await shop.ledger('both')).filter((deed) => deed.startsWith('charge'))).toEqual(['charge applied 1500'])
})

test.each([
  [
    'an unknown product',
    { items: [...items, { sku: 'tuto', qty: 1 }], customer },
    'items.1.sku',
    'Did you mean "tutu"?',
  ],
  ['no items', { items: [], customer }, 'items', 'Too small'],
  ['a quantity of nothing', { items: [{ sku: 'poster', qty: 0 }], customer }, 'items.0.qty', 'Too small'],
  ['the same product twice', { items: [...items, ...items], customer }, 'items', 'name each product once'],
  ['neither items nor cart', { customer }, 'items', 'either items or a cart'],
  ['items and a cart', { items, cart: 'c', customer }, 'items', 'either items or a cart'],
  ['no customer', { items }, 'customer', 'expected object'],
  ['an address that is none', { items, customer: { ...customer, email: 'odette' } }, 'customer.email', 'email'],
  ['a field that there is not', { items, customer, stile: 'orchestrated' }, 'stile', 'Unrecognized'],
  [
    'a field of the customer that there is not',
    { items, customer: { ...customer, emial: '' } },
    'customer.emial',
    '"email"',
  ],
  ['a style that there is not', { items, customer, style: 'ballet' }, 'style', 'orchestrated'],
  ['an id that cannot be one', { items, customer, orderId: '../x' }, 'orderId', 'letters'],
  ['an empty cart', { cart: 'nothing-in-it', customer }, 'cart', 'empty'],
])('%s is refused at the field', async (_what, body, path, words) => {
  const answer = await shop.post('/orders', body)
  expect(answer).toMatchObject({
    status: 422,
    body: { details: { path }, detail: expect.stringContaining(words) as string },
  })
})

test.each([
  ['GET', '/orders?lmit=3', 'Did you mean "limit"?'],
  ['GET', '/orders?style=foo', 'no parameter "style" here.'],
  ['GET', '/orders?limit=1&limit=2', 'more than once'],
  ['GET', '/orders/x?wat=1s', 'Did you mean "wait"?'],
  ['POST', '/orders?style=orchestrated&style=choreographed', 'more than once'],
  ['POST', '/orders?stlye=choreographed', 'Did you mean "style"?'],
  ['POST', '/carts/parameters/items?qty=2', 'no parameter "qty" here.'],
  ['DELETE', '/shop/faults?service=payment', 'no parameter "service" here.'],
])('%s %s is refused for its parameters', async (method, path, words) => {
  const body = method === 'POST' ? JSON.stringify({ items, customer }) : null
  expect(await shop.send(method, path, { body, headers: { 'content-type': 'application/json' } })).toMatchObject({
    status: 400,
    body: { code: 'QUERY_INVALID', detail: expect.stringContaining(words) as string },
  })
})

test('what is not JSON, or too large, or hides a prototype, is refused', async () => {
  const send = (text: string, type = 'application/json') =>
    shop.send('POST', '/orders', { body: text, headers: { 'content-type': type } })
  expect(await send('{"items": ')).toMatchObject({ status: 400, body: { code: 'JSON_MALFORMED' } })
  expect(await send(`"${'x'.repeat(70_000)}"`)).toMatchObject({ status: 413, body: { code: 'BODY_TOO_LARGE' } })
  expect(await send('{"__proto__": {}}')).toMatchObject({ status: 400, body: { code: 'JSON_KEY_FORBIDDEN' } })
  expect(await send('{}', 'text/plain')).toMatchObject({ status: 415, body: { code: 'BODY_TYPE' } })
})

test('the style may stand in the address or in the body, and must not be two', async () => {
  expect(await shop.post('/orders?style=orchestrated', { items, customer, style: 'choreographed' })).toMatchObject({
    status: 422,
  })
  expect(await shop.post('/orders?style=ballet', { items, customer })).toMatchObject({
    status: 400,
    body: { code: 'QUERY_INVALID' },
  })
  expect(await shop.post('/orders', { items, customer })).toMatchObject({
    status: 202,
    body: { style: 'orchestrated' },
  })
})

test('orders are listed newest first, in every style', async () => {
  const placed: string[] = []
  for (const style of styles) {
    const orderId = await shop.order('ok', style)
    await shop.over(orderId)
    placed.unshift(orderId)
  }
  const { body } = await shop.get('/orders?limit=3')
  expect(body).toMatchObject({ orders: placed.map((orderId) => ({ orderId, status: 'confirmed' })) })
  expect((await shop.get('/orders?limit=0')).status).toBe(400)
})

test('the other doors', async () => {
  expect(await shop.get('/')).toMatchObject({ status: 200, body: expect.stringContaining('What to try') as string })
  expect((await shop.get('/products')).body).toMatchObject({ products: expect.arrayContaining([]) as unknown })
  expect(await shop.get('/orders/nobody')).toMatchObject({ status: 404, body: { code: 'ORDER_UNKNOWN' } })
  expect(await shop.send('DELETE', '/orders')).toMatchObject({ status: 405, body: { code: 'METHOD_NOT_ALLOWED' } })
  expect((await shop.get('/nothing/here')).status).toBe(404)
  const { body } = await shop.get('/shop/ledger')
  expect(typeof body === 'string' && body.startsWith('{"t":')).toBe(true)
})

test('the samples are orders as they are', () => {
  for (const sample of ['ok', 'declined', 'short', 'shipping-fails'] as const) {
    expect(Object.keys(sampleOf(sample)).sort()).toEqual(['customer', 'items'])
  }
})

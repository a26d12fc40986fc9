// A webhook that is signed, as docs/reference/http.md has it: the body is read as it came, within the limit of every body.
import { readFileSync } from 'node:fs'
import { createHmac, timingSafeEqual } from 'node:crypto'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, event, open, type HttpRoutes } from '../index.ts'
import { serve } from './serve.ts'

const Order = z.object({ orderId: z.string(), amount: z.int() })
const OrderCreated = event('order.created', Order, { key: 'orderId' })
process.env['WEBSHOP_SECRET'] = 'only for tests'

// of the page
const secret = process.env['WEBSHOP_SECRET'] ?? ''

const webhooks: HttpRoutes = (app) => async (request) => {
  if (new URL(request.url).pathname !== '/webhooks/webshop') return undefined
  // As it came: what was parsed and written again has another signature.
  const body = await request.text()
  const expected = createHmac('sha256', secret).update(body).digest()
  const given = Buffer.from(request.headers.get('x-signature') ?? '', 'hex')
  if (secret === '' || given.length !== expected.length || !timingSafeEqual(given, expected))
    return new Response(null, { status: 401 })
  const order = Order.parse(JSON.parse(body))
  // The id names the fact, so that a webhook which comes twice is one event. It is durable when it is answered.
  await app.publish(OrderCreated(order), { id: `${order.orderId}:created`, source: 'webshop' })
  return new Response(null, { status: 202 })
}
// end

test('the page has it as it is run here', () => {
  const page = readFileSync(new URL('../../docs/reference/http.md', import.meta.url), 'utf8')
  const own = readFileSync(import.meta.filename, 'utf8')
  expect(page).toContain(own.slice(own.indexOf('// of the page\n') + 15, own.indexOf('// end\n')))
})

test('a webhook that is signed as agreed is one event, however often it comes; any other is none', async () => {
  const app = await open(ballet({ services: [], workflows: [], events: [OrderCreated] }))
  await using server = await serve(app, { port: 0, routes: webhooks, bodyLimitBytes: 1000 })
  // Not as JSON.stringify writes it.
  const body = '{ "orderId": "8841",\n  "amount": 5 }'
  const send = async (text: string, signed = text, key = secret, more: RequestInit = {}): Promise<number> => {
    const signature = createHmac('sha256', key).update(signed).digest('hex')
    const headers = { 'x-signature': signature }
    return (await fetch(`${server.url}/webhooks/webshop`, { method: 'POST', body: text, headers, ...more })).status
  }
  expect([await send(body), await send(body)]).toEqual([202, 202])
  expect(await send(body.replace('5', '6'), body)).toBe(401)
  expect(await send(body, body, 'another')).toBe(401)
  expect(await send(body, body, secret, { headers: {} })).toBe(401)
  const large = `${body}${' '.repeat(1000)}`
  const parts = new ReadableStream({ start: (to) => (to.enqueue(Buffer.from(large)), to.close()) })
  expect(await send(large)).toBe(413)
  expect(await send(large, large, secret, { body: parts, duplex: 'half' })).toBe(413)
  const { items } = await app.events()
  expect(items).toMatchObject([{ id: '8841:created', source: 'webshop', data: { orderId: '8841', amount: 5 } }])
  await app.close()
})

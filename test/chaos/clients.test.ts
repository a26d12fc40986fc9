// What the clients of a campaign write down, against a real shop behind a door that loses a request: without an answer it
// may be taken when the order is final already, and no shop can help that.
import { once } from 'node:events'
import { createServer, type IncomingMessage } from 'node:http'
import { text } from 'node:stream/consumers'
import { afterEach, expect, test } from 'vitest'
import { Order, OrderCancelled } from '../../examples/shop/contracts.ts'
import { startShop, type Answer, type RunningShop } from '../../examples/shop/testing.ts'
import { audit } from './audit.ts'
import { Clients } from './clients.ts'
import { flow } from './evidence.ts'
import { planOrder, referenceKinds } from './orders.ts'
import { Records } from './records.ts'

const ORDER = 'o1'
const opened: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of opened.splice(0).reverse()) await close()
})

/** A door before the shop. The first cancellation gets no answer; the others wait until the order is final. */
async function forgetfulDoor(shop: RunningShop): Promise<string> {
  let cancels = 0
  const passOn = async ({ method = 'GET', url = '/', headers }: IncomingMessage, body: string): Promise<Answer> =>
    shop.send(method, url, {
      headers: { 'content-type': headers['content-type'] ?? 'text/plain' },
      ...(method === 'GET' ? {} : { body }),
    })
  const door = createServer((request, response) => {
    const answer = async (): Promise<void> => {
      const body = await text(request)
      if (request.url?.endsWith('/cancel')) {
        if (++cancels === 1) return void request.socket.destroy()
        await shop.over(ORDER)
      }
      const { status, body: answered } = await passOn(request, body)
      response.writeHead(status).end(JSON.stringify(answered))
    }
    answer().catch((error: unknown) => response.destroy(error instanceof Error ? error : undefined))
  })
  door.listen(0, '127.0.0.1')
  await once(door, 'listening')
  opened.push(async () => {
    door.closeAllConnections()
    door.close()
    await once(door, 'close')
  })
  const address = door.address()
  if (address === null || typeof address === 'string') throw new Error('the door has no port')
  return `http://127.0.0.1:${address.port}`
}

test('an order that was final when its cancellation was asked for again is read when everything is over', async () => {
  const shop = await startShop()
  opened.push(() => shop.close())
  const url = await forgetfulDoor(shop)
  const records = new Records()
  const clients = new Clients({
    address: { current: () => Promise.resolve(url) },
    records,
    chance: null,
    signal: new AbortController().signal,
    patienceMs: 20_000,
    onTrouble: (error) => {
      throw error
    },
  })
  const planned = planOrder({ ...referenceKinds.declined, cancel: 'at once' }, 'choreographed', ORDER)
  clients.release([planned])
  await clients.idle
  expect(records.orders.map(({ type }) => type)).toEqual(['submit', 'ack'])
  // The lost request is taken now.
  const order = Order.parse(JSON.parse(planned.body))
  await shop.app.publish(OrderCancelled({ ...order, by: 'the customer' }), { id: ORDER, source: 'customer' })
  for (const { id } of (await shop.app.key('orderId', ORDER)).runs) await shop.app.settled(id, 20_000)
  await clients.again()
  const [end] = records.orders.filter((row) => row.type === 'final')
  expect(end).toMatchObject({ status: 'declined', cancellation: 'in time' })
  const least = { acks: 1, hits: {}, redelivered: 0, endings: ['declined'] }
  expect(audit({ orders: records.orders, effects: await shop.ledger(ORDER), faults: [], flow, least })).toEqual([])
})

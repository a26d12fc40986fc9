// The engine on PostgreSQL: orders of the shop from end to end, and what becomes of them when the process is killed, when
// its connections are cut, when answers of the server are lost, and when the server itself ends and comes back. The books
// of the services say that everything happened once.
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { deeds, done, startShop, styles, type RunningShop } from '../../examples/shop/testing.ts'
import { ShopProcess, servicesOf } from '../chaos/shop-process.ts'
import { Proxy } from './proxy.ts'
import { PostgresServer } from './server.ts'
import { placesFor } from './subject.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const place = placesFor(closing)

async function shopOn(store: string): Promise<RunningShop> {
  const shop = await startShop({ place: { store, folder: null } })
  closing.push(() => shop.close())
  return shop
}

const wholeOrder = ['reserve', 'charge', 'ship', 'notify']
const steps = async (shop: RunningShop, id: string): Promise<string[]> =>
  done(await shop.ledger(id)).map((deed) => deed.split(/[ #]/)[0] ?? '')

test.each(styles)('an order, %s: it is carried through, and one that fails is taken back', async (style) => {
  const shop = await shopOn((await place()).url())
  const good = await shop.order('ok', style)
  expect(await shop.over(good)).toMatchObject({ status: 'confirmed' })
  expect(new Set(await steps(shop, good))).toEqual(new Set(wholeOrder))
  const failing = await shop.order('shipping-fails', style)
  expect(await shop.over(failing)).toMatchObject({ status: 'refunded' })
  expect(await steps(shop, failing)).toContain('refund')
})

test('F1: the process is killed in the middle of orders: the next one ends them, and every effect happened once', async () => {
  const { url } = await place()
  const folder = mkdtempSync(join(tmpdir(), 'ballet-shop-'))
  closing.push(() => rmSync(folder, { recursive: true }))
  const start = (): ShopProcess => {
    const shop = new ShopProcess(folder, {
      env: { BALLET_STORE: url('&lease=1'), BALLET_SERVICES: servicesOf(folder) },
    })
    closing.push(() => shop.kill())
    return shop
  }
  const first = start()
  const address = await first.ready
  expect(address).not.toBeNull()
  await first.welcomed
  const ids = Array.from({ length: 20 }, (_, index) => `kill-${index}`)
  const order = {
    items: [{ sku: 'poster', qty: 1 }],
    customer: { name: 'A', email: 'a@b.example', card: '4000', city: 'X' },
  }
  const ask = async (at: string | null, path: string, body?: unknown): Promise<unknown> => {
    const headers = { 'content-type': 'application/json' }
    const init = body === undefined ? {} : { method: 'POST', headers, body: JSON.stringify(body) }
    return (await fetch(`${at}${path}`, init)).json()
  }
  await Promise.all(
    ids.map((orderId, index) => ask(address, '/orders', { ...order, orderId, style: styles[index % 2] })),
  )
  first.kill()
  await first.exit
  const second = start()
  const next = await second.ready
  expect(next).not.toBeNull()
  // Until the lease of the first is over the second stands by.
  while (!(await fetch(`${next}/readyz`)).ok);
  for (const id of ids)
    expect(await ask(next, `/orders/${id}?wait=20s`)).toMatchObject({ status: 'confirmed', paid: 1500 })
  const ledger = await (await fetch(`${next}/shop/ledger`)).text()
  const charged = ledger.split('\n').filter((line) => line.includes('"applied"') && line.includes('"charge"'))
  for (const id of ids) expect(charged.filter((line) => line.includes(`"${id}"`)).length).toBe(1)
})

test('F9: connections are cut, and answers to commits lost, while orders run: all end, and every effect happened once', async () => {
  const { url } = await place()
  const proxy = await Proxy.before(url())
  closing.push(() => proxy.close())
  const shop = await shopOn(proxy.url(url('&deadline=2&patience=30')))
  let hits = 0
  for (const mishap of ['lose-reply', 'cut-before', 'cut', 'lose-reply', 'cut-before', 'cut', 'hold'] as const) {
    const ids = await Promise.all(styles.map((style) => shop.order('ok', style)))
    if (mishap === 'cut') hits += proxy.cut() > 0 ? 1 : 0
    else void proxy.next(mishap).then(() => hits++)
    const more = await Promise.all(styles.map((style) => shop.order('ok', style)))
    for (const id of [...ids, ...more]) {
      expect(await shop.over(id)).toMatchObject({ status: 'confirmed' })
      const seen = deeds(await shop.ledger(id)).filter((deed) => deed.startsWith('charge applied'))
      expect(seen.length, `${mishap}: ${id}`).toBe(1)
    }
  }
  expect(hits).toBe(7)
})

test('F3: the server ends at once, and in order, and comes back, while orders run: the application goes on', async () => {
  const server = await PostgresServer.start()
  closing.push(() => server.stop())
  const shop = await shopOn(server.url('?deadline=2&patience=30'))
  for (const signal of ['SIGQUIT', 'SIGINT'] as const) {
    const ids = await Promise.all(styles.map((style) => shop.order('ok', style)))
    await server.down(signal)
    const late = styles.map((style) => shop.order('ok', style))
    await server.up()
    for (const id of [...ids, ...(await Promise.all(late))])
      expect(await shop.over(id)).toMatchObject({ status: 'confirmed' })
  }
})

test('F3: the server stays away for longer than there is patience: the application ends and says so, and the next goes on', async () => {
  const server = await PostgresServer.start()
  closing.push(() => server.stop())
  const url = server.url('?deadline=1&patience=1&lease=1')
  const first = await shopOn(url)
  await first.fault({ service: 'shipping', slowMs: 600_000 })
  const id = await first.order('ok', 'orchestrated')
  await first.when(id, ({ paid }) => paid > 0)
  await server.down('SIGQUIT')
  expect(await first.app.stopped).toMatchObject({ code: 'STORE_UNREACHABLE' })
  await server.up()
  const second = await shopOn(url)
  // Until the lease of the first is over the second stands by.
  while (second.app.standing.role !== 'owner') await once(second.app.standing.over, 'abort')
  expect(await second.over(id)).toMatchObject({ status: 'confirmed', paid: expect.any(Number) })
})

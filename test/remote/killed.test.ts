// Services that are a process of their own, which is killed in the middle of what it does and comes back: both styles go on,
// and each effect is there once.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { elsewhere } from '../../src/http.ts'
import { ballet, workflow } from '../../src/index.ts'
import { openForTest, until } from '../support/applications.ts'
import { z } from 'zod'
import { secret } from './asking.ts'
import { Charged, Order, OrderCreated, payment, shipping, takenBack } from './contracts.ts'
import { effects, Life } from './life.ts'

const folders: string[] = []
afterEach(() => {
  Life.endAll()
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true })
})

async function begun() {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-remote-'))
  folders.push(folder)
  const books = join(folder, 'books')
  const life = new Life({ BOOKS: books, PORT: '0' })
  const port = await life.said('listening')
  const where = { url: `http://127.0.0.1:${port}`, secrets: [secret] }
  return { books, port, life, pay: elsewhere(payment(), where), ship: elsewhere(shipping(), where) }
}

test('orchestrated: each effect is there once, also what had been done and not answered', async () => {
  const { books, port, life, pay, ship } = await begun()
  const order = takenBack(pay, ship)
  const app = await openForTest(ballet({ services: [pay, ship], workflows: [order] }))
  const { id } = await app.start(order({ orderId: '1+charge+refund', amount: 5 }))
  await life.said('done charge 1+charge+refund')
  await life.kill()
  const second = new Life({ BOOKS: books, PORT: port })
  await second.said('done refund 1+charge+refund')
  await second.kill()
  const third = new Life({ BOOKS: books, PORT: port })
  await third.said('listening')
  const by = await app.result(id)
  const done = effects(books)
  expect(done.map(({ what }) => what)).toEqual([
    'charge 1+charge+refund',
    'send 1+charge+refund',
    'refund 1+charge+refund',
  ])
  expect(done[0]?.key).toBe(by)
})

test('choreographed: each effect is there once, also what had been done and not answered', async () => {
  const { books, port, life, pay, ship } = await begun()
  pay.on(OrderCreated, (created) => pay.charge(created))
  ship.on(Charged, ({ orderId }) => ship.send({ orderId }))
  const app = await openForTest(ballet({ services: [pay, ship] }))
  await app.publish(OrderCreated({ orderId: '2+charge', amount: 5 }), { id: '2' })
  await life.said('done charge 2+charge')
  await life.kill()
  const second = new Life({ BOOKS: books, PORT: port })
  await second.said('listening')
  const sent = async () => (await app.events({ key: 'orderId:2+charge', types: ['shipping.sent'] })).items[0]
  expect(await until(app, 'orderId:2+charge', sent)).toMatchObject({ data: { orderId: '2+charge' } })
  expect(effects(books).map(({ what }) => what)).toEqual(['charge 2+charge', 'send 2+charge'])
})

test('cancelled while it is away: what it may have done is taken back when it is there again', async () => {
  const { books, port, life, pay } = await begun()
  const paying = workflow(
    'paying',
    { input: Order, output: z.string(), key: 'orderId' },
    async (run, { orderId, amount }) => {
      const paid = await run.call(pay.charge({ orderId, amount }), { undo: pay.refund({ orderId }) })
      return paid.data.by
    },
  )
  const app = await openForTest(ballet({ services: [pay], workflows: [paying] }))
  const { id } = await app.start(paying({ orderId: '3+charge', amount: 5 }))
  await life.said('done charge 3+charge')
  await life.kill()
  await app.cancel(id, { by: 'ann', why: 'too late' })
  const second = new Life({ BOOKS: books, PORT: port })
  await second.said('listening')
  await until(app, null, async () => (await app.run(id))?.ended != null)
  expect((await app.run(id))?.status).toBe('cancelled')
  expect(effects(books).map(({ what }) => what)).toEqual(['charge 3+charge', 'refund 3+charge'])
})

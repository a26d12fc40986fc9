// The application as it is, on a store in memory: `npm test`.
import assert from 'node:assert/strict'
import { after, test } from 'node:test'
import { open } from 'ballet'
import application from './app.ts'
import { order } from './order.ts'
import { piecesOf } from './stock.ts'

const app = await open(application, { store: 'memory:' })
after(() => app.close())

test('an order is confirmed, and its receipt is sent', async () => {
  const { id } = await app.start(order({ orderId: '1', item: 'ribbon', amount: 450 }))
  assert.equal(id, 'order:1')
  assert.deepEqual(await app.result(id), { status: 'confirmed' })

  const { runs } = await app.key('orderId', '1')
  const receipt = runs.find(({ kind }) => kind === 'reaction')
  assert.ok(receipt)
  await app.result(receipt.id)
  const { events } = await app.key('orderId', '1')
  assert.deepEqual(
    events.map(({ type }) => type),
    ['stock.reserved', 'payment.approved', 'order.confirmed', 'receipt.sent'],
  )
})

test('what was reserved for an order that is declined is released', async () => {
  const before = piecesOf('tutu')
  const { id } = await app.start(order({ orderId: '2', item: 'tutu', amount: 24_900 }))
  assert.deepEqual(await app.result(id), { status: 'declined' })
  assert.equal(piecesOf('tutu'), before)
})

test('what is sold out is not charged', async () => {
  const { id } = await app.start(order({ orderId: '3', item: 'music box', amount: 5900 }))
  assert.deepEqual(await app.result(id), { status: 'sold out' })
  const { events } = await app.key('orderId', '3')
  assert.deepEqual(
    events.map(({ type }) => type),
    ['stock.short'],
  )
})

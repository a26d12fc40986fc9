// A reaction that is held by the order of its key says which run holds it, since its service was not asked.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { openForTest, until } from '../../test/support/applications.ts'
import { ballet, event, operation, service, type Application } from '../index.ts'

const Order = z.object({ orderId: z.string() })
const Placed = event('placed', Order, { key: 'orderId' })
const Cancelled = event('cancelled', Order, { key: 'orderId' })

/** Payment is stuck at what it is asked first, and asked nothing else; what it is told of a cancellation has no order. */
function shop() {
  const asked: string[] = []
  let isDown = true
  const pay = service('pay', {
    charge: operation({
      input: Order,
      output: z.string(),
      retry: { attempts: 1 },
      run: (_order, { cause }) => {
        asked.push(String(cause))
        if (isDown) throw new Error('down')
        return 'charged'
      },
    }),
  })
  const mail = service('mail', { tell: operation({ input: Order, output: z.string(), run: () => 'told' }) })
  pay.on(Placed, (order) => pay.charge(order))
  pay.on(Cancelled, (order) => pay.charge(order), { order: 'none' })
  mail.on(Placed, (order) => mail.tell(order))
  const mend = (): void => void (isDown = false)
  return { definition: ballet({ name: 'shop', services: [pay, mail] }), asked, mend }
}

const isStuck = (app: Application, run: string): Promise<unknown> =>
  until(app, null, async () => (await app.run(run))?.status === 'stuck')
const behind = async (app: Application, run: string): Promise<unknown> => (await app.run(run))?.waits[0]?.behind

test('it names the first of its service and key that has not ended, however many are between', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-behind-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const { definition, asked, mend } = shop()
  const store = `file:${join(folder, 'store.db')}`
  const first = await openForTest(definition, { store })
  await first.publish(Cancelled({ orderId: 'o' }), { id: 'c0' })
  await isStuck(first, 'pay:cancelled:c0')
  for (const id of ['e1', 'e2', 'e3']) await first.publish(Placed({ orderId: 'o' }), { id })
  await first.publish(Cancelled({ orderId: 'o' }), { id: 'c1' })
  await first.publish(Placed({ orderId: 'other' }), { id: 'e4' })
  for (const run of ['pay:placed:e1', 'pay:cancelled:c1', 'pay:placed:e4']) await isStuck(first, run)
  await first.close()
  const app = await openForTest(definition, { store })
  const held = { status: 'running', waits: [{ for: 'pay.charge', behind: 'pay:placed:e1' }] }
  for (const run of ['pay:placed:e2', 'pay:placed:e3']) expect(await app.run(run)).toMatchObject(held)
  expect((await app.key('orderId', 'o')).runs.filter(({ waits }) => waits[0]?.behind !== undefined)).toHaveLength(2)
  for (const run of ['pay:placed:e1', 'pay:cancelled:c0', 'pay:cancelled:c1', 'pay:placed:e4'])
    expect(await behind(app, run)).toBeUndefined()
  const notHeld = (await app.runs({ kind: 'reaction' })).items.filter(({ name }) => name === 'mail:placed')
  expect(notHeld.map(({ status }) => status)).toEqual(Array.from({ length: 4 }, () => 'completed'))
  expect(asked).toHaveLength(4)
  // It is held by the next one when that is over.
  await app.answer('pay:placed:e1', { op: 'pay.charge#0', value: 'by hand' })
  await isStuck(app, 'pay:placed:e2')
  expect(await behind(app, 'pay:placed:e3')).toBe('pay:placed:e2')
  mend()
  await app.retry('pay:placed:e2')
  expect(await app.result('pay:placed:e3')).toBe('charged')
  expect(await behind(app, 'pay:placed:e3')).toBeUndefined()
})

test('it is held by one whose mapping threw, too', async () => {
  const pay = service('pay', { charge: operation({ input: Order, output: z.string(), run: () => 'charged' }) })
  let isBroken = true
  pay.on(Placed, ({ orderId }) => {
    if (isBroken) throw new RangeError('oops')
    return pay.charge({ orderId })
  })
  const app = await openForTest(ballet({ name: 'shop', services: [pay] }))
  await app.publish(Placed({ orderId: 'o' }), { id: 'e1' })
  await isStuck(app, 'pay:placed:e1')
  isBroken = false
  await app.publish(Placed({ orderId: 'o' }), { id: 'e2' })
  expect(await app.run('pay:placed:e2')).toMatchObject({ status: 'running', waits: [{ behind: 'pay:placed:e1' }] })
})

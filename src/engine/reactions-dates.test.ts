// Reactions that give a workflow what is no JSON before its schema: a Date, which would come back as a text that the schema refuses.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest, until } from '../../test/support/applications.ts'
import { ballet, event, service, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const Placed = event('placed', z.object({ orderId: z.string(), day: z.number() }), { key: 'orderId' })
const When = z.object({ orderId: z.string(), at: z.date().transform((date) => date.toISOString()) })
const at = new Date(86_400_000)
const said = at.toISOString()

const delivery = workflow('delivery', { input: When, output: z.json(), key: 'orderId' }, async (_run, given) => ({
  at: given.at,
}))

test('a workflow whose input is a Date is begun by a reaction, and is the one that somebody else would begin', async () => {
  const shipping = service('shipping', {})
  shipping.on(Placed, ({ orderId, day }) => delivery({ orderId, at: new Date(day) }))
  const app = await openForTest(ballet({ services: [shipping], workflows: [delivery] }))
  await app.publish(Placed({ orderId: '1', day: at.getTime() }), { id: 'e' })
  expect(await app.result('shipping:placed:e')).toEqual({ run: 'delivery:1' })
  expect(await app.result('delivery:1')).toEqual({ at: said })
  expect((await app.run('shipping:placed:e'))?.input).toEqual({ orderId: '1', at: said })
  expect(await app.start(delivery({ orderId: '1', at }))).toMatchObject({ created: false })
  // Of another day it is another.
  await app.publish(Placed({ orderId: '1', day: 0 }), { id: 'other' })
  const stuck = await until(app, null, async () => {
    const run = await app.run('shipping:placed:other')
    return run?.status === 'stuck' && run
  })
  expect(stuck.reason).toBe('conflict')
})

test('one that waits in its lane when the process ends is begun by the next', async () => {
  const data = new MemoryData()
  const shipping = service('shipping', {})
  let isBroken = true
  shipping.on(Placed, ({ orderId, day }) => {
    if (day === 0 && isBroken) throw new Error('not yet')
    return day === 0 ? null : delivery({ orderId, at: new Date(day) })
  })
  const definition = ballet({ services: [shipping], workflows: [delivery] })
  const first = await openForTest(definition, { store: memory(data) })
  await first.publish(Placed({ orderId: '1', day: 0 }), { id: 'first' })
  // It stands behind the one whose mapping threw, and has no turn yet.
  await first.publish(Placed({ orderId: '1', day: at.getTime() }), { id: 'second' })
  expect(await first.run('shipping:placed:second')).toMatchObject({ status: 'running', input: { at: said } })
  await first.close()
  isBroken = false
  const second = await openForTest(definition, { store: memory(data) })
  expect(await second.result('shipping:placed:second')).toEqual({ run: 'delivery:1' })
  expect(await second.result('delivery:1')).toEqual({ at: said })
})

test('what JSON would leave out of the input of a reaction is told', async () => {
  // What a program without types gives, and a schema lets pass.
  const rates = z.custom<string>(() => true)
  const priced = workflow('priced', { input: z.object({ rates }), output: z.null() }, async () => null)
  const desk = service('desk', {})
  desk.on(Placed, () => priced({ rates: new Map([['EUR', 1]]) as never }))
  const app = await openForTest(ballet({ services: [desk], workflows: [priced] }))
  await app.publish(Placed({ orderId: '1', day: 0 }), { id: 'e' })
  const run = await app.run('desk:placed:e')
  expect(run).toMatchObject({ status: 'stuck', reason: 'threw', error: { code: 'VALUE_NOT_JSON' } })
})

// The check of keys: what no event can have, what some lack, and nothing of what cannot be seen; in JavaScript, or behind a cast.
import { expect, it } from 'vitest'
import { z } from 'zod'
import { ballet } from '../../src/define/ballet.ts'
import { checkApplication, showFinding } from '../../src/define/check/check.ts'
import { event } from '../../src/define/event.ts'
import { on } from '../../src/define/reaction.ts'
import { operation } from '../../src/define/operation.ts'
import { service } from '../../src/define/service.ts'
import { openForTest } from '../support/applications.ts'
import { never } from './sound.ts'

const Order = z.object({ orderId: z.string(), note: z.string().optional(), total: z.number(), place: z.string() })

function keyed(schema: z.ZodType, key = 'orderId') {
  return event('order.placed', schema as typeof Order, { key: key as 'orderId' })
}
const found = (schema: z.ZodType, key?: string): readonly string[] =>
  checkApplication(ballet({ services: [], events: [keyed(schema, key)] })).map(({ level, code, problem }) => {
    expect(code).toBe('key-unfit')
    return `${level}: ${problem}`
  })

it('says of which event the key is no field, which fields could be one, and that it is refused, as it is', async () => {
  const desk = service('desk', { note: operation({ input: z.object({ orderId: z.string() }), run: never }) })
  const Placed = keyed(Order, 'orderID')
  // Its reaction hands on what it should: nothing else is said of it.
  const definition = ballet({
    services: [desk],
    reactions: [on(desk, Placed, ({ orderId }) => desk.note({ orderId }))],
  })
  expect(checkApplication(definition).map(showFinding)).toEqual([
    `fault key-unfit: event "order.placed": its key "orderID" is no field of its data: every event of it is refused.
    { key: ... } names a field of its data that is always there, and a string: orderId, place. Did you mean "orderId"?`,
  ])
  const app = await openForTest(definition)
  const data = { orderId: 'o', total: 1, place: 'here' }
  await expect(app.publish(Placed(data))).rejects.toMatchObject({ code: 'KEY_INVALID' })
})

it('has a fault where the schema says so of all, and a note where it says so of some', () => {
  const other = z.object({ kind: z.literal('other'), orderId: z.string() })
  const nameless = z.object({ kind: z.literal('nameless') })
  expect(found(Order)).toEqual([])
  expect(found(Order, 'total')).toEqual([
    'fault: its key "total" is of the type number in its data: every event of it is refused',
  ])
  expect(found(Order, 'note')).toEqual(['note: its key "note" may be absent from its data: such an event is refused'])
  expect(found(z.discriminatedUnion('kind', [other, nameless]))).toEqual([
    'note: its key "orderId" is not a string in all variants of its data: such an event is refused',
  ])
  expect(found(z.union([nameless, z.object({})]))).toEqual([
    'fault: its key "orderId" is no field of its data: every event of it is refused',
  ])
  expect(found(z.union([Order, other]))).toEqual([])
  expect(found(z.intersection(nameless, z.object({ b: z.string() })))).toEqual([
    'fault: its key "orderId" is no field of its data: every event of it is refused',
  ])
  // What every object has is no field of these.
  expect(found(z.object({ a: z.string() }), 'toString')).toHaveLength(1)
})

it('asks with samples where the schema does not say what it gives, and is quiet where none can be made', () => {
  const renamed = z.object({ order_id: z.string() }).transform(({ order_id }) => ({ orderId: order_id }))
  const note =
    'note: its key "order_id" is no field, or no string, in all that could be made up of its data: such an event is refused'
  expect(found(renamed)).toEqual([])
  expect(found(renamed, 'order_id')).toEqual([note])
  expect(found(z.looseObject({ a: z.string() }))).toEqual([])
  expect(found(z.intersection(Order, z.object({ b: z.string() })))).toEqual([])
  const closed = z.object({ a: z.string().regex(/^(never|such) a word$/) }).transform((data) => data)
  expect(found(closed)).toEqual([])
  expect(found(z.any())).toEqual([])
})

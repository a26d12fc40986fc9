// An event that tells of a deadline is defined so that it takes what the monitor says of it, or the application is refused.
import { expect, it } from 'vitest'
import { z } from 'zod'
import { ballet } from './ballet.ts'
import { choreography } from './choreography.ts'
import { event } from './event.ts'
import { checkFit, requireFit, showFault } from './fit.ts'
import { seq } from './pattern.ts'
import { service } from './service.ts'

const id = z.object({ orderId: z.string() })
const key = { key: 'orderId' } as const
const Created = event('order.created', id, key)
const Shipped = event('order.shipped', id, key)
const late = choreography('order', key, seq(Created, Shipped.within('2d')))
const told = id.extend({ choreography: z.string(), awaited: z.array(z.string()), by: z.iso.datetime() })

const faults = (overdue: ReturnType<typeof event>, flow: typeof late = late): readonly string[] => {
  const desk = service('desk', {})
  desk.on(overdue as never, () => null)
  return checkFit(ballet({ services: [desk], choreographies: [flow] })).map(showFault)
}
const overdue = (schema: z.ZodObject, field = 'orderId') =>
  event('order.overdue', schema as never, { key: field as never }) as never
const remedy =
  "Define it with the key orderId and these fields or some of them: z.object({ orderId: z.string(), choreography: z.string(), awaited: z.array(z.string()), by: z.iso.datetime() }), name it otherwise, or let the choreography only record what passes: { onDeadline: 'record' }."

it.each<[string, z.ZodObject]>([
  ['all of its data', told],
  ['some of them', id],
  ['a key of some form', z.object({ orderId: z.string().regex(/^[A-Z]{2}-\d+$/), by: z.string() })],
  ['a key of which no sample is found', z.object({ orderId: z.string().regex(/^order number \d+$/) })],
  ['what it awaits by name', told.extend({ awaited: z.array(z.enum(['order.shipped', 'order.returned'])) })],
  ['all of them and no more', z.strictObject(told.shape)],
  ['a time that is not long ago', told.extend({ by: z.string().refine((by) => by > '2020') })],
])('may take %s', (_what, schema) => {
  expect(faults(overdue(schema))).toEqual([])
})

it.each<[string, z.ZodObject, string, string]>([
  ['another key', z.object({ id: z.string() }), 'id', 'with the key orderId, and it is defined with the key id'],
  [
    'a field that the monitor does not say',
    told.extend({ total: z.int() }),
    'orderId',
    'and its schema refuses the data of that, at total',
  ],
  ['a field of another kind', id.extend({ by: z.int() }), 'orderId', 'and its schema refuses the data of that, at by'],
  [
    'no more than the key',
    z.strictObject({ orderId: z.string() }),
    'orderId',
    'and its schema refuses the data of that',
  ],
])('is refused with %s', (_what, schema, field, problem) => {
  expect(faults(overdue(schema, field))).toEqual([
    `event "order.overdue": the choreography "order" publishes it when a deadline passes, ${problem}. ${remedy}`,
  ])
})

it('may be anything where no deadline is told', () => {
  const other = overdue(z.object({ id: z.string() }), 'id')
  expect(faults(other, choreography('order', key, seq(Created, Shipped)) as never)).toEqual([])
  const recorded = choreography('order', key, seq(Created, Shipped.within('2d')), { onDeadline: 'record' })
  expect(faults(other, recorded as never)).toEqual([])
  const application = ballet({ services: [], choreographies: [late], events: [other] })
  expect(() => requireFit(application)).toThrow(/order.overdue/)
})

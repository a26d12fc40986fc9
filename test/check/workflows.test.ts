// The check where workflows bring events about: nothing that one may do is a fault, and what it surely does not do is one.
import { expect, it } from 'vitest'
import { z } from 'zod'
import { checkApplication } from '../../src/define/check/check.ts'
import { optional, seq } from '../../src/define/pattern.ts'
import { workflow } from '../../src/define/workflow.ts'
import { Created, Reserved, Wrapped, build, id, reactions, sound, type Seed } from './sound.ts'

const key = { key: 'orderId' } as const
const carry = workflow('carry', { input: id, output: z.null(), ...key }, async () => null)
const found = (seed: Seed): readonly string[] =>
  checkApplication(build(seed)).map(({ code, level, place }) => `${level} ${code}: ${place.split(', ').at(-1)}`)

it('finds nothing where a workflow that the application begins carries the whole flow', () => {
  const without = Object.keys(reactions)
  expect(found({ workflows: [carry], without })).toEqual([])
  expect(found({ without })).toContain('fault event-unanswered: event "order.created"')
})

it('has no fault for what a workflow may do that the application begins', () => {
  expect(found({ without: ['ship'] })).toEqual([
    'fault event-unanswered: event "payment.approved"',
    'note event-uncalled: event "order.shipped"',
    'note event-uncalled: event "shipping.failed"',
  ])
  expect(found({ workflows: [carry], without: ['ship'] })).toEqual([
    'note event-uncalled: event "order.shipped"',
    'note event-uncalled: event "shipping.failed"',
    'note event-unanswered: event "payment.approved"',
  ])
})

it('finds nothing behind a workflow that a reaction begins, as far as its calls are declared', () => {
  const begun = (...calls: readonly string[]): Seed => ({
    workflows: [carry],
    without: ['charge', 'ship'],
    with: ({ payment }) => payment.on(Reserved, ({ orderId }) => carry({ orderId }), { calls }),
  })
  expect(found(begun('payment.charge', 'shipping.ship'))).toEqual([])
  expect(found({ ...begun('payment.charge'), declared: true })).toEqual([
    'fault event-uncalled: event "order.shipped"',
    'fault event-uncalled: event "shipping.failed"',
    'fault event-unanswered: event "payment.approved"',
  ])
  const undeclared: Seed = {
    ...begun(),
    with: ({ payment }) => payment.on(Reserved, ({ orderId }) => carry({ orderId })),
  }
  expect(found(undeclared)).toEqual(['note reaction-unknown: reaction "payment:stock.reserved"'])
})

it('has no fault for what a workflow may emit, and no note where the application lists it', () => {
  const emitted: Seed = {
    workflows: [carry],
    flow: seq(sound, optional(Wrapped)),
    with: ({ notification }) => notification.on(Wrapped, () => null),
  }
  expect(found(emitted)).toEqual(['note event-unproduced: event "gift.wrapped"'])
  expect(found({ ...emitted, events: [Wrapped] })).toEqual([])
  const heard: Seed = { workflows: [carry], with: ({ notification }) => notification.on(Wrapped, () => null) }
  expect(found(heard)).toEqual(['note reaction-unheard: reaction "notification:gift.wrapped"'])
  expect(found({ ...heard, events: [Wrapped, Created] })).toEqual([])
})

it('has a fault for a key that no input can have, a note for one that may be absent, and nothing for what cannot be seen', () => {
  const keyed = (input: z.ZodType, field = 'orderId') =>
    found({
      workflows: [
        workflow('keyed', { input: input as typeof id, output: z.null(), key: field as never }, async () => null),
      ],
    })
  const fault = ['fault key-unfit: workflow "keyed"']
  expect(keyed(z.object({ orderId: z.string() }), 'order')).toEqual(fault)
  expect(keyed(z.object({ orderId: z.number() }))).toEqual(fault)
  expect(keyed(z.object({ orderId: z.string().optional() }))).toEqual(['note key-unfit: workflow "keyed"'])
  expect(keyed(z.object({ orderId: z.string() }))).toEqual([])
  expect(keyed(z.object({ orderId: z.enum(['a', 'b']) }))).toEqual([])
  expect(keyed(z.object({ orderId: z.number().transform(String) }))).toEqual([])
  expect(keyed(z.looseObject({}))).toEqual([])
  expect(keyed(z.union([z.object({ orderId: z.string() }), z.object({ orderId: z.literal('x') })]))).toEqual([])
})

// Choreographies as they are declared: what is compiled from the algebra, and the mistakes that are refused where they
// are written.
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { BalletError } from '../core/errors.ts'
import type { FlowState } from '../core/flow.ts'
import { ballet } from './ballet.ts'
import { choreography } from './choreography.ts'
import { event } from './event.ts'
import { checkFit } from './fit.ts'
import { all, choice, many, optional, seq } from './pattern.ts'
import { after, precedence, response } from './rule.ts'

const id = z.object({ orderId: z.string() })
const Created = event('order.created', id, { key: 'orderId' })
const Approved = event('payment.approved', id, { key: 'orderId' })
const Declined = event('payment.declined', id, { key: 'orderId' })
const Shipped = event('order.shipped', id, { key: 'orderId' })
const Cancelled = event('order.cancelled', id, { key: 'orderId' })
const CartClosed = event('cart.closed', z.object({ cartId: z.string() }), { key: 'cartId' })
const key = { key: 'orderId' } as const

const refusal = (make: () => unknown): unknown => {
  try {
    return make()
  } catch (error) {
    return error instanceof BalletError ? `${error.code}: ${error.message}` : error
  }
}
/** What JavaScript lets through. */
const untyped = choreography as (...given: readonly unknown[]) => unknown

describe('a choreography', () => {
  const fulfilment = choreography(
    'fulfilment',
    key,
    seq(
      Created,
      choice(
        seq(Approved.within('30s'), all(Shipped, optional(many(Created)))).as('fulfilled'),
        Declined.as('declined'),
      ),
    ),
    { outside: [Cancelled], never: [after(Cancelled, Shipped)], always: [precedence(Approved, Shipped)] },
  )

  it('is compiled to a flow', () => {
    expect(fulfilment).toMatchObject({ kind: 'choreography', name: 'fulfilment', key: 'orderId', onDeadline: 'emit' })
    expect(fulfilment.flow.endings.toSorted()).toEqual(['declined', 'fulfilled'])
    const created = fulfilment.flow.step(fulfilment.flow.start(0), 'order.created', 1000) as FlowState
    expect(fulfilment.flow.deadlines(created)).toEqual([])
    expect(fulfilment.flow.expected(created)).toEqual(['order.cancelled', 'payment.approved', 'payment.declined'])
  })

  it('knows its events, and those that come from outside', () => {
    expect(fulfilment.events).toEqual([Created, Approved, Shipped, Declined, Cancelled])
    expect(fulfilment.outside).toEqual([Created, Cancelled])
    expect(ballet({ services: [], choreographies: [fulfilment] })).toMatchObject({
      choreographies: [fulfilment],
      events: fulfilment.events,
    })
  })

  it('can be one event, forbid another, and keep a deadline to itself', () => {
    const one = choreography('one', key, Created, { never: [Declined], onDeadline: 'record' })
    expect(one.flow.step(one.flow.start(0), 'payment.declined', 0)).toEqual({
      broken: 'payment.declined',
      expected: ['order.created'],
      rule: 'payment.declined must not come',
    })
    expect(one.onDeadline).toBe('record')
  })

  it('lets an answer count', () => {
    const paid = choreography('paid', key, seq(Created, Approved), {
      always: [response(Created, Approved, { within: '1m' })],
    })
    expect(paid.flow.deadlines(paid.flow.step(paid.flow.start(0), 'order.created', 5) as FlowState)).toEqual([
      { by: 60_005, types: ['payment.approved'] },
    ])
  })
})

describe('what is refused', () => {
  it.each<readonly [string, () => unknown]>([
    [
      'FLOW_KEY: choreography "x" follows the key "orderId", and "cart.closed" has the key "cartId".',
      () => untyped('x', key, seq(Created, CartClosed as unknown as typeof Created)),
    ],
    [
      'FLOW_KEY: choreography "x" follows the key "orderId", and "cart.closed" has the key "cartId".',
      () => untyped('x', key, Created, { outside: [CartClosed] }),
    ],
    [
      'FLOW_ENDLESS: choreography "x" can never end: no sequence of events fulfils its pattern and all its rules.',
      () => choreography('x', key, seq(Created, Approved), { never: [after(Created, Approved)] }),
    ],
    [
      'FLOW_AMBIGUOUS: choreography "x" is ambiguous: after order.created it could have ended as a or as b.',
      () => choreography('x', key, choice(Created.as('a'), Created.as('b'))),
    ],
    ['DEFINITION_INVALID: choreography "1": its name must begin', () => choreography('1', key, Created)],
    [
      'DEFINITION_INVALID: choreography "x": key "a b" cannot name a field',
      () => untyped('x', { key: 'a b' }, Created),
    ],
    [
      'DEFINITION_INVALID: choreography "x": there is no option "allways". Did you mean "always"?',
      () => untyped('x', key, Created, { allways: [] }),
    ],
    [
      'DEFINITION_INVALID: choreography "x": onDeadline must be "emit" or "record", not "log"',
      () => untyped('x', key, Created, { onDeadline: 'log' }),
    ],
    [
      'DEFINITION_INVALID: the flow of choreography "x": it must be an event type, made by event(...)',
      () => untyped('x', key, 'order.created'),
    ],
    [
      'DEFINITION_INVALID: choreography "x": never must be a list',
      () => untyped('x', key, Created, { never: Shipped }),
    ],
    [
      'DEFINITION_INVALID: choreography "x": never[0] is not an event type or after(...)',
      () => untyped('x', key, Created, { never: [response(Created, Shipped)] }),
    ],
    [
      'DEFINITION_INVALID: choreography "x": always[0] is not response(...) or precedence(...)',
      () => untyped('x', key, Created, { always: [Created] }),
    ],
    [
      'DEFINITION_INVALID: choreography "x": outside names "order.cancelled", which stands neither in the flow nor in a rule',
      () => choreography('x', key, Created, { outside: [Cancelled] }),
    ],
    [
      'DEFINITION_INVALID: choreography "x": two definitions of the event "order.created" stand in it',
      () => choreography('x', key, seq(Created, event('order.created', id, key))),
    ],
    [
      'DEFINITION_INVALID: choreography "x": "x.overdue" stands in it',
      () => choreography('x', key, choice(Created, event('x.overdue', id, key))),
    ],
    ['DEFINITION_INVALID: seq(...): it needs at least one', () => (seq as () => unknown)()],
    ['DEFINITION_INVALID: part 2 of choice(...): it must be', () => choice(Created, null as unknown as typeof Created)],
    ['DEFINITION_INVALID: many(...): it must be', () => many({ kind: 'signal' } as unknown as typeof Created)],
    ['DEFINITION_INVALID: after(...): it names "order.created" twice', () => after(Created, Created)],
    [
      'DEFINITION_INVALID: precedence(...): its argument 2 must be an event type',
      () => precedence(Created, seq(Created) as unknown as typeof Created),
    ],
    ['DEFINITION_INVALID: a pattern of order.created: ending "a b": its name must begin', () => Created.as('a b')],
    [
      'DURATION_INVALID: within of a pattern of order.created "soon" is not a duration.',
      () => Created.within('soon' as '1s'),
    ],
    [
      'DURATION_INVALID: response(...): within "soon" is not a duration.',
      () => response(Created, Approved, { within: 'soon' as '1s' }),
    ],
    [
      'DEFINITION_INVALID: ballet({...}): choreographies[0] is not a choreography',
      () => ballet({ services: [], choreographies: [Created as never] }),
    ],
  ])('%s', (message, make) => {
    expect(refusal(make)).toContain(message)
  })

  it('is an event that two choreographies claim under different keys', () => {
    const other = event('order.created', z.object({ customerId: z.string() }), { key: 'customerId' })
    const definition = ballet({
      services: [],
      choreographies: [
        choreography('one', key, Created),
        choreography('two', { key: 'customerId' }, other),
        choreography('two', key, Created),
      ],
    })
    expect(checkFit(definition)).toEqual([
      expect.objectContaining({ place: 'event "order.created"', problem: 'it is defined 2 times' }),
      {
        place: 'choreography "two"',
        problem: 'there are 2 of this name',
        remedy: 'List each choreography once, and give each a name of its own',
      },
      {
        place: 'event "order.created"',
        problem:
          'choreography "one" follows it by orderId, choreography "two" by customerId, choreography "two" by orderId',
        remedy: 'Let all of them follow one key, or tell the second fact by an event of its own',
      },
    ])
  })
})

// Whether the parts of an application fit: one fault at a time, and all at once.
import { expect, it } from 'vitest'
import { z } from 'zod'
import { ballet, type ApplicationParts } from './ballet.ts'
import { event } from './event.ts'
import { checkFit, requireFit, showFault } from './fit.ts'
import { operation } from './operation.ts'
import { on } from './reaction.ts'
import { schedule } from './schedule.ts'
import { service } from './service.ts'
import { signal } from './signal.ts'
import { workflow } from './workflow.ts'

const id = z.object({ orderId: z.string() })
const OrderCreated = event('order.created', id, { key: 'orderId' })
const Approve = signal('approve', id)
const note = operation({ input: id, run: () => {} })
const named = (name: string) => service(name, { note })
const taking = (name: string, ...signals: (typeof Approve)[]) =>
  workflow(name, { input: id, output: z.null(), signals }, async () => null)

const hourly = (name: string) => schedule('hourly', { every: '1h', call: () => taking(name)({ orderId: '1' }) })

const faults = (parts: ApplicationParts): readonly string[] => checkFit(ballet(parts)).map(showFault)

it('has nothing against parts that fit', () => {
  const payment = named('payment')
  payment.on(OrderCreated, () => null).on(OrderCreated, () => null, { name: 'again' })
  const parts = {
    services: [payment, named('shipping')],
    workflows: [taking('a', Approve), taking('b', Approve)],
    events: [OrderCreated, OrderCreated],
    schedules: [
      hourly('a'),
      schedule('never', { every: '1h', call: () => null }),
      schedule('later', {
        every: '1h',
        call: () => {
          throw new Error('not in 1970')
        },
      }),
    ],
    reactions: [on(payment, OrderCreated, () => null, { name: 'once-more' })],
  }
  expect(faults(parts)).toEqual([])
  expect(() => requireFit(ballet(parts))).not.toThrow()
})

it.each([[{ name: 'shop', services: [] }], [undefined], ['shop']])(
  'what is no application is told as that: %j',
  (given) => {
    expect(() => requireFit(given as never)).toThrow('The application: it must be what ballet({...}) gives.')
  },
)

const payment = named('payment')
const reaction = on(payment, OrderCreated, () => null)
const once = taking('once')
it.each<[string, ApplicationParts, string]>([
  [
    'two services of one name',
    { services: [payment, named('payment')] },
    'service "payment": there are 2 of this name. List each service once, and give each a name of its own.',
  ],
  ['a service listed twice', { services: [payment, payment] }, 'service "payment": there are 2 of this name.'],
  [
    'two workflows of one name',
    { services: [], workflows: [once, taking('once')] },
    'workflow "once": there are 2 of this name.',
  ],
  [
    'a workflow listed twice',
    { services: [], workflows: [once, once, once] },
    'workflow "once": there are 3 of this name.',
  ],
  [
    'two schedules of one name',
    { services: [], workflows: [once], schedules: [hourly('once'), hourly('once')] },
    'schedule "hourly": there are 2 of this name. List each schedule once, and give each a name of its own.',
  ],
  [
    'a schedule of a workflow that is not listed',
    { services: [], schedules: [hourly('once')] },
    'schedule "hourly": it calls once, which is not a part of the application. List its workflow or its service',
  ],
  [
    'a workflow with the name of a service',
    { services: [named('once')], workflows: [once] },
    'workflow "once": a service has this name too',
  ],
  [
    'an event that is defined twice',
    { services: [], events: [OrderCreated, event('order.created', id, { key: 'orderId' })] },
    'event "order.created": it is defined 2 times. Keep one event("order.created", ...) and import it wherever it is used.',
  ],
  [
    'a signal that is defined twice',
    { services: [], workflows: [taking('a', Approve), taking('b', signal('approve', id))] },
    'signal "approve": it is defined 2 times.',
  ],
  [
    'a signal with the type of an event',
    { services: [], workflows: [taking('a', Approve)], events: [event('approve', id, { key: 'orderId' })] },
    'signal "approve": an event has this type too',
  ],
  [
    'two reactions of one name',
    { services: [payment], reactions: [reaction, on(payment, OrderCreated, () => null)] },
    'reaction "payment:order.created": there are 2 of this name. Register it once, or give the second one a name: { name: ... }.',
  ],
  [
    'a reaction listed twice',
    { services: [payment], reactions: [reaction, reaction] },
    'reaction "payment:order.created": there are 2',
  ],
  [
    'a reaction of a service that is missing',
    { services: [], reactions: [reaction] },
    'reaction "payment:order.created": its service "payment" is not part of the application. Add payment to ballet({ services }).',
  ],
  [
    'an undo of an undo',
    {
      services: [
        service('s', {
          a: note,
          b: operation({ input: id, undoes: 'a', run: () => {} }),
          c: operation({ input: id, undoes: 'b', run: () => {} }) as typeof note,
        }),
      ],
    },
    'operation "s.c": it undoes "s.b", which is an undo itself (of "a").',
  ],
  [
    'outcomes with different keys',
    {
      services: [
        service('s', {
          a: operation({
            input: id,
            outcomes: [
              OrderCreated,
              event('cart.closed', z.object({ cartId: z.string() }), { key: 'cartId' }),
            ] as never,
            run: () => undefined as never,
          }),
        }),
      ],
    },
    'operation "s.a": its outcomes have different keys: order.created has orderId, cart.closed has cartId.',
  ],
  [
    'an operation without an implementation',
    { services: [service('s', { a: operation({ input: id }) })] },
    'operation "s.a": it has no implementation here, and nobody said where it has one. Give it a run(input, context), or say where it is carried out: services: [elsewhere(s, { url, secrets })], of ballet/http.',
  ],
])('finds %s, and nothing else', (_what, parts, line) => {
  expect(faults(parts)).toEqual([expect.stringContaining(line)])
})

it('finds all of them at once, and refuses with the whole list', () => {
  const definition = ballet({
    services: [payment, payment, service('s', { a: operation({ input: id }) })],
    workflows: [taking('s')],
    reactions: [on(named('gone'), OrderCreated, () => null)],
    events: [event('order.created', id, { key: 'orderId' })],
  })
  expect(checkFit(definition).map(({ place }) => place)).toEqual([
    'service "payment"',
    'workflow "s"',
    'event "order.created"',
    'reaction "gone:order.created"',
    'operation "s.a"',
  ])
  expect(() => requireFit(definition)).toThrow(
    expect.objectContaining({
      code: 'APPLICATION_UNFIT',
      message: expect.stringMatching(
        /^The parts of the application do not fit \(5\):\n- service "payment": [^\n]+\n- workflow "s": [^\n]+\n- event "order.created": [^\n]+\n- reaction "gone:order.created": [^\n]+\n- operation "s.a": [^\n]+$/,
      ) as unknown,
    }),
  )
})

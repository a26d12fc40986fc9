// Reactions: registered with their service, or given as values.
import { expect, it } from 'vitest'
import { z } from 'zod'
import { ballet } from './ballet.ts'
import { DEFINITION } from './definition-symbol.ts'
import { event } from './event.ts'
import { operation } from './operation.ts'
import { on } from './reaction.ts'
import { service } from './service.ts'
import { signal } from './signal.ts'

const id = z.object({ orderId: z.string() })
const OrderCreated = event('order.created', id, { key: 'orderId' })
const make = () => service('payment', { charge: operation({ input: id, run: () => {} }) })

it('is registered with the service that reacts', () => {
  const payment = make()
  const react = ({ orderId }: { orderId: string }) => payment.charge({ orderId })
  expect(payment.on(OrderCreated, react)).toBe(payment)
  payment.on(OrderCreated, () => null, { name: 'again', order: 'none', calls: ['payment.charge'] })
  expect(payment[DEFINITION].reactions).toEqual([
    { name: 'payment:order.created', service: 'payment', event: OrderCreated, order: 'key', calls: null, react },
    expect.objectContaining({ name: 'payment:again', order: 'none', calls: ['payment.charge'] }),
  ])
})

it('is a value that registers nothing', () => {
  const payment = make()
  const reaction = on(payment, OrderCreated, (order) => payment.charge(order))
  expect(reaction).toMatchObject({
    name: 'payment:order.created',
    service: 'payment',
    event: OrderCreated,
    order: 'key',
  })
  expect(reaction.react({ orderId: '1' } as never, OrderCreated({ orderId: '1' }))).toEqual(
    payment.charge({ orderId: '1' }),
  )
  expect(payment[DEFINITION].reactions).toEqual([])
})

it('is refused once the service has been collected', () => {
  const payment = make()
  payment.on(OrderCreated, () => null)
  ballet({ services: [payment] })
  expect(() => payment.on(OrderCreated, () => null, { name: 'late' })).toThrow(
    'reaction "payment:late": it came after ballet({...}) had collected the service',
  )
  expect(on(payment, OrderCreated, () => null, { name: 'late' }).name).toBe('payment:late')
  expect(ballet({ services: [payment] }).reactions).toHaveLength(1)
})

it.each<[string, readonly unknown[], string]>([
  ['a signal', [signal('s', id), () => null], 'a reaction of service "payment": it must answer an event type'],
  ['no event at all', [{ kind: 'event', type: 'order.created' }, () => null], 'it must answer an event type'],
  [
    'what is no function',
    [OrderCreated, null],
    'reaction "payment:order.created": what answers the event must be a function, not null',
  ],
  [
    'a typo in an option',
    [OrderCreated, () => null, { oder: 'none' }],
    'there is no option "oder". Did you mean "order"?',
  ],
  ['calls that are no list', [OrderCreated, () => null, { calls: 'payment.charge' }], 'calls must be a list of names'],
  ['an unknown order', [OrderCreated, () => null, { order: 'strict' }], 'order must be "key" or "none", not "strict"'],
  ['a bad name', [OrderCreated, () => null, { name: 'a b' }], 'reaction "a b": its name must begin with a letter'],
])('refuses %s', (_what, args, message) => {
  const payment = make()
  expect(() => on(payment, ...(args as [typeof OrderCreated, () => null]))).toThrow(message)
  expect(() => payment.on(...(args as [typeof OrderCreated, () => null]))).toThrow(message)
})

it.each(['payment', null, {}, make])('refuses to react for %j', (owner) => {
  expect(() => on(owner as never, OrderCreated, () => null)).toThrow(
    'its first argument must be the service that reacts',
  )
})

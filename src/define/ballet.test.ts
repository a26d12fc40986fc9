// The application as a definition: what it collects, and what it refuses.
import { expect, it } from 'vitest'
import { z } from 'zod'
import { ballet, type ApplicationParts } from './ballet.ts'
import { DEFINITION } from './definition-symbol.ts'
import { event } from './event.ts'
import { operation } from './operation.ts'
import { on } from './reaction.ts'
import { service } from './service.ts'
import { workflow } from './workflow.ts'

const id = z.object({ orderId: z.string() })
const OrderCreated = event('order.created', id, { key: 'orderId' })
const PaymentApproved = event('payment.approved', id, { key: 'orderId' })
const OrderNoted = event('order.noted', id, { key: 'orderId' })
const wrap = workflow('gift-wrap', { input: id, output: z.null() }, async () => null)
const make = () => {
  const payment = service('payment', {
    charge: operation({ input: id, outcomes: [PaymentApproved], run: (input) => PaymentApproved(input) }),
  })
  const shipping = service('shipping', { ship: operation({ input: id, run: () => {} }) })
  return { payment, shipping }
}

it('collects services, workflows, reactions and every event', () => {
  const { payment, shipping } = make()
  payment.on(OrderCreated, (order) => payment.charge(order))
  const ship = on(shipping, PaymentApproved, (paid) => shipping.ship(paid))
  const http = () => () => undefined
  const definition = ballet({
    name: 'shop',
    version: '1.0.0+abc',
    services: [payment, shipping],
    workflows: [wrap],
    reactions: [ship],
    events: [OrderNoted, PaymentApproved],
    http,
  })
  const [charge] = payment[DEFINITION].reactions
  expect(definition).toEqual({
    kind: 'application',
    choreographies: [],
    schedules: [],
    transports: [],
    eventsApart: [OrderNoted, PaymentApproved],
    name: 'shop',
    version: '1.0.0+abc',
    services: [payment[DEFINITION], { ...shipping[DEFINITION], reactions: [ship] }],
    workflows: [wrap[DEFINITION]],
    reactions: [charge, ship],
    events: [PaymentApproved, OrderCreated, OrderNoted],
    http,
  })
})

it('fills in what is not said', () => {
  expect(ballet({ services: [] })).toEqual({
    kind: 'application',
    choreographies: [],
    schedules: [],
    transports: [],
    eventsApart: [],
    name: 'application',
    version: '0',
    services: [],
    workflows: [],
    reactions: [],
    events: [],
    http: null,
  })
})

it('leaves the services as they are, so that another application may have other reactions', () => {
  const { payment, shipping } = make()
  ballet({ services: [payment, shipping], reactions: [on(payment, OrderCreated, () => null)] })
  expect(ballet({ services: [payment] }).reactions).toEqual([])
})

it.each<[string, unknown, string]>([
  ['no parts', undefined, 'its options must be an object'],
  ['a typo in a part', { services: [], workflow: [] }, 'there is no option "workflow". Did you mean "workflows"?'],
  ['no services', {}, 'services must be a list'],
  ['a workflow among the services', { services: [wrap] }, 'services[0] is not a service'],
  ['a service among the workflows', { services: [], workflows: [make().payment] }, 'workflows[0] is not a workflow'],
  ['what is no reaction', { services: [], reactions: [OrderCreated] }, 'reactions[0] is not a reaction'],
  ['what is no event', { services: [], events: [OrderCreated, 'order.noted'] }, 'events[1] is not an event type'],
  ['a bad name', { services: [], name: 'my shop' }, 'application "my shop": its name must begin with a letter'],
  ['a bad version', { services: [], version: 'v 1' }, 'version must be a string of 1 to 64 printable characters'],
  ['a version that is a number', { services: [], version: 1 }, 'version must be a string'],
  ['routes that are no function', { services: [], http: {} }, 'http must be a function, not object'],
])('refuses %s', (_what, parts, message) => {
  expect(() => ballet(parts as ApplicationParts)).toThrow(message)
})

// A sound application with a choreography, and the ways in which a seed makes it faulty: a reaction left out or put in
// the place of another, another flow, other parts. Made anew each time, because reactions are registered with services.
import { z } from 'zod'
import { ballet, type ApplicationParts } from '../../src/define/ballet.ts'
import { choreography } from '../../src/define/choreography.ts'
import type { ApplicationDefinition } from '../../src/define/definition.ts'
import { event } from '../../src/define/event.ts'
import { operation } from '../../src/define/operation.ts'
import { choice, seq, type Pattern } from '../../src/define/pattern.ts'
import { service } from '../../src/define/service.ts'

const key = { key: 'orderId' } as const
export const id = z.object({ orderId: z.string().regex(/^[A-Za-z0-9]{2,8}$/) })
export const Created = event('order.created', id.extend({ total: z.int().min(1), gift: z.boolean() }), key)
export const Reserved = event('stock.reserved', id.extend({ total: z.int() }), key)
export const Short = event('stock.short', id, key)
export const Released = event('stock.released', id.extend({ news: z.enum(['declined', 'refunded']) }), key)
export const Approved = event('payment.approved', id.extend({ receipt: z.string() }), key)
export const Declined = event('payment.declined', id.extend({ reason: z.string().optional() }), key)
export const Refunded = event('payment.refunded', id, key)
export const Shipped = event('order.shipped', id.extend({ tracking: z.string() }), key)
export const Failed = event('shipping.failed', id, key)
export const Notified = event('customer.notified', id, key)
export const Wrapped = event('gift.wrapped', id, key)
export const Chargeback = event('bank.chargeback', id, key)
export const Overdue = event('order.overdue', id, key)
export const Elsewhere = event('visit.noted', z.object({ visitId: z.string() }), { key: 'visitId' })

export const never = (): never => {
  throw new RangeError('not run')
}

/** The services, made anew for each application: reactions are registered with them. */
export function services() {
  return {
    stock: service('stock', {
      reserve: operation({ input: Created.schema, outcomes: [Reserved, Short], run: never }),
      release: operation({ input: Released.schema, undoes: 'reserve', outcomes: [Released], run: never }),
    }),
    payment: service('payment', {
      charge: operation({ input: Reserved.schema, outcomes: [Approved, Declined], run: never }),
      refund: operation({ input: id, undoes: 'charge', outcomes: [Refunded], run: never }),
    }),
    shipping: service('shipping', {
      ship: operation({ input: id, outcomes: [Shipped, Failed], run: never }),
    }),
    notification: service('notification', {
      notify: operation({ input: id, outcomes: [Notified], run: never }),
    }),
  }
}
export type Services = ReturnType<typeof services>

/** One reaction each, by a name, so that a seed can leave one out or put another in its place. */
export const reactions: Readonly<Record<string, (all: Services) => void>> = {
  reserve: ({ stock }) => stock.on(Created, (order) => stock.reserve(order)),
  charge: ({ payment }) => payment.on(Reserved, (order) => payment.charge(order)),
  ship: ({ shipping }) => shipping.on(Approved, ({ orderId }) => shipping.ship({ orderId })),
  tellShort: ({ notification }) => notification.on(Short, ({ orderId }) => notification.notify({ orderId })),
  tellShipped: ({ notification }) => notification.on(Shipped, ({ orderId }) => notification.notify({ orderId })),
  release: ({ stock }) => stock.on(Declined, ({ orderId }) => stock.release({ orderId, news: 'declined' })),
  refund: ({ payment }) => payment.on(Failed, ({ orderId }) => payment.refund({ orderId })),
  releaseRefunded: ({ stock }) => stock.on(Refunded, ({ orderId }) => stock.release({ orderId, news: 'refunded' })),
  tellReleased: ({ notification }) => notification.on(Released, ({ orderId }) => notification.notify({ orderId })),
}

/** What each of them comes to, as its options could declare. */
const CALLS: Readonly<Record<string, string>> = {
  'stock:order.created': 'stock.reserve',
  'payment:stock.reserved': 'payment.charge',
  'shipping:payment.approved': 'shipping.ship',
  'notification:stock.short': 'notification.notify',
  'notification:order.shipped': 'notification.notify',
  'stock:payment.declined': 'stock.release',
  'payment:shipping.failed': 'payment.refund',
  'stock:payment.refunded': 'stock.release',
  'notification:stock.released': 'notification.notify',
}

const refunded = seq(Failed.within('2d'), Refunded.within('1h'), Released, Notified).as('refunded')
export const declined = seq(Declined.within('30s'), Released, Notified).as('declined')
export const paid = (taken: Pattern<'refunded', 'orderId'> = refunded) =>
  seq(Approved.within('30s'), choice(seq(Shipped.within('2d'), Notified.within('1m')).as('fulfilled'), taken))
export const sound = seq(Created, choice(seq(Reserved, choice(paid(), declined)), seq(Short, Notified).as('short')))

export interface Seed {
  readonly without?: readonly (keyof typeof reactions)[]
  readonly with?: (all: Services) => void
  readonly flow?: Pattern<string | null, 'orderId'>
  readonly more?: Parameters<typeof choreography<'order', 'orderId', Pattern<string | null, 'orderId'>>>[3]
  readonly services?: (all: Services) => ApplicationParts['services']
  readonly workflows?: ApplicationParts['workflows']
  readonly events?: ApplicationParts['events']
  /** The reactions of the sound application declare their calls. */
  readonly declared?: true
}

export function build(seed: Seed = {}): ApplicationDefinition {
  const made = services()
  for (const [name, react] of Object.entries(reactions)) if (seed.without?.includes(name) !== true) react(made)
  seed.with?.(made)
  const definition = ballet({
    services: [...Object.values(made), ...(seed.services?.(made) ?? [])],
    workflows: seed.workflows,
    events: seed.events,
    choreographies: [choreography('order', key, seed.flow ?? sound, seed.more)],
  })
  if (seed.declared === undefined) return definition
  const declared = definition.reactions.map((one) => {
    const calls = CALLS[one.name]
    return calls === undefined ? one : { ...one, calls: [calls] }
  })
  return { ...definition, reactions: declared }
}

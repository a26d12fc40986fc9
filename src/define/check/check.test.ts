// The check against seeded faults: a sound application, and more than thirty that differ from it by one mistake each.
// Every mistake is found, under its code, at its place, with the line that mends it; of the sound one nothing is said.
import { describe, expect, it } from 'vitest'
import { z } from 'zod'
import { ballet, type ApplicationParts } from '../ballet.ts'
import { choreography } from '../choreography.ts'
import type { ApplicationDefinition } from '../definition.ts'
import { event } from '../event.ts'
import { operation } from '../operation.ts'
import { all, choice, many, optional, seq, type Pattern } from '../pattern.ts'
import { after, response, precedence } from '../rule.ts'
import { service } from '../service.ts'
import { workflow } from '../workflow.ts'
import { checkApplication, showFinding } from './check.ts'
import { FINDINGS } from './finding.ts'

const key = { key: 'orderId' } as const
const id = z.object({ orderId: z.string().regex(/^[A-Za-z0-9]{2,8}$/) })
const Created = event('order.created', id.extend({ total: z.int().min(1), gift: z.boolean() }), key)
const Reserved = event('stock.reserved', id.extend({ total: z.int() }), key)
const Short = event('stock.short', id, key)
const Released = event('stock.released', id.extend({ news: z.enum(['declined', 'refunded']) }), key)
const Approved = event('payment.approved', id.extend({ receipt: z.string() }), key)
const Declined = event('payment.declined', id.extend({ reason: z.string().optional() }), key)
const Refunded = event('payment.refunded', id, key)
const Shipped = event('order.shipped', id.extend({ tracking: z.string() }), key)
const Failed = event('shipping.failed', id, key)
const Notified = event('customer.notified', id, key)
const Wrapped = event('gift.wrapped', id, key)
const Chargeback = event('bank.chargeback', id, key)
const Elsewhere = event('visit.noted', z.object({ visitId: z.string() }), { key: 'visitId' })

const never = (): never => {
  throw new RangeError('not run')
}

/** The services, made anew for each application: reactions are registered with them. */
function services() {
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
type Services = ReturnType<typeof services>

/** One reaction each, by a name, so that a seed can leave one out or put another in its place. */
const reactions: Readonly<Record<string, (all: Services) => void>> = {
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

const refunded = seq(Failed, Refunded.within('1h'), Released, Notified).as('refunded')
const declined = seq(Declined.within('30s'), Released, Notified).as('declined')
const paid = (taken: Pattern<'refunded', 'orderId'> = refunded) =>
  seq(Approved.within('30s'), choice(seq(Shipped.within('2d'), Notified.within('1m')).as('fulfilled'), taken))
const sound = seq(Created, choice(seq(Reserved, choice(paid(), declined)), seq(Short, Notified).as('short')))

interface Seed {
  readonly without?: readonly (keyof typeof reactions)[]
  readonly with?: (all: Services) => void
  readonly flow?: Pattern<string | null, 'orderId'>
  readonly more?: Parameters<typeof choreography<'order', 'orderId', Pattern<string | null, 'orderId'>>>[3]
  readonly services?: (all: Services) => ApplicationParts['services']
  readonly workflows?: ApplicationParts['workflows']
  readonly events?: ApplicationParts['events']
}

function build(seed: Seed = {}): ApplicationDefinition {
  const made = services()
  for (const [name, react] of Object.entries(reactions)) if (seed.without?.includes(name) !== true) react(made)
  seed.with?.(made)
  return ballet({
    services: [...Object.values(made), ...(seed.services?.(made) ?? [])],
    workflows: seed.workflows,
    events: seed.events,
    choreographies: [choreography('order', key, seed.flow ?? sound, seed.more)],
  })
}

const flowWith = (part: Pattern<string | null, 'orderId'>) =>
  seq(Created, choice(seq(Reserved, choice(paid(), declined, part)), seq(Short, Notified).as('short')))
const loop = workflow('loop', { input: id, output: z.null() }, async () => null)

const seeds: readonly (readonly [what: string, seed: Seed, code: string, place: string, mend: string])[] = [
  [
    'nobody reserves',
    { without: ['reserve'] },
    'event-unanswered',
    'event "order.created"',
    'stock.on(OrderCreated, (data) => stock.reserve({ ... }))',
  ],
  ['nobody charges', { without: ['charge'] }, 'event-unanswered', 'event "stock.reserved"', 'payment.on(StockReserved'],
  [
    'nobody ships',
    { without: ['ship'] },
    'event-unanswered',
    'event "payment.approved"',
    'shipping.on(PaymentApproved',
  ],
  [
    'nobody tells that it was shipped',
    { without: ['tellShipped'] },
    'event-unanswered',
    'event "order.shipped"',
    'notification.on(OrderShipped',
  ],
  [
    'nobody releases',
    { without: ['release'] },
    'event-unanswered',
    'event "payment.declined"',
    'stock.on(PaymentDeclined',
  ],
  [
    'nobody refunds',
    { without: ['refund'] },
    'event-unanswered',
    'event "shipping.failed"',
    'payment.on(ShippingFailed',
  ],
  [
    'nobody tells at the end of a chain',
    { without: ['tellReleased'] },
    'event-unanswered',
    'event "stock.released"',
    'notification.on(StockReleased',
  ],
  [
    'the wrong service reacts',
    {
      without: ['ship'],
      with: ({ notification }) => notification.on(Approved, ({ orderId }) => notification.notify({ orderId })),
    },
    'answer-missing',
    'event "payment.approved"',
    'shipping.on(PaymentApproved',
  ],
  [
    'the undo of something else is called',
    {
      without: ['refund'],
      with: ({ stock }) => stock.on(Failed, ({ orderId }) => stock.release({ orderId, news: 'refunded' })),
    },
    'answer-missing',
    'event "shipping.failed"',
    'payment.refund({ ... })',
  ],
  [
    'an event that nobody produces',
    { flow: flowWith(seq(Wrapped, Notified)) },
    'event-unproduced',
    'event "gift.wrapped"',
    'outcomes: [GiftWrapped]',
  ],
  [
    'an answer that nobody gives',
    {
      more: { always: [response(Declined, Wrapped)] },
      flow: seq(
        Created,
        choice(seq(Reserved, choice(paid(), seq(declined, Wrapped))), seq(Short, Notified).as('short')),
      ),
    },
    'event-unproduced',
    'event "gift.wrapped"',
    '{ outside: [GiftWrapped] }',
  ],
  [
    'an operation that nobody calls',
    {
      services: () => [service('gifts', { wrap: operation({ input: id, outcomes: [Wrapped], run: never }) })],
      flow: flowWith(seq(Wrapped, Notified)),
    },
    'event-uncalled',
    'event "gift.wrapped"',
    'gifts.on(..., (data) => gifts.wrap({ ... }))',
  ],
  [
    'an outcome that the flow forgot',
    { flow: seq(Created, choice(seq(Reserved, paid()), seq(Short, Notified).as('short'))) },
    'outcome-unknown',
    'reaction "payment:stock.reserved"',
    'choice(..., PaymentDeclined)',
  ],
  [
    'a failure of shipping that the flow forgot',
    {
      flow: seq(
        Created,
        choice(seq(Reserved, choice(seq(Approved, Shipped, Notified), declined)), seq(Short, Notified)),
      ),
    },
    'outcome-unknown',
    'reaction "shipping:payment.approved"',
    'choice(..., ShippingFailed)',
  ],
  [
    'an outcome that has a place only before',
    {
      flow: seq(
        Created,
        choice(
          seq(Reserved, choice(seq(optional(Failed), Approved, Shipped, Notified), declined)),
          seq(Short, Notified),
        ),
      ),
    },
    'outcome-misplaced',
    'reaction "shipping:payment.approved"',
    'choice(..., ShippingFailed)',
  ],
  [
    'two that tell the customer',
    {
      with: ({ notification }) =>
        notification.on(Shipped, ({ orderId }) => notification.notify({ orderId }), { name: 'again' }),
    },
    'answer-doubled',
    'event "order.shipped"',
    'many(CustomerNotified)',
  ],
  [
    'a rule that forbids an event of the pattern',
    { flow: all(sound, optional(Wrapped)), more: { never: [Wrapped], outside: [Wrapped] } },
    'event-impossible',
    'event "gift.wrapped"',
    'drop the rule',
  ],
  [
    'a rule that forbids an ending',
    { more: { never: [after(Refunded, Released)] } },
    'ending-impossible',
    'ending "refunded"',
    "Take .as('refunded') out",
  ],
  [
    'a name that is never given',
    { flow: sound.as('over') },
    'ending-impossible',
    'ending "over"',
    "Take .as('over') out",
  ],
  [
    'an order of events that the pattern never has',
    { more: { always: [precedence(Short, Shipped)] } },
    'event-impossible',
    'event "order.shipped"',
    'drop the rule',
  ],
  [
    'a reaction to what nobody says',
    { with: ({ shipping }) => shipping.on(Wrapped, ({ orderId }) => shipping.ship({ orderId })) },
    'reaction-unheard',
    'reaction "shipping:gift.wrapped"',
    'ballet({ events: [GiftWrapped] })',
  ],
  [
    'a reaction to what must never come is heard by nobody',
    {
      more: { never: [Chargeback] },
      with: ({ payment }) => payment.on(Chargeback, ({ orderId }) => payment.refund({ orderId })),
    },
    'reaction-unheard',
    'reaction "payment:bank.chargeback"',
    'outcomes: [BankChargeback]',
  ],
  [
    'a reaction that throws',
    {
      without: ['release'],
      with: ({ stock }) =>
        stock.on(Declined, ({ orderId, reason }) =>
          stock.release({ orderId: `${orderId}${(reason as string).length === 0 ? '' : ''}`, news: 'declined' }),
        ),
    },
    'reaction-threw',
    'reaction "stock:payment.declined"',
    'null',
  ],
  [
    'an asynchronous reaction',
    {
      without: ['ship'],
      with: ({ shipping }) => shipping.on(Approved, (() => Promise.resolve(null)) as never),
    },
    'reaction-answer',
    'reaction "shipping:payment.approved"',
    'without async',
  ],
  [
    'a reaction that gives an event',
    {
      without: ['ship'],
      with: ({ shipping }) => shipping.on(Approved, ((data: { orderId: string }) => Failed(data)) as never),
    },
    'reaction-answer',
    'reaction "shipping:payment.approved"',
    'shipping.operation',
  ],
  [
    'a call of another application',
    {
      without: ['ship'],
      with: ({ shipping }) =>
        shipping.on(Approved, ({ orderId }) =>
          service('carrier', { take: operation({ input: id, outcomes: [Shipped], run: never }) }).take({ orderId }),
        ),
    },
    'call-unknown',
    'reaction "shipping:payment.approved"',
    'ballet({ services: [carrier] })',
  ],
  [
    'a workflow of another application',
    { without: ['ship'], with: ({ shipping }) => shipping.on(Approved, ({ orderId }) => loop({ orderId })) },
    'call-unknown',
    'reaction "shipping:payment.approved"',
    'ballet({ workflows: [loop] })',
  ],
  [
    'a declared call that there is not',
    {
      without: ['ship'],
      workflows: [loop],
      with: ({ shipping }) => shipping.on(Approved, ({ orderId }) => loop({ orderId }), { calls: ['shipping.shp'] }),
    },
    'call-unknown',
    'reaction "shipping:payment.approved"',
    "{ calls: ['stock.reserve'",
  ],
  [
    'a field that is lost on the way',
    {
      without: ['charge'],
      with: ({ payment }) =>
        payment.on(Reserved, (({ orderId }: { orderId: string }) => payment.charge({ orderId } as never)) as never),
    },
    'input-unfit',
    'reaction "payment:stock.reserved"',
    'Hand on what payment.charge takes',
  ],
  [
    'a key that is lost on the way',
    { without: ['ship'], with: ({ shipping }) => shipping.on(Approved, () => shipping.ship({ orderId: 'main' })) },
    'key-lost',
    'reaction "shipping:payment.approved"',
    'orderId: data.orderId',
  ],
  [
    'reactions that answer each other for ever',
    {
      without: ['tellReleased'],
      with: ({ stock }) => stock.on(Released, ({ orderId, news }) => stock.release({ orderId, news })),
    },
    'cycle-endless',
    'event "stock.released"',
    'null when enough was done',
  ],
  [
    'a cycle of two services',
    {
      without: ['tellReleased'],
      with: ({ stock, payment }) => {
        payment.on(Released, ({ orderId }) => payment.refund({ orderId }))
        void stock
      },
    },
    'cycle-endless',
    'event "stock.released"',
    'one operation have an outcome',
  ],
  [
    'a limit that is longer than the one around it',
    { flow: sound.within('1d') },
    'limit-pointless',
    'limit of order.shipped',
    'shorter',
  ],
  [
    'a charge that one path forgets to undo',
    {
      flow: seq(
        Created,
        choice(
          seq(
            Reserved,
            choice(
              paid(
                seq(Failed, choice(seq(Refunded, Released, Notified), seq(Wrapped, Released, Notified))).as('refunded'),
              ),
              declined,
            ),
          ),
          seq(Short, Notified),
        ),
      ),
      more: { outside: [Wrapped] },
      with: ({ stock }) => stock.on(Failed, ({ orderId }) => stock.release({ orderId, news: 'refunded' })),
    },
    'undo-missing',
    'operation "payment.charge"',
    'payment.refund({ ... })',
  ],
  [
    'stock that is kept when the money goes back',
    {
      flow: seq(
        Created,
        choice(
          seq(Reserved, choice(paid(seq(Failed, Refunded, Notified).as('refunded')), declined)),
          seq(Short, Notified),
        ),
      ),
      without: ['releaseRefunded'],
      with: ({ notification }) => notification.on(Refunded, ({ orderId }) => notification.notify({ orderId })),
    },
    'undo-missing',
    'operation "stock.reserve"',
    'seq(..., StockReleased)',
  ],
  [
    'two services of one name',
    { services: ({ stock }) => [stock] },
    'part-unfit',
    'service "stock"',
    'List each service once',
  ],
]

describe('the check', () => {
  it('says nothing of a sound application', () => {
    expect(checkApplication(build())).toEqual([])
    expect(checkApplication(ballet({ services: Object.values(services()) }))).toEqual([])
  })

  it.each(seeds)('finds: %s', (_what, seed, code, place, mend) => {
    const findings = checkApplication(build(seed))
    expect(findings.map((one) => one.code)).toContain(code)
    expect(findings.filter((one) => one.code === code)).toContainEqual({
      code,
      level: 'fault',
      place: expect.stringContaining(place),
      problem: expect.any(String),
      mend: expect.stringContaining(mend),
    })
  })

  it('has a seed for every fault that it can find', () => {
    const seeded = new Set(seeds.map(([, , code]) => code))
    const faults = Object.entries(FINDINGS).filter(
      ([code, { level }]) => level === 'fault' && !code.startsWith('schema-'),
    )
    expect(faults.map(([code]) => code).filter((code) => !seeded.has(code))).toEqual([])
    expect(seeds.length).toBeGreaterThanOrEqual(25)
  })

  it('concludes nothing from what it cannot see, and says so', () => {
    const blind = build({
      without: ['ship'],
      workflows: [loop],
      with: ({ shipping }) => shipping.on(Approved, ({ orderId }) => loop({ orderId })),
    })
    const findings = checkApplication(blind)
    expect(findings.map(({ code, place }) => [code, place])).toEqual([
      ['reaction-unknown', 'reaction "shipping:payment.approved"'],
    ])
    expect(findings.map(showFinding)).toEqual([
      `note reaction-unknown: reaction "shipping:payment.approved": what it calls is not known: its call is a workflow, which is code.\n    { calls: ['service.operation'] } as its options`,
    ])
    const told = build({
      without: ['ship'],
      workflows: [loop],
      with: ({ shipping }) => shipping.on(Approved, ({ orderId }) => loop({ orderId }), { calls: ['shipping.ship'] }),
    })
    expect(checkApplication(told)).toEqual([])
  })

  it('takes an event from outside when it is said to be', () => {
    const more = { outside: [Wrapped] }
    expect(checkApplication(build({ flow: all(sound, optional(Wrapped)), more }))).toEqual([])
    expect(checkApplication(build({ flow: seq(sound, many(Wrapped)), more }))).toEqual([])
    const heard: Seed = { with: ({ shipping }) => shipping.on(Elsewhere, () => null), events: [Elsewhere] }
    expect(checkApplication(build(heard))).toEqual([])
  })
})

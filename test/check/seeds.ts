// The seeded faults: how each makes the sound application faulty, and the code, the place and the words of the line that
// mends it.
import type { FindingCode } from '../../src/define/check/finding.ts'
import { operation } from '../../src/define/operation.ts'
import { z } from 'zod'
import { all, choice, optional, seq, type Pattern } from '../../src/define/pattern.ts'
import { after, precedence, response } from '../../src/define/rule.ts'
import { service } from '../../src/define/service.ts'
import { workflow } from '../../src/define/workflow.ts'
import {
  Approved,
  Chargeback,
  Created,
  Declined,
  Failed,
  Notified,
  Refunded,
  Released,
  Reserved,
  Short,
  Shipped,
  Wrapped,
  declined,
  id,
  never,
  paid,
  sound,
  type Seed,
} from './sound.ts'

const flowWith = (part: Pattern<string | null, 'orderId'>) =>
  seq(Created, choice(seq(Reserved, choice(paid(), declined, part)), seq(Short, Notified).as('short')))
export const loop = workflow('loop', { input: id, output: z.null() }, async () => null)

/** How it makes the sound application faulty, and what is found: the code, its place, and words of the line that mends it. */
export type Sown = readonly [what: string, seed: Seed, code: FindingCode, place: string, mend: string]

export const seeds: readonly Sown[] = [
  [
    'the key of a workflow is no field of its input',
    { workflows: [workflow('lost', { input: id, output: z.null(), key: 'orderNumber' as never }, async () => null)] },
    'key-unfit',
    'workflow "lost"',
    'names a field of its input that is always there',
  ],
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
      with: ({ notification }) =>
        notification.on(Approved, ({ orderId }) => notification.notify({ orderId }), {
          calls: ['notification.notify'],
        }),
    },
    'answer-missing',
    'event "payment.approved"',
    'shipping.on(PaymentApproved',
  ],
  [
    'the undo of something else is called',
    {
      without: ['refund'],
      with: ({ stock }) =>
        stock.on(Failed, ({ orderId }) => stock.release({ orderId, news: 'refunded' }), { calls: ['stock.release'] }),
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
      declared: true,
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
      with: ({ payment }) => payment.on(Reserved, ({ orderId }) => payment.charge({ orderId } as never)),
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

// More seeded faults: those that nobody notices while things go well.
import { z } from 'zod'
import { operation } from '../../src/define/operation.ts'
import { choice, many, optional, seq } from '../../src/define/pattern.ts'
import { service } from '../../src/define/service.ts'
import { workflow } from '../../src/define/workflow.ts'
import type { Sown } from './seeds.ts'
import {
  Approved,
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
} from './sound.ts'

const keyed = workflow('keyed', { input: id, output: z.null(), key: 'orderId' }, async () => null)

/** A flow that has a place for a refusal of the charge behind its approval alone. */
export const declinedBehind = seq(
  Created,
  choice(
    seq(
      Reserved,
      Approved,
      optional(Declined),
      choice(seq(Shipped, Notified), seq(Failed, Refunded, Released, Notified)),
    ),
    seq(Short, Notified),
  ),
)

export const quietSeeds: readonly Sown[] = [
  [
    'a limit of an alternative to something that has none',
    {
      flow: seq(
        Created,
        choice(seq(Reserved.within('1h'), choice(paid(), declined)), seq(Short, Notified).as('short')),
      ),
    },
    'limit-pointless',
    'limit of stock.reserved',
    'give each of the alternatives a limit',
  ],
  [
    'a limit of what may be left out',
    { flow: seq(sound, optional(Wrapped.within('1h'))), more: { outside: [Wrapped] } },
    'limit-pointless',
    'limit of gift.wrapped',
    'Take it out',
  ],
  [
    'a limit of what may come any number of times',
    { flow: seq(sound, many(Wrapped.within('1h'))), more: { outside: [Wrapped] } },
    'limit-pointless',
    'limit of gift.wrapped',
    'Take it out',
  ],
  [
    'an outcome that has a place only behind another one of the same call',
    {
      declared: true,
      flow: declinedBehind,
    },
    'outcome-misplaced',
    'reaction "payment:stock.reserved"',
    'choice(..., PaymentDeclined)',
  ],
  [
    'a key that a workflow is not given',
    {
      without: ['ship'],
      workflows: [keyed],
      with: ({ shipping }) => shipping.on(Approved, () => keyed({ orderId: 'main' }), { calls: ['shipping.ship'] }),
    },
    'key-lost',
    'reaction "shipping:payment.approved"',
    'keyed({ orderId: data.orderId',
  ],
  [
    'a service that is limited by a field of no input',
    {
      services: () => [
        service('desk', { ask: operation({ input: id, run: never }) }, { limits: { atOnce: 1, per: 'customerId' } }),
      ],
    },
    'limit-by-nothing',
    'service "desk"',
    'limits.per',
  ],
]

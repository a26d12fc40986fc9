// At opening, an application that does not fit its choreography is told of, with the line that would mend it, and runs.
import { expect, it } from 'vitest'
import { z } from 'zod'
import { keptLog, openForTest } from '../../test/support/applications.ts'
import { ballet, choice, choreography, event, operation, seq, service } from '../index.ts'

const id = z.object({ orderId: z.string() })
const key = { key: 'orderId' } as const
const Created = event('order.created', id, key)
const Paid = event('order.paid', id, key)
const Declined = event('order.declined', id, key)

function shop(flow: Parameters<typeof choreography<'order', 'orderId', typeof Created>>[2]) {
  const payment = service('payment', {
    charge: operation({ input: id, outcomes: [Paid, Declined], run: ({ orderId }) => Paid({ orderId }) }),
  })
  payment.on(Created, ({ orderId }) => payment.charge({ orderId }))
  return ballet({ services: [payment], choreographies: [choreography('order', key, flow)] })
}

it('writes faults to the log, and starts', async () => {
  const log = keptLog()
  const app = await openForTest(shop(seq(Created, Paid) as never), { log })
  expect(log.lines).toEqual([
    'warn fault outcome-unknown: choreography "order", reaction "payment:order.created": payment.charge may answer with order.declined, and the flow does not have it.\n    choice(..., OrderDeclined) where the flow goes on after OrderCreated',
  ])
  expect(await app.publish(Created({ orderId: '1' }))).toMatchObject({ created: true })
})

it('writes nothing when there is none', async () => {
  const log = keptLog()
  await openForTest(shop(seq(Created, choice(Paid, Declined)) as never), { log })
  expect(log.lines).toEqual([])
})

// A choreography that one run conducts: the calls of the same reactions, once each, with the same outcomes.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest, until } from '../../test/support/applications.ts'
import { ballet, choice, choreography, event, operation, seq, service, type Application } from '../index.ts'

const Order = z.object({ orderId: z.string() })
const byOrder = { key: 'orderId' } as const
const Created = event('order.created', Order, byOrder)
const Paid = event('payment.approved', Order, byOrder)
const Declined = event('payment.declined', Order, byOrder)
const Shipped = event('order.shipped', Order, byOrder)

const fulfilment = choreography(
  'fulfilment',
  { key: 'orderId' },
  seq(Created, choice(seq(Paid, Shipped).as('fulfilled'), Declined.as('declined'))),
)

function parts() {
  const calls: string[] = []
  const payment = service('payment', {
    charge: operation({
      input: Order,
      outcomes: [Paid, Declined],
      run: (order, { idempotencyKey }) => {
        calls.push(`charge ${idempotencyKey.replace(/^[^:]*:/, '')}`)
        return order.orderId.startsWith('poor') ? Declined(order) : Paid(order)
      },
    }),
  })
  const shipping = service('shipping', {
    ship: operation({
      input: Order,
      outcomes: [Shipped],
      run: (order, { idempotencyKey }) => {
        calls.push(`ship ${idempotencyKey.length > 0}`)
        return Shipped(order)
      },
    }),
  })
  payment.on(Created, (order) => payment.charge(order))
  shipping.on(Paid, (order) => shipping.ship(order))
  const definition = ballet({ name: 'shop', services: [payment, shipping], choreographies: [fulfilment] })
  return { definition, calls }
}

const runsOf = async (app: Application, orderId: string) => (await app.key('orderId', orderId)).runs

test('one run performs the flow: its calls are those of the reactions, once each, and its output is the ending', async () => {
  const { definition, calls } = parts()
  const app = await openForTest(definition)
  const started = await app.conduct(fulfilment)(Created({ orderId: 'o' }), { id: 'e' })
  expect(started).toEqual({ id: 'fulfilment:o', created: true })
  expect(await app.result('fulfilment:o')).toEqual({ choreography: 'fulfilment', ending: 'fulfilled' })
  expect(calls).toEqual(['charge payment:order.created:e:0:payment.charge#0', 'ship true'])
  const runs = await runsOf(app, 'o')
  expect(runs.map(({ name, parent, status }) => [name, parent, status])).toEqual([
    ['fulfilment', null, 'completed'],
    ['payment:order.created', 'fulfilment:o', 'completed'],
    ['shipping:payment.approved', 'fulfilment:o', 'completed'],
  ])
  expect(await app.flow('fulfilment', 'o')).toMatchObject({ state: 'complete', ending: 'fulfilled' })
  expect(await app.conduct(fulfilment)(Created({ orderId: 'o' }))).toEqual({ id: 'fulfilment:o', created: false })
  await app.conduct(fulfilment)(Created({ orderId: 'poor' }))
  expect(await app.result('fulfilment:poor')).toMatchObject({ ending: 'declined' })
})
void until

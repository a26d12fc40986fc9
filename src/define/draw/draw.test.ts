// The pictures: every kind of part once, and the map of a small application.
import { expect, it } from 'vitest'
import { z } from 'zod'
import { ballet } from '../ballet.ts'
import { choreography } from '../choreography.ts'
import { event } from '../event.ts'
import { operation } from '../operation.ts'
import { all, choice, many, optional, seq } from '../pattern.ts'
import { after } from '../rule.ts'
import { service } from '../service.ts'
import { workflow } from '../workflow.ts'
import { flowChart } from './flow-chart.ts'
import { serviceMap } from './service-map.ts'

const id = z.object({ orderId: z.string() })
const key = { key: 'orderId' } as const
const Created = event('order.created', id, key)
const Paid = event('order.paid', id, key)
const Failed = event('order.failed', id, key)
const Sent = event('order.sent', id, key)
const Told = event('order.told', id, key)
const payment = service('payment', {
  charge: operation({ input: id, outcomes: [Paid, Failed], run: ({ orderId }) => Paid({ orderId }) }),
})
const shipping = service('shipping', {
  ship: operation({ input: id, outcomes: [Sent], run: ({ orderId }) => Sent({ orderId }) }),
})
payment.on(Created, ({ orderId }) => payment.charge({ orderId }))
shipping.on(Paid, ({ orderId }) => shipping.ship({ orderId }))
const wrap = workflow('wrap', { input: id, output: z.null() }, async () => null)

const order = choreography(
  'order',
  key,
  seq(
    Created,
    choice(seq(Paid.within('30s'), all(Sent, many(Told)).within('2d')).as('sent'), seq(Failed, optional(Told))),
  ),
  { never: [after(Failed, Sent)] },
)
const definition = ballet({ services: [payment, shipping], workflows: [wrap], choreographies: [order] })

it('draws a flow as it was written', () => {
  expect(flowChart(order, definition).split('\n')).toEqual([
    'flowchart TD',
    '  start(( ))',
    '  n1["order.created<br/><small>from outside</small>"]',
    '  start --> n1',
    '  n2["order.paid<br/><small>payment</small>"]',
    '  n1 -->|within 30s| n2',
    '  n3@{ shape: fork }',
    '  n2 -->|complete within 2d| n3',
    '  n4["order.sent<br/><small>shipping</small>"]',
    '  n3 --> n4',
    '  n5((again))',
    '  n3 --> n5',
    '  n6["order.told<br/><small>nobody</small>"]',
    '  n5 --> n6',
    '  n6 --> n5',
    '  n7@{ shape: fork }',
    '  n4 --> n7',
    '  n5 --> n7',
    '  n8["order.failed<br/><small>payment</small>"]',
    '  n1 --> n8',
    '  n9["order.told<br/><small>nobody</small>"]',
    '  n8 --> n9',
    '  over-sent(["sent"])',
    '  n7 --> over-sent',
    '  over-complete(["complete"])',
    '  n9 --> over-complete',
    '  n8 --> over-complete',
    '  rule0>"order.sent must not come after order.failed"]',
  ])
})

it('draws who reacts to whom', () => {
  expect(serviceMap(definition).split('\n')).toEqual([
    'flowchart LR',
    '  outside((outside))',
    '  service-payment["payment"]',
    '  service-shipping["shipping"]',
    '  workflow-wrap[["wrap"]]',
    '  outside -->|"order.created"| service-payment',
    '  service-payment -->|"order.paid"| service-shipping',
  ])
})

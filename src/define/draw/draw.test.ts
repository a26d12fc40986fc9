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
import { layout } from './layers.ts'
import { mermaid } from './mermaid.ts'
import { serviceMap } from './service-map.ts'
import { svg } from './svg.ts'

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
  expect(mermaid(flowChart(order, definition)).split('\n')).toEqual([
    'flowchart TD',
    '  start(( ))',
    '  n1["order.created<br/><small>from outside</small>"]',
    '  start --> n1',
    '  n2["order.paid<br/><small>payment</small>"]',
    '  n1 -->|"within 30s"| n2',
    '  n3@{ shape: fork }',
    '  n2 -->|"complete within 2d"| n3',
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
  expect(mermaid(serviceMap(definition)).split('\n')).toEqual([
    'flowchart LR',
    '  outside((outside))',
    '  service-payment["payment"]',
    '  service-shipping["shipping"]',
    '  workflow-wrap[["wrap"]]',
    '  outside -->|"order.created"| service-payment',
    '  service-payment -->|"order.paid"| service-shipping',
  ])
})

it('stands boxes in layers that do not overlap, with every arrow downwards but those that close a circle', () => {
  const boxes = ['a', 'b', 'c', 'd', 'e', 'alone'].map((name) => ({ id: name, width: 80, height: 30 }))
  const links = ['ab', 'ac', 'bd', 'cd', 'ad', 'de', 'eb', 'cc'].map(([from = '', to = '']) => ({ from, to }))
  const { places, bends, width, height } = layout(boxes, links)
  const y = (name: string): number => places.get(name)?.y ?? Number.NaN
  const down = links.filter(({ from, to }) => from !== to && from !== 'e')
  expect(down.filter(({ from, to }) => y(from) >= y(to))).toEqual([])
  expect(y('e')).toBeGreaterThan(y('b'))
  const points = [...places.values()]
  expect(points.filter((one) => one.x < 40 || one.x > width - 39 || one.y > height)).toEqual([])
  const near = points.filter((one) =>
    points.some((other) => one !== other && one.y === other.y && Math.abs(one.x - other.x) < 81),
  )
  expect(near).toEqual([])
  // From a to d there is one layer between, and from e back to b as well, from below.
  expect(bends.map((list) => list.length)).toEqual([0, 0, 0, 0, 1, 0, 1, 0])
  expect(layout(boxes, links)).toEqual({ places, bends, width, height })
})

it('draws both as an image without anything from outside', () => {
  for (const graph of [flowChart(order, definition), serviceMap(definition)]) {
    const image = svg(graph)
    const titles = graph.parts.flatMap((part) => (part.kind === 'node' && part.title !== '' ? [part.title] : []))
    expect(titles.filter((title) => !image.includes(`>${title}</text>`))).toEqual([])
    expect(image).not.toMatch(/NaN|undefined|<script|href/)
    expect(image.match(/<path d="M[^"]*" fill="none"/g)?.length).toBe(
      new Set(graph.parts.flatMap((part) => (part.kind === 'edge' ? [`${part.from} ${part.to}`] : []))).size,
    )
    expect([...image.matchAll(/<(\w+)/g)].map(([, tag]) => tag).filter((tag) => tag === 'svg')).toHaveLength(1)
  }
})

it('writes words into an image as words', () => {
  const image = svg({ direction: 'down', parts: [{ kind: 'node', id: 'a', shape: 'event', title: '<b>&"' }] })
  expect(image).toContain('>&lt;b&gt;&amp;&quot;</text>')
})

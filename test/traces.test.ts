// One trace for an order, whoever carries it: of both styles one connected tree, with what went wrong and what was taken back; and
// the same tree, span for span, when the process is killed in the middle and another goes on.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { sampleOf, startShop, type Sample } from '../examples/shop/testing.ts'
import type { Style } from '../examples/shop/status.ts'
import { ShopProcess } from './chaos/shop-process.ts'
import { once, startCollector, treeOf, type CollectedSpan, type Collector } from './support/collector.ts'

async function traced(sample: Sample, style: Style): Promise<Collector> {
  const collector = await startCollector()
  const shop = await startShop({ traces: { endpoint: collector.endpoint } })
  await shop.over(await shop.order(sample, style, '8841'))
  await shop.close()
  expect(collector.faults).toEqual([])
  return collector
}

const traces = (spans: readonly CollectedSpan[]): readonly CollectedSpan[][] => [
  ...Map.groupBy(spans, ({ traceId }) => traceId).values(),
]

test('an orchestrated order that cannot be shipped is one trace: its calls, attempts and undos under its run', async () => {
  const { spans } = await traced('shipping-fails', 'orchestrated')
  expect(traces(spans)).toHaveLength(1)
  expect(once(spans)).toHaveLength(spans.length)
  expect(treeOf(spans)).toEqual([
    'workflow checkout',
    '  call catalog.reserve',
    '    attempt catalog.reserve',
    '  call catalog.reserve',
    '    attempt catalog.reserve',
    '  wait signal:cancel-order',
    '  call payment.charge',
    '    attempt payment.charge',
    '  call shipping.ship',
    '    attempt shipping.ship',
    '  undo payment.refund',
    '    attempt payment.refund',
    '  undo catalog.release',
    '    attempt catalog.release',
    '  undo catalog.release',
    '    attempt catalog.release',
    '  call notification.notify',
    '    attempt notification.notify',
  ])
  const undo = spans.find(({ name }) => name === 'undo payment.refund')
  expect(undo?.attributes).toMatchObject({ 'ballet.call': 'payment.refund', 'ballet.undoes': 'payment.charge#0' })
  const run = spans.find(({ name }) => name === 'workflow checkout')
  expect(run).toMatchObject({ kind: 1, attributes: { 'ballet.run': 'checkout:8841', 'ballet.status': 'completed' } })
  expect(run?.events?.map(({ name }) => name)).toEqual(['undoing'])
})

test('a choreographed order that cannot be shipped is one trace: each reaction under the event that it answers', async () => {
  const { spans } = await traced('shipping-fails', 'choreographed')
  expect(traces(spans)).toHaveLength(1)
  const path = (name: string): readonly string[] => {
    const names: string[] = []
    for (let one = spans.find((span) => span.name === name); one !== undefined;) {
      const { parentSpanId } = one
      names.unshift(`${one.name} ${one.kind}`)
      one = spans.find(({ spanId }) => spanId === parentSpanId)
    }
    return names
  }
  expect(path('event payment.refunded')).toEqual([
    'event order.created 4',
    'reaction catalog:order.created 5',
    'workflow reserve-items 1',
    'operation catalog.reserve 1',
    'event stock.reserved 4',
    'reaction payment:stock.reserved 5',
    'event payment.approved 4',
    'reaction shipping:payment.approved 5',
    'event shipping.failed 4',
    'reaction payment:shipping.failed 5',
    'event payment.refunded 4',
  ])
  expect(treeOf(spans).filter((line) => line.startsWith('orphan'))).toEqual([])
  expect(treeOf(spans)).toHaveLength(spans.length)
})

test('a conducted order is one trace as well, without an orphan', async () => {
  const { spans } = await traced('ok', 'conducted')
  expect(traces(spans)).toHaveLength(1)
  expect(treeOf(spans).filter((line) => line.startsWith('orphan'))).toEqual([])
  expect(treeOf(spans)).toHaveLength(spans.length)
})

const Steps = z.object({ steps: z.array(z.object({ step: z.string(), status: z.string() })) })

/** Kills the shop while Payment keeps an order waiting. The next life carries it through. */
async function killedAndGoneOn(style: Style, delayMs: number): Promise<Collector> {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-traces-'))
  onTestFinished(() => rmSync(folder, { recursive: true }))
  const collector = await startCollector()
  const env = {
    OTEL_EXPORTER_OTLP_TRACES_ENDPOINT: collector.endpoint,
    OTEL_BSP_SCHEDULE_DELAY: String(delayMs),
    OTEL_SERVICE_NAME: 'the shop',
  }
  const first = new ShopProcess(folder, { env })
  await first.welcomed
  const url = await first.ready
  const post = (path: string, body: unknown): Promise<Response> =>
    fetch(url + path, { method: 'POST', body: JSON.stringify(body), headers: { 'content-type': 'application/json' } })
  expect((await post('/shop/faults', { service: 'payment', slowMs: 600_000 })).status).toBe(200)
  expect((await post(`/orders?style=${style}`, { ...sampleOf('ok'), orderId: '8841' })).status).toBe(202)
  const isPaying = async (): Promise<boolean> => {
    const { steps } = Steps.parse(await (await fetch(`${url}/orders/8841`)).json())
    return steps.some(({ step, status }) => step === 'charge' && status === 'running')
  }
  while (!(await isPaying()));
  if (delayMs === 0) await collector.until(() => collector.spans.some(({ name }) => name === 'attempt catalog.reserve'))
  first.kill()
  await first.exit

  const second = new ShopProcess(folder, { env })
  const again = await second.ready
  const order: unknown = await (await fetch(`${again}/orders/8841?wait=20s`)).json()
  expect(order).toMatchObject({ status: 'confirmed' })
  second.close()
  expect(await second.exit).toBe(0)
  expect(collector.faults).toEqual([])
  expect(new Set(collector.requests.map(({ resource }) => resource['service.name']))).toEqual(new Set(['the shop']))
  return collector
}

test.each([
  ['orchestrated', 600_000],
  ['choreographed', 0],
] as const)(
  'the shop is killed in the middle of an order (%s), spans wait for %d ms: each is told, and is the same if it is told twice',
  async (style, delayMs) => {
    const { spans } = await killedAndGoneOn(style, delayMs)
    // What was sent before the kill and may not have come is sent again.
    expect(once(spans).length < spans.length).toBe(delayMs === 0)
    // Those of the two orders with which a new shop begins are there too.
    expect(traces(spans)).toHaveLength(3)
    const trees = traces(spans).map((own) => [treeOf(own), once(own).length] as const)
    for (const [tree, count] of trees) {
      expect(tree.filter((line) => line.startsWith('orphan'))).toEqual([])
      expect(tree).toHaveLength(count)
    }
    const charges = once(spans).filter(
      ({ name, attributes }) => name === 'attempt payment.charge' && String(attributes['ballet.run']).includes('8841'),
    )
    expect(charges.map(({ attributes }) => attributes['ballet.attempt'])).toEqual([1])
  },
)

// What becomes of spans when the collector is away, slow, overloaded or of another opinion; over real HTTP. Time is the test's: the
// pauses that are made are kept, and over at once.
import type { ServerResponse } from 'node:http'
import { expect, test } from 'vitest'
import { startCollector } from '../../test/support/collector.ts'
import { keptLog } from '../../test/support/applications.ts'
import type { Clock } from '../core/clock.ts'
import { systemClock } from '../engine/clock.ts'
import { Exporter } from './exporter.ts'
import type { Span } from './span.ts'

const span = (number: number): Span => ({
  trace: 'a'.repeat(32),
  id: String(number).padStart(16, '0'),
  parent: null,
  name: 'call payment.charge',
  kind: 'internal',
  start: 1_700_000_000_000,
  end: 1_700_000_000_001,
  attributes: { count: number, half: 0.5, isWell: true, nothing: null },
  events: [],
  error: null,
})
const spans = (many: number, from = 1): readonly Span[] =>
  Array.from({ length: many }, (_, index) => span(from + index))

/** Of a request, and of a close: these are not hurried. */
const [TIMEOUT_MS, CLOSE_MS] = [10_000, 9_999]

/** A clock whose pauses are over at once, but for the time limit of a request; and what they were. */
function hurried(limitMs?: number): Clock & { readonly pauses: number[] } {
  const pauses: number[] = []
  let passed = 0
  return {
    pauses,
    now: () => Date.parse('2026-01-01T00:00:00Z') + passed,
    elapsed: () => passed,
    after(ms, callback) {
      if (ms === TIMEOUT_MS) return limitMs === undefined ? () => {} : systemClock.after(limitMs, callback)
      if (ms === CLOSE_MS) return () => {}
      pauses.push(ms)
      const pause = setImmediate(() => {
        passed += ms
        callback()
      })
      return () => clearImmediate(pause)
    },
  }
}

interface Given {
  readonly clock: Clock
  readonly queue: number
  readonly delayMs: number
}

function exporting(endpoint: string, { clock = hurried(), queue = 100, delayMs = 3 }: Partial<Given> = {}) {
  const log = keptLog()
  const settings = {
    url: endpoint,
    headers: { 'api-key': 'secret' },
    resource: { 'service.name': 'shop' },
    timeoutMs: TIMEOUT_MS,
    queue,
    batch: 10,
    delayMs,
  }
  const exporter = new Exporter({ settings, ballet: '1.2.3', clock, random: { seed: () => 0, uuid: () => '' }, log })
  return { exporter, log }
}

test('spans go in batches, with the headers and the resource; nothing is said of what is well', async () => {
  const collector = await startCollector()
  const { exporter, log } = exporting(collector.endpoint)
  exporter.add(spans(25))
  await collector.until(() => collector.spans.length === 25)
  expect(collector.requests.map((request) => request.spans.length)).toEqual([10, 10, 5])
  const [first] = collector.requests
  expect(first?.headers).toMatchObject({ 'api-key': 'secret', 'user-agent': 'ballet/1.2.3' })
  expect(first?.resource).toEqual({ 'service.name': 'shop' })
  expect(first?.spans[0]?.attributes).toEqual({ count: 1, half: 0.5, isWell: true })
  await exporter.close(CLOSE_MS)
  expect([exporter.counts.sent, log.lines, collector.faults]).toEqual([25, [], []])
})

test('a span that waits alone is sent when it has waited for others long enough', async () => {
  const collector = await startCollector()
  const clock = hurried()
  const { exporter } = exporting(collector.endpoint, { clock, delayMs: 4321 })
  exporter.add(spans(1))
  await collector.until(() => collector.spans.length === 1)
  expect(clock.pauses).toEqual([4321])
  await exporter.close(CLOSE_MS)
})

test('429 and 503 are sent again: when the collector says, else later each time; a date is understood as well', async () => {
  const collector = await startCollector()
  const clock = hurried()
  const { exporter, log } = exporting(collector.endpoint, { clock })
  collector.answers.push(
    (response) => response.writeHead(429, { 'retry-after': '7' }).end(),
    (response) => response.writeHead(503, { 'retry-after': 'Thu, 01 Jan 2026 00:01:00 GMT' }).end(),
    (response) => response.writeHead(502, { 'retry-after': 'soon' }).end(),
    (response) => response.writeHead(504).end(),
    (response) => response.destroy(),
    (response) => response.writeHead(503, { 'retry-after': '1000000' }).end(),
  )
  exporter.add(spans(10))
  await collector.until(() => collector.spans.length === 10)
  await exporter.close(CLOSE_MS)
  // Of a minute seven seconds had passed by its clock. Without chance a pause is half of the longest.
  expect(clock.pauses.slice(0, 6)).toEqual([7000, 53_000, 2000, 4000, 8000, 300_000])
  expect([exporter.counts.sent, exporter.counts.dropped]).toMatchObject([10, { refused: 0, unreachable: 0 }])
  expect(log.lines).toEqual(['warn Spans cannot be sent: the collector answered with 429', 'info Spans are sent again'])
})

test('a collector that asks for it at once, or for a time that is over, is not asked without a pause', async () => {
  const collector = await startCollector()
  const clock = hurried()
  const { exporter } = exporting(collector.endpoint, { clock })
  for (const after of ['0', 'Thu, 01 Jan 1970 00:00:00 GMT', '-5'])
    collector.answers.push((response) => response.writeHead(429, { 'retry-after': after }).end())
  exporter.add(spans(10))
  await collector.until(() => collector.spans.length === 10)
  await exporter.close(CLOSE_MS)
  expect(clock.pauses.slice(0, 3)).toEqual([500, 1000, 2000])
})

test.each([400, 401, 413, 500, 307])(
  '%d is not sent again: the batch is dropped, and the next one goes out',
  async (status) => {
    const collector = await startCollector()
    const { exporter, log } = exporting(collector.endpoint)
    collector.answers.push((response) => response.writeHead(status, { location: '/v1/traces' }).end('no'))
    exporter.add(spans(20))
    await collector.until(() => collector.spans.length === 10)
    await exporter.close(CLOSE_MS)
    expect([exporter.counts.sent, exporter.counts.dropped.refused]).toEqual([10, 10])
    expect(log.lines).toEqual([
      `warn Spans cannot be sent: the collector answered with ${status}`,
      'info Spans are sent again',
    ])
  },
)

test('what a collector takes in part is not sent again, and what it says is told once', async () => {
  const collector = await startCollector()
  const { exporter, log } = exporting(collector.endpoint)
  const partial = { partialSuccess: { rejectedSpans: '4', errorMessage: 'too old' } }
  const words = { partialSuccess: { errorMessage: 'use another endpoint' } }
  collector.answers.push(
    (response) => response.end(JSON.stringify(partial)),
    (response) => response.end(JSON.stringify(words)),
    (response) => response.end('no JSON'),
    (response) => response.end(),
  )
  exporter.add(spans(40))
  await exporter.close(CLOSE_MS)
  expect([exporter.counts.sent, exporter.counts.dropped.refused, exporter.size]).toEqual([36, 4, 0])
  expect(log.lines).toEqual(['warn The collector took 6 of 10 spans: too old', 'info Spans are sent again'])
})

test('a collector that is away: so much waits for it, what comes beyond is dropped and counted, and told once', async () => {
  const collector = await startCollector()
  await collector.close()
  const { exporter, log } = exporting(collector.endpoint, { clock: { ...hurried(), after: () => () => {} }, queue: 30 })
  exporter.add(spans(60))
  exporter.add(spans(5, 61))
  expect([exporter.size, exporter.counts.dropped.full]).toEqual([25, 30])
  await exporter.close(CLOSE_MS)
  expect([exporter.counts.sent, exporter.size]).toEqual([0, 0])
  expect(exporter.counts.dropped).toMatchObject({ full: 30, closed: 35 })
  expect(log.lines.map((line) => line.replace(/: .*/, ''))).toEqual([
    'warn More than 30 spans wait to be sent',
    'warn Spans cannot be sent',
    'warn 35 spans could not be sent before the application was closed',
  ])
})

test('a batch that could not be sent for five minutes is dropped, and the next one is tried', async () => {
  const collector = await startCollector()
  const { exporter } = exporting(collector.endpoint)
  const later = (response: ServerResponse): void => void response.writeHead(503, { 'retry-after': '200' }).end()
  collector.answers.push(later, later, later)
  exporter.add(spans(20))
  await collector.until(() => collector.spans.length === 10)
  await exporter.close(CLOSE_MS)
  expect([exporter.counts.sent, exporter.counts.dropped.unreachable]).toEqual([10, 10])
})

test('a collector that does not answer: the request is given up after its time, and made again', async () => {
  const collector = await startCollector()
  const { exporter, log } = exporting(collector.endpoint, { clock: hurried(1) })
  collector.answers.push(() => {})
  exporter.add(spans(10))
  await collector.until(() => collector.spans.length > 0)
  await exporter.close(CLOSE_MS)
  expect(log.lines[0]).toBe('warn Spans cannot be sent: the collector did not answer in time')
})

test('a close waits no longer than it may for a collector that does not answer', async () => {
  const collector = await startCollector()
  const { exporter, log } = exporting(collector.endpoint, { clock: systemClock })
  collector.answers.push(() => {})
  exporter.add(spans(25))
  await exporter.close(1)
  expect([exporter.counts.sent, exporter.counts.dropped.closed, exporter.size]).toEqual([0, 25, 0])
  expect(log.lines.at(-1)).toBe('warn 25 spans could not be sent before the application was closed')
})

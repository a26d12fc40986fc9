// The numbers of the application, of this server and of its process, in the text format that Prometheus reads (version 0.0.4):
// https://prometheus.io/docs/instrumenting/exposition_formats/. Everything is asked of memory, so that it is answered while the
// store is not there; only a node that stands by asks the owner, until that has answered once, whether it takes what is passed on. What
// the numbers are, engine/metrics.ts says and docs/reference/metrics.md explains.
import type { Metric, MetricSample, MetricSpread } from '../define/metric.ts'
import { textAnswer, type Answer } from './answer.ts'
import { readiness } from './readiness.ts'
import type { Exchange, Route } from './route.ts'

const TYPE = 'text/plain; version=0.0.4; charset=utf-8'

async function metrics(exchange: Exchange): Promise<Answer> {
  const isReady = await readiness(exchange).then(
    () => true,
    () => false,
  )
  const all = [...exchange.app.metrics(), ...ofServer(exchange, isReady), ...ofProcess()]
  return textAnswer(TYPE, all.map(textOf).join(''))
}

function ofServer({ problems, guard }: Exchange, isReady: boolean): readonly Metric[] {
  const answered = [...problems].map(([code, value]) => ({ labels: { code }, value }))
  return [
    plain('gauge', 'ballet_ready', 'Whether the application takes work, as /readyz says: 1 or 0.', isReady ? 1 : 0),
    { kind: 'counter', name: 'ballet_http_problems_total', help: 'Problems that were answered.', samples: answered },
    {
      kind: 'counter',
      name: 'ballet_api_key_requests_total',
      help: 'Requests that bore an API key.',
      samples: guard.keyUses().map(({ name, sha256, count }) => ({ labels: { key: name, sha256 }, value: count })),
    },
  ]
}

/** By the names that are usual for every process. */
function ofProcess(): readonly Metric[] {
  const { user, system } = process.cpuUsage()
  const { rss, heapUsed } = process.memoryUsage()
  const { active } = performance.eventLoopUtilization()
  return [
    plain('counter', 'process_cpu_seconds_total', 'Time of processors that it took.', (user + system) / 1e6),
    plain('gauge', 'process_resident_memory_bytes', 'Memory that it has.', rss),
    plain('gauge', 'process_heap_bytes', 'Of that what JavaScript uses.', heapUsed),
    plain('gauge', 'process_start_time_seconds', 'When it began, since 1970.', performance.timeOrigin / 1000),
    plain('counter', 'ballet_event_loop_busy_seconds_total', 'How long the main thread was busy.', active / 1000),
  ]
}

const plain = (kind: 'counter' | 'gauge', name: string, help: string, value: number): Metric => ({
  kind,
  name,
  help,
  samples: [{ labels: {}, value }],
})

/** A metric as lines. */
function textOf(metric: Metric): string {
  const { name, kind, help } = metric
  const lines =
    metric.kind === 'histogram'
      ? metric.samples.flatMap((spread) => linesOfSpread(name, spread))
      : metric.samples.map(({ labels, value }) => line(name, labels, value))
  return [`# HELP ${name} ${escaped(help)}`, `# TYPE ${name} ${kind}`, ...lines, ''].join('\n')
}

/** Each bucket counts all up to its bound. */
function linesOfSpread(name: string, { labels, bounds, counts, sum }: MetricSpread): readonly string[] {
  let count = 0
  const buckets = counts.map((some, index) => {
    count += some
    const bound = bounds[index]
    return line(`${name}_bucket`, { ...labels, le: bound === undefined ? '+Inf' : String(bound) }, count)
  })
  return [...buckets, line(`${name}_sum`, labels, sum), line(`${name}_count`, labels, count)]
}

function line(name: string, labels: MetricSample['labels'], value: number): string {
  const given = Object.entries(labels).map(([label, text]) => `${label}="${escaped(text).replaceAll('"', '\\"')}"`)
  return `${name}${given.length === 0 ? '' : `{${given.join(',')}}`} ${value}`
}

const escaped = (text: string): string => text.replaceAll('\\', '\\\\').replaceAll('\n', '\\n')

export const metricRoutes: readonly Route[] = [
  {
    method: 'GET',
    path: '/api/metrics',
    scope: 'read',
    summary: 'Numbers for a monitoring system',
    query: [],
    answer: metrics,
  },
]

// GET /api/metrics on the real engine over real HTTP: what it tells is in the format of Prometheus to the letter, it is what
// happened, and it is what the page says.
import { mkdtempSync, readFileSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, it, test } from 'vitest'
import { z } from 'zod'
import { openForTest, until } from '../../test/support/applications.ts'
import { readExposition, valueOf, type ReadMetric } from '../../test/support/exposition.ts'
import type { Application } from '../define/application.ts'
import { silentLog } from '../engine/log.ts'
import { ballet, event, operation, service, signal, workflow } from '../index.ts'
import { natsTransport } from '../nats.ts'
import { serve } from './serve.ts'

type Metrics = ReadonlyMap<string, ReadMetric>

const Order = z.object({ orderId: z.string() })
const Paid = event('paid', Order, { key: 'orderId' })
const OrderCreated = event('order.created', Order, { key: 'orderId' })
const Approve = signal('approve', z.null())
/** Of all labels only this one may hold what has to be escaped. */
const VERSION = '7-"of"\\may'

let isAway = false
const bank = service(
  'bank',
  {
    pay: operation({
      input: Order,
      outcomes: [Paid],
      retry: { attempts: 2, backoff: '1ms' },
      run: ({ orderId }) => {
        if (isAway) throw new Error('the bank is away')
        return Paid({ orderId })
      },
    }),
  },
  { limits: { atOnce: 100 } },
)
bank.on(OrderCreated, (order) => bank.pay(order))
const pay = workflow('pay', { input: Order, output: z.null(), key: 'orderId' }, async (run, order) => {
  await run.step(`ask-for-${order.orderId}`, () => null)
  await run.call(bank.pay(order))
  return null
})
const approval = workflow('approval', { input: z.null(), output: z.null(), signals: [Approve] }, async (run) => {
  await run.receive(Approve, { within: '1ms' })
  await run.receive(Approve)
  return null
})
const shop = ballet({
  name: 'shop',
  version: VERSION,
  services: [bank],
  workflows: [pay, approval],
  events: [OrderCreated],
})

async function scraped(url: string): Promise<Metrics> {
  const response = await fetch(`${url}/api/metrics`)
  expect(response.headers.get('content-type')).toBe('text/plain; version=0.0.4; charset=utf-8')
  return readExposition(await response.text())
}

/** Everything that may only rise, by its name and labels. */
const rising = (metrics: Metrics): ReadonlyMap<string, number> =>
  new Map(
    [...metrics.values()]
      .filter(({ type }) => type !== 'gauge')
      .flatMap(({ samples }) => samples.map(({ name, labels, value }) => [JSON.stringify([name, labels]), value])),
  )

const hasStatus = (app: Application, id: string, status: string) => (): Promise<boolean> =>
  app.run(id).then((run) => run?.status === status)

let folder: string
beforeEach(() => {
  isAway = false
  folder = mkdtempSync(join(tmpdir(), 'ballet-metrics-'))
})
afterEach(() => rmSync(folder, { recursive: true, force: true }))

describe.each(['memory', 'sqlite'])('with the store %s', (kind) => {
  const opened = (): Promise<Application> =>
    openForTest(shop, { store: kind === 'memory' ? 'memory:' : `file:${join(folder, 'app.db')}` })

  it('tells what happened since the application was opened', async () => {
    const app = await opened()
    await using server = await serve(app, { port: 0, log: silentLog })
    const before = await scraped(server.url)
    expect(valueOf(before, 'ballet_info', { app: 'shop', version: VERSION, store: kind })).toBe(1)
    expect(['ballet_ready', 'ballet_shards', 'ballet_shards_owned'].map((name) => valueOf(before, name))).toEqual([
      1, 1, 1,
    ])
    expect(valueOf(before, 'ballet_runs_ended_total')).toBe(0)

    await app.result((await app.start(pay({ orderId: 'secret-1' }))).id)
    await app.publish(OrderCreated({ orderId: 'secret-2' }), { id: 'e-1' })
    await app.settled('bank:order.created:e-1', 60_000)
    const waiting = await app.start(approval(null))
    await until(app, null, async () => (await app.run(waiting.id))?.waits[0]?.op === 'receive#1')
    const after = await scraped(server.url)

    const read = (name: string, labels = {}): number => valueOf(after, name, labels)
    const ofPay = { kind: 'workflow', name: 'pay' }
    expect(read('ballet_runs_started_total', ofPay)).toBe(1)
    expect(read('ballet_runs_ended_total', { ...ofPay, status: 'completed' })).toBe(1)
    expect(read('ballet_runs_ended_total', { kind: 'reaction', status: 'completed' })).toBe(1)
    expect(read('ballet_turns_total', ofPay)).toBe(3)
    expect(read('ballet_attempt_duration_seconds_count', { kind: 'operation', name: 'bank.pay' })).toBe(2)
    expect(read('ballet_attempt_duration_seconds_count', { kind: 'step', name: 'pay' })).toBe(1)
    expect(read('ballet_runs_open', { kind: 'workflow', name: 'approval', status: 'running' })).toBe(1)
    expect(read('ballet_runs_open')).toBe(1)
    expect(read('ballet_runs_live')).toBe(1)
    expect(read('ballet_timer_lateness_seconds_count')).toBe(1)
    expect(read('ballet_commit_duration_seconds_count')).toBeGreaterThan(4)
    expect(read('ballet_commit_rows_total')).toBeGreaterThan(8)
    expect(read('process_heap_bytes')).toBeGreaterThan(1_000_000)

    const later = rising(after)
    const fallen = [...rising(before)].filter(([name, value]) => !((later.get(name) ?? -1) >= value))
    expect(fallen).toEqual([])
  })

  it('counts a stuck run by its reason until it goes on, also in a process that has just found it', async () => {
    isAway = true
    const first = await opened()
    await first.start(pay({ orderId: '1' }))
    await until(first, null, hasStatus(first, 'pay:1', 'stuck'))
    const asked = { kind: 'workflow', name: 'pay', reason: 'call' }
    const readFrom = async (app: Application): Promise<readonly number[]> => {
      await using server = await serve(app, { port: 0, log: silentLog })
      const metrics = await scraped(server.url)
      const call = { kind: 'operation', name: 'bank.pay' }
      return [
        valueOf(metrics, 'ballet_runs_stuck', asked),
        valueOf(metrics, 'ballet_runs_open', { name: 'pay', status: 'stuck' }),
        valueOf(metrics, 'ballet_runs_became_stuck_total', asked),
        valueOf(metrics, 'ballet_attempts_failed_total', call),
        valueOf(metrics, 'ballet_attempts_retried_total', call),
      ]
    }
    expect(await readFrom(first)).toEqual([1, 1, 1, 2, 1])
    expect(await first.counts()).toEqual({
      counts: [{ status: 'stuck', reason: 'call', kind: 'workflow', name: 'pay', runs: 1 }],
      more: false,
    })
    const app = kind === 'memory' ? first : (await first.close(), await opened())
    const before = await readFrom(app)
    expect(before.slice(0, 2)).toEqual([1, 1])
    isAway = false
    await app.retry('pay:1')
    await until(app, null, hasStatus(app, 'pay:1', 'completed'))
    expect((await readFrom(app)).slice(0, 2)).toEqual([0, 0])
    expect(await app.counts()).toEqual({ counts: [], more: false })
  })
})

test('labels have names of definitions, and nothing of a run, a key or an input', async () => {
  isAway = true
  const app = await openForTest(shop)
  await using server = await serve(app, { port: 0, log: silentLog })
  await app.start(pay({ orderId: 'secret-1' }), { id: 'secret-run' })
  await until(app, null, hasStatus(app, 'secret-run', 'stuck'))
  const metrics = await scraped(server.url)
  expect(JSON.stringify([...metrics])).not.toContain('secret')
})

test('what is refused is counted by its code: by the engine, and as a problem over HTTP', async () => {
  const app = await openForTest(shop, { limits: { openRuns: 1 } })
  await using server = await serve(app, { port: 0, log: silentLog })
  await app.start(approval(null))
  await expect(app.start(approval(null))).rejects.toMatchObject({ code: 'OVERLOADED' })
  await fetch(`${server.url}/api/runs/nobody`)
  await fetch(`${server.url}/api/runs/nobody`)
  const metrics = await scraped(server.url)
  expect(valueOf(metrics, 'ballet_refusals_total', { code: 'OVERLOADED' })).toBe(1)
  expect(valueOf(metrics, 'ballet_http_problems_total', { code: 'RUN_UNKNOWN' })).toBe(2)
})

test('the token is asked for', async () => {
  const app = await openForTest(shop)
  await using server = await serve(app, { port: 0, log: silentLog, token: 'a-token-of-some-length' })
  const ask = (headers: Record<string, string>) => fetch(`${server.url}/api/metrics`, { headers })
  expect((await ask({})).status).toBe(401)
  expect((await ask({ authorization: 'Bearer a-token-of-some-length' })).status).toBe(200)
})

test('an application that has been closed beside its server is not ready, and tells its numbers all the same', async () => {
  const app = await openForTest(shop)
  await using server = await serve(app, { port: 0, log: silentLog })
  await app.start(approval(null))
  await app.close()
  const metrics = await scraped(server.url)
  expect([valueOf(metrics, 'ballet_ready'), valueOf(metrics, 'ballet_runs_started_total')]).toEqual([0, 1])
})

/** A store that is well answers for every commit, and a server without API keys counts none. */
const WITHOUT_SAMPLES: Readonly<Record<string, string>> = {
  ballet_commits_failed_total: 'code',
  ballet_api_key_requests_total: 'key, sha256',
}

describe('docs/reference/metrics.md', () => {
  const page = readFileSync(new URL('../../docs/reference/metrics.md', import.meta.url), 'utf8')
  const rows = [...page.matchAll(/^\| `((?:ballet|process)_\w+)`\s*\| (\w+)\s*\| ([^|]*?)\s*\|/gm)]

  it('names every metric with its kind and labels, and no other', async () => {
    isAway = true
    // Where traces are sent there are numbers of them, and where something comes from other applications.
    const away = natsTransport('orders', { connect: () => new Promise(() => {}), stream: 'ORDERS', takes: [Paid] })
    const count = { taking: 1, taken: 12, now: { waiting: 3, idleMs: 2000, lagMs: 2500 } }
    const taking = ballet({
      name: 'shop',
      services: [bank],
      workflows: [pay],
      events: [OrderCreated],
      transports: [{ ...away, intake: () => count }],
    })
    const app = await openForTest(taking, { traces: { endpoint: 'http://127.0.0.1:1/v1/traces' } })
    await using server = await serve(app, { port: 0, log: silentLog })
    await app.start(pay({ orderId: '1' }))
    await until(app, null, hasStatus(app, 'pay:1', 'stuck'))
    await fetch(`${server.url}/api/runs/nobody`)
    const metrics = await scraped(server.url)
    const told = [...metrics].map(([name, { type, samples }]) => {
      const labels = new Set(samples.flatMap((sample) => Object.keys(sample.labels)))
      labels.delete('le')
      return [name, type, WITHOUT_SAMPLES[name] ?? [...labels].join(', ')]
    })
    expect(rows.map(([, name, type, labels = '']) => [name, type, labels.replaceAll('`', '')])).toEqual(told)
  })

  it('and the rules of the alarms use no other', () => {
    const rules = readFileSync(new URL('../../deploy/alerts.yml', import.meta.url), 'utf8')
    const names = new Set(rows.map(([, name = '']) => name))
    const used = [...rules.matchAll(/\b(?:ballet|process)_\w+/g)].map(([name]) =>
      name.replace(/_(?:bucket|sum|count)$/, ''),
    )
    expect(used.length).toBeGreaterThan(7)
    expect(used.filter((name) => !names.has(name))).toEqual([])
    const alarms = [...rules.matchAll(/- alert: (\w+)/g)].map(([, name = '']) => name)
    const guide = readFileSync(new URL('../../docs/guides/production.md', import.meta.url), 'utf8')
    expect([...guide.matchAll(/^\| `(Ballet\w+)`/gm)].map(([, name]) => name)).toEqual(alarms)
  })
})

test.each([
  ['no type', '# HELP a_total A.\na_total 1\n'],
  ['a name of its own', '# HELP a_total A.\n# TYPE a_total counter\nb_total 1\n'],
  ['a quote in a label', '# HELP a A.\n# TYPE a gauge\na{b="c"d"} 1\n'],
  ['no value', '# HELP a A.\n# TYPE a gauge\na{b="c"} undefined\n'],
  ['a counter without its suffix', '# HELP a A.\n# TYPE a counter\na 1\n'],
  ['a sample twice', '# HELP a A.\n# TYPE a gauge\na 1\na 2\n'],
  [
    'buckets that fall',
    '# HELP a A.\n# TYPE a histogram\na_bucket{le="1"} 2\na_bucket{le="+Inf"} 1\na_sum 1\na_count 1\n',
  ],
  ['a line that does not end', '# HELP a A.\n# TYPE a gauge\na 1'],
])('the reader of these tests refuses %s', (_, text) => {
  expect(() => readExposition(text)).toThrow(Error)
})

// The spans of an application: what there is of each thing that a run does, which ids they have, and that a crash at any commit, a
// restart and a person change nothing about them. The store is the real one in memory, the collector a real server.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, keptLog, openForTest, until } from '../../test/support/applications.ts'
import { once, startCollector, treeOf, type CollectedSpan, type Collector } from '../../test/support/collector.ts'
import { mortal } from '../../test/support/mortal-stores.ts'
import {
  ballet,
  event,
  open,
  operation,
  service,
  signal,
  TerminalError,
  workflow,
  type Application,
  type ApplicationDefinition,
  type OpenOptions,
  type PayloadPlace,
} from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const Order = z.object({ orderId: z.string() })
const Placed = event('order.placed', Order, { key: 'orderId' })
const Charged = event('order.charged', Order, { key: 'orderId' })
const Told = event('order.told', Order, { key: 'orderId' })
const Go = signal('go', z.null())

/** Of an application, the spans of everything that `work` does; they are sent when it is closed. */
async function tracedBy(
  definition: ApplicationDefinition,
  work: (app: Application) => Promise<unknown>,
  { traces, ...options }: OpenOptions = {},
): Promise<Collector> {
  const collector = await startCollector()
  const app = await openForTest(definition, { ...options, traces: { endpoint: collector.endpoint, ...traces } })
  await work(app)
  await app.close()
  expect(collector.faults).toEqual([])
  return collector
}

const named = (spans: readonly CollectedSpan[], name: string): readonly CollectedSpan[] =>
  spans.filter((span) => span.name === name)
const idOf = (traceparent: string): string => traceparent.split('-')[2] ?? ''

/** Both styles, a child, a step, waits and a continuation; all of it ends by itself but for the signal. */
function everything(traceparents: string[] = []) {
  const seen = <Answer>(answer: Answer, { traceparent }: { readonly traceparent: string }): Answer => {
    traceparents.push(traceparent)
    return answer
  }
  const bank = service('bank', {
    charge: operation({ input: Order, outcomes: [Charged], run: (order, context) => seen(Charged(order), context) }),
    note: operation({ input: Order, output: z.null(), run: (_, context) => seen(null, context) }),
  })
  const small = workflow('small', { input: Order, output: z.null(), signals: [Go] }, async (run) => {
    await run.receive(Go)
    return null
  })
  const follow = workflow(
    'follow',
    { input: Order, output: z.null(), key: 'orderId', signals: [Go] },
    async (run, order) => {
      const child = run.start(small(order))
      const charged = run.receive(Charged)
      child.signal(Go(null))
      await Promise.all([run.step('ticket', (context) => seen(1, context)), run.sleep('1ms')])
      await child.result()
      await charged
      await run.receive(Go)
      run.emit(Told(order))
      return null
    },
  )
  bank.on(Placed, (order) => bank.charge(order), { name: 'charge' })
  bank.on(Placed, (order) => follow(order), { name: 'follow' })
  bank.on(Told, (order) => bank.note(order))
  return ballet({ services: [bank], workflows: [follow, small], events: [Placed, Charged, Told] })
}

async function drive(app: Application): Promise<void> {
  await app.publish(Placed({ orderId: 'a' }), { id: 'p' })
  await app.result('bank:follow:p')
  await until(app, null, async () => {
    const follow = await app.run('follow:a')
    return follow?.ended !== null || follow.waits?.some(({ for: name }) => name === 'go')
  })
  await app.signal('follow:a', Go(null), { id: 'g' }).catch(() => {})
  await app.result('follow:a')
  await until(app, null, async () => {
    const { items } = await app.runs({ limit: 200 })
    return items.length === 5 && items.every(({ status }) => status === 'completed')
  })
}

const TREE = [
  'event order.placed',
  '  reaction bank:charge',
  '    attempt bank.charge',
  '    event order.charged',
  '  reaction bank:follow',
  '    workflow follow',
  '      workflow small',
  '        wait signal:go',
  '      step ticket',
  '        attempt ticket',
  '      sleep',
  '      wait event:order.charged',
  '      wait signal:go',
  '      wait run',
  '      event order.told',
  '        reaction bank:order.told',
  '          attempt bank.note',
]
/** Without its order: times of one millisecond are alike. */
const sorted = (tree: readonly string[]): readonly string[] => tree.map((line) => line.trim()).sort()

test('both styles in one order are one tree; what is handed to a body as traceparent is the span of its attempt', async () => {
  const traceparents: string[] = []
  const { spans } = await tracedBy(everything(traceparents), drive)
  expect(sorted(treeOf(spans))).toEqual(sorted(TREE))
  expect(new Set(spans.map(({ traceId }) => traceId)).size).toBe(1)
  const attempts = spans.filter(({ name }) => name.startsWith('attempt'))
  const trace = spans[0]?.traceId
  expect(traceparents.sort()).toEqual(attempts.map(({ spanId }) => `00-${trace}-${spanId}-01`).sort())
  const wait = named(spans, 'wait event:order.charged')[0]
  expect(wait?.attributes).toMatchObject({ 'ballet.received': 'event:order.charged' })
  expect(named(spans, 'attempt bank.charge')[0]).toMatchObject({ kind: 3, attributes: { 'peer.service': 'bank' } })
  expect(named(spans, 'attempt ticket')[0]?.kind).toBe(1)
})

test('a crash after any commit: what the process had not sent is told by the next one, with the same ids', async () => {
  const shape = (spans: readonly CollectedSpan[]): readonly string[] =>
    once(spans)
      .map(({ traceId, spanId, parentSpanId, name }) => [traceId, spanId, parentSpanId, name].join(' '))
      .sort()
  const calm = await tracedBy(everything(), drive, { store: memory(new MemoryData('s')) })
  const expected = shape(calm.spans)
  expect(expected).toHaveLength(TREE.length)
  let deaths = 0
  for (const when of ['before', 'after'] as const) {
    for (let at = 1; at <= 16; at++) {
      const collector = await startCollector()
      const data = new MemoryData('s')
      const death = Promise.withResolvers<'dead'>()
      const store = mortal(memory(data), at, when, () => death.resolve('dead'))
      // The first life tells nothing.
      const app = await open(everything(), { store, traces: false, log: keptLog(), graceMs: 0 })
      const ended = await Promise.race([drive(app), death.promise])
      if (ended === 'dead') deaths += 1
      else await app.close()
      const traces = { endpoint: collector.endpoint }
      const next = await open(everything(), { store: memory(data), traces, log: keptLog(), graceMs: 0 })
      await drive(next)
      await next.close()
      const told = shape(collector.spans)
      // One that was closed has sent what it had: here, nothing.
      expect(ended === 'dead' ? told : expected, `died ${when} commit ${at}`).toEqual(expected)
    }
  }
  expect(deaths).toBeGreaterThan(10)
})

test('a crash with more open runs than are told again at once: of the others, when something comes of them', async () => {
  const collector = await startCollector()
  const data = new MemoryData('s')
  const waits = workflow('waits', { input: z.null(), output: z.null(), signals: [Go] }, async (run) => {
    await run.step('ticket', () => null)
    await run.receive(Go)
    return null
  })
  const definition = ballet({ services: [], workflows: [waits] })
  // It is never closed before the next one takes over, as if it had died.
  const dead = await open(definition, { store: memory(data), traces: false, log: keptLog(), graceMs: 0 })
  const ids = Array.from({ length: 1100 }, (_, number) => `run-${number}`)
  await Promise.all(ids.map((id) => dead.start(waits(null), { id })))
  await until(dead, null, async () => (await dead.run('run-1099'))?.waits.some(({ for: name }) => name === 'go'))
  const next = await openForTest(definition, { store: memory(data), traces: { endpoint: collector.endpoint } })
  await next.signal('run-0', Go(null))
  await next.result('run-0')
  await next.close()
  await dead.close()
  const own = collector.spans.filter(({ attributes }) => attributes['ballet.run'] === 'run-0')
  expect(treeOf(own)).toEqual(['workflow waits', '  step ticket', '    attempt ticket', '  wait signal:go'])
  expect(named(collector.spans, 'step ticket')).toHaveLength(1001)
})

test('an application that is closed and opened again tells each thing once, and the whole is one tree', async () => {
  const collector = await startCollector()
  const data = new MemoryData('s')
  const options = (): OpenOptions => ({ store: memory(data), traces: { endpoint: collector.endpoint } })
  const app = await openForTest(everything(), options())
  await app.publish(Placed({ orderId: 'a' }), { id: 'p' })
  await until(app, null, async () => {
    const follow = await app.run('follow:a')
    return follow?.waits?.some(({ for: name }) => name === 'go')
  })
  await app.close()
  const before = collector.spans.length
  expect(named(collector.spans, 'step ticket')).toHaveLength(1)
  expect(named(collector.spans, 'workflow follow')).toHaveLength(0)
  const next = await openForTest(everything(), options())
  await drive(next)
  await next.close()
  expect(collector.spans.length).toBeGreaterThan(before)
  expect(once(collector.spans)).toHaveLength(collector.spans.length)
  expect(sorted(treeOf(collector.spans))).toEqual(sorted(TREE))
})

test('attempts that fail, a call that is stuck, a person who retries: each attempt has a span of its own, also after a restart', async () => {
  const collector = await startCollector()
  const data = new MemoryData('s')
  const traceparents: string[] = []
  let isWell = false
  const flaky = service('flaky', {
    act: operation({
      input: z.null(),
      output: z.null(),
      retry: { attempts: 2, backoff: '1ms' },
      run: (_, { traceparent }) => {
        traceparents.push(traceparent)
        if (!isWell) throw new RangeError('not yet')
        return null
      },
    }),
  })
  const asks = workflow('asks', { input: z.null(), output: z.null() }, (run) => run.call(flaky.act(null)))
  const definition = ballet({ services: [flaky], workflows: [asks] })
  const options = (): OpenOptions => ({ store: memory(data), traces: { endpoint: collector.endpoint } })
  const app = await openForTest(definition, options())
  const stuckAfter = (at: Application, attempts: number): Promise<unknown> =>
    until(at, null, async () => (await at.run('asks'))?.status === 'stuck' && traceparents.length === attempts)
  await app.start(asks(null), { id: 'asks' })
  await stuckAfter(app, 2)
  await app.retry('asks', { by: 'Ann', why: 'secret reasons' })
  await stuckAfter(app, 4)
  await app.close()
  const next = await openForTest(definition, options())
  isWell = true
  await next.retry('asks')
  await until(next, null, async () => (await next.run('asks'))?.status === 'completed')
  await next.close()
  expect(collector.faults).toEqual([])
  const { spans } = collector
  const attempts = named(spans, 'attempt flaky.act')
  expect(attempts.map(({ spanId }) => spanId)).toEqual(traceparents.map(idOf))
  expect(new Set(traceparents).size).toBe(5)
  const failed = { status: { code: 2, message: 'RangeError' }, events: [{ name: 'exception' }] }
  expect(attempts).toMatchObject([failed, failed, failed, failed, { attributes: { 'ballet.attempt': 1 } }])
  expect(attempts[4]?.status).toBeUndefined()
  const run = named(spans, 'workflow asks')[0]
  expect(run?.events?.map(({ name }) => name)).toEqual([
    'stuck',
    'retry by hand',
    'freed',
    'stuck',
    'retry by hand',
    'freed',
  ])
  expect(treeOf(spans).filter((line) => line.startsWith('orphan'))).toEqual([])
})

test('what is given up, what fails for good, a cancellation and a later generation', async () => {
  const entered = gate()
  const hung = gate<null>()
  const slow = service('slow', {
    act: operation({ input: z.null(), output: z.null(), run: () => (entered.open(), hung.promise) }),
    no: operation({
      input: z.null(),
      output: z.null(),
      run: () => {
        throw new TerminalError('no')
      },
    }),
  })
  const races = workflow('races', { input: z.number(), output: z.null() }, async (run, count) => {
    if (count === 1) return run.continueAs(2)
    await Promise.race([run.call(slow.act(null)), run.sleep('1ms')])
    await run.call(slow.no(null)).catch(() => null)
    await run.sleep('1h')
    return null
  })
  const { spans } = await tracedBy(ballet({ services: [slow], workflows: [races] }), async (app) => {
    await app.start(races(1), { id: 'races' })
    await entered.promise
    await until(app, null, async () => (await app.run('races'))?.waits?.some(({ op }) => op === 'sleep#1'))
    await app.cancel('races')
    await app.settled('races', 10_000)
  })
  hung.open(null)
  expect(treeOf(spans).filter((line) => line.startsWith('orphan'))).toEqual([])
  expect(named(spans, 'call slow.no')[0]).toMatchObject({ status: { message: 'TERMINAL' } })
  const given = { attributes: { 'ballet.given_up': true } }
  expect([...named(spans, 'call slow.act'), ...named(spans, 'attempt slow.act')]).toMatchObject([given, given])
  const run = named(spans, 'workflow races')[0]
  expect(run?.attributes['ballet.status']).toBe('cancelled')
  expect(run?.status).toBeUndefined()
  expect(run?.events?.map(({ name }) => name)).toEqual(expect.arrayContaining(['continue', 'cancel']))
})

test('a run that fails says with which code; nothing that is told holds a payload, a message or a header', async () => {
  const canary = 'canary-4711'
  const Said = z.object({ secret: z.string() })
  const teller = service('teller', {
    tell: operation({
      input: Said,
      output: Said,
      retry: { attempts: 2, backoff: '1ms', exhausted: 'fail' },
      run: ({ secret }) => {
        throw new Error(`no: ${secret}`)
      },
    }),
  })
  const fails = workflow('fails', { input: Said, output: Said }, async (run, said) => {
    await run.step('keep', () => said.secret)
    return run.call(teller.tell(said))
  })
  const { requests, spans } = await tracedBy(
    ballet({ services: [teller], workflows: [fails] }),
    async (app) => {
      const { id } = await app.start(fails({ secret: canary }), { id: 'f' })
      await app.settled(id, 10_000)
    },
    { traces: { headers: { 'api-key': canary } } },
  )
  expect(named(spans, 'workflow fails')[0]).toMatchObject({ status: { code: 2, message: 'CALL_FAILED' } })
  expect(named(spans, 'attempt teller.tell')).toHaveLength(2)
  expect(requests[0]?.headers['api-key']).toBe(canary)
  expect(JSON.stringify(requests.map(({ resource, spans: told }) => [resource, told]))).not.toContain(canary)
})

test('payloads that are encoded are decoded for their names; a run whose rows cannot be is not told of, and the rest is', async () => {
  const turned = (text: string): string => text.split('').toReversed().join('')
  const codec = {
    encode: (text: string) => new TextEncoder().encode(turned(text)),
    decode(bytes: string | Uint8Array, { row, id }: PayloadPlace) {
      if (row === 'turn' && id.startsWith('bank:charge')) throw new RangeError('no key')
      return turned(new TextDecoder().decode(bytes as Uint8Array))
    },
  }
  const log = keptLog()
  const { spans } = await tracedBy(everything(), drive, { codec, log })
  const lost = ['  reaction bank:charge', '    attempt bank.charge', '    event order.charged']
  const left = TREE.filter((line) => !lost.includes(line))
  expect(sorted(treeOf(spans))).toEqual(sorted([...left, 'orphan: event order.charged']))
  expect(log.lines).toEqual(['warn Not all spans can be told: no key'])
})

test('of a part of all traces each is told whole, and services are told which', async () => {
  const traceparents: string[] = []
  const work = async (app: Application): Promise<void> => {
    for (let number = 0; number < 20; number++)
      await app.publish(Placed({ orderId: `o-${number}` }), { id: `p-${number}` })
    await until(app, null, async () => traceparents.length === 40)
  }
  const { spans } = await tracedBy(everything(traceparents), work, {
    store: memory(new MemoryData('s')),
    traces: { ratio: 0.5 },
  })
  const told = new Set(spans.map(({ traceId }) => traceId))
  const flags = new Map(traceparents.map((one) => [one.split('-')[1] ?? '', one.endsWith('-01')]))
  expect(flags.size).toBe(20)
  expect(
    [...flags]
      .filter(([, isSampled]) => isSampled)
      .map(([trace]) => trace)
      .sort(),
  ).toEqual([...told].sort())
  expect(told.size).toBeGreaterThan(3)
  expect(told.size).toBeLessThan(17)
})

test('a collector that is away keeps nobody: runs end, the application closes, and the numbers say what was lost', async () => {
  const collector = await startCollector()
  await collector.close()
  const log = keptLog()
  const app = await openForTest(everything(), { traces: { endpoint: collector.endpoint }, log })
  await drive(app)
  const numbers = (): readonly string[] => app.metrics().flatMap(({ name }) => (name.includes('spans') ? [name] : []))
  expect(numbers()).toEqual(['ballet_spans_sent_total', 'ballet_spans_dropped_total', 'ballet_spans_waiting'])
  await app.close()
  const dropped = app.metrics().find(({ name }) => name === 'ballet_spans_dropped_total')
  expect(dropped?.samples).toContainEqual({ labels: { reason: 'closed' }, value: TREE.length })
  expect(log.lines.some((line) => line.startsWith('warn Spans cannot be sent'))).toBe(true)
  const silent = await openForTest(everything(), { traces: false })
  expect(silent.metrics().some(({ name }) => name.includes('spans'))).toBe(false)
})

// Who asked for it: the span of a caller's trace is linked from the span of what it asked for, also after a crash, and nobody who
// sends none, or rubbish, is any the worse for it. The store is the real one in memory, the collector a real server.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { keptLog, openForTest, until } from '../../test/support/applications.ts'
import { startCollector, type CollectedSpan } from '../../test/support/collector.ts'
import { mortal } from '../../test/support/mortal-stores.ts'
import {
  ballet,
  choreography,
  event,
  open,
  operation,
  seq,
  service,
  signal,
  workflow,
  type Application,
} from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const Order = z.object({ orderId: z.string() })
const Placed = event('order.placed', Order, { key: 'orderId' })
const Told = event('order.told', Order, { key: 'orderId' })
const Go = signal('go', z.null())

const traceOf = (digit: number): string => String(digit).repeat(32)
const spanOf = (digit: number): string => String(digit).repeat(16)
const caller = (digit: number, flags = '01'): string => `00-${traceOf(digit)}-${spanOf(digit)}-${flags}`
const linked = (digit: number): object => ({ traceId: traceOf(digit), spanId: spanOf(digit), flags: 0x301 })

/** What operations were told of their cause. */
function parts(causes: (string | null)[] = []) {
  const desk = service('desk', {
    tell: operation({ input: Order, outcomes: [Told], run: (order, { cause }) => (causes.push(cause), Told(order)) }),
    note: operation({ input: Order, output: z.null(), run: (_, { cause }) => (causes.push(cause), null) }),
  })
  desk.on(Placed, (order) => desk.tell(order))
  const waits = workflow('waits', { input: Order, output: z.null(), key: 'orderId', signals: [Go] }, async (run) => {
    await run.receive(Go)
    await run.receive(Go)
    return null
  })
  const flow = choreography('telling', { key: 'orderId' }, seq(Placed, Told))
  return { desk, waits, flow, app: ballet({ services: [desk], workflows: [waits], choreographies: [flow] }) }
}

const linksOf = (spans: readonly CollectedSpan[], name: string): readonly unknown[] =>
  spans.filter((span) => span.name === name).map(({ links }) => links)

const allEnded = (app: Application, runs: number): Promise<unknown> =>
  until(app, null, async () => {
    const { items } = await app.runs({ limit: 200 })
    return items.length === runs && items.every(({ ended }) => ended !== null)
  })

test('of a start, an event, a flow and signals: each has a link to its caller, and nothing else has', async () => {
  const collector = await startCollector()
  const causes: (string | null)[] = []
  const { app: definition, waits, desk, flow } = parts(causes)
  const app = await openForTest(definition, { traces: { endpoint: collector.endpoint } })
  await app.start(waits({ orderId: 'a' }), { traceparent: caller(1) })
  // In the batch of its run or behind it: the run does not wait yet, or does.
  await until(app, null, async () => (await app.run('waits:a'))?.waits.length === 1)
  await app.signal('waits:a', Go(null), { traceparent: caller(2) })
  await app.signal('waits:a', Go(null), { traceparent: caller(3, '00') })
  await app.start(desk.note({ orderId: 'a' }), { id: 'note', traceparent: caller(4) })
  await app.publish(Placed({ orderId: 'b' }), { id: 'b', traceparent: caller(5) })
  await app.publishNamed({
    type: 'order.placed',
    data: { orderId: 'c' },
    id: 'c',
    cause: 'mail:1',
    traceparent: caller(6),
  })
  await app.conduct(flow)(Placed({ orderId: 'd' }), { id: 'd', traceparent: caller(7) })
  await allEnded(app, 6)
  expect(await app.run('waits:a')).toMatchObject({ cause: null, traceparent: caller(1) })
  expect(await app.run('desk:order.placed:b')).not.toHaveProperty('traceparent')
  const events = (await app.events({ types: ['order.placed'] })).items
  expect(events.map(({ causationid, traceparent }) => [causationid, traceparent])).toEqual([
    [undefined, caller(5)],
    ['mail:1', caller(6)],
    [undefined, caller(7)],
  ])
  const sent = (await app.journal('waits:a'))?.items.flatMap(({ delivered }) => delivered ?? [])
  expect(sent).toMatchObject([{ kind: 'start' }, { traceparent: caller(2) }, { traceparent: caller(3, '00') }])
  await app.close()
  expect(collector.faults).toEqual([])
  const { spans } = collector
  expect(linksOf(spans, 'workflow waits')).toMatchObject([[linked(1)]])
  expect(linksOf(spans, 'wait signal:go')).toMatchObject([[linked(2)], [{ traceId: traceOf(3), flags: 0x300 }]])
  expect(linksOf(spans, 'operation desk.note')).toMatchObject([[linked(4)]])
  expect(linksOf(spans, 'event order.placed')).toMatchObject([[linked(5)], [linked(6)], [linked(7)]])
  expect(spans.filter(({ links }) => links !== undefined)).toHaveLength(7)
  // No operation is told of what is no cause.
  expect(causes.toSorted()).toEqual(['event:application:b', 'event:application:c', 'event:application:d', null])
})

test('a signal that comes before its run waits for it is linked from the span of the run', async () => {
  const collector = await startCollector()
  const { app: definition, waits } = parts()
  const app = await openForTest(definition, { traces: { endpoint: collector.endpoint } })
  await app.start(waits({ orderId: 'a' }), { at: Date.now() + 3_600_000 })
  await app.signal('waits:a', Go(null), { traceparent: caller(2) })
  await app.cancel('waits:a')
  await allEnded(app, 1)
  await app.close()
  expect(linksOf(collector.spans, 'workflow waits')).toMatchObject([[linked(2)]])
})

test('what is no traceparent is passed over, whatever it is; without one nothing is kept', async () => {
  const data = new MemoryData('s')
  const { app: definition, waits } = parts()
  const app = await openForTest(definition, { store: memory(data) })
  const rubbish = ['', 'rubbish', caller(0), `${caller(1)}-more`, null, undefined, 42 as unknown as string]
  for (const [index, traceparent] of rubbish.entries()) {
    await app.start(waits({ orderId: `${index}` }), { traceparent })
    await app.signal(`waits:${index}`, Go(null), { traceparent })
    await app.publish(Placed({ orderId: `${index}` }), { traceparent })
  }
  const runs = (await app.runs({ name: 'waits' })).items
  const events = (await app.events({ types: ['order.placed'] })).items
  expect([runs.length, events.length]).toEqual([rubbish.length, rubbish.length])
  for (const one of [...runs, ...events]) expect(one).not.toHaveProperty('traceparent')
  expect(JSON.stringify((await app.journal('waits:1'))?.items)).not.toContain('traceparent')
  await app.close()
})

test('whoever asks again does so in another span: it is the same request, and the first caller stays', async () => {
  const { app: definition, waits } = parts()
  const app = await openForTest(definition)
  for (const [digit, created] of [
    [1, true],
    [2, false],
  ] as const) {
    const given = { id: 'x', traceparent: caller(digit) }
    expect((await app.start(waits({ orderId: 'a' }), { traceparent: caller(digit) })).created).toBe(created)
    expect((await app.signal('waits:a', Go(null), given)).created).toBe(created)
    expect((await app.publish(Placed({ orderId: 'a' }), given)).created).toBe(created)
  }
  expect(await app.run('waits:a')).toMatchObject({ traceparent: caller(1) })
  expect((await app.events({ types: ['order.placed'] })).items).toMatchObject([{ traceparent: caller(1) }])
  await app.close()
})

test('a crash after any commit: the next process tells the same links', async () => {
  const { desk, waits } = parts()
  const definition = ballet({ services: [desk], workflows: [waits] })
  const drive = async (app: Application): Promise<void> => {
    await app.start(waits({ orderId: 'a' }), { traceparent: caller(1) })
    await app.publish(Placed({ orderId: 'b' }), { id: 'b', traceparent: caller(2) })
    for (const [id, digit] of [
      ['x', 3],
      ['y', 4],
    ] as const)
      await app.signal('waits:a', Go(null), { id, traceparent: caller(digit) }).catch(() => {})
    await allEnded(app, 2)
  }
  let deaths = 0
  for (const when of ['before', 'after'] as const) {
    for (let at = 1; at <= 6; at++) {
      const collector = await startCollector()
      const data = new MemoryData('s')
      const death = Promise.withResolvers<'dead'>()
      const store = mortal(memory(data), at, when, () => death.resolve('dead'))
      const app = await open(definition, { store, traces: false, log: keptLog(), graceMs: 0 })
      const ended = await Promise.race([drive(app).then(() => app.close()), death.promise])
      const isDead = ended === 'dead'
      if (isDead) deaths += 1
      const traces = { endpoint: collector.endpoint }
      const next = await open(definition, { store: memory(data), traces, log: keptLog(), graceMs: 0 })
      await drive(next)
      await next.close()
      const links = new Set(collector.spans.flatMap((span) => span.links ?? []).map(({ traceId }) => traceId))
      // One that was closed has sent what it had: here, nothing.
      expect([...links].toSorted(), `died ${when} commit ${at}`).toEqual(isDead ? [1, 2, 3, 4].map(traceOf) : [])
    }
  }
  expect(deaths).toBeGreaterThan(6)
})

// Idle runs leave memory, and are brought back when something comes for them: by their number, by the bytes of their
// journals, and when they were idle for long. So do runs that wait for their beginning, for those before them, for a person.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest, until } from '../../test/support/applications.ts'
import type { Application } from '../define/application.ts'
import type { Clock } from '../core/clock.ts'
import { ballet, event, operation, service, signal, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'
import { RunningApplication } from './application.ts'
import { systemClock } from './clock.ts'
import type { OpenRuns } from './open-runs.ts'

const output = z.json()
const Go = signal('go', z.string())
const Fact = event('a.fact', z.object({ id: z.string(), n: z.number() }), { key: 'id' })
const waiter = workflow('waiter', { input: z.string(), output, signals: [Go] }, async (run) => {
  const parts: string[] = []
  while (parts.at(-1) !== 'end') parts.push((await run.receive(Go)).data)
  return parts.map((part) => part.length)
})

function openRuns(app: Application): OpenRuns {
  if (!(app instanceof RunningApplication)) throw new TypeError('no application of the engine')
  return app.shard.context.open
}

/** A clock that a test sets forward; it notices within a moment. */
function movedClock(): Clock & { aheadMs: number } {
  const clock = {
    aheadMs: 0,
    now: () => systemClock.now() + clock.aheadMs,
    after: (delayMs: number, callback: () => void) => systemClock.after(Math.min(delayMs, 20), callback),
  }
  return clock
}

const waitFor = async (isSo: () => boolean): Promise<void> => {
  while (!isSo()) await new Promise((resolve) => setImmediate(resolve))
}

test('runs whose inputs and journals are too large together leave memory and come back', async () => {
  const definition = ballet({ services: [], workflows: [waiter] })
  const app = await openForTest(definition, { limits: { liveBytes: 100_000 } })
  const big = 'x'.repeat(9000)
  for (let n = 0; n < 20; n++) await app.start(waiter(big), { id: `w${n}` })
  await waitFor(() => openRuns(app).liveBytes <= 100_000)
  expect(openRuns(app).count).toBe(20)
  expect(openRuns(app).liveCount).toBeLessThanOrEqual(11)
  for (let n = 0; n < 20; n++) await app.signal(`w${n}`, Go(big))
  await waitFor(() => openRuns(app).liveBytes <= 100_000)
  expect(openRuns(app).liveCount).toBeLessThanOrEqual(5)
  for (let n = 0; n < 20; n++) {
    await app.signal(`w${n}`, Go('end'))
    expect(await app.result(`w${n}`)).toEqual([9000, 3])
  }
  expect([openRuns(app).count, openRuns(app).liveBytes]).toEqual([0, 0])
})

test('a crowd that is brought back is not held in memory until somebody gets to it', async () => {
  const definition = ballet({ services: [], workflows: [waiter] })
  const data = new MemoryData()
  const before = await openForTest(definition, { store: memory(data) })
  await Promise.all(Array.from({ length: 600 }, (_, n) => before.start(waiter(''), { id: `w${n}` })))
  await until(before, null, async () => (await before.run('w599'))?.waits.length === 1)
  await before.close()
  const app = await openForTest(definition, { store: memory(data), liveRuns: 10 })
  expect(openRuns(app).count).toBe(600)
  expect(openRuns(app).liveCount).toBeLessThanOrEqual(10)
})

test('runs that have been idle for long leave memory without anything else going on', async () => {
  const clock = movedClock()
  const definition = ballet({ services: [], workflows: [waiter] })
  const app = await openForTest(definition, { clock, limits: { idleMs: 60_000 } })
  for (let n = 0; n < 200; n++) await app.start(waiter(''), { id: `w${n}` })
  expect(openRuns(app).liveCount).toBe(200)
  clock.aheadMs += 50_000
  await app.signal('w7', Go('used'))
  clock.aheadMs += 20_000
  await waitFor(() => openRuns(app).liveCount === 1)
  const used = openRuns(app).numOf('w7')
  expect(used !== undefined && openRuns(app).peek(used)?.row.id).toBe('w7')
  await app.signal('w3', Go('end'))
  expect(await app.result('w3')).toEqual([3])
})

test('a run that is to begin later leaves memory, and begins', async () => {
  const clock = movedClock()
  const begun: string[] = []
  const desk = service('desk', {
    note: operation({ input: z.string(), output: z.null(), run: (text) => (begun.push(text), null) }),
  })
  const later = workflow('later', { input: z.string(), output }, async (_run, text) => (begun.push(text), text))
  const app = await openForTest(ballet({ services: [desk], workflows: [later] }), { clock, liveRuns: 1 })
  const at = clock.now() + 3_600_000
  for (const id of ['a', 'b', 'c']) await app.start(desk.note(id), { id, at })
  for (const id of ['d', 'e']) await app.start(later(id), { id, at })
  await waitFor(() => openRuns(app).liveCount <= 1)
  expect([begun, openRuns(app).count]).toEqual([[], 5])
  clock.aheadMs = 3_600_001
  await until(app, null, async () => begun.length === 5)
  expect(begun.toSorted()).toEqual(['a', 'b', 'c', 'd', 'e'])
  for (const id of ['a', 'e']) await app.result(id)
})

test('reactions that wait in a lane leave memory, and follow in their order', async () => {
  const hold = gate()
  const seen: number[] = []
  const desk = service('desk', {
    note: operation({
      input: z.number(),
      output: z.null(),
      run: async (n) => (n === 0 && (await hold.promise), seen.push(n), null),
    }),
  })
  desk.on(Fact, ({ n }) => desk.note(n))
  const app = await openForTest(ballet({ services: [desk], events: [Fact] }), { liveRuns: 3 })
  for (let n = 0; n < 50; n++) await app.publish(Fact({ id: 'k', n }))
  await waitFor(() => openRuns(app).liveCount <= 3)
  expect(openRuns(app).count).toBe(50)
  hold.open()
  await until(app, null, async () => seen.length === 50)
  expect(seen).toEqual(Array.from({ length: 50 }, (_, n) => n))
})

test('a run that is stuck by its call leaves memory, and takes the answer of a person', async () => {
  const desk = service('desk', {
    fail: operation({
      input: z.null(),
      output: z.string(),
      retry: { attempts: 1 },
      run: () => {
        throw new RangeError('no')
      },
    }),
  })
  const app = await openForTest(ballet({ services: [desk], workflows: [waiter] }), { liveRuns: 1 })
  for (const id of ['a', 'b', 'c']) {
    await app.start(desk.fail(null), { id })
    await until(app, null, async () => (await app.run(id))?.status === 'stuck')
  }
  await app.start(waiter(''), { id: 'w' })
  await waitFor(() => openRuns(app).liveCount <= 1)
  const { ops } = await app.answer('a', { op: 'desk.fail#0', value: 'by hand', by: 'somebody' })
  expect([ops, await app.result('a')]).toEqual([['desk.fail#0'], 'by hand'])
  expect(await app.run('b')).toMatchObject({ status: 'stuck', reason: 'call' })
})

test('a run that is gone, because another process has taken the store over and forgotten it, stops nothing but this one', async () => {
  const data = new MemoryData()
  const clock = movedClock()
  const sleeper = workflow('sleeper', { input: z.null(), output: z.null() }, async (run) => {
    await run.sleep('1m')
    return null
  })
  const definition = ballet({ services: [], workflows: [sleeper] })
  const behind = await openForTest(definition, { store: memory(data), clock, liveRuns: 1 })
  await behind.start(sleeper(null), { id: 'first' })
  await behind.start(sleeper(null), { id: 'second' })
  await waitFor(() => openRuns(behind).liveCount === 1)
  const [parked = 0] = data.runOrder.filter((num) => openRuns(behind).peek(num) === undefined)
  data.acquire(0, 'another process')
  data.runs.delete(parked)
  clock.aheadMs = 60_000
  expect(await behind.stopped).toMatchObject({ code: 'SHARD_FENCED' })
})

// Runs that begin later, and runs that must have ended by a time; also over a restart. The clock passes by itself whenever
// there is nothing to do, so minutes take a moment.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { VirtualClock } from '../testing/simulation/virtual-clock.ts'
import { gate, openForTest } from '../../test/support/applications.ts'
import { guarded } from '../../test/support/stores.ts'
import { ballet, memory, operation, service, signal, workflow, type Application } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { timeOf } from './schedule.ts'

const output = z.json()
/** The unit of these tests, 10 s: the clock passes in steps of a second. */
const UNIT = 10_000
const NOON = Date.UTC(2026, 10, 27, 12)

function shop(clock: () => VirtualClock) {
  const log: string[] = []
  const at = (): number => (clock().now() - NOON) / UNIT
  const stock = service('stock', {
    take: operation({ input: z.string(), output: z.string(), run: (sku) => (log.push(`take ${sku} ${at()}`), sku) }),
    give: operation({ input: z.string(), undoes: 'take', run: (sku) => void log.push(`give ${sku} ${at()}`) }),
  })
  const flow = workflow('flow', { input: z.string(), output }, async (run, sku) => {
    await run.call(stock.take(sku), { undo: stock.give(sku) })
    await run.sleep('100s')
    return sku
  })
  return { stock, flow, log, definition: ballet({ services: [stock], workflows: [flow] }) }
}

const settled = (app: Application, id: string) => app.settled(id, Number.POSITIVE_INFINITY)

test('a scheduled run begins at its time, and one that has not ended at its deadline is cancelled', async () => {
  const clock = new VirtualClock(NOON)
  const { stock, flow, log, definition } = shop(() => clock)
  const app = await openForTest(definition, { clock })
  await app.start(flow('a'), { id: 'a', at: NOON + 2 * UNIT })
  await app.start(stock.take('solo'), { id: 'solo', at: new Date(NOON + UNIT) })
  await app.start(flow('b'), { id: 'b', deadline: '2026-11-27T12:00:30Z' })
  await app.start(flow('c'), { id: 'c', deadline: NOON + 11 * UNIT })
  const scheduled = await app.run('a')
  expect(scheduled).toMatchObject({ phase: 'scheduled', at: '2026-11-27T12:00:20.000Z', waits: [] })
  expect(await settled(app, 'solo')).toMatchObject({ status: 'completed' })
  expect(await settled(app, 'b')).toMatchObject({
    status: 'cancelled',
    deadline: '2026-11-27T12:00:30.000Z',
    error: { details: { by: 'deadline', why: 'it has not ended by 2026-11-27T12:00:30.000Z' } },
  })
  expect(await settled(app, 'c')).toMatchObject({ status: 'completed' })
  expect(await settled(app, 'a')).toMatchObject({ status: 'completed' })
  expect((await app.run('a'))?.at).toBeUndefined()
  expect(log).toEqual(['take b 0', 'take c 0', 'take solo 1', 'take a 2', 'give b 3'])
  await app.close()
  clock.stop()
})

test('F1: a restart before a start that is scheduled: both its times hold, and their timers go with the run', async () => {
  const data = new MemoryData()
  let clock = new VirtualClock(NOON)
  const { flow, log, definition } = shop(() => clock)
  const first = await openForTest(definition, { clock, store: memory(data) })
  await first.start(flow('a'), { id: 'a', at: NOON + 50 * UNIT })
  await first.start(flow('b'), { id: 'b', at: NOON + 60 * UNIT, deadline: NOON + 65 * UNIT })
  await first.start(flow('never'), { id: 'never', at: NOON + 70 * UNIT, deadline: NOON + 80 * UNIT })
  expect(await first.cancel('never')).toMatchObject({ changed: true })
  expect(await settled(first, 'never')).toMatchObject({ status: 'cancelled' })
  clock.stop()
  // The process is gone for longer than the first of them waits.
  clock = new VirtualClock(NOON + 55 * UNIT)
  const second = await openForTest(definition, { clock, store: memory(data) })
  expect(await settled(second, 'a')).toMatchObject({ status: 'completed' })
  expect(await settled(second, 'b')).toMatchObject({ status: 'cancelled' })
  expect(log).toEqual(['take a 55', 'take b 60', 'give b 65'])
  expect([...data.timers.values()]).toEqual([])
  await second.close()
  clock.stop()
})

test('times that are none are refused; a start that is asked for again is not judged anew', async () => {
  const clock = new VirtualClock(NOON)
  const { flow, definition } = shop(() => clock)
  const app = await openForTest(definition, { clock })
  for (const wrong of ['tomorrow', '2026-11-27', '2026-11-27T15:00:00', '2026-13-40T00:00:00Z', Number.NaN, 1e18])
    await expect(app.start(flow('x'), { at: wrong })).rejects.toMatchObject({ code: 'TIME_INVALID', status: 422 })
  await expect(app.start(flow('x'), { deadline: NOON - 1 })).rejects.toMatchObject({ code: 'TIME_INVALID' })
  await expect(app.start(flow('x'), { at: NOON + UNIT, deadline: NOON + UNIT })).rejects.toMatchObject({
    message: expect.stringContaining('it has passed when the run begins'),
  })
  await app.start(flow('x'), { id: 'x', deadline: NOON + UNIT })
  await settled(app, 'x')
  expect(await app.start(flow('x'), { id: 'x', deadline: NOON + UNIT })).toEqual({ id: 'x', created: false })
  expect(timeOf('2026-11-27T15:00:00+03:00', 'it', NOON)).toBe(NOON)
  expect(timeOf('2028-02-29T23:59:59Z', 'it', NOON)).toBe(Date.UTC(2028, 1, 29, 23, 59, 59))
  for (const time of [
    '2027-02-30T00:00:00Z',
    '2027-02-29T12:00:00Z',
    '2027-04-31T00:00:00Z',
    '2026-12-30T24:00:00Z',
    '2026-12-00T00:00:00Z',
    '2026-13-01T00:00:00Z',
  ])
    expect(() => timeOf(time, 'it', NOON)).toThrow('it is no point in time')
  await app.close()
  clock.stop()
})

test('a signal for a run that begins later waits for it, also over a restart', async () => {
  const data = new MemoryData()
  const Add = signal('add', z.number())
  const flow = workflow('flow', { input: z.null(), output, signals: [Add] }, async (run) => {
    return [(await run.receive(Add)).data, (await run.receive(Add)).data, run.now().getTime() >= NOON + 2 * UNIT]
  })
  const definition = ballet({ services: [], workflows: [flow] })
  const openNext = async (n: number): Promise<{ readonly app: Application; readonly clock: VirtualClock }> => {
    const clock = new VirtualClock(NOON + n)
    const app = await openForTest(definition, { clock, store: memory(data) })
    await app.start(flow(null), { id: 'a', at: NOON + 2 * UNIT })
    await app.signal('a', Add(n))
    expect(await app.run('a')).toMatchObject({ status: 'running', phase: 'scheduled' })
    return { app, clock }
  }
  const first = await openNext(1)
  await first.app.close()
  first.clock.stop()
  const second = await openNext(2)
  expect(await second.app.result('a')).toEqual([1, 2, true])
  await second.app.close()
  second.clock.stop()
})

test('the timer of a deadline stands until the run has been asked to stop, or a crash in between would lose it', async () => {
  const data = new MemoryData()
  const reading = gate()
  const released = gate()
  const store = guarded(memory(data), 'journal', async (pass) => {
    reading.open()
    await released.promise
    return pass()
  })
  const flow = workflow('flow', { input: z.null(), output }, async () => {
    throw new RangeError('a bug')
  })
  const app = await openForTest(ballet({ services: [], workflows: [flow] }), { store })
  await app.start(flow(null), { id: 'f', deadline: Date.now() + 300 })
  await reading.promise
  // Whatever is committed meanwhile, the timer is not gone with it.
  await app.start(flow(null), { id: 'other' })
  expect([...data.timers.values()]).toMatchObject([{ op: 'deadline' }])
  released.open()
  expect(await settled(app, 'f')).toMatchObject({ status: 'cancelled' })
  expect(data.timers.size).toBe(0)
})

// What a second attack on the engine found.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, keptLog, openForTest, until } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { guarded } from '../../test/support/stores.ts'
import { ballet, operation, service, TerminalError, workflow } from '../index.ts'
import { fault } from '../core/errors.ts'
import type { Store } from '../core/store.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const output = z.json()
const rounds = async (count = 200): Promise<void> => {
  for (let n = 0; n < count; n++) await new Promise((resolve) => setImmediate(resolve))
}

/** A store in which the row of a run cannot be read for a while. */
function damagedFor(own: Store, num: number): Store {
  const bad = (): never => {
    throw fault('STORE_FAILED', { problem: 'disk I/O error' })
  }
  return guarded(
    guarded(own, 'run', (pass, _shard, wanted) => (wanted === num ? Promise.resolve().then(bad) : pass())),
    'runs',
    async (pass) => {
      const rows = await pass()
      return rows.some((row) => row.num === num) ? bad() : rows
    },
  )
}

async function numOf(data: MemoryData, id: string): Promise<number> {
  const store = memory(data)
  await store.open()
  const found = (await store.runs(0, { ns: 'default', limit: 9 })).find((row) => row.id === id)
  await store.close()
  return found?.num ?? 0
}

test.each([
  ['begins', { at: 60_000 }, 'completed'],
  ['is cancelled at its deadline', { deadline: 60_000 }, 'cancelled'],
] as const)(
  'a run whose row could not be read when its time came %s when it can be read again',
  async (_, times, end) => {
    const data = new MemoryData()
    const clock = new SteppedClock()
    const flow = workflow('flow', { input: z.null(), output }, async (run) => {
      if ('deadline' in times) await run.sleep('30d')
      return 'done'
    })
    const definition = ballet({ services: [], workflows: [flow] })
    const own = (): Store => memory(data)
    let app = await openForTest(definition, { store: own(), clock })
    const now = clock.now()
    const shifted = Object.fromEntries(Object.entries(times).map(([name, ms]) => [name, now + ms]))
    await app.start(flow(null), { id: 'f', ...shifted })
    await rounds()
    const num = 1
    await app.close()
    const log = keptLog()
    app = await openForTest(definition, { store: damagedFor(own(), num), clock, log })
    expect(log.lines.join()).toContain('The run "f" cannot be read')
    clock.pass(120_000)
    await rounds()
    await app.close()
    app = await openForTest(definition, { store: own(), clock })
    clock.pass(1000)
    await rounds()
    expect(await app.run('f')).toMatchObject({ status: end })
  },
)

test('a late answer of a run that was forgotten is taken back, and nothing is written for what is gone', async () => {
  const data = new MemoryData()
  const clock = new SteppedClock()
  const answer = gate<number>()
  const entered = gate()
  const refunds: unknown[] = []
  const bank = service('bank', {
    charge: operation({
      input: z.null(),
      output: z.number(),
      timeout: '20ms',
      retry: { attempts: 1, backoff: '1ms', exhausted: 'fail' },
      run: () => (entered.open(), answer.promise),
    }),
    refund: operation({ input: z.number().nullable(), undoes: 'charge', run: (n) => void refunds.push(n) }),
  })
  const flow = workflow('flow', { input: z.null(), output }, (run) =>
    run.call(bank.charge(null), { undo: (n) => bank.refund(n ?? null) }),
  )
  const definition = ballet({ services: [bank], workflows: [flow] })
  const store = memory(data)
  const app = await openForTest(definition, { store, clock, retention: { runs: '1s' } })
  await app.start(flow(null), { id: 'f' })
  await entered.promise
  clock.pass(30)
  await app.result('f').catch(() => {})
  expect(refunds).toEqual([null])
  for (let n = 0; n < 50 && (await app.runs()).items.length > 0; n++) {
    clock.pass(60_000)
    await rounds(20)
  }
  expect((await app.runs()).items).toEqual([])
  answer.open(7)
  await until(app, null, async () => refunds.length === 2)
  await rounds()
  expect(refunds).toEqual([null, 7])
  expect(await store.journal(0, 1, -1, 9)).toEqual([])
  expect((await app.runs()).items.map(({ status }) => status)).toEqual(['completed'])
})

test('what a run that cannot be read may ask for is not forgotten meanwhile', async () => {
  const data = new MemoryData()
  const clock = new SteppedClock()
  const child = workflow('child', { input: z.null(), output: z.number() }, async () => 7)
  const parent = workflow('parent', { input: z.null(), output: z.number() }, async (run) => {
    const started = run.start(child(null))
    await run.sleep('1d')
    return started.result()
  })
  const definition = ballet({ services: [], workflows: [child, parent] })
  let app = await openForTest(definition, { store: memory(data), clock })
  await app.start(parent(null), { id: 'p' })
  await app.result('p~child.0')
  await app.close()
  const num = await numOf(data, 'p')
  app = await openForTest(definition, { store: damagedFor(memory(data), num), clock, retention: { runs: '1s' } })
  for (let n = 0; n < 100; n++) {
    clock.pass(60_000)
    await rounds(20)
  }
  await app.close()
  app = await openForTest(definition, { store: memory(data), clock })
  for (let n = 0; n < 25; n++) {
    clock.pass(3_600_000)
    await rounds(20)
  }
  expect(await app.run('p')).toMatchObject({ status: 'completed', output: 7 })
})

test('what takes back a late answer is an undo: it is not failed nor cancelled, by nobody, and can be answered', async () => {
  const answer = gate<number>()
  const entered = gate()
  const bank = service('bank', {
    charge: operation({
      input: z.null(),
      output: z.number(),
      timeout: '20ms',
      retry: { attempts: 1, backoff: '1ms', exhausted: 'fail' },
      run: () => (entered.open(), answer.promise),
    }),
    refund: operation({
      input: z.number().nullable(),
      undoes: 'charge',
      run: (n) => {
        if (n !== null) throw new TerminalError('the bank is closed')
      },
    }),
  })
  const flow = workflow('flow', { input: z.null(), output }, (run) =>
    run.call(bank.charge(null), { undo: (n) => bank.refund(n ?? null) }),
  )
  const app = await openForTest(ballet({ services: [bank], workflows: [flow] }))
  await app.start(flow(null), { id: 'f' })
  await entered.promise
  await app.result('f').catch(() => {})
  answer.open(7)
  const late = await until(app, null, async () => (await app.runs({ status: ['stuck'] })).items[0])
  expect(late.id).toContain('f~late:')
  const op = late.waits[0]?.op ?? ''
  const refused = { code: 'ACTION_REFUSED' }
  expect(late.choices.map(({ action }) => action)).toEqual(['retry', 'answer'])
  await expect(app.fail(late.id, { op, error: { message: 'never mind' } })).rejects.toMatchObject(refused)
  await expect(app.cancel(late.id)).rejects.toMatchObject(refused)
  expect(await app.run(late.id)).toMatchObject({ status: 'stuck' })
  await app.answer(late.id, { op, value: null })
  expect(await app.run(late.id)).toMatchObject({ status: 'completed' })
})

test.each(['has ended', 'is open'])(
  'the row of a run that %s cannot be read: others are forgotten all the same',
  async (which) => {
    const data = new MemoryData()
    const clock = new SteppedClock()
    const flow = workflow('flow', { input: z.boolean(), output }, async (run, stays) => {
      if (stays) await run.sleep('365d')
      return null
    })
    const definition = ballet({ services: [], workflows: [flow] })
    let app = await openForTest(definition, { store: memory(data), clock })
    for (const id of ['a', 'b', 'c', 'bad']) await app.start(flow(id === 'bad' && which === 'is open'), { id })
    await rounds()
    await app.close()
    const store = damagedFor(memory(data), await numOf(data, 'bad'))
    app = await openForTest(definition, { store, clock, retention: { runs: '1s' } })
    for (let n = 0; n < 100; n++) {
      clock.pass(60_000)
      await rounds(20)
    }
    const left = await app.runs()
    expect(left.items).toEqual([])
    expect(left.unreadable?.map(({ id }) => id)).toEqual(['bad'])
  },
)

test.each([
  { liveRuns: 'many' },
  { liveRuns: Number.NaN },
  { liveRuns: -1 },
  { graceMs: '10s' },
  { graceMs: Number.NaN },
  { graceMs: Number.POSITIVE_INFINITY },
  { graceMs: -1 },
  { log: 5 },
  { log: {} },
  { log: null },
  { codec: null },
  { codec: {} },
  { limits: null },
  { limits: 5 },
  { retention: null },
  { retention: '30d' },
  { namespace: 5 },
])('what the options of an application cannot mean is refused when it is opened: %o', async (options) => {
  const flow = workflow('flow', { input: z.null(), output }, async () => null)
  const opening = openForTest(ballet({ services: [], workflows: [flow] }), options as never)
  await expect(opening).rejects.toMatchObject({ code: 'DEFINITION_INVALID' })
})

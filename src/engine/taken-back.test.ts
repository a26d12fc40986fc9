// A release that is taken back with work of it under way: nothing of that is lost, and it goes on when the release is there again.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { keptLog, openForTest, until } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { guarded } from '../../test/support/stores.ts'
import { live } from '../../test/support/sweeps.ts'
import { ballet, open, operation, service, signal, workflow, type RunView } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const Go = signal('go', z.string())
const output = z.string()
const waits = workflow('waits', { input: z.null(), output, signals: [Go] }, async (run) => (await run.receive(Go)).data)
/** As the release before had it. */
const sleeps = workflow('waits', { input: z.null(), output }, async (run) => (await run.sleep('1h'), 'slept'))
const sends = workflow('sends', { input: z.null(), output }, async (run) => {
  const child = run.start(waits(null), { id: 'child' })
  await run.sleep('1ms')
  child.signal(Go('gone'))
  return child.result()
})
const newer = ballet({ services: [], workflows: [sends, waits] })

test.each([
  ['does not have its workflow', ballet({ services: [], workflows: [] })],
  ['has its workflow without that signal', ballet({ services: [], workflows: [sleeps] })],
])(
  'a signal of a run to a run that another release has to take, which %s, is there when that is back',
  async (_, older) => {
    const data = await diedWithSignal()
    const log = keptLog()
    const before = await openForTest(older, { store: memory(data), log })
    await until(before, null, async () => data.inbox.size === 0)
    expect(log.lines.filter((line) => line.includes('was not taken'))).toEqual([])
    await before.close()
    const back = await openForTest(newer, { store: memory(data) })
    expect(await back.result('parent')).toBe('gone')
  },
)

/** What is left by a process that died behind the commit by which the parent says the signal. */
async function diedWithSignal(): Promise<MemoryData> {
  const data = new MemoryData()
  const death = Promise.withResolvers<void>()
  const store = guarded(memory(data), 'commit', async (pass) => {
    const done = await pass()
    if (data.inbox.size === 0) return done
    death.resolve()
    // A dead process hears of nothing any more.
    return new Promise<never>(() => {})
  })
  const app = await open(newer, { store, log: keptLog(), graceMs: 0 })
  await app.start(sends(null), { id: 'parent' })
  await death.promise
  return data
}

test('whoever signals a run of a workflow that is not there is told that, and not that the run takes no such signal', async () => {
  const data = new MemoryData()
  const first = await openForTest(newer, { store: memory(data) })
  await first.start(waits(null), { id: 'w' })
  await first.close()
  const before = await openForTest(ballet({ services: [], workflows: [] }), { store: memory(data) })
  await expect(before.signal('w', Go('on'))).rejects.toMatchObject({
    code: 'CODE_MISSING',
    message: 'The run "w" needs waits, which this application does not have.',
  })
})

test('an operation that signals such a run has failed as by any other error: its attempts count, and no code of its own is missing', async () => {
  const data = new MemoryData()
  const first = await openForTest(newer, { store: memory(data) })
  await first.start(waits(null), { id: 'w' })
  await first.close()
  const go = operation({
    input: z.null(),
    retry: { attempts: 2, backoff: '1ms', exhausted: 'fail' },
    run: async () => void (await before.signal('w', Go('on'))),
  })
  const tell = service('tell', { go })
  const before = await openForTest(ballet({ services: [tell] }), { store: memory(data) })
  await before.start(tell.go(null), { id: 't' })
  await until(before, null, async () => (await before.run('t'))?.status !== 'running')
  expect(await before.run('t')).toMatchObject({
    status: 'failed',
    error: { message: 'tell.go failed: The run "w" needs waits, which this application does not have.' },
  })
})

test('an attempt at a call whose operation is not there counts as none: the release that has it makes all of its own', async () => {
  let isAway = true
  const charge = operation({
    input: z.null(),
    output: z.string(),
    retry: { attempts: 3, backoff: '1m', exhausted: 'fail' },
    run: () => {
      if (isAway) throw new Error('the bank is away')
      return 'paid'
    },
  })
  const bank = service('bank', { charge })
  const whole = ballet({ services: [bank] })
  const [data, clock] = [new MemoryData(), new SteppedClock()]
  const first = await openForTest(whole, { store: memory(data), clock })
  await first.start(bank.charge(null), { id: 'c' })
  await until(first, null, async () => (await first.run('c'))?.waits[0]?.attempt !== undefined)
  await first.close()
  clock.pass(60_000)
  for (let restart = 0; restart < 3; restart++) {
    const before = await openForTest(ballet({ services: [] }), { store: memory(data), clock })
    await until(before, null, async () => (await before.run('c'))?.status === 'stuck')
    await before.close()
  }
  const back = await openForTest(whole, { store: memory(data), clock })
  const tried = (view: RunView | null): boolean => view?.ended !== null || view.waits[0]?.attempt?.number === 2
  await until(back, null, async () => tried(await back.run('c')))
  isAway = false
  await live(clock, 130)
  expect(await back.result('c')).toBe('paid')
})

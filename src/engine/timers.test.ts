// Timers of a shard, on a clock that the test moves: never early, none lost, many at once, those of the next window
// read from the store, and an input that was there before a deadline delivered before it.
import { expect, test } from 'vitest'
import { SteppedClock } from '../../test/support/clocks.ts'
import type { TimerRow } from '../core/store.ts'
import { memory } from '../stores/memory/memory-store.ts'
import { batchAfter } from '../testing/store-rows.ts'
import { Timers } from './timers.ts'
import { Counts } from './counts.ts'

const T = 1_000_000

async function setUp(rows: readonly TimerRow[] = []) {
  const clock = new SteppedClock(T)
  const store = memory()
  await store.open()
  const tenure = await store.acquire(0, 'test')
  if (rows.length > 0) await store.commit(batchAfter(tenure, { head: tenure.head + 1, timers: rows }))
  const fired: { readonly op: string; readonly at: number }[] = []
  const log: string[] = []
  const crowd = { isThere: false, done: [] as (() => void)[] }
  const timers = new Timers({
    late: new Counts().timersLate,
    clock,
    store,
    shard: 0,
    barrier: () => Promise.resolve(),
    catchUp: () => {
      log.push('inbox')
      return Promise.resolve()
    },
    notBefore: (at) => log.push(`not before ${at - T}`),
    fire: ({ op }, done) => {
      log.push(op)
      fired.push({ op, at: clock.now() })
      if (crowd.isThere) crowd.done.push(done)
      else done()
    },
    onFailure: (error) => {
      throw error
    },
  })
  await timers.start()
  return { clock, timers, fired, log, crowd }
}

test('F11: timers that are late: they fire in the order of what is due, never early, after catching up', async () => {
  const { clock, timers, fired, log } = await setUp()
  for (const due of [T + 50, T + 10, T + 30]) timers.add({ due, run: 1, op: `o${due - T}` })
  await clock.moveTo(T + 9)
  expect(fired).toEqual([])
  await clock.moveTo(T + 100)
  expect(fired).toEqual([
    { op: 'o10', at: T + 10 },
    { op: 'o30', at: T + 30 },
    { op: 'o50', at: T + 50 },
  ])
  expect(log).toEqual(['inbox', 'o10', 'inbox', 'o30', 'inbox', 'o50'])
  timers.stop()
})

test('one that was removed does not fire, one that was added twice fires once, an earlier one is not kept waiting', async () => {
  const { clock, timers, fired } = await setUp()
  timers.add({ due: T + 60_000, run: 1, op: 'late' })
  timers.add({ due: T + 20, run: 1, op: 'gone' })
  timers.add({ due: T + 20, run: 1, op: 'twice' })
  timers.add({ due: T + 20, run: 1, op: 'twice' })
  timers.remove({ due: T + 20, run: 1, op: 'gone' })
  await clock.moveTo(T + 70_000)
  expect(fired.map(({ op, at }) => [op, at - T])).toEqual([
    ['twice', 20],
    ['late', 60_000],
  ])
  timers.stop()
})

test('nothing is caught up with for timers that are gone when they would have been due', async () => {
  const { clock, timers, fired, log } = await setUp()
  for (let n = 0; n < 100; n++) {
    timers.add({ due: T + 1000 + n, run: n, op: 'limit' })
    timers.remove({ due: T + 1000 + n, run: n, op: 'limit' })
  }
  timers.add({ due: T + 60_000, run: 1, op: 'late' })
  await clock.moveTo(T + 70_000)
  expect([fired, log]).toEqual([[{ op: 'late', at: T + 60_000 }], ['inbox', 'late']])
  timers.stop()
})

test('one that was set by a time ahead of the clock fires once: when its whole time has passed, or the clock shows its own', async () => {
  const { timers, clock, fired, log } = await setUp()
  const hour = 3_600_000
  timers.add({ due: T + hour + 20, run: 1, op: 'passes' }, T + hour)
  timers.add({ due: T + hour + 20, run: 1, op: 'passes' }, T + hour)
  timers.add({ due: T + 40, run: 1, op: 'shown' }, T + 5)
  timers.add({ due: T + hour + 30, run: 1, op: 'gone' }, T + hour)
  timers.add({ due: T + hour + 30, run: 1, op: 'moved' }, T + hour)
  timers.add({ due: T + hour + 60, run: 1, op: 'moved' }, T + hour)
  timers.remove({ due: T + hour + 30, run: 1, op: 'gone' })
  await clock.moveTo(T + 100)
  expect(fired).toEqual([
    { op: 'passes', at: T + 20 },
    { op: 'shown', at: T + 35 },
    { op: 'moved', at: T + 60 },
  ])
  const notBefore = [20, 60].map((ms) => `not before ${hour + ms}`)
  expect(log).toEqual([
    'inbox',
    notBefore[0],
    'passes',
    'inbox',
    'not before 40',
    'shown',
    'inbox',
    notBefore[1],
    'moved',
  ])
  timers.add({ due: T + hour + 200, run: 1, op: 'stopped' }, T + hour)
  timers.stop()
  await clock.moveTo(T + 2 * hour)
  expect(fired).toHaveLength(3)
})

test('what is overdue at the start fires, what is far is read from the store when its time comes', async () => {
  const day = 86_400_000
  const { clock, timers, fired } = await setUp([
    { due: T - 5000, run: 1, op: 'overdue' },
    { due: T + 400_000, run: 1, op: 'soon' },
    { due: T + 2 * day, run: 1, op: 'far' },
  ])
  // Beyond the window: memory does not hold it, its row does.
  timers.add({ due: T + 2 * day, run: 1, op: 'far' })
  await clock.moveTo(T + 3 * day)
  expect(fired.map(({ op, at }) => [op, at - T])).toEqual([
    ['overdue', 0],
    ['soon', 400_000],
    ['far', 2 * day],
  ])
  timers.stop()
})

test('F17: a crowd of timers that is due in one instant: all fire, each once', async () => {
  const rows = Array.from({ length: 25_000 }, (_, index) => ({ due: T + 1000, run: index, op: 'o' }))
  const { clock, timers, fired } = await setUp(rows)
  await clock.moveTo(T + 2000)
  expect(fired.length).toBe(25_000)
  timers.stop()
})

test('F17: a crowd of timers whose runs are slow to take them: no more than a few thousand are under way', async () => {
  const rows = Array.from({ length: 10_000 }, (_, index) => ({ due: T + 1000, run: index, op: `o${index}` }))
  const { clock, timers, fired, crowd } = await setUp(rows)
  crowd.isThere = true
  await clock.moveTo(T + 2000)
  expect(fired.length).toBe(3000)
  for (const done of crowd.done.splice(0, 1000)) done()
  await clock.moveTo(T + 3000)
  expect(fired.length).toBe(3000)
  for (const done of crowd.done.splice(0, 1000)) done()
  await clock.moveTo(T + 4000)
  expect(fired.length).toBe(5000)
  crowd.isThere = false
  for (const done of crowd.done.splice(0)) done()
  await clock.moveTo(T + 5000)
  expect([fired.length, new Set(fired.map(({ op }) => op)).size]).toEqual([10_000, 10_000])
  timers.stop()
})

test('F11: a clock that is set forward: what is due by it fires within seconds, also what was far', async () => {
  const year = 365 * 86_400_000
  const { clock, timers, fired } = await setUp([
    { due: T + 500_000, run: 1, op: 'near' },
    { due: T + year / 2, run: 2, op: 'far' },
    { due: T + 100 * year, run: 3, op: 'century' },
  ])
  await clock.moveTo(T + 10)
  clock.set(T + year)
  await clock.moveTo(T + year + 20_000)
  expect(fired.map(({ op }) => op)).toEqual(['near', 'far'])
  timers.stop()
})

test('F11: a clock that is set back: nothing fires before it has come there again', async () => {
  const { clock, timers, fired } = await setUp()
  const hour = 3_600_000
  timers.add({ due: T + 50, run: 1, op: 'soon' })
  clock.set(T - hour)
  await clock.moveTo(T + 49)
  expect(fired).toEqual([])
  timers.add({ due: T + 60, run: 1, op: 'later' })
  await clock.moveTo(T + 100)
  expect(fired).toEqual([
    { op: 'soon', at: T + 50 },
    { op: 'later', at: T + 60 },
  ])
  timers.stop()
})

// Which runs leave memory: those used least recently, by their number, their bytes and the time that they were idle; those
// that cannot be parked do not keep the others in memory.
import { expect, test } from 'vitest'
import type { LiveRun } from './live-run.ts'
import { OpenRuns, type OpenRunsOptions } from './open-runs.ts'
import { Counts } from './counts.ts'

function liveRun(num: number, bytes = 0): LiveRun {
  return {
    row: { num, id: `r${num}`, input: '{}', ended: null } as LiveRun['row'],
    executor: { kind: 'frozen', seen: new Map() },
    seq: 0,
    turns: 0,
    bytes,
    queued: 0,
    isResuming: false,
    mail: new Set(),
    held: [],
    heir: null,
    lingering: new Map(),
    undosBegun: new Set(),
    stuckOps: new Set(),
    again: new Map(),
    attempts: new Map(),
    counts: new Counts().runsOf('workflow', 'w'),
  }
}

function runs(count: number, options: Partial<OpenRunsOptions> = {}, bytes = 0) {
  const time = { now: 0 }
  const clock = { now: () => time.now }
  const open = new OpenRuns({ clock, liveRuns: 10, liveBytes: 1_000_000, idleMs: 1600, ...options })
  for (let num = 1; num <= count; num++) open.add(liveRun(num, bytes))
  return { open, time }
}

const always = (): boolean => true

test('runs beyond the limit are parked, those used least recently first', () => {
  const { open } = runs(20)
  open.use(1)
  expect(open.park(always)).toBe(false)
  expect([open.liveCount, open.count]).toEqual([10, 20])
  expect([1, 2, 11, 12].map((num) => open.isParked(num))).toEqual([false, true, true, false])
  expect(open.numOf('r2')).toBe(2)
})

test('a hundred that cannot be parked do not hide the others', () => {
  const { open } = runs(300)
  for (let round = 0; round < 5; round++) open.park(({ row }) => row.num > 100)
  expect(open.liveCount).toBe(100)
})

test('where none can be parked few are looked at, and one that can be is found all the same', () => {
  const { open } = runs(640)
  let looks = 0
  const park = (idle: number): boolean => open.park(({ row }) => (looks++, row.num === idle))
  for (let round = 0; round < 1000; round++) park(-1)
  expect(looks).toBeGreaterThanOrEqual(640)
  expect(looks).toBeLessThan(640 + (1000 / 10) * 64)
  for (let round = 0; round < 1000; round++) park(7)
  expect([open.isParked(7), open.liveCount]).toEqual([true, 639])
})

test('one look is short, and says that there may be more', () => {
  const { open } = runs(300)
  expect(open.park(always)).toBe(true)
  expect(open.liveCount).toBe(236)
})

test('runs whose journals are too large together are parked, until those that are left are small enough', () => {
  const { open } = runs(8, { liveBytes: 5010 }, 998)
  expect(open.liveBytes).toBe(8000)
  open.park(always)
  expect([open.liveCount, open.liveBytes]).toEqual([5, 5000])
  const run = open.use(8)
  if (run === undefined) throw new RangeError('the run used last was parked')
  run.bytes += 2000
  open.weigh(run)
  open.park(always)
  expect([open.liveCount, open.liveBytes, open.isParked(8)]).toEqual([3, 5000, false])
  open.remove(8)
  expect([open.liveCount, open.liveBytes]).toEqual([2, 2000])
})

test('a run that has been idle for long is parked, one that is used is not', () => {
  const { open, time } = runs(4)
  for (time.now = 0; time.now <= 1700; time.now += 100) open.use(1)
  open.park(always)
  expect([1, 2, 3, 4].map((num) => open.isParked(num))).toEqual([false, true, true, true])
  time.now += 1300
  open.park(always)
  expect(open.isParked(1)).toBe(false)
  time.now += 300
  open.park(always)
  expect(open.isParked(1)).toBe(true)
})

test('what is brought back anew or has ended counts once, or not at all', () => {
  const { open } = runs(3, {}, 98)
  open.shelve(liveRun(2).row)
  expect([open.count, open.liveBytes]).toEqual([3, 200])
  open.add(liveRun(2, 48))
  open.add(liveRun(2, 48))
  expect([open.count, open.liveBytes]).toEqual([3, 250])
  for (const num of [1, 2, 3, 3]) open.remove(num)
  expect([open.count, open.liveBytes, open.numOf('r2')]).toEqual([0, 0, undefined])
})

// Parking: runs that cannot be parked do not keep the others in memory.
import { expect, test } from 'vitest'
import type { LiveRun } from './live-run.ts'
import { OpenRuns } from './open-runs.ts'

const runs = (count: number): OpenRuns => {
  const open = new OpenRuns(10)
  for (let num = 1; num <= count; num++) {
    const row = { num, id: `r${num}` } as LiveRun['row']
    open.add({
      row,
      executor: { kind: 'frozen', seen: new Set() },
      seq: 0,
      turns: 0,
      bytes: 0,
      queued: 0,
      lingering: new Set(),
      stuckOps: new Set(),
      attempts: new Map(),
    })
  }
  return open
}

test('runs beyond the limit are parked, those used least recently first', () => {
  const open = runs(20)
  open.use(1)
  open.park(() => true)
  expect(open.liveCount).toBe(10)
  expect(open.isParked(1)).toBe(false)
  expect([2, 11, 12].map((num) => open.isParked(num))).toEqual([true, true, false])
})

test('a hundred that cannot be parked do not hide the others', () => {
  const open = runs(300)
  for (let round = 0; round < 5; round++) open.park(({ row }) => row.num > 100)
  expect(open.liveCount).toBe(100)
})

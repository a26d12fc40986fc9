// The heap of timers: in the order of what is due, and no larger than what is set, however many come and go before their time.
import { expect, test } from 'vitest'
import { DueHeap } from './due-heap.ts'

const timer = (run: number, due: number) => ({ run, due, op: 'wait' })

test('timers come up by when they are due, each for the time that was set last, and none that is gone', () => {
  const heap = new DueHeap()
  for (const n of [5, 3, 8, 1, 9, 7]) heap.add(timer(n, n * 10))
  heap.add(timer(9, 20))
  heap.remove(timer(1, 10))
  heap.remove(timer(7, 70))
  heap.add(timer(7, 70))
  expect([heap.has(timer(9, 20)), heap.has(timer(9, 90)), heap.has(timer(1, 10))]).toEqual([true, false, false])
  expect(heap.first?.run).toBe(9)
  expect(heap.popDue(19)).toBeUndefined()
  const due: unknown[] = []
  for (let next = heap.popDue(100); next !== undefined; next = heap.popDue(100)) {
    due.push([next.run, next.due])
    heap.remove(next)
  }
  expect(due).toEqual([
    [9, 20],
    [3, 30],
    [5, 50],
    [7, 70],
    [8, 80],
  ])
  expect(heap.size).toBe(0)
})

test('limits that are set and not reached, ten thousand of them: the heap holds no more than twice what is set', () => {
  const heap = new DueHeap()
  const under = 100
  let most = 0
  for (let n = 0; n < 10_000; n++) {
    heap.add(timer(n, 1_000_000 + ((n * 7919) % 10_000)))
    if (n >= under) heap.remove(timer(n - under, 0))
    most = Math.max(most, heap.size)
  }
  expect(most).toBeLessThanOrEqual(2 * under + 2)
  // One that is set for the same time again and again is there once.
  for (let n = 0; n < 10_000; n++) {
    heap.add(timer(1, 5_000_000))
    heap.remove(timer(1, 5_000_000))
  }
  expect(heap.size).toBeLessThanOrEqual(2 * under + 2)
  const due: number[] = []
  for (let next = heap.popDue(9e9); next !== undefined; next = heap.popDue(9e9)) {
    due.push(next.due)
    heap.remove(next)
  }
  expect(due).toHaveLength(under)
  expect(due).toEqual(due.toSorted((one, other) => one - other))
})

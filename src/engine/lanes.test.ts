// The lanes of reactions: their order, and what they cost when one is long (a stuck reaction before a hundred thousand others).
import { expect, test } from 'vitest'
import { Lanes } from './lanes.ts'

const filled = (count: number): Lanes => {
  const lanes = new Lanes()
  for (let num = 0; num < count; num++) lanes.enter({ num, lane: 'pay' })
  return lanes
}

test('the first of a lane runs, and when it has left the next one, wherever others have left meanwhile', () => {
  const lanes = filled(5)
  expect([0, 1, 4].map((num) => lanes.isWaiting(num))).toEqual([false, true, true])
  expect([lanes.enter({ num: 0, lane: 'pay' }), lanes.enter({ num: 1, lane: 'pay' })]).toEqual([true, false])
  expect(lanes.enter({ num: 9, lane: 'ship' })).toBe(true)
  expect([lanes.leave(1), lanes.leave(4)]).toEqual([undefined, undefined])
  expect(lanes.leave(0)).toBe(2)
  expect([lanes.leave(2), lanes.isWaiting(3), lanes.leave(2), lanes.isWaiting(2)]).toEqual([3, false, undefined, false])
  expect(lanes.enter({ num: 5, lane: 'pay' })).toBe(false)
  expect([lanes.leave(3), lanes.leave(5), lanes.leave(9)]).toEqual([5, undefined, undefined])
  expect(lanes.enter({ num: 6, lane: 'pay' })).toBe(true)
})

/** How long the arrays are, all together, that are searched or moved while `work` does what it does. */
function walkedBy(work: () => void): number {
  const { indexOf, splice, shift } = Array.prototype
  let walked = 0
  const counted = <Rest extends unknown[], Result>(method: (...rest: Rest) => Result) =>
    function (this: unknown[], ...rest: Rest): Result {
      walked += this.length
      return Reflect.apply(method, this, rest)
    }
  Object.assign(Array.prototype, { indexOf: counted(indexOf), splice: counted(splice), shift: counted(shift) })
  try {
    work()
  } finally {
    Object.assign(Array.prototype, { indexOf, splice, shift })
  }
  return walked
}

test('a lane of a thousand is not walked through for one that leaves it, from either end or out of the middle', () => {
  const count = 1000
  let left = 0
  const walked = walkedBy(() => {
    for (const nth of [(n: number) => n, (n: number) => count - 1 - n, (n: number) => (n + count / 2) % count]) {
      const lanes = filled(count)
      for (let n = 0; n < count; n++) if (lanes.leave(nth(n)) !== undefined) left += 1
    }
  })
  expect(left).toBe(count - 1 + count / 2 - 1)
  expect(walked).toBeLessThanOrEqual(count)
})

import { expect, test } from 'vitest'
import { elapsedOf, type Clock } from './clock.ts'

test('time that passes is what a clock measures, or what it shows', () => {
  const wall: Clock = { now: () => 7, after: () => () => {} }
  expect([elapsedOf({ ...wall, elapsed: () => 1.5 }), elapsedOf(wall)]).toEqual([1.5, 7])
})

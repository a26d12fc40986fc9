// What is learnt of the two parts of a commit's time.
import { expect, test } from 'vitest'
import { CommitCost } from './commit-cost.ts'

/** Of commits that take 0.3 ms and 0.005 for each row. */
const ms = (rows: number): number => 0.3 + rows * 0.005

test('nothing is known before the first commit', () => {
  expect(new CommitCost().fixedMs).toBe(Infinity)
})

test('of commits of one size half is taken for the part that is the same for all', () => {
  const cost = new CommitCost()
  for (let commit = 0; commit < 100; commit++) cost.add(60 + (commit % 3), 0.6)
  expect(cost.fixedMs).toBeCloseTo(0.3)
})

test('commits of different sizes tell the two parts from one another', () => {
  const cost = new CommitCost()
  for (let commit = 0; commit < 100; commit++) cost.add(16 + (commit % 5) * 12, ms(16 + (commit % 5) * 12))
  expect(cost.fixedMs).toBeCloseTo(0.3)
})

test('a commit that took far longer than the others hardly counts', () => {
  const cost = new CommitCost()
  for (let commit = 0; commit < 100; commit++) {
    const rows = 16 + (commit % 5) * 12
    cost.add(rows, commit === 90 ? 20 : ms(rows))
  }
  expect(cost.fixedMs).toBeGreaterThan(0.2)
  expect(cost.fixedMs).toBeLessThan(0.45)
})

test('what it was long ago is forgotten', () => {
  const cost = new CommitCost()
  for (let commit = 0; commit < 100; commit++) cost.add(10 + (commit % 2) * 40, 5)
  expect(cost.fixedMs).toBeCloseTo(5)
  for (let commit = 0; commit < 300; commit++) cost.add(10 + (commit % 2) * 40, ms(10 + (commit % 2) * 40))
  expect(cost.fixedMs).toBeCloseTo(0.3)
})

test('neither part is ever less than nothing', () => {
  const cost = new CommitCost()
  // The larger the faster, and then a cost that is of the rows alone.
  for (let commit = 0; commit < 100; commit++) cost.add(10 + (commit % 2) * 40, commit % 2 === 0 ? 2 : 1)
  expect(cost.fixedMs).toBeCloseTo(1.5, 1)
  for (let commit = 0; commit < 300; commit++) cost.add(10 + (commit % 2) * 40, commit % 2 === 0 ? 0.001 : 1)
  expect(cost.fixedMs).toBeGreaterThanOrEqual(0)
})

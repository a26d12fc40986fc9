import { expect, it } from 'vitest'
import { countsOf, rowsBehind, sumOf } from './ahead.ts'

const rows = {
  runs: ['r1'],
  changes: [],
  claims: ['c1', 'c2'],
  journal: ['j1', 'j2', 'j3'],
  events: ['e1'],
  timers: ['t1'],
}

it('counts the rows of each kind that may come ahead, and of all of them', () => {
  expect(countsOf(rows)).toEqual({ runs: 1, changes: 0, claims: 2, journal: 3, events: 1 })
  expect(sumOf(countsOf(rows))).toBe(7)
})

it('gives what is behind the first rows of each kind, and nothing of another kind', () => {
  const given = { runs: 1, changes: 0, claims: 1, journal: 2, events: 0 }
  const behind = { runs: [], changes: [], claims: ['c2'], journal: ['j3'], events: ['e1'] }
  expect(rowsBehind(rows, given)).toEqual(behind)
  expect(countsOf(behind)).toEqual({ runs: 0, changes: 0, claims: 1, journal: 1, events: 1 })
})

// What went on by the clock is judged: good evidence passes, and each way to spoil it is found.
import { expect, test } from 'vitest'
import { auditTimetable, type TimetableExhibits } from './timetable-audit.ts'
import { ROWS, ROWS_EACH, type CountLine } from './timetable.ts'

const SECONDS = [0, 1, 2]
const idOf = (second: number): string => `count@20260302T03000${second}Z`

function history(): { -readonly [Part in keyof TimetableExhibits]: TimetableExhibits[Part] } {
  const lines = SECONDS.flatMap((second) =>
    Array.from({ length: ROWS / ROWS_EACH }, (_, index): CountLine => {
      const from = index * ROWS_EACH
      const at = `2026-03-02T03:00:0${second}.000Z`
      return { pid: index, at, key: `key ${second}`, attempt: index + 1, from, to: from + ROWS_EACH }
    }),
  )
  return { firings: SECONDS.map((second) => ({ id: idOf(second), status: 'completed' })), lines, beside: 0 }
}

const good = history()
const [first, ...others] = good.lines as [CountLine, ...CountLine[]]
const last = good.lines.findIndex(({ to }) => to === ROWS)

test.each<[string, Partial<TimetableExhibits>, string[]]>([
  ['nothing is wrong', {}, []],
  ['an attempt of a process that was stopped comes twice', { lines: [...good.lines, { ...first, pid: 9 }] }, []],
  ['nothing was fired', { firings: [], lines: [] }, ['FIRED']],
  ['a second has no count', { firings: good.firings.toSpliced(1, 1) }, ['FIRED', 'FIRED']],
  ['a count has not ended', { firings: [{ id: idOf(0), status: 'stuck' }, ...good.firings.slice(1)] }, ['COUNTED']],
  ['a count was made under two keys', { lines: [{ ...first, key: 'another' }, ...others] }, ['COUNTED']],
  ['a count ended before its end', { lines: good.lines.toSpliced(last, 1) }, ['COUNTED']],
  ['an attempt began elsewhere', { lines: [...good.lines, { ...first, from: ROWS_EACH }] }, ['PROGRESS']],
  ['something was left behind', { beside: 1 }, ['BESIDE']],
])('%s', (_, spoiled, rules) => {
  expect(auditTimetable({ ...good, ...spoiled }).map(({ rule }) => rule)).toEqual(rules)
})

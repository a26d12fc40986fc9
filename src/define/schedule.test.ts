import { expect, test } from 'vitest'
import { z } from 'zod'
import { firingOf, schedule, timesOf, type ScheduleOptions } from './schedule.ts'
import { workflow } from './workflow.ts'

const daily = workflow('daily', { input: z.string(), output: z.string() }, async (_, day) => Promise.resolve(day))
const call: ScheduleOptions['call'] = ({ day }) => daily(day)

test('what is not said is filled in', () => {
  expect(schedule('nightly', { cron: '0 3 * * *', call })).toEqual({
    kind: 'schedule',
    name: 'nightly',
    timing: { cron: '0 3 * * *', everyMs: null, timezone: 'UTC' },
    overlap: 'skip',
    catchUp: 'last',
    withinMs: null,
    call,
  })
  expect(schedule('often', { every: '15m', within: '1h', call })).toMatchObject({
    timing: { cron: null, everyMs: 900_000, timezone: 'UTC' },
    withinMs: 3_600_000,
  })
})

test('its call is told the time that is due, and the day of that in its zone', () => {
  const one = schedule('nightly', { cron: '0 3 * * *', timezone: 'Pacific/Auckland', call })
  const at = Date.parse('2026-03-01T14:00:00Z')
  expect(firingOf(one, at)).toEqual({ at: '2026-03-01T14:00:00.000Z', day: '2026-03-02', schedule: 'nightly' })
})

test('every so often is the same whenever it is begun', () => {
  const { next } = timesOf(schedule('often', { every: '15m', call }).timing)
  const at = Date.parse('2026-03-01T14:00:00Z')
  expect([next(at - 1), next(at), next(at + 1)].map((time) => (time ?? 0) - at)).toEqual([0, 900_000, 900_000])
})

test.each([
  ['a name', 'no name', { cron: '0 3 * * *', call }, 'its name must begin with a letter'],
  ['an option', 'a', { cron: '0 3 * * *', call, tz: 'UTC' }, 'tz'],
  ['no call', 'a', { cron: '0 3 * * *' }, 'call must be a function, not undefined'],
  ['neither', 'a', { call }, 'give it either cron or every'],
  ['both', 'a', { cron: '0 3 * * *', every: '1h', call }, 'give it either cron or every'],
  ['a zone', 'a', { cron: '0 3 * * *', timezone: 'Europe/Lisboa', call }, 'timezone "Europe/Lisboa" is none that is'],
  ['no cron', 'a', { cron: 'nightly', call }, `cron "nightly": invalid configuration format ('nightly')`],
  ['a field', 'a', { cron: '61 * * * *', call }, 'cron "61 * * * *": Invalid value for minute: 61'],
  ['a year', 'a', { cron: '0 0 3 * * 1-5 2027', call }, 'requires exactly 5 or 6 parts'],
  ['a ?', 'a', { cron: '? 3 * * *', call }, 'it has a ?, which means nothing here'],
  ['a number', 'a', { cron: 3, call }, 'cron must be a string, not number'],
  ['a day that never comes', 'a', { cron: '0 3 30 2 *', call }, 'cron "0 3 30 2 *" never comes'],
  ['too often', 'a', { every: '999ms', call }, 'every must be 1s or longer, not "999ms"'],
  ['overlap', 'a', { every: '1h', call, overlap: 'queue' }, 'overlap must be "skip" or "allow", not "queue"'],
  ['catchUp', 'a', { every: '1h', call, catchUp: true }, 'catchUp must be "last", "all" or "none", not boolean'],
])('refused where it is written: %s', (_, name, options, words) => {
  expect(() => schedule(name, options as unknown as ScheduleOptions)).toThrow(words)
  expect(() => schedule(name, options as unknown as ScheduleOptions)).toThrow(`schedule "${name}"`)
})

test('a wrong cron is told in one sentence', () => {
  expect(() => schedule('a', { cron: 'every day', call })).toThrow(/ parts are required\.$/)
})

test('a length of time that is none', () => {
  expect(() => schedule('a', { every: '1 hour' as '1h', call })).toThrow('schedule "a": every "1 hour"')
})

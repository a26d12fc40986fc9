// The times of cron expressions where clocks are set forward and back, against a list that is made by asking Intl what the wall
// shows at each quarter of an hour of a year: no zone has an offset or a change between two of these.
import { expect, test } from 'vitest'
import { cronTimes } from './cron.ts'

const QUARTER_MS = 900_000
const FROM = Date.UTC(2026, 0, 1)
const QUARTERS = (365 * 86_400_000) / QUARTER_MS

interface Moment {
  readonly at: number
  /** What the wall shows, as if it were UTC. */
  readonly wall: number
}

function year(zone: string): readonly Moment[] {
  const format = new Intl.DateTimeFormat('sv-SE', { timeZone: zone, dateStyle: 'short', timeStyle: 'short' })
  return Array.from({ length: QUARTERS }, (_, index) => {
    const at = FROM + index * QUARTER_MS
    return { at, wall: Date.parse(`${format.format(at).replace(' ', 'T')}Z`) }
  })
}

type Matches = (wall: Date) => boolean

/** Each wall time that matches, at the first moment at which the wall has come there. */
function once(moments: readonly Moment[], matches: Matches): readonly number[] {
  const found = new Set<number>()
  let shown = moments[0]?.wall ?? 0
  for (const { at, wall } of moments)
    for (; shown <= wall; shown += QUARTER_MS) if (matches(new Date(shown))) found.add(at)
  return [...found]
}

/** Each moment at which the wall matches. */
const passing = (moments: readonly Moment[], matches: Matches): readonly number[] =>
  moments.filter(({ wall }) => matches(new Date(wall))).map(({ at }) => at)

/** What the expression gives between two moments, the first excluded. */
function timesOf(pattern: string, zone: string, from: number, to: number): readonly number[] {
  const { next } = cronTimes(pattern, zone)
  const found: number[] = []
  for (let at = next(from); at !== null && at <= to; at = next(at)) found.push(at)
  return found
}

const ZONES = [
  'Europe/Lisbon',
  'America/New_York',
  // Half an hour; an offset of three quarters; set forward at midnight; none.
  'Australia/Lord_Howe',
  'Pacific/Chatham',
  'America/Santiago',
  'Asia/Kathmandu',
]

test.each(ZONES)('a year in %s', (zone) => {
  const moments = year(zone)
  const to = moments.at(-1)?.at ?? 0
  const within = (times: readonly number[], low: number, high: number) => times.filter((at) => at > low && at <= high)
  const daily = once(moments, (wall) => wall.getUTCHours() === 2 && wall.getUTCMinutes() === 30)
  expect(timesOf('30 2 * * *', zone, FROM, to)).toEqual(within(daily, FROM, to))
  expect(daily.length).toBeGreaterThanOrEqual(364)

  const isWeekday: Matches = (wall) => wall.getUTCDay() > 0 && wall.getUTCDay() < 6
  const midnight = once(moments, (wall) => isWeekday(wall) && wall.getTime() % 86_400_000 === 0)
  expect(timesOf('0 0 * * 1-5', zone, FROM, to)).toEqual(within(midnight, FROM, to))

  const changes = moments.filter(({ at, wall }, index) => {
    const before = moments[index - 1] ?? { at, wall }
    return wall - at !== before.wall - before.at
  })
  expect(changes).toHaveLength(zone === 'Asia/Kathmandu' ? 0 : 2)
  const twelve = once(moments, (wall) => wall.getUTCHours() % 2 === 0 && wall.getUTCMinutes() === 15)
  const hourly = passing(moments, (wall) => wall.getUTCMinutes() === 45)
  const quarters = moments.map(({ at }) => at)
  for (const { at } of changes.length > 0 ? changes : moments.slice(9000, 9001)) {
    const [low, high] = [at - 30 * 3_600_000, at + 30 * 3_600_000]
    expect(timesOf('15 */2 * * *', zone, low, high)).toEqual(within(twelve, low, high))
    expect(timesOf('45 * * * *', zone, low, high)).toEqual(within(hourly, low, high))
    expect(timesOf('*/15 * * * *', zone, low, high)).toEqual(within(quarters, low, high))
  }
})

const shown = (pattern: string, zone: string, from: string, count: number): readonly string[] => {
  const { next } = cronTimes(pattern, zone)
  const found: string[] = []
  for (let at = next(Date.parse(from)); at !== null && found.length < count; at = next(at))
    found.push(new Date(at).toISOString().slice(0, 19))
  return found
}

test('in words: a night with no half past one, and one with two', () => {
  expect(shown('30 1 * * *', 'Europe/Lisbon', '2026-03-28T12:00:00Z', 2)).toEqual([
    '2026-03-29T01:00:00',
    '2026-03-30T00:30:00',
  ])
  expect(shown('30 1 * * *', 'Europe/Lisbon', '2026-10-24T12:00:00Z', 2)).toEqual([
    '2026-10-25T00:30:00',
    '2026-10-26T01:30:00',
  ])
  // What is asked for between the two does not bring the second one about.
  expect(shown('30 1 * * *', 'Europe/Lisbon', '2026-10-25T00:45:00Z', 1)).toEqual(['2026-10-26T01:30:00'])
  expect(shown('*/20 * * * *', 'Europe/Lisbon', '2026-10-25T00:39:00Z', 3)).toEqual([
    '2026-10-25T00:40:00',
    '2026-10-25T01:00:00',
    '2026-10-25T01:20:00',
  ])
  // A day that there was not.
  expect(shown('0 9 * * *', 'Pacific/Apia', '2011-12-29T20:00:00Z', 2)).toEqual([
    '2011-12-30T10:00:00',
    '2011-12-30T19:00:00',
  ])
})

test('what is far away, and what never comes again', () => {
  expect(shown('0 * 1 1 *', 'America/New_York', '2026-07-01T00:00:00Z', 2)).toEqual([
    '2027-01-01T05:00:00',
    '2027-01-01T06:00:00',
  ])
  expect(shown('0 0 3 L 2 *', 'UTC', '2026-03-01T00:00:00Z', 1)).toEqual(['2027-02-28T03:00:00'])
  expect(shown('0 12 * * MON#2', 'UTC', '2026-03-01T00:00:00Z', 1)).toEqual(['2026-03-09T12:00:00'])
  expect(cronTimes('0 0 30 2 *', 'UTC').next(0)).toBeNull()
})

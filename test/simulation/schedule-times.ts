// When a schedule is due, as the guide says it (docs/guides/schedules.md), found the slow way: every second of a stretch of time is
// looked at, and what a clock on the wall shows then. Written for the judge, from nothing that the engine goes by.

/** What says when it is due. */
export interface Rule {
  readonly cron?: string
  /** Seconds. */
  readonly every?: number
  readonly timezone: string
}

const SECOND_MS = 1000
const DAY_MS = 86_400_000

interface Wall {
  readonly second: number
  readonly minute: number
  readonly hour: number
  readonly date: number
  readonly month: number
  readonly weekday: number
  /** Whether the next day is of another month. */
  readonly isLast: boolean
}

const shows = new Map<string, Intl.DateTimeFormat>()

/** What the wall shows at an instant, as if it were in UTC. */
function wallAt(instant: number, timezone: string): number {
  const show =
    shows.get(timezone) ??
    new Intl.DateTimeFormat('sv-SE', { timeZone: timezone, dateStyle: 'short', timeStyle: 'medium' })
  shows.set(timezone, show)
  return Date.parse(`${show.format(instant).replace(' ', 'T')}Z`)
}

/** The date that the wall shows. */
export const dayAt = (instant: number, timezone: string): string =>
  new Date(wallAt(instant, timezone)).toISOString().slice(0, 10)

function partsOf(wall: number): Wall {
  const date = new Date(wall)
  return {
    second: date.getUTCSeconds(),
    minute: date.getUTCMinutes(),
    hour: date.getUTCHours(),
    date: date.getUTCDate(),
    month: date.getUTCMonth() + 1,
    weekday: date.getUTCDay(),
    isLast: new Date(wall + DAY_MS).getUTCMonth() !== date.getUTCMonth(),
  }
}

/** One field: lists of `*`, numbers, ranges, and steps of them. */
function matches(field: string, value: number): boolean {
  return field.split(',').some((part) => {
    const [range = '', step = '1'] = part.split('/')
    if (range === '*') return value % Number(step) === 0
    const [low, high = low] = range.split('-').map(Number) as [number, number?]
    return value >= low && value <= high && (value - low) % Number(step) === 0
  })
}

function fieldsOf(cron: string): readonly string[] {
  const fields = (cron === '@hourly' ? '0 * * * *' : cron).split(' ')
  return fields.length === 5 ? ['0', ...fields] : fields
}

function isShown(fields: readonly string[], wall: number): boolean {
  const [second, minute, hour, date, month, weekday] = fields as [string, string, string, string, string, string]
  const at = partsOf(wall)
  if (!matches(second, at.second) || !matches(minute, at.minute) || !matches(hour, at.hour)) return false
  if (!matches(month, at.month)) return false
  const isDate = date === 'L' ? at.isLast : matches(date, at.date)
  const isWeekday = matches(weekday, at.weekday)
  // As cron has it: of two that are named, one is enough.
  return date === '*' || weekday === '*' ? isDate && isWeekday : isDate || isWeekday
}

/** All times at which it is due, after one instant and up to another. */
export function timesOf({ cron, every, timezone }: Rule, after: number, until: number): readonly number[] {
  const found: number[] = []
  const first = (Math.floor(after / SECOND_MS) + 1) * SECOND_MS
  const fields = fieldsOf(cron ?? '')
  const isPassing = fields[2] === '*'
  let before = wallAt(first - SECOND_MS, timezone)
  for (let at = first; at <= until; at += SECOND_MS) {
    if (every !== undefined) {
      if (at % (every * SECOND_MS) === 0) found.push(at)
      continue
    }
    const wall = wallAt(at, timezone)
    const isDue = isShown(fields, wall)
    if (isPassing) {
      if (isDue) found.push(at)
    } else {
      // What the wall leaves out is due at the moment of that; what it shows twice, at the first.
      let isLeftOut = false
      for (let gone = before + SECOND_MS; gone < wall && !isLeftOut; gone += SECOND_MS)
        isLeftOut = isShown(fields, gone)
      if (isLeftOut || (isDue && !wasShown(at, wall, timezone))) found.push(at)
    }
    before = wall
  }
  return found
}

/** Whether the wall has shown this before, since it was set back on that day. */
function wasShown(at: number, wall: number, timezone: string): boolean {
  const then = at - DAY_MS
  const ahead = wallAt(then, timezone) - then
  const earlier = wall - ahead
  return earlier < at && wallAt(earlier, timezone) === wall
}

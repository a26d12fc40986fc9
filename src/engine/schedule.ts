// The times of a run itself: when it begins, and when it is cancelled if it has not ended. Each is a timer under a name that
// no operation has, in the batch that creates the run, and gone in the batch that ends it.
import { types } from 'node:util'
import { fault } from '../core/errors.ts'
import type { RunRow, TimerRow } from '../core/store.ts'
import type { Time } from '../define/application.ts'
import type { ShardContext } from './shard-context.ts'

/** Names of a run's own timers. */
export const START = 'start'
export const DEADLINE = 'deadline'

/** Past it a typo is likelier than a wish. */
const FAR_MS = 100 * 365.25 * 86_400_000
const ISO = /^(\d{4})-(\d\d)-(\d\d)T(\d\d):\d\d(?::\d\d(?:\.\d{1,9})?)?(?:Z|[+-]\d\d:\d\d)$/

/** Milliseconds since the epoch, or null when it is not given. @throws TIME_INVALID */
export function timeOf(given: Time | undefined, what: string, now: number): number | null {
  if (given === undefined) return null
  const ms = msOf(given)
  const problem = Number.isNaN(ms)
    ? 'it is no point in time with a time zone'
    : Math.abs(ms - now) > FAR_MS
      ? 'it is more than a hundred years away'
      : null
  if (problem === null) return ms
  // What an object says of itself comes from outside, and may throw.
  const isNoTime = typeof given === 'object' && given !== null && !types.isDate(given)
  const time = isNoTime ? 'an object' : String(given).slice(0, 64)
  throw fault('TIME_INVALID', { what, time, problem })
}

/** Refuses a deadline that lies before the run could do anything. @throws TIME_INVALID */
export function checkDeadline(deadline: number | null, at: number | null, now: number): void {
  const begins = Math.max(at ?? now, now)
  if (deadline === null || deadline > begins) return
  const time = new Date(deadline).toISOString()
  throw fault('TIME_INVALID', {
    what: 'The deadline',
    time,
    problem: `it has passed when the run begins, at ${new Date(begins).toISOString()}`,
  })
}

function msOf(given: Time): number {
  if (typeof given === 'number') return Math.round(given)
  if (typeof given === 'string') return parsed(given)
  return types.isDate(given) ? given.getTime() : Number.NaN
}

/** `Date.parse` takes the 30th of February for the 2nd of March, and 24:00 for the day after. */
function parsed(text: string): number {
  const [year = 0, month = 0, day = 0, hour = 0] = ISO.exec(text)?.slice(1).map(Number) ?? []
  const isThere = new Date(Date.UTC(year, month - 1, day)).getUTCDate() === day && day > 0 && hour < 24
  return isThere ? Date.parse(text) : Number.NaN
}

/** Writes the timers of a new run. */
export function writeSchedule(context: ShardContext, row: RunRow): void {
  for (const timer of timersOf(row)) {
    context.writer.rows.timers.push(timer)
    context.timers.add(timer)
  }
}

/** The timers of a run that ends are gone. */
export function dropSchedule(context: ShardContext, row: RunRow): void {
  for (const timer of timersOf(row)) {
    context.writer.rows.timersGone.push(timer)
    context.timers.remove(timer)
  }
}

/** Whether a timer is a run's own, and not of something that its code waits for. */
export function isOwnTimer(op: string): boolean {
  return op === START || op === DEADLINE
}

function timersOf({ num, at, deadline }: RunRow): readonly TimerRow[] {
  return [
    ...(at === null ? [] : [{ due: at, run: num, op: START }]),
    ...(deadline === null ? [] : [{ due: deadline, run: num, op: DEADLINE }]),
  ]
}

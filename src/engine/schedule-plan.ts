// What a schedule has to do now, from its definition, what it did before and the time: which of the times that have come are
// fired, which are left out, and when it is due next. Pure. What came due before the definition changed is judged by the times
// as they were, what comes after by the new ones: no time is lost or fired twice by a change. Used by schedules.ts.
import { timesOf, type ScheduleDefinition, type Timing } from '../define/schedule.ts'

/** What a schedule keeps of itself. */
export interface Planned {
  readonly timing: Timing
  /** Every time up to this has been decided. */
  readonly until: number
}

export interface Plan {
  /** Null for a schedule that the application does not have: it waits until one has it again. */
  readonly planned: Planned | null
  /** What is to be fired now, the oldest first. */
  readonly due: readonly number[]
  /** The first and the last time that nothing was started for, because nothing ran then. */
  readonly missed: readonly [number, number] | null
  readonly next: number | null
  /** When this was decided, by the clock. */
  readonly now: number
}

/** What is due no longer ago is on time, when nothing is made up for. */
const ON_TIME_MS = 60_000
/** Times at most that are made up for at once. */
const MOST = 1000
/** How far back is looked first for times that have come, and how much farther each time. */
const [LOOK_MS, FARTHER] = [60_000, 4] as const

/**
 * @param planned null for one that is seen for the first time, or again after it was gone: it begins now.
 * @param pausedAt since when it is paused, or null: what comes due meanwhile is not fired, nor made up for, and what came due before
 * and was not fired yet is missed.
 */
export function planOf(
  schedule: ScheduleDefinition | undefined,
  planned: Planned | null,
  pausedAt: number | null,
  now: number,
): Plan {
  if (schedule === undefined) return { planned: null, due: [], missed: null, next: null, now }
  const { timing } = schedule
  const after = { planned: { timing, until: now }, now }
  if (pausedAt !== null) return { ...after, due: [], missed: leftBy(planned, Math.min(pausedAt, now)), next: null }
  const next = timesOf(timing).next(now)
  if (planned === null || planned.until >= now) return { ...after, due: [], missed: null, next }
  const { due, missed } = dueOf(schedule, planned, now)
  return { ...after, due, missed, next }
}

/** The first and the last time that had come by a moment, and was not decided. */
function leftBy(planned: Planned | null, moment: number): Plan['missed'] {
  if (planned === null || planned.until >= moment) return null
  const { next } = timesOf(planned.timing)
  const first = next(planned.until)
  if (first === null || first > moment) return null
  return [first, latestOf(next, planned.until, moment, 1).at(-1) ?? first]
}

function dueOf(
  { catchUp, withinMs }: ScheduleDefinition,
  { timing, until }: Planned,
  now: number,
): Pick<Plan, 'due' | 'missed'> {
  const times = timesOf(timing)
  const first = times.next(until)
  if (first === null || first > now) return { due: [], missed: null }
  const most = catchUp === 'all' ? MOST : 1
  const late = Math.min(
    withinMs ?? Number.POSITIVE_INFINITY,
    catchUp === 'none' ? ON_TIME_MS : Number.POSITIVE_INFINITY,
  )
  const latest = latestOf(times.next, until, now, most + 1)
  const due = latest.slice(-most).filter((time) => now - time <= late)
  const left = latest.slice(0, latest.length - due.length).at(-1)
  return { due, missed: left === undefined ? null : [first, left] }
}

/** The latest times after one instant and up to another, so many at most: there may be millions of them. */
function latestOf(next: (after: number) => number | null, after: number, now: number, most: number): readonly number[] {
  for (let span = LOOK_MS; ; span *= FARTHER) {
    const from = Math.max(after, now - span)
    const found: number[] = []
    for (let time = next(from); time !== null && time <= now; time = next(time)) found.push(time)
    if (found.length >= most || from === after) return found.slice(-most)
  }
}

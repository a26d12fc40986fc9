// The times of a cron expression in a time zone. What a clock on the wall shows is matched by croner, which is told that it is
// UTC; which instants those are is said here, where the zone sets its clocks forward or back:
//
//   hours are named (`30 2 * * *`)   each wall time once: at the first of two, and at the moment of the change when there is none
//   every hour (`*/20 * * * *`)      as time passes: the hour that comes twice twice, the one that is left out not at all
import { Cron } from 'croner'
import { changeBetween, instantOf, offsetAt, wallOf } from './zone.ts'

/** How closely is looked for a change of the clocks while time passes, and how far. */
const LOOK_MS = 1_800_000
const FAR_MS = 2 * 86_400_000

/** The times of an expression. */
export interface Times {
  /** The first after an instant; null when there is none any more. */
  readonly next: (after: number) => number | null
}

/** @throws an error whose message says what is wrong with the expression */
export function cronTimes(pattern: string, zone: string): Times {
  // Croner takes the time of the moment for it.
  if (pattern.includes('?')) throw new SyntaxError('it has a ?, which means nothing here')
  const cron = new Cron(pattern, { timezone: 'UTC', mode: '5-or-6-parts', paused: true })
  const wallAfter = (wall: number): number | null => cron.nextRun(new Date(wall))?.getTime() ?? null
  const next = isEveryHour(pattern)
    ? (after: number) => nextPassing(wallAfter, zone, after)
    : (after: number) => nextOnce(wallAfter, zone, after)
  return { next }
}

function isEveryHour(pattern: string): boolean {
  const fields = pattern.trim().split(/\s+/)
  return fields.length === 1 ? fields[0]?.toLowerCase() === '@hourly' : fields.at(-4) === '*'
}

type WallAfter = (wall: number) => number | null

/** What was shown before has an instant before, also where one is shown twice. */
function nextOnce(wallAfter: WallAfter, zone: string, after: number): number | null {
  for (let wall = wallAfter(wallOf(after, zone)); wall !== null; wall = wallAfter(wall)) {
    const instant = instantOf(wall, zone)
    if (instant > after) return instant
  }
  return null
}

/** Between two changes the wall goes on as time does. */
function nextPassing(wallAfter: WallAfter, zone: string, after: number): number | null {
  let from = Math.floor(after / 1000) * 1000
  for (let wall = wallAfter(from + offsetAt(from, zone)); wall !== null;) {
    const offset = offsetAt(from, zone)
    const instant = wall - offset
    const change = changeWithin(from, Math.min(instant, from + FAR_MS), zone)
    if (change !== null) {
      const shown = change + offsetAt(change, zone)
      // What the wall shows at the change may match as well.
      wall = wallAfter(shown - 1000)
      from = change
      continue
    }
    if (offsetAt(instant, zone) === offset) return instant
    // It is far away: what stands between does not match.
    const there = instantOf(wall, zone)
    if (wallOf(there, zone) === wall) return there
    wall = wallAfter(wall)
  }
  return null
}

function changeWithin(from: number, to: number, zone: string): number | null {
  const offset = offsetAt(from, zone)
  for (let at = from; at < to;) {
    const then = Math.min(at + LOOK_MS, to)
    if (offsetAt(then, zone) !== offset) return changeBetween(at, then, zone)
    at = then
  }
  return null
}

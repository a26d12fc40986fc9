// Time zones: what a clock on the wall shows there at an instant, and which instants there are for what it shows. A wall time is
// kept in milliseconds as if it were UTC. Intl knows the zones and their rules. Used by cron.ts and schedule.ts.

const formats = new Map<string, Intl.DateTimeFormat>()

function formatOf(zone: string): Intl.DateTimeFormat {
  const known = formats.get(zone)
  if (known !== undefined) return known
  const made = new Intl.DateTimeFormat('en-US', {
    timeZone: zone,
    hourCycle: 'h23',
    era: 'short',
    year: 'numeric',
    month: 'numeric',
    day: 'numeric',
    hour: 'numeric',
    minute: 'numeric',
    second: 'numeric',
  })
  formats.set(zone, made)
  return made
}

/** Whether there is such a zone: `Europe/Lisbon`, `UTC`. */
export function isZone(zone: string): boolean {
  try {
    formatOf(zone)
    return true
  } catch {
    return false
  }
}

/** What the wall shows at an instant, in whole seconds. */
export function wallOf(instant: number, zone: string): number {
  const whole = Math.floor(instant / 1000) * 1000
  if (zone === 'UTC') return whole
  const parts: Partial<Record<Intl.DateTimeFormatPartTypes, string>> = {}
  for (const { type, value } of formatOf(zone).formatToParts(whole)) parts[type] = value
  const part = (type: Intl.DateTimeFormatPartTypes): number => Number(parts[type])
  return Date.UTC(part('year'), part('month') - 1, part('day'), part('hour'), part('minute'), part('second'))
}

/** How far the wall is ahead of UTC at an instant of a whole second. */
export const offsetAt = (instant: number, zone: string): number => wallOf(instant, zone) - instant

/** Zones are set forward and back by less than this, and not twice in so short a time. */
const DAY_MS = 86_400_000

/** The first whole second from which the offset is not that of `from` any more; it is another one at `to`. */
export function changeBetween(from: number, to: number, zone: string): number {
  const before = offsetAt(from, zone)
  let [low, high] = [from, to]
  while (high - low > 1000) {
    const middle = low + Math.floor((high - low) / 2000) * 1000
    if (offsetAt(middle, zone) === before) low = middle
    else high = middle
  }
  return high
}

/** The first instant at which the wall shows this; one that it does not show, because it is set forward past it, is the moment of that. */
export function instantOf(wall: number, zone: string): number {
  const [from, to] = [wall - DAY_MS, wall + DAY_MS]
  const [before, after] = [offsetAt(from, zone), offsetAt(to, zone)]
  const early = wall - before
  if (offsetAt(early, zone) === before) return early
  const late = wall - after
  return offsetAt(late, zone) === after ? late : changeBetween(from, to, zone)
}

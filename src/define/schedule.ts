// Schedules: "at these times, make that call". `schedule(...)` gives a value for ballet({ schedules }); the engine fires it
// (engine/schedules.ts). What its times are stands here and in cron.ts, and is asked with nothing but an instant.
import { toMs, type Duration } from '../core/duration.ts'
import { isRecord } from '../core/json.ts'
import type { CallValue } from '../core/values.ts'
import type { Call } from './call.ts'
import { cronTimes, type Times } from './cron.ts'
import { refuse, refuseName, refuseNotFunction, refuseUnknownOptions } from './refusal.ts'
import { isZone, wallOf } from './zone.ts'

/** A time at which a schedule fires, as its `call` is told it. */
export interface Firing {
  /** When it is due, ISO 8601 in UTC: `2026-03-02T03:00:00.000Z`. When it is made may be later. */
  readonly at: string
  /** The day of that in the time zone of the schedule: `2026-03-02`. */
  readonly day: string
  /** The name of the schedule. */
  readonly schedule: string
}

/** When a schedule fires: by a cron expression, or every so often. */
export type ScheduleTimes =
  | {
      /**
       * Minute, hour, day of the month, month, day of the week, as cron has them, with seconds in front if there are six:
       * `0 3 * * 1-5`. Also `@hourly`, `@daily`, `@weekly`, `@monthly`, `@yearly`.
       */
      readonly cron: string
      /** Whose clocks are meant: `Europe/Lisbon`. Default `UTC`. */
      readonly timezone?: string | undefined
      readonly every?: undefined
    }
  | {
      /** From 1 s. The times are the multiples of it since 1970 in UTC, whenever the application was opened. */
      readonly every: Duration
      /** In which `day` is told. Default `UTC`. */
      readonly timezone?: string | undefined
      readonly cron?: undefined
    }

/** What a schedule does. */
export interface ScheduleSettings {
  /**
   * From a firing to the call that it starts, or null for none. Pure and synchronous, like a reaction: the same for the same
   * firing, which may be asked again after a crash.
   */
  readonly call: (firing: Firing) => Call | null
  /**
   * While the run of the firing before is under way: `skip` leaves this one out, `allow` starts it beside. Default `skip`. What is
   * left out is counted and shown.
   */
  readonly overlap?: 'skip' | 'allow' | undefined
  /**
   * Of the times at which nothing ran (the process was down): `last` makes up for the latest, `all` for each, the oldest first and
   * a thousand at most, `none` for none but the latest if that was due within the minute. Default `last`.
   */
  readonly catchUp?: 'last' | 'all' | 'none' | undefined
  /** What was due longer ago than this is not made up for. Default: however long ago. */
  readonly within?: Duration | undefined
}

/** What `schedule(name, options)` takes: its times, the call, and what becomes of a time that cannot be kept. */
export type ScheduleOptions = ScheduleTimes & ScheduleSettings

/** What times follow from, as plain data: it is kept with what was fired, so that a changed schedule is told from the one before. */
export interface Timing {
  readonly cron: string | null
  readonly everyMs: number | null
  readonly timezone: string
}

/** A schedule, made by schedule(...). */
export interface ScheduleDefinition {
  readonly kind: 'schedule'
  readonly name: string
  readonly timing: Timing
  readonly overlap: 'skip' | 'allow'
  readonly catchUp: 'last' | 'all' | 'none'
  /** Null: however long ago. */
  readonly withinMs: number | null
  readonly call: (firing: Firing) => CallValue | null
}

const OPTIONS = ['cron', 'every', 'timezone', 'call', 'overlap', 'catchUp', 'within']
const SECOND_MS = 1000

/**
 * Defines a schedule: at each of its times it starts the call.
 *
 *     const nightly = schedule('nightly', { cron: '0 3 * * 1-5', timezone: 'Europe/Lisbon', call: ({ day }) => reconcile({ day }) })
 *     export default ballet({ services, workflows: [reconcile], schedules: [nightly] })
 *
 * Each firing starts one run, `<name>@<time>`, on whichever node and however often it is tried. A time that the clocks leave out
 * when they are set forward is due at that moment, one that comes twice when they are set back counts once; an expression whose
 * hour is `*` fires as time passes.
 *
 * @param name letters, digits, _ and -, beginning with a letter, up to 64.
 * @throws DEFINITION_INVALID, DURATION_INVALID
 */
export function schedule(name: string, options: ScheduleOptions): ScheduleDefinition {
  const what = refuseName('schedule', name)
  refuseUnknownOptions(options, OPTIONS, what)
  refuseNotFunction(options.call, what, 'call')
  const { overlap = 'skip', catchUp = 'last', within } = options
  if (overlap !== 'skip' && overlap !== 'allow')
    refuse(what, `overlap must be "skip" or "allow", not ${shown(overlap)}`)
  if (catchUp !== 'last' && catchUp !== 'all' && catchUp !== 'none')
    refuse(what, `catchUp must be "last", "all" or "none", not ${shown(catchUp)}`)
  return Object.freeze({
    kind: 'schedule',
    name,
    timing: timingOf(options, what),
    overlap,
    catchUp,
    withinMs: within === undefined ? null : toMs(within, `${what}: within`),
    call: options.call,
  })
}

function timingOf({ cron, every, timezone = 'UTC' }: ScheduleTimes, what: string): Timing {
  if (typeof timezone !== 'string' || !isZone(timezone))
    refuse(what, `timezone ${shown(timezone)} is none that is known here; one is "Europe/Lisbon"`)
  if ((cron === undefined) === (every === undefined)) refuse(what, 'give it either cron or every')
  const everyMs = every === undefined ? null : toMs(every, `${what}: every`)
  if (everyMs !== null && everyMs < SECOND_MS) refuse(what, `every must be 1s or longer, not ${shown(every)}`)
  const timing: Timing = Object.freeze({ cron: cron ?? null, everyMs, timezone })
  if (cron !== undefined) refuseCron(cron, timing, what)
  return timing
}

function refuseCron(cron: unknown, timing: Timing, what: string): void {
  if (typeof cron !== 'string') return refuse(what, `cron must be a string, not ${typeof cron}`)
  let first: number | null
  try {
    first = timesOf(timing).next(0)
  } catch (error) {
    const problem = error instanceof Error ? error.message.replace(/^CronPattern: |\.$/g, '') : String(error)
    return refuse(what, `cron ${shown(cron)}: ${problem}`)
  }
  if (first === null) refuse(what, `cron ${shown(cron)} never comes`)
}

const shown = (value: unknown): string =>
  typeof value === 'string' ? JSON.stringify(value.slice(0, 80)) : typeof value

const known = new Map<string, Times>()

/** The times of a schedule. */
export function timesOf({ cron, everyMs, timezone }: Timing): Times {
  if (everyMs !== null) return { next: (after) => (Math.floor(after / everyMs) + 1) * everyMs }
  const name = `${timezone} ${cron}`
  const times = known.get(name) ?? cronTimes(cron ?? '', timezone)
  known.set(name, times)
  return times
}

/** A time of a schedule as its call is told it. */
export function firingOf({ name, timing }: ScheduleDefinition, at: number): Firing {
  const day = new Date(wallOf(at, timing.timezone)).toISOString().slice(0, 10)
  return { at: new Date(at).toISOString(), day, schedule: name }
}

/** Whether an unknown value is a schedule, made by schedule(...). */
export function isScheduleDefinition(value: unknown): value is ScheduleDefinition {
  return isRecord(value) && value['kind'] === 'schedule'
}

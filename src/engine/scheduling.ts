// The schedules of a running application: that each has its run, on the node that has its shard; that this looks again when the
// code may be another or the clock was set back; and the doors by which people see, pause and trigger them. Kept by
// RunningApplication; what a schedule does is in schedules.ts.
import type { Cancel, Clock } from '../core/clock.ts'
import { showMs } from '../core/duration.ts'
import { fault, isBalletError } from '../core/errors.ts'
import { toFailure } from '../core/failure.ts'
import { SCHEDULE, nearest } from '../core/names.ts'
import type { RunView, ScheduleView } from '../core/views.ts'
import type { ScheduleActed, Started, TriggerRequest } from '../define/application.ts'
import type { Reasoned } from '../define/reasoned.ts'
import type { Log } from '../define/definition.ts'
import { timesOf, type ScheduleDefinition } from '../define/schedule.ts'
import { reasonOf } from './actions.ts'
import type { Directory } from './directory.ts'
import type { Doors } from './doors.ts'
import { timeOf } from './schedule.ts'
import { firedRun, isoOf, scheduleRun, type ScheduleState } from './schedules.ts'
import type { Shard } from './shard.ts'
import type { Shards } from './shards.ts'

/** How soon what could not be begun is tried again, and how often is looked at the clock. */
const AGAIN_MS = 1000
const TICK_MS = 60_000
/** Its run takes no signal any more, or is none of a schedule; when that is forgotten, with its name, it begins anew. */
const OVER: ReadonlySet<string> = new Set(['RUN_ENDED', 'RUN_FORGOTTEN', 'RUN_CONFLICT'])

export interface SchedulingOptions {
  readonly directory: Directory
  readonly doors: Doors
  readonly clock: Clock
  readonly log: Log
  readonly shards: Pick<Shards, 'of'>
  readonly run: (id: string) => Promise<RunView | null>
}

export class Scheduling {
  readonly #options: SchedulingOptions
  readonly #here = new Map<string, Shard>()
  /** Schedules whose shard is taking up its runs, and wants to go on with what it was doing. */
  readonly #waiting = new Map<string, PromiseWithResolvers<void>>()
  /** Of schedules that fire: gives that up. */
  readonly #leaving = new Map<string, PromiseWithResolvers<never>>()
  /** The latest time that something was decided by, or looked at. */
  #seen = Number.NEGATIVE_INFINITY
  #tick: Cancel | null = null
  /** Schedules of which the log has said that they fire no more. */
  readonly #told = new Set<string>()

  constructor(options: SchedulingOptions) {
    this.#options = options
    const { directory, doors, log, run } = options
    directory.schedules.attach({
      log,
      run,
      now: () => this.#now(),
      whileHere: (schedule, work) => this.#whileHere(schedule, work),
      judge: (call, input) => void directory.checkInput(call, input),
      start: (request) => doors.start(request),
    })
  }

  get #definitions(): ReadonlyMap<string, ScheduleDefinition> {
    return this.#options.directory.schedules.definitions
  }

  /** A shard is here, and has taken up its runs: its schedules are begun, or look what the code of today says. */
  came(shard: Shard): void {
    if (shard.isStopped) return
    for (const name of this.#definitions.keys()) {
      if (this.#options.shards.of(scheduleRun(name)) !== shard.context.shard) continue
      this.#here.set(name, shard)
      this.#waiting.get(name)?.resolve()
      this.#waiting.delete(name)
      void this.#begin(name, shard)
    }
    if (this.#here.size > 0 && this.#tick === null) this.#watchClock()
  }

  /** A shard begins nothing more: another process is to make what its schedules are about to fire, and meets by the id what came of it. */
  left(shard: Shard): void {
    for (const name of this.#definitions.keys()) {
      if (this.#options.shards.of(scheduleRun(name)) !== shard.context.shard) continue
      this.#here.delete(name)
      this.#leaving.get(name)?.reject(fault('APP_CLOSED'))
    }
    if (this.#here.size > 0) return
    this.#tick?.()
    this.#tick = null
  }

  async #begin(schedule: string, shard: Shard): Promise<void> {
    const { doors, clock, log } = this.#options
    const run = scheduleRun(schedule)
    const isHere = (): boolean => this.#here.get(schedule) === shard && !shard.isStopped
    try {
      const { created } = await doors.start({ call: SCHEDULE, input: { schedule } })
      if (!created) await doors.signal({ run, name: 'look', data: null })
    } catch (error) {
      if (!isHere()) return
      const again = (ms: number): void =>
        void clock.after(ms, () => (isHere() ? void this.#begin(schedule, shard) : undefined))
      if (isBalletError(error) && OVER.has(error.code)) {
        this.#tellOver(schedule, error.message)
        return again(TICK_MS)
      }
      // That it is stuck has been said, and it looks by itself when it can be read.
      if (isBalletError(error) && error.code === 'RUN_UNREADABLE') return again(TICK_MS)
      log.warn(`The schedule "${schedule}" is not begun, and is tried again: ${toFailure(error).message}`, undefined, {
        run,
      })
      again(AGAIN_MS)
    }
  }

  /** A version of Ballet that has no schedules had the store, and somebody ended the run there, or gave its id to another. */
  #tellOver(schedule: string, why: string): void {
    if (this.#told.has(schedule)) return
    this.#told.add(schedule)
    const words = `The schedule "${schedule}" fires no more: ${why} Give it another name, under which it begins anew`
    this.#options.log.error(words, undefined, { run: scheduleRun(schedule) })
  }

  async #whileHere<T>(schedule: string, work: () => Promise<T>): Promise<T> {
    const leaving = Promise.withResolvers<never>()
    this.#leaving.set(schedule, leaving)
    try {
      await Promise.race([this.#ready(schedule), leaving.promise])
      return await Promise.race([work(), leaving.promise])
    } finally {
      if (this.#leaving.get(schedule) === leaving) this.#leaving.delete(schedule)
    }
  }

  async #ready(schedule: string): Promise<void> {
    if (this.#here.get(schedule)?.isStopped === false) return
    const waiting = this.#waiting.get(schedule) ?? Promise.withResolvers<void>()
    this.#waiting.set(schedule, waiting)
    await waiting.promise
  }

  #now(): number {
    const now = this.#options.clock.now()
    this.#seen = Math.max(this.#seen, now)
    return now
  }

  /** What waits for its next time was told how long by a clock that was ahead. */
  #watchClock(): void {
    // One that was called off may come all the same.
    if (this.#here.size === 0) return
    const { clock } = this.#options
    const now = clock.now()
    const isBack = now < this.#seen
    this.#seen = now
    if (isBack) for (const [name, shard] of this.#here) if (!shard.isStopped) void this.#begin(name, shard)
    this.#tick = clock.after(TICK_MS, () => this.#watchClock())
  }

  async schedules(): Promise<readonly ScheduleView[]> {
    return Promise.all([...this.#definitions.values()].map((one) => this.#view(one)))
  }

  async #view({ name, timing, overlap, catchUp, withinMs }: ScheduleDefinition): Promise<ScheduleView> {
    const own = await this.#own(name)
    const known = typeof own === 'string' ? null : own
    const { next, paused, last, skipped, missed } = (known?.state ?? {}) as Partial<ScheduleState>
    const state = stateOf(own, paused != null)
    const run = last == null ? null : await this.#options.run(last.run).catch(() => null)
    return {
      name,
      cron: timing.cron,
      every: timing.everyMs === null ? null : showMs(timing.everyMs),
      timezone: timing.timezone,
      overlap,
      catchUp,
      within: withinMs === null ? null : showMs(withinMs),
      run: scheduleRun(name),
      state,
      // One that has not looked yet will come to the same.
      next:
        state === 'ended' || own === 'unread'
          ? null
          : next === undefined
            ? isoOf(timesOf(timing).next(this.#options.clock.now()))
            : next,
      paused: paused ?? null,
      last: last == null ? null : { ...last, status: run?.status ?? null, ended: run?.ended ?? null },
      skipped: skipped ?? null,
      missed: missed ?? null,
    }
  }

  /** Its run; `over` where that has ended and was forgotten, or is none of a schedule; `unread` where it cannot be read. */
  async #own(name: string): Promise<Own> {
    try {
      const own = await this.#options.run(scheduleRun(name))
      return own === null || own.name === SCHEDULE ? own : 'over'
    } catch (error) {
      if (isBalletError(error) && error.code === 'RUN_FORGOTTEN') return 'over'
      // It hides no other.
      if (isBalletError(error) && error.code === 'RUN_UNREADABLE') return 'unread'
      throw error
    }
  }

  async schedule(name: string): Promise<ScheduleView> {
    return this.#view(this.#definition(name))
  }

  async act(action: 'pause' | 'resume', name: string, request: Reasoned): Promise<ScheduleActed> {
    this.#definition(name)
    await this.#options.doors.signal({ run: scheduleRun(name), name: action, data: reasonOf(request) })
    return { schedule: name, action }
  }

  async trigger(name: string, { at, ...request }: TriggerRequest): Promise<Started> {
    const definition = this.#definition(name)
    const { by, why } = reasonOf(request)
    const { clock, directory, log } = this.#options
    const now = clock.now()
    const time = timeOf(at, 'The time', now) ?? now
    const started = await directory.schedules.start(definition, time)
    if (started === null) {
      const id = firedRun(name, new Date(time).toISOString())
      throw fault('ACTION_REFUSED', { id, action: 'trigger', problem: 'the schedule comes to no call at that time' })
    }
    log.info(`${by} triggered the schedule "${name}"${why === '' ? '' : `: ${why}`}`, undefined, { run: started.id })
    return started
  }

  /** @throws SCHEDULE_UNKNOWN */
  #definition(name: string): ScheduleDefinition {
    const found = this.#definitions.get(name)
    if (found !== undefined) return found
    throw fault('SCHEDULE_UNKNOWN', { name: name.slice(0, 80), nearest: nearest(name, this.#definitions.keys()) })
  }
}

type Own = RunView | 'over' | 'unread' | null

function stateOf(own: Own, isPaused: boolean): ScheduleView['state'] {
  if (own === 'unread') return 'stuck'
  if (own === 'over' || (own !== null && own.ended !== null)) return 'ended'
  if (own?.status === 'stuck') return 'stuck'
  return isPaused ? 'paused' : 'active'
}

// Schedules as runs: each is a run of one workflow that comes with the engine, `@schedule:<name>`, which sleeps until its next
// time, starts what is due, and continues. So what was fired, who paused it and when it is due next are in a journal, one node
// has it, and a crash loses nothing. What depends on the code of today (the times, the call) is asked in steps: their answers
// are kept, so that a schedule may be changed at will. A firing is a start under an id of the schedule and its time: however
// often it is made, there is one such run.
//
//   begun or changed --plan--> due: judge, start each --> waits for its next time, for a pause, or until the code is another
//                      '--continues with what it has decided------------------------------------------------'
import { SCHEDULE } from '../core/names.ts'
import { fault, isBalletError } from '../core/errors.ts'
import { toFailure } from '../core/failure.ts'
import { isRecord } from '../core/json.ts'
import type { Schema } from '../core/schema.ts'
import type { RunView } from '../core/views.ts'
import type { Started, StartRequest } from '../define/application.ts'
import type { Log, WorkflowDefinition } from '../define/definition.ts'
import type { Run } from '../define/run.ts'
import { firingOf, type ScheduleDefinition } from '../define/schedule.ts'
import { signal } from '../define/signal.ts'
import { planOf, type Plan, type Planned } from './schedule-plan.ts'

/** What somebody may start: schedules are begun by the engine. @throws CALL_UNKNOWN */
export function checkOutside(call: string): string {
  if (call !== SCHEDULE) return call
  throw fault('CALL_UNKNOWN', { name: call, nearest: '' })
}

/** The run of a schedule. */
export const scheduleRun = (name: string): string => `${SCHEDULE}:${name}`

/**
 * The id of the run that a schedule starts for a time, `nightly@20260302T030000Z`: no default id has a `@` there. Without colons,
 * behind the last of which an id says where its run is: not all of them are to be in one place.
 */
export const firedRun = (name: string, at: string): string => `${name}@${at.replaceAll(/[-:]|\.000/g, '')}`

/** Such an id: the schedule, the day and the time. */
export const FIRED: RegExp = /^([A-Za-z][\w-]*)@(\d{8})T(\d{6}(?:\.\d{3})?)Z$/

/** What is asked of the application that the schedules are a part of. */
export interface ScheduleHost {
  readonly log: Log
  /** By the clock: the time of a shard may be ahead of it. */
  now(): number
  /**
   * Does this when the shard of a schedule has taken up its runs: what is started before that is refused. Whoever hands the shard on
   * does not wait for it. @throws APP_CLOSED when the shard leaves
   */
  readonly whileHere: <T>(schedule: string, work: () => Promise<T>) => Promise<T>
  /** Whether a call can be made with this. @throws CALL_UNKNOWN, INPUT_INVALID, KEY_INVALID */
  judge(call: string, input: unknown): void
  readonly start: (request: StartRequest) => Promise<Started>
  readonly run: (id: string) => Promise<RunView | null>
}

/** Who has paused a schedule, and why. */
export interface Pausing {
  readonly by: string
  readonly why: string
}

/** What a run of a schedule says of itself, and keeps. Times are ISO 8601. */
export interface ScheduleState {
  readonly next: string | null
  readonly paused: (Pausing & { readonly at: string }) | null
  /** The latest time that it was fired for, and the run that was started. */
  readonly last: { readonly at: string; readonly run: string } | null
  /** The latest time that was left out, and the run that was still under way; and how many were. */
  readonly skipped: { readonly at: string; readonly run: string; readonly count: number } | null
  /** The first and the last time of those that were missed last, because nothing ran then. */
  readonly missed: { readonly from: string; readonly to: string } | null
}

interface Input {
  readonly schedule: string
  readonly kept?: { readonly planned: Planned | null; readonly state: ScheduleState }
}

type Fired = { readonly run: string } | { readonly skipped: string } | { readonly nothing: true }

type ScheduleRun = Run<ScheduleState, typeof Pause | typeof Resume | typeof Look, 'schedule', Input>

const anything = <T>(): Schema<T> => ({
  '~standard': { version: 1, vendor: 'ballet', validate: (value) => ({ value: value as T }) },
})

const nothing: Schema<null> = { '~standard': { version: 1, vendor: 'ballet', validate: () => ({ value: null }) } }

/** The doors of schedules say who and why; the door of signals is open to anything. */
const said: Schema<Pausing> = {
  '~standard': { version: 1, vendor: 'ballet', validate: (value) => (isPausing(value) ? { value } : NO_PAUSING) },
}
const NO_PAUSING = {
  issues: [{ message: 'it must be by and why: who asks for it, up to 256 characters, and what for' }],
}

const Pause = signal('pause', said)
const Resume = signal('resume', said)
/** The code may be another than before, or the clock was set. */
const Look = signal('look', nothing)

const NEW: ScheduleState = { next: null, paused: null, last: null, skipped: null, missed: null }
/** What the author's code throws is not better a moment later. */
const ONCE = { attempts: 1 }
/** What the engine cannot take now, it takes in a while. */
const FOR_EVER = { attempts: 1_000_000, backoff: '1s', limit: '1m' } as const
/** By more than this the time of a shard is not ahead of the clock but for a clock that was set back. */
const AHEAD_MS = 60_000

export class Schedules {
  readonly definitions: ReadonlyMap<string, ScheduleDefinition>
  readonly workflow: WorkflowDefinition
  #host: ScheduleHost | null = null

  constructor(definitions: readonly ScheduleDefinition[]) {
    this.definitions = new Map(definitions.map((one) => [one.name, one]))
    const body = (run: ScheduleRun, input: Input): Promise<unknown> => this.#body(run, input)
    this.workflow = Object.freeze({
      name: SCHEDULE,
      input: anything(),
      output: anything(),
      state: anything(),
      key: 'schedule',
      signals: [Pause, Resume, Look],
      body,
    })
  }

  /** Once, before anything runs. */
  attach(host: ScheduleHost): void {
    this.#host = host
  }

  get #there(): ScheduleHost {
    if (this.#host === null) throw fault('NOT_READY')
    return this.#host
  }

  async #body(run: ScheduleRun, { schedule, kept }: Input): Promise<unknown> {
    let state = kept?.state ?? NEW
    const planned = kept?.planned ?? null
    const made: unknown = await run.step('plan', () => this.#plan(schedule, planned, state), { retry: ONCE })
    // A person may have answered it with something else: nothing is due then until somebody looks again.
    const plan = isPlan(made) ? made : { planned, due: [], missed: null, next: null, now: run.now().getTime() }
    state = { ...state, next: isoOf(plan.next) }
    if (plan.missed !== null) {
      const [from, to] = plan.missed.map((time) => isoOf(time)) as [string, string]
      state = { ...state, missed: { from, to } }
      const due = from === to ? `at ${from}` : `from ${from} to ${to}`
      run.log.warn(`The schedule "${schedule}" was due ${due}, and nothing ran: that is not made up for`)
    }
    for (const at of plan.due) {
      run.set(state)
      state = await this.#fire(run, schedule, at, state)
    }
    run.set(state)
    const wanted = [Pause, Resume, Look] as const
    const got =
      plan.next === null
        ? await run.receive(wanted)
        : await run.receive(wanted, { within: `${waitOf(plan, run.now().getTime())}ms` })
    if (Pause.is(got)) state = { ...state, next: null, paused: { ...got.data, at: run.now().toISOString() } }
    else if (Resume.is(got)) state = { ...state, paused: null }
    run.set(state)
    // What came due while it was paused is decided by that.
    const decided = kept?.state.paused == null ? plan.planned : upTo(plan.planned, run.now().getTime())
    return run.continueAs({ schedule, kept: { planned: decided, state } })
  }

  #plan(name: string, planned: Planned | null, { paused }: ScheduleState): Plan {
    const pausedAt = paused === null ? null : Date.parse(paused.at)
    return planOf(this.definitions.get(name), planned, pausedAt, this.#there.now())
  }

  /** One time; a person may have let it fail, and then it is over. */
  async #fire(run: ScheduleRun, name: string, time: number, state: ScheduleState): Promise<ScheduleState> {
    const at = new Date(time).toISOString()
    let fired: unknown
    try {
      await run.step('judge', () => this.#judge(name, time), { retry: ONCE })
      fired = await run.step('start', () => this.#start(name, time, state.last?.run ?? null), { retry: FOR_EVER })
    } catch (error) {
      if (!isBalletError(error) || error.code !== 'CALL_FAILED') throw error
      return state
    }
    const { run: started, skipped } = isRecord(fired) ? fired : {}
    if (typeof started === 'string') return { ...state, last: { at, run: started } }
    if (typeof skipped !== 'string') return state
    run.log.warn(`The schedule "${name}" leaves out ${at}: the run "${skipped}" is still under way`)
    return { ...state, skipped: { at, run: skipped, count: (state.skipped?.count ?? 0) + 1 } }
  }

  #judge(name: string, time: number): null {
    const schedule = this.definitions.get(name)
    const call = schedule?.call(firingOf(schedule, time)) ?? null
    if (call !== null) this.#there.judge(call.name, call.input)
    return null
  }

  async #start(name: string, time: number, before: string | null): Promise<Fired> {
    const schedule = this.definitions.get(name)
    if (schedule === undefined) return { nothing: true }
    const id = firedRun(name, firingOf(schedule, time).at)
    return this.#there.whileHere(name, async () => {
      if (schedule.overlap === 'skip' && before !== null && before !== id && (await this.#isUnderWay(before)))
        // It may have been started by an attempt of which nobody has heard, when that one had not begun.
        return (await this.#isThere(id)) ? { run: id } : { skipped: before }
      return (await this.start(schedule, time)) === null ? { nothing: true } : { run: id }
    })
  }

  /** Starts what a schedule comes to for a time; null when it comes to nothing. @throws as `app.start` */
  async start(schedule: ScheduleDefinition, time: number): Promise<Started | null> {
    const firing = firingOf(schedule, time)
    const id = firedRun(schedule.name, firing.at)
    const call = schedule.call(firing)
    if (call === null) return null
    const { log, start } = this.#there
    try {
      return await start({ call: call.name, input: call.input, id })
    } catch (error) {
      if (!isBalletError(error) || error.code !== 'RUN_CONFLICT') throw error
      // The code has come to another call for the same time: what was started first holds.
      log.warn(`The schedule "${schedule.name}" had started another run for ${firing.at}: ${toFailure(error).message}`)
      return { id, created: false }
    }
  }

  async #isUnderWay(id: string): Promise<boolean> {
    const found = await this.#find(id)
    return found !== 'forgotten' && found?.ended === null
  }

  async #isThere(id: string): Promise<boolean> {
    return (await this.#find(id)) !== null
  }

  /** What is forgotten has ended. */
  async #find(id: string): Promise<RunView | 'forgotten' | null> {
    try {
      return await this.#there.run(id)
    } catch (error) {
      if (isBalletError(error) && error.code === 'RUN_FORGOTTEN') return 'forgotten'
      throw error
    }
  }
}

/** A time as people see it. */
export const isoOf = (time: number | null): string | null => (time === null ? null : new Date(time).toISOString())

function isPlan(made: unknown): made is Plan {
  if (!isRecord(made)) return false
  const { due, now, next } = made
  return Array.isArray(due) && typeof now === 'number' && (next === null || typeof next === 'number')
}

/** From the turn on; its time is ahead of the clock by what passed since the plan, unless the clock was set back. */
function waitOf({ next, now }: Plan, turn: number): number {
  if (next === null) return 0
  return Math.max(0, next - (turn - now < AHEAD_MS ? turn : now))
}

function upTo(planned: Planned | null, time: number): Planned | null {
  return planned === null ? null : { ...planned, until: Math.max(planned.until, time) }
}

function isPausing(value: unknown): value is Pausing {
  if (!isRecord(value)) return false
  const { by, why, ...rest } = value
  const isText = (text: unknown, most: number): boolean => typeof text === 'string' && text.length <= most
  return isText(by, 256) && isText(why, 4000) && Object.keys(rest).length === 0
}

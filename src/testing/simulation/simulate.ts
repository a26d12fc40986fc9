// The simulator for those who write applications: their own definitions, on the engine as it is, in many stories in which
// processes die, hang and are replaced, commits are lost or late, and requests arrive twice or not at all. Time is virtual, and
// everything random comes from the seed of the story, so that a story can be told again. What must be true in the end is
// theirs to say; that everything comes to an end, and that no process stops without a cause, is looked at besides.
import { toMs } from '../../core/duration.ts'
import type { RunRow } from '../../core/store.ts'
import type { Application } from '../../define/application.ts'
import type { ApplicationDefinition, OperationContext, OperationDefinition } from '../../define/definition.ts'
import { broughtHere } from '../../define/elsewhere.ts'
import { refuse, refuseNotFunction, refuseUnknownOptions } from '../../define/refusal.ts'
import { toFailure } from '../../core/failure.ts'
import { inTurn } from './in-turn.ts'
import { patientClient } from './patient.ts'
import type { SimulatedProcess } from './process.ts'
import { tell, type Figures, type Scene, type Stage, type Told } from './stage.ts'

/** Chance from the seed of a story: whatever a story draws from here is the same when it is told again. */
export interface Dice {
  /** True with a probability from 0 to 1. */
  is(probability: number): boolean
  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number
  pick<T>(items: readonly T[]): T
}

/** The application as clients of a story use it: whatever process there is answers. */
export type StoryApp = Omit<Application, 'name' | 'recovered' | 'stopped' | 'standing' | 'watch' | 'close'>

/** What is played in one story. */
export interface Story {
  /** Its services keep what they know outside of it, as services do: its processes come and go. */
  readonly application: ApplicationDefinition
  /**
   * What clients do, and wait for. A call that has no answer (the process is gone, the store failed) is made again under the same id
   * until there is one. Rejects when something is wrong.
   */
  readonly clients: (app: StoryApp) => Promise<unknown>
  /** Looks at what has come of it when all runs have ended. Throws, or rejects, when something is wrong. */
  readonly judge?: ((app: StoryApp) => unknown) | undefined
}

/** How many stories are told, and how long each may be. */
export interface SimulateOptions {
  /** How many stories, 1 to 1,000,000; default 100. */
  readonly seeds?: number | undefined
  /** The seed of the first, from 0; default 1. */
  readonly from?: number | undefined
  /** How long a story may last, in its own time: `240s` unless it is given, at least `10s`. Runs that sleep for days need more. */
  readonly limit?: string | undefined
  /** How long things go wrong at most, in its own time: `4s` unless it is given, at least `1s`. */
  readonly storm?: string | undefined
}

/** Something that was wrong, and the story of it. */
export interface StoryFound {
  readonly seed: number
  /**
   * `JUDGE`, `CLIENTS`: what those threw. `PROGRESS`: something did not end. `STOPPED`: an application stopped without a cause.
   */
  readonly rule: string
  readonly detail: string
  /** What happened, in order: milliseconds since it began, and words. */
  readonly lines: readonly string[]
}

/** What the stories were, and what was wrong in the last. */
export interface SimulationReport {
  readonly stories: number
  /** Over all stories. Without crashes and faults nothing is shown. */
  readonly runs: number
  readonly processes: number
  readonly crashes: number
  /** What went wrong, by its kind. */
  readonly faults: Readonly<Record<string, number>>
  /** In the last story; null when nothing was wrong in any. */
  readonly found: StoryFound | null
}

const SEEDS_MOST = 1_000_000
const LIMIT_LEAST_MS = 10_000
const STORM_LEAST_MS = 1000
const ROOM_LOOK_MS = 200

/**
 * Why a run is stuck, where that comes of what goes wrong around it, and not of what its author wrote. What a workflow threw is the
 * author's, unless it is what the engine has thrown for it: that what it waits for cannot be read.
 */
const OF_STORMS: ReadonlySet<string | null> = new Set(['unreadable', 'poisoned', 'threw'])
const UNREAD = /ATTEMPT_FAILED: .* cannot be read: The store failed/

/**
 * Plays stories of an application until something is wrong, or all have been told.
 *
 *     const report = await simulate((dice) => {
 *       const bank = new Bank()                      // outside of every process
 *       return {
 *         application: shopWith(bank),
 *         clients: (app) => app.start(checkout({ orderId: '1', amount: dice.between(1, 100) })),
 *         judge: () => assert.equal(bank.charges.size, 1),
 *       }
 *     })
 *     expect(report.found).toBeNull()
 *
 * A service that is elsewhere is played by the `run` of its definition, and nothing is asked over a network.
 * Operations are reached over a wire on which requests get lost, late and doubled, as an HTTP service is; what they do has
 * to be in memory, because virtual time does not wait for files, sockets or timers. Several calls of `simulate` in one process
 * come one after the other.
 * @param makeStory called once for each story.
 * @throws DEFINITION_INVALID for what is wrong with the arguments, DURATION_INVALID, and what `makeStory` throws
 */
export async function simulate(
  makeStory: (dice: Dice) => Story,
  options: SimulateOptions = {},
): Promise<SimulationReport> {
  const what = 'simulate(...)'
  refuseNotFunction(makeStory, what, 'the story')
  refuseUnknownOptions(options, ['seeds', 'from', 'limit', 'storm'], what)
  const seeds = wholeOf('seeds', options.seeds ?? 100, 1, SEEDS_MOST)
  const from = wholeOf('from', options.from ?? 1, 0, 2 ** 31)
  const limitMs = durationOf('limit', options.limit, LIMIT_LEAST_MS)
  const stormMs = durationOf('storm', options.storm, STORM_LEAST_MS)
  const times = { ...(limitMs === undefined ? {} : { limitMs }), ...(stormMs === undefined ? {} : { stormMs }) }
  const workload = { name: 'story', scene: (stage: Stage) => new StoryScene(stage, makeStory, times) }
  return inTurn(async () => {
    const sum = { stories: 0, runs: 0, processes: 0, crashes: 0, faults: {} as Record<string, number> }
    for (let seed = from; seed < from + seeds; seed += 1) {
      const told = await tell(workload, seed)
      add(sum, told.figures)
      // It is told again, line by line: to keep the lines of all would cost more than the stories.
      if (told.findings.length > 0) return { ...sum, found: foundIn(told, await tell(workload, seed, true)) }
    }
    return { ...sum, found: null }
  })
}

class StoryScene implements Scene {
  readonly limitMs?: number
  readonly stormMs?: number
  readonly #stage: Stage
  readonly #story: Story
  readonly #app: Application
  #isOver = false
  #isRetrying = false
  /** Runs whose code threw by itself. */
  readonly #ofAuthor = new Set<string>()

  constructor(stage: Stage, makeStory: (dice: Dice) => Story, times: { limitMs?: number; stormMs?: number }) {
    Object.assign(this, times)
    this.#stage = stage
    const story: unknown = makeStory(stage.world.chance('story'))
    if (!isStory(story))
      refuse('the story', 'it must have an application, made by ballet({...}), and clients, a function')
    this.#story = { ...story, application: broughtHere(story.application, 'the story') }
    this.#app = patientClient(stage, this.#story.application)
  }

  /** Every attempt at an operation goes over the wire. */
  application(process: SimulatedProcess): ApplicationDefinition {
    const { application } = this.#story
    const sent = (operation: OperationDefinition): OperationDefinition => ({
      ...operation,
      run: operation.run === null ? null : (input, context) => this.#send(process, operation, input, context),
    })
    return {
      ...application,
      services: application.services.map((service) => ({ ...service, operations: service.operations.map(sent) })),
      http: null,
    }
  }

  #send(
    process: SimulatedProcess,
    { name, run }: OperationDefinition,
    input: unknown,
    context: OperationContext,
  ): Promise<unknown> {
    const { world, wire } = this.#stage
    const deliver = (): Promise<unknown> => {
      world.note(`${name} is asked, ${context.idempotencyKey}, attempt ${context.attempt}`)
      const answer = Promise.resolve().then(() => run?.(input, context))
      // Whoever asked may never hear of it.
      answer.catch(() => {})
      return answer
    }
    return wire.call(process, name, deliver)
  }

  begin(): void {
    const over = (): void => void (this.#isOver = true)
    Promise.resolve()
      .then(() => this.#story.clients(this.#app))
      .then(over, (error: unknown) => this.#stage.world.blame('CLIENTS', toFailure(error).message))
  }

  /** Somebody tries again what the storm alone has left for a person: no code of the author brings that about, and none could mend it. */
  look(): void {
    const rows = this.#stage.world.disks.flatMap(({ runs }) => [...runs.values()])
    const stuck = rows.find(
      ({ id, status, ended, reason }) =>
        status === 'stuck' && ended === null && OF_STORMS.has(reason) && !this.#ofAuthor.has(id),
    )
    if (stuck === undefined || this.#isRetrying) return
    this.#isRetrying = true
    this.#stage
      .ask((app) => this.#tryAgain(app, stuck))
      .catch(() => {})
      .finally(() => (this.#isRetrying = false))
  }

  async #tryAgain(app: Application, { id, reason }: Pick<RunRow, 'id' | 'reason'>): Promise<void> {
    const isOfStorm = reason !== 'threw' || UNREAD.test((await app.run(id))?.error?.message ?? '')
    if (!isOfStorm) return void this.#ofAuthor.add(id)
    this.#stage.world.count('runStuck')
    await app.retry(id, { by: 'simulate', why: 'the storm has left it stuck' })
  }

  isOver(): boolean {
    return this.#isOver
  }

  /** Resolves when there is room on the disk: nothing goes wrong any more, and the store asks for it every second. */
  async #room(): Promise<void> {
    while (await this.#stage.askCurrent((app) => Promise.resolve(isFull(app))))
      await this.#stage.world.clock.wait(ROOM_LOOK_MS)
  }

  async judge(): Promise<void> {
    try {
      const { world, patienceMs } = this.#stage
      const ask: Stage['ask'] = (question) => this.#stage.askCurrent(question)
      await this.#room()
      await this.#story.judge?.(patientClient({ world, patienceMs, ask }, this.#story.application))
    } catch (error) {
      this.#stage.world.blame('JUDGE', toFailure(error).message)
    }
  }
}

/** Whether it takes the disk for full: how flows stand is written when there is room again. */
const isFull = (app: Application): boolean =>
  app
    .metrics()
    .some(({ name, samples }) => name === 'ballet_store_full' && samples.some((one) => 'value' in one && one.value > 0))

function isStory(story: unknown): story is Story {
  if (typeof story !== 'object' || story === null) return false
  const { application, clients, judge } = story as Partial<Story>
  const isApplication = (application as { kind?: unknown } | undefined)?.kind === 'application'
  return isApplication && typeof clients === 'function' && (judge === undefined || typeof judge === 'function')
}

function foundIn({ seed, findings }: Told, again: Told): StoryFound {
  const [first] = findings
  // What comes of the same seed is the same, unless the story has dice of its own.
  const { rule, detail } = first ?? { rule: 'JUDGE', detail: '' }
  return { seed, rule, detail, lines: again.lines ?? [] }
}

function add(
  sum: { stories: number; runs: number; processes: number; crashes: number; faults: Record<string, number> },
  figures: Figures,
): void {
  sum.stories += 1
  sum.runs += figures.runs
  sum.processes += figures.processes
  sum.crashes += figures.crashes
  for (const [kind, count] of Object.entries(figures.faults)) sum.faults[kind] = (sum.faults[kind] ?? 0) + count
}

function wholeOf(name: string, value: unknown, least: number, most: number): number {
  if (typeof value === 'number' && Number.isInteger(value) && value >= least && value <= most) return value
  return refuse('simulate(...)', `${name} must be a whole number from ${least} to ${most}`)
}

function durationOf(name: string, value: unknown, leastMs: number): number | undefined {
  if (value === undefined) return undefined
  const ms = toMs(typeof value === 'string' ? value : JSON.stringify(value))
  return ms >= leastMs ? ms : refuse('simulate(...)', `${name} must be at least ${leastMs / 1000}s`)
}

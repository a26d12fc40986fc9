// Schedules that fire every few seconds, around a moment at which clocks are changed somewhere, while processes die, freeze and
// replace one another, nobody runs for a while, clocks are set, people pause, resume and trigger, and the application is released
// anew with other times, policies and calls. When the faults are over they go on for a while, and then somebody pauses all of them.
import { isBalletError } from '../../src/core/errors.ts'
import type { Retention } from '../../src/define/retention.ts'
import type { RunOptions } from '../../src/engine/open.ts'
import type { Chance } from '../../src/testing/simulation/chance.ts'
import type { SimulatedProcess } from '../../src/testing/simulation/process.ts'
import type { Scene, Stage, Workload } from '../../src/testing/simulation/stage.ts'
import { AGAIN_MS } from './askers.ts'
import { Books } from './books.ts'
import { judgeReplays, judgeRows, never } from './journals.ts'
import { momentOf, releasesOf, scheduledApplication, type Release, type Work } from './schedule-contracts.ts'
import { judgeSchedules } from './schedule-judge.ts'
import { timesOf } from './schedule-times.ts'
import { Watch } from './schedule-watch.ts'
import { StuckRuns } from './stuck-runs.ts'

const STORM_MS = 40_000
const LIMIT_MS = 600_000
/** How long a release is the newest that is started. */
const RELEASE_MS = 9000
/** How long schedules go on when all is well: what is suspected is tried again after 30 s, and who looks at a clock does every 60 s. */
const CALM_MS = 60_000
const LOOKED_MS = 70_000
const STRETCH_MS = 15_000
/** How long nobody runs. */
const OUTAGES_MS = [1500, 6000, 25_000, 100_000]
/** How long what has ended is kept, and its name, in a third of the stories. */
const SHORT: Retention = { runs: '5s', dedupe: '20s' }
/** How far a clock is set. */
const SETTINGS_MS = [-20_000, -3000, 4000, 15_000, 75_000]

export const schedulesOfOne: Workload = {
  name: 'schedules',
  beginMs: (seed) => Date.parse(momentOf(seed)[0]) - ((seed * 7919) % 35_000) - 2000,
  scene: (stage) => new SchedulesScene(stage, false),
}
export const schedulesOfShards: Workload = {
  ...schedulesOfOne,
  name: 'schedules of shards',
  cluster: { shards: 4, nodes: 1 },
}
export const schedulesOfNodes: Workload = {
  ...schedulesOfOne,
  name: 'schedules of nodes',
  cluster: { shards: 6, nodes: 3 },
}

export const schedulesRestored: Workload = {
  ...schedulesOfOne,
  name: 'schedules restored',
  isRestored: true,
  scene: (stage) => new SchedulesScene(stage, true),
}
export const schedulesOfNodesRestored: Workload = {
  ...schedulesRestored,
  name: 'schedules of nodes restored',
  cluster: { shards: 6, nodes: 3 },
}

/** Something that is done at some age of the world. */
interface Deed {
  readonly atMs: number
  readonly act: () => void
}

class SchedulesScene implements Scene {
  readonly stormMs = STORM_MS
  readonly limitMs = LIMIT_MS
  readonly #stage: Stage
  readonly #books: Books
  readonly #stuck: StuckRuns
  readonly #people: Chance
  readonly #operators: Chance
  readonly #releases: readonly Release[]
  readonly #running = new Map<SimulatedProcess, number>()
  readonly #deeds: Deed[] = []
  readonly #watch: Watch
  /** How long what has ended is kept, and its name; null for ever. */
  readonly #retention: Retention | null
  #holdsUntilMs = 0
  #healedMs: number | null = null
  #closing: 'no' | 'asking' | 'asked' = 'no'

  /** @param isRestored whether the store is put back: there is one release then, or services would be told two things under one key. */
  constructor(stage: Stage, isRestored: boolean) {
    const { world } = stage
    this.#stage = stage
    this.#books = new Books(stage)
    this.#stuck = new StuckRuns(stage)
    this.#people = world.chance('people')
    this.#operators = world.chance('operators')
    const releases = releasesOf(world.chance('releases'), momentOf(world.seed)[1])
    this.#releases = isRestored ? releases.slice(0, 1) : releases
    const clocks = this.#settings()
    const apart = world.isSkewed ? 1500 : 0
    const outMs = clocks.reduce((most, ms) => Math.max(most, Math.abs(ms)), 0)
    // Names are kept for longer than clocks are apart: whoever has a clock that is ahead frees what another has to meet yet.
    const retention = world.chance('retention').pick([null, null, SHORT])
    this.#retention = apart + outMs < 20_000 ? retention : null
    this.#watch = new Watch(world, this.#releases, apart + outMs)
    this.#outages()
  }

  /** When clocks are set, and by how much. */
  #settings(): readonly number[] {
    const chance = this.#operators
    if (!chance.is(0.3)) return []
    const isAll = chance.is(0.5)
    return Array.from({ length: chance.between(1, 3) }, () => {
      const byMs = chance.pick(SETTINGS_MS)
      this.#deeds.push({ atMs: chance.between(500, STORM_MS), act: () => this.#setClocks(byMs, isAll) })
      return byMs
    })
  }

  #setClocks(byMs: number, isAll: boolean): void {
    if (this.#stage.world.weather === null) return
    const alive = [...this.#running.keys()].filter(({ isAlive }) => isAlive)
    if (alive.length === 0) return
    for (const process of isAll ? alive : [this.#operators.pick(alive)])
      process.setClock(this.#operators.is(0.3) ? 0 : byMs)
  }

  #outages(): void {
    const chance = this.#operators
    for (let number = chance.pick([0, 0, 1, 1, 2]); number > 0; number--) {
      const forMs = chance.pick(OUTAGES_MS)
      const isOrderly = chance.is(0.5)
      this.#deeds.push({ atMs: chance.between(1000, STORM_MS / 2), act: () => this.#goDown(forMs, isOrderly) })
    }
  }

  #goDown(forMs: number, isOrderly: boolean): void {
    const { world } = this.#stage
    if (world.weather === null) return
    world.note(`nobody runs for ${forMs} ms`)
    world.count('outage')
    this.#holdsUntilMs = world.ageMs + forMs
    for (const process of this.#running.keys()) {
      if (!process.isAlive) continue
      if (isOrderly && process.app !== null && !process.hasClosed) process.end().catch(() => {})
      else process.crash('nobody runs')
    }
  }

  options(): RunOptions {
    return this.#retention === null ? {} : { retention: this.#retention }
  }

  get isHolding(): boolean {
    return this.#stage.world.ageMs < this.#holdsUntilMs
  }

  application(process: SimulatedProcess) {
    const release = this.#release
    this.#running.set(process, release)
    this.#watch.started(process, release)
    this.#stage.world.note(`${process.name} is of release ${release}`, () => JSON.stringify(this.#releases[release]))
    const note = (work: Work, context: Parameters<typeof this.note>[2]) => this.note(process, work, context)
    return scheduledApplication(this.#releases[release] as Release, note, String(release))
  }

  note(process: SimulatedProcess, work: Work, context: Parameters<Books['call']>[1]): Promise<undefined> {
    const entry = { run: work.id, step: 'note', input: work }
    return this.#books.call(process, context, entry, () => ({ outcome: 'applied', answer: undefined }))
  }

  get #release(): number {
    const { weather, ageMs } = this.#stage.world
    const last = this.#releases.length - 1
    return weather === null ? last : Math.min(Math.floor(ageMs / RELEASE_MS), last)
  }

  begin(): void {
    this.#watch.begin()
    const { clock } = this.#stage.world
    const chance = this.#people
    const names = [...new Set(this.#releases.flat().map(({ name }) => name))]
    for (let number = chance.between(0, 4); number > 0; number--) {
      const name = chance.pick(names)
      const forMs = chance.pick([10, 1500, 9000, 20_000])
      const pausing = async (): Promise<void> => {
        await this.#person(name, 'pause')
        await clock.wait(forMs)
        await this.#person(name, 'resume')
      }
      clock.after(chance.between(0, STORM_MS), () => void pausing())
    }
    for (let number = chance.between(0, 3); number > 0; number--) {
      const name = chance.pick(names)
      clock.after(chance.between(0, STORM_MS), () => void this.#trigger(name))
    }
  }

  /** Until it is heard, or there is no such schedule, or all are paused for good. */
  async #person(
    name: string,
    action: 'pause' | 'resume',
    isWanted = (): boolean => this.#closing === 'no',
  ): Promise<void> {
    const { clock } = this.#stage.world
    while (isWanted()) {
      try {
        await this.#stage.ask((app) => app[action](name, { by: 'somebody', why: 'it is wanted' }))
        return
      } catch (error) {
        if (isBalletError(error) && error.code === 'SCHEDULE_UNKNOWN' && this.#closing === 'no') return
        await clock.wait(AGAIN_MS)
      }
    }
  }

  /** For a time at which it is due, which may have been or be still to come, or for any other. */
  async #trigger(name: string): Promise<void> {
    const { clock } = this.#stage.world
    const chance = this.#people
    const spec = chance.pick(this.#releases.flat().filter((one) => one.name === name))
    const now = clock.now()
    const slots = timesOf(spec, now - 20_000, now + 10_000)
    const time = slots.length > 0 && chance.is(0.7) ? chance.pick(slots) : now - chance.between(0, 5000)
    const at = new Date(time).toISOString()
    while (this.#closing === 'no') {
      try {
        this.#watch.triggered(name, time)
        await this.#stage.ask((app) => app.trigger(name, { at, by: 'somebody', why: 'it is wanted' }))
        this.#watch.triggered(name, time, clock.now())
        return
      } catch (error) {
        if (isBalletError(error) && ['SCHEDULE_UNKNOWN', 'ACTION_REFUSED'].includes(error.code)) return
        await clock.wait(AGAIN_MS)
      }
    }
  }

  restored(): void {
    this.#watch.restored()
    if (this.#healedMs !== null) this.#healedMs = this.#stage.world.ageMs
  }

  look(): void {
    const { world } = this.#stage
    this.#stuck.tryAgain()
    for (const deed of this.#deeds.filter(({ atMs }) => world.ageMs >= atMs)) {
      this.#deeds.splice(this.#deeds.indexOf(deed), 1)
      deed.act()
    }
    const newest = this.#release
    for (const [process, release] of this.#running) {
      const isWanted = world.weather === null || this.#operators.is(0.02)
      if (release === newest || process.app === null || process.hasClosed || !isWanted) continue
      process.end().catch(() => {})
    }
    this.#watch.look()
    if (world.weather !== null || this.isHolding) return
    if (this.#healedMs === null) {
      this.#healedMs = world.ageMs
      this.#watch.healed()
      for (const process of this.#running.keys()) process.setClock(0)
    }
    if (this.#closing === 'no' && world.ageMs > this.#healedMs + this.#calmMs) void this.#close()
  }

  /** A clock that was set is looked at within a minute, and what was ahead of it comes when it does. */
  get #calmMs(): number {
    const { aheadMs } = this.#watch
    return STRETCH_MS + (aheadMs === 0 ? CALM_MS : LOOKED_MS + aheadMs)
  }

  async #close(): Promise<void> {
    this.#closing = 'asking'
    this.#watch.closed()
    for (const { name } of this.#releases.at(-1) as Release) await this.#person(name, 'pause', () => true)
    this.#closing = 'asked'
  }

  isOver(): boolean {
    return (
      this.#closing === 'asked' && (this.#releases.at(-1) as Release).every(({ name }) => this.#watch.isPaused(name))
    )
  }

  async judge(): Promise<void> {
    const { world } = this.#stage
    const last = this.#releases.at(-1) as Release
    // One that is not in the code any more learns of it at its next time.
    const isLeft = (id: string): boolean =>
      id.startsWith('@schedule:') && !last.some(({ name }) => id === `@schedule:${name}`)
    if (this.#retention === null) judgeRows(world, true, isLeft)
    judgeSchedules(this.#watch, this.#books.lines)
    for (const disk of world.disks)
      for (const { id, status, call } of disk.runs.values())
        if (status !== 'completed' && call !== '@schedule') world.blame('ENDED', `${id} is ${status}`)
    await judgeReplays(world, scheduledApplication(last, never, 'last'))
  }
}

// Jobs whose graphs lie in several shards, in a store that soon forgets them, while they are asked for again and again.
// Nothing may be forgotten that an open run still asks for, nothing may be done twice while its name is taken, and in the end
// nothing may be left.
import { toMs } from '../../src/core/duration.ts'
import { eventRef, runRef } from '../../src/core/ids.ts'
import type { RunRow } from '../../src/core/store.ts'
import type { Application } from '../../src/define/application.ts'
import type { RunOptions } from '../../src/engine/open.ts'
import type { MemoryData } from '../../src/stores/memory/memory-data.ts'
import type { Chance } from '../../src/testing/simulation/chance.ts'
import type { SimulatedProcess } from '../../src/testing/simulation/process.ts'
import type { Scene, Stage, Workload } from '../../src/testing/simulation/stage.ts'
import { AGAIN_MS, Askers } from './askers.ts'
import { Books } from './books.ts'
import { Asked, forgettingApplication, type Job } from './forgetting-contracts.ts'
import { judgeReplays, never } from './journals.ts'
import { StuckRuns } from './stuck-runs.ts'

/** How far the clocks of two processes may be apart: one says when a name is free, another asks for it. */
const SKEW_MS = 1900
/** Sweeps come every second, and a graph goes from its leaves to its root. */
const GONE_WITHIN_MS = 60_000

export const forgettingShards: Workload = {
  name: 'forgetting shards',
  cluster: { shards: 4, nodes: 1 },
  scene: (stage) => new ForgettingScene(stage),
}
export const forgettingNodes: Workload = {
  ...forgettingShards,
  name: 'forgetting nodes',
  cluster: { shards: 6, nodes: 3 },
}

/** The run or event to which a name was given, and its place in the order in which all began. */
interface Given extends Pick<RunRow, 'root' | 'created'> {
  readonly nth: number
}

interface Asker {
  readonly job: Job
  /** By the event alone. */
  readonly isDirect: boolean
}

const askFor = (app: Application, { job, isDirect }: Asker): Promise<unknown> =>
  isDirect
    ? app.publish(Asked(job.order), { id: job.id, source: 'outside' })
    : app.startNamed({ call: 'job', input: job })

class ForgettingScene implements Scene {
  readonly #stage: Stage
  readonly #books: Books
  readonly #chance: Chance
  readonly #stuck: StuckRuns
  readonly #retention: { readonly runs: '10s'; readonly dedupe?: '40s' }
  readonly #askers: Asker[] = []
  /** To what each name was last given. */
  readonly #given = new Map<string, Given>()
  #count = 0
  readonly #clients: Askers

  constructor(stage: Stage) {
    this.#stage = stage
    this.#books = new Books(stage)
    this.#chance = stage.world.chance('clients')
    this.#clients = new Askers(stage, this.#chance)
    this.#stuck = new StuckRuns(stage)
    const chance = stage.world.chance('retention')
    // Longer than anything lies in an inbox, and longer than anything waits: what processes died of does for 30 s at most.
    const dedupe = chance.pick(['40s', '40s', null] as const)
    this.#retention = { runs: '10s', ...(dedupe === null ? {} : { dedupe }) }
  }

  application(process: SimulatedProcess) {
    return forgettingApplication(this.#books.hands(process, ['help', 'carry', 'write']))
  }

  options(): RunOptions {
    return { retention: this.#retention }
  }

  begin(): void {
    const { world } = this.#stage
    world.onCommit.push(({ shard, runs, events, eventsGone }) => {
      for (const { source, id, root, at } of events) {
        const name = eventRef(source, id)
        const before = this.#give(name, { root, created: at })
        // What follows from something else goes with that.
        if (source === 'outside') this.#judgeTime(name, at, before)
      }
      const before = runs.map(({ id, root, created }) => this.#give(runRef(id), { root, created }))
      for (const [index, run] of runs.entries()) if (!run.id.includes('~')) this.#judgeName(run, before[index])
      if (eventsGone.length > 0) this.#judgeEvents(world.disks[shard] as MemoryData)
    })
    world.whenEnded(({ id, status }) => {
      if (status !== 'completed') world.blame('ENDED', `${id} is ${status}`)
    })
    for (let number = this.#chance.between(1, 4); number > 0; number--) {
      const waits = Array.from({ length: this.#chance.pick([1, 1, 2]) }, () => this.#chance.pick([0, 2000, 25_000]))
      const id = `j-${number}`
      const rest = this.#chance.between(0, 4000)
      // Some copies go on when the time of all names of their graph is up.
      const after = this.#chance.pick([0, 4000, 60_000])
      const order = { id, to: `t-${number}`, letter: `l-${number}`, copy: `c-${number}`, rest, after }
      const asker = { job: { id, order, waits }, isDirect: this.#chance.is(0.5) }
      this.#askers.push(asker)
      // Somebody asks again when it may be over, forgotten, or forgotten with its name.
      for (const until of [1500, this.#chance.pick([3000, 70_000])])
        this.#clients.ask(until, (app) => askFor(app, asker))
      // Also for a part of it, which is there already, or is now.
      this.#clients.ask(70_000, (app) => app.startNamed({ call: 'letter', input: order }))
    }
  }

  /** Returns to whom the name was given before. */
  #give(name: string, given: Omit<Given, 'nth'>): Given | undefined {
    const before = this.#given.get(name)
    this.#given.set(name, { ...given, nth: ++this.#count })
    return before
  }

  /** A name is free when its time is up, and not before. */
  #judgeTime(name: string, at: number, before: Given | undefined): void {
    if (before === undefined) return
    const { dedupe } = this.#retention
    const freeAt = dedupe === undefined ? Infinity : before.created + toMs(dedupe)
    if (at + SKEW_MS < freeAt)
      this.#stage.world.blame('TWICE', `${name} began at ${before.created}, and again at ${at}`)
  }

  /** Nor is it while anything younger of its graph is there. */
  #judgeName({ id, created }: RunRow, before: Given | undefined): void {
    this.#judgeTime(runRef(id), created, before)
    const { world } = this.#stage
    // What is younger in another shard is known by the clocks of two processes alone.
    if (before === undefined || world.isSkewed) return
    // The graph itself may have begun anew.
    const anew = this.#nthOf(before.root)
    const end = anew > before.nth ? anew : this.#nthOf(runRef(id))
    for (const other of world.disks.flatMap(({ runs }) => [...runs.values()])) {
      const nth = this.#nthOf(runRef(other.id))
      // What comes of it when it is forgotten already holds nothing.
      const isInTime = other.created < before.created + toMs(this.#retention.runs)
      if (other.root === before.root && nth > before.nth && nth < end && isInTime)
        world.blame('HELD', `${id} began again, and ${other.id} of its graph is there`)
    }
  }

  #nthOf(name: string): number {
    return this.#given.get(name)?.nth ?? 0
  }

  /** As long as a reaction is there, it says what it reacted to. */
  #judgeEvents({ runs, events }: MemoryData): void {
    const there = new Set(events.map(({ source, id }) => eventRef(source, id)))
    for (const { id, kind, cause } of runs.values())
      if (kind === 'reaction' && cause !== null && !there.has(cause))
        this.#stage.world.blame('CAUSE', `${id} has no event`)
  }

  look(): void {
    this.#stuck.tryAgain()
  }

  isOver(): boolean {
    return this.#clients.areDone
  }

  async judge(): Promise<void> {
    const { world } = this.#stage
    await judgeReplays(world, forgettingApplication({ help: never, carry: never, write: never }))
    for (const { job, isDirect } of this.#askers)
      for (const step of isDirect ? ['carry', 'write'] : ['help', 'carry', 'write'])
        if (!this.#books.has(job.id, step)) world.blame('LOST', `${step} of ${job.id}`)
    const before = world.ageMs
    while (this.#left().length > 0 && world.ageMs < before + GONE_WITHIN_MS) await world.clock.wait(AGAIN_MS)
    for (const left of this.#left()) world.blame('KEPT', left)
  }

  /** What should be gone, some time after all has ended. */
  #left(): readonly string[] {
    return this.#stage.world.disks.flatMap(({ runs, journal, events, flows, timers }, shard) => [
      ...[...runs.values()].map(({ id }) => `the run ${id}`),
      ...[...journal].flatMap(([run, rows]) =>
        rows.length === 0 ? [] : [`${rows.length} turns of the run ${run} of the shard ${shard}`],
      ),
      ...events.map(({ id }) => `the event ${id}`),
      // A row without a key says how far flows are written.
      ...[...flows.values()].filter(({ key }) => key !== '').map(({ key }) => `the flow of ${key}`),
      ...[...timers.values()].filter(({ run }) => run > 0).map(({ run, op }) => `the timer ${op} of the run ${run}`),
    ])
  }
}

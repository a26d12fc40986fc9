// Orders that are under way while the application is released anew, taken back to the release before, and released again: nodes of
// several releases are there at a time, and what one has begun another goes on with. In the end all are of the last release, and
// everything that was ever acknowledged has been done, once.
import { isBalletError } from '../../src/core/errors.ts'
import type { Chance } from '../../src/testing/simulation/chance.ts'
import type { SimulatedProcess } from '../../src/testing/simulation/process.ts'
import type { Scene, Stage, Workload } from '../../src/testing/simulation/stage.ts'
import { Askers } from './askers.ts'
import { Books } from './books.ts'
import { judgeConducted } from './conducted.ts'
import { judgeReplays, judgeRows, never } from './journals.ts'
import {
  applicationOf,
  Asked,
  Given,
  STEPS,
  wrapping,
  type Gift,
  type Hands,
  type Order,
  type Release,
} from './release-contracts.ts'
import { StuckRuns } from './stuck-runs.ts'

/** Until when everything has been asked for once. */
const ASKED_MS = 3000
const LAST = 3
/** What is released one after the other; the last stays until the faults are over. */
const PLANS: readonly (readonly Release[])[] = [
  [1, 2],
  [1, 2, 1],
  [1, 2, 1, 2],
  [2, 1, 3],
  [1, 3],
  [2, 3, 2],
]
/** How long a release is the newest that is started; milliseconds. */
const RELEASE_MS = 900

export const releasesOfShards: Workload = {
  name: 'releases of shards',
  cluster: { shards: 4, nodes: 1 },
  scene: (stage) => new ReleasesScene(stage),
}
export const releasesOfNodes: Workload = {
  ...releasesOfShards,
  name: 'releases of nodes',
  cluster: { shards: 6, nodes: 3 },
}

class ReleasesScene implements Scene {
  readonly #stage: Stage
  readonly #books: Books
  readonly #chance: Chance
  readonly #deploys: Chance
  readonly #stuck: StuckRuns
  readonly #plan: readonly Release[]
  /** Whether each release has a name of its own. */
  readonly #isNamed: boolean
  readonly #running = new Map<SimulatedProcess, Release>()
  readonly #orders: Order[] = []
  readonly #gifts: Gift[] = []
  readonly #asked: Order[] = []
  readonly #askers: Askers

  constructor(stage: Stage) {
    this.#stage = stage
    this.#books = new Books(stage)
    this.#chance = stage.world.chance('clients')
    this.#askers = new Askers(stage, this.#chance)
    this.#deploys = stage.world.chance('deploys')
    this.#stuck = new StuckRuns(stage)
    this.#plan = this.#deploys.pick(PLANS)
    this.#isNamed = this.#deploys.is(0.75)
  }

  application(process: SimulatedProcess) {
    const release = this.#release
    this.#running.set(process, release)
    this.#stage.world.note(`${process.name} is of release ${release}`)
    return applicationOf(release, this.#books.hands(process, STEPS), this.#isNamed ? undefined : 'same')
  }

  /** Of a process that starts now. */
  get #release(): Release {
    const { weather, ageMs } = this.#stage.world
    if (weather === null) return LAST
    return this.#plan[Math.min(Math.floor(ageMs / RELEASE_MS), this.#plan.length - 1)] as Release
  }

  begin(): void {
    for (let number = this.#chance.between(2, 6); number > 0; number--) {
      const order = {
        id: `o-${number}`,
        to: this.#chance.pick(['a', 'b', 'c']),
        letter: `l-${number}`,
        rest: this.#chance.pick([10, 400, 2500]),
      }
      this.#orders.push(order)
      this.#askers.ask(ASKED_MS, (app) => app.startNamed({ call: 'order', input: order }))
      if (this.#chance.is(0.3)) {
        const gift = { ...order, id: `g-${number}`, card: `c-${number}` }
        this.#gifts.push(gift)
        this.#askers.ask(ASKED_MS, (app) => app.startNamed({ call: 'gift', input: gift }))
      }
      if (this.#chance.is(0.3))
        this.#askers.ask(ASKED_MS, (app) =>
          app
            .signalNamed({ run: `order:${order.id}`, name: 'hurry', data: 'now', id: `h-${number}` })
            .catch((error: unknown) => {
              if (!isBalletError(error) || error.code !== 'RUN_ENDED') throw error
            }),
        )
      if (this.#chance.is(0.5)) {
        const asked = { ...order, id: `w-${number}` }
        const isConducted = this.#chance.is(0.5)
        this.#asked.push(asked)
        this.#askers.ask(ASKED_MS, (app) =>
          isConducted
            ? app.conduct(wrapping)(Asked(asked), { id: asked.id })
            : app.publish(Asked(asked), { id: asked.id, source: 'outside' }),
        )
      }
      if (this.#chance.is(0.3)) {
        const given = { ...order, id: `e-${number}`, card: `e-${number}` }
        this.#askers.ask(ASKED_MS, (app) => app.publish(Given(given), { id: given.id, source: 'outside' }))
      }
    }
  }

  /** What is old is ended when all is well: the last release is rolled out. */
  look(): void {
    this.#stuck.tryAgain()
    const { world } = this.#stage
    for (const { runs } of world.disks)
      for (const { id, kind, reason } of runs.values())
        if (kind === 'reaction' && reason === 'threw')
          world.blame('ALARM', `${id} is stuck, and nothing is wrong with it`)
    for (const [process, release] of this.#running) {
      const newest = this.#release
      const isWanted = this.#stage.world.weather === null || this.#deploys.is(0.02)
      if (release === newest || process.app === null || process.hasClosed || !isWanted) continue
      process.end().catch(() => {})
    }
  }

  isOver(): boolean {
    return this.#askers.areDone
  }

  async judge(): Promise<void> {
    const { world } = this.#stage
    judgeRows(world, true)
    const applied = this.#books.lines.filter(({ outcome }) => outcome === 'applied')
    const times = (id: string, step: string): number =>
      applied.filter((line) => line.run === id && line.step === step).length
    const once = (id: string, steps: readonly string[]): void => {
      for (const step of steps) {
        const count = times(id, step)
        if (count !== 1) world.blame(count === 0 ? 'LOST' : 'TWICE', `${step} of ${id}, ${count} times`)
      }
    }
    for (const { id } of this.#orders) {
      once(id, ['take', 'ship', 'write'])
      // Whoever is checked is given something, and thanked for.
      if (times(id, 'check') > 0) once(id, ['check', 'give', 'thank', 'sign'])
    }
    for (const { id } of this.#gifts) once(id, ['give', 'thank', 'sign'])
    for (const { id } of this.#asked) once(id, ['wrap', 'label'])
    judgeConducted(world, wrapping)
    for (const disk of world.disks)
      for (const { id, status } of disk.runs.values())
        if (status !== 'completed') world.blame('ENDED', `${id} is ${status}`)
    const hands = Object.fromEntries(STEPS.map((step) => [step, never])) as unknown as Hands
    await judgeReplays(world, applicationOf(LAST, hands))
  }
}

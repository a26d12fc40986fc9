// Orders of a store that is put back from a backup on the way: what services have done since they know, by keys and fences, and clients
// who were told of something ask for it again, or do not. What was acknowledged before the backup, or again behind it, has to be
// done in the end, once; what nobody asks for again may be lost, and nothing of it may be done twice.
import { isBalletError } from '../../src/core/errors.ts'
import type { Application } from '../../src/define/application.ts'
import type { Chance } from '../../src/testing/simulation/chance.ts'
import type { SimulatedProcess } from '../../src/testing/simulation/process.ts'
import type { Scene, Stage, Workload } from '../../src/testing/simulation/stage.ts'
import { AGAIN_MS } from './askers.ts'
import { Books } from './books.ts'
import { judgeConducted } from './conducted.ts'
import { judgeFlows } from './flows.ts'
import { judgeReplays, judgeRows, never } from './journals.ts'
import { applicationOf, Asked, Given, STEPS, wrapping, type Hands, type Order, type Step } from './release-contracts.ts'
import { StuckRuns } from './stuck-runs.ts'

/** Until when everything has been asked for once. */
const ASKED_MS = 5000
const RELEASE = 3
/** Flows are written a moment after their events. */
const FLOWS_MS = 1000

export const restoresOfOne: Workload = {
  name: 'restores',
  isRestored: true,
  scene: (stage) => new RestoresScene(stage),
}
export const restoresOfShards: Workload = {
  ...restoresOfOne,
  name: 'restores of shards',
  cluster: { shards: 4, nodes: 1 },
}
export const restoresOfNodes: Workload = {
  ...restoresOfOne,
  name: 'restores of nodes',
  cluster: { shards: 6, nodes: 3 },
}

/** Something that a client wants, and what it comes to. */
interface Wish {
  readonly id: string
  /** The id of the run that begins with it, or of the event. */
  readonly begins: string
  readonly steps: readonly Step[]
  readonly ask: (app: Application) => Promise<{ readonly created: boolean } | undefined>
  /** When it was acknowledged, an age of the world; null while it was not, or is asked for again. */
  heardMs: number | null
  /** It was lost, and nobody asks again. */
  isGivenUp: boolean
}

class RestoresScene implements Scene {
  readonly #stage: Stage
  readonly #books: Books
  readonly #chance: Chance
  readonly #stuck: StuckRuns
  readonly #wishes: Wish[] = []
  /** How often the store was put back. */
  #life = 0

  constructor(stage: Stage) {
    this.#stage = stage
    this.#books = new Books(stage)
    this.#chance = stage.world.chance('clients')
    this.#stuck = new StuckRuns(stage)
  }

  application(process: SimulatedProcess) {
    return applicationOf(RELEASE, this.#books.hands(process, STEPS))
  }

  begin(): void {
    for (let number = this.#chance.between(3, 8); number > 0; number--) {
      const order = {
        id: `o-${number}`,
        to: this.#chance.pick(['a', 'b', 'c']),
        letter: `l-${number}`,
        rest: this.#chance.pick([10, 400, 2500]),
      }
      const wishes = [
        this.#orderOf(order),
        this.#orderOf(order),
        this.#giftOf(number, order),
        this.#flowOf(number, order),
      ]
      const wish = this.#chance.pick([...wishes, this.#eventOf(number, order)])
      this.#wishes.push(wish)
      void this.#stage.world.clock.after(this.#chance.between(0, ASKED_MS), () => void this.#ask(wish))
    }
  }

  #wish(wish: Omit<Wish, 'heardMs' | 'isGivenUp'>): Wish {
    return { ...wish, heardMs: null, isGivenUp: false }
  }

  #orderOf(order: Order): Wish {
    const { id } = order
    const hurries = this.#chance.is(0.4)
    return this.#wish({
      id,
      begins: `order:${id}`,
      steps: ['take', 'check', 'give', 'thank', 'sign', 'ship', 'note', 'write'],
      ask: async (app) => {
        const asked = await app.startNamed({ call: 'order', input: order })
        if (hurries)
          await app.signalNamed({ run: `order:${id}`, name: 'hurry', data: 'now', id: `h-${id}` }).catch((error) => {
            if (!isBalletError(error) || error.code !== 'RUN_ENDED') throw error
          })
        return asked
      },
    })
  }

  #giftOf(number: number, order: Order): Wish {
    const gift = { ...order, id: `g-${number}`, card: `c-${number}` }
    return this.#wish({
      id: gift.id,
      begins: `gift:${gift.card}`,
      steps: ['give', 'thank', 'sign'],
      ask: (app) => app.startNamed({ call: 'gift', input: gift }),
    })
  }

  #flowOf(number: number, order: Order): Wish {
    const asked = { ...order, id: `w-${number}` }
    const isConducted = this.#chance.is(0.5)
    return this.#wish({
      id: asked.id,
      begins: asked.id,
      steps: ['wrap', 'label'],
      ask: async (app) => {
        if (!isConducted) return app.publish(Asked(asked), { id: asked.id, source: 'outside' })
        await app.conduct(wrapping)(Asked(asked), { id: asked.id })
        return undefined
      },
    })
  }

  #eventOf(number: number, order: Order): Wish {
    const given = { ...order, id: `e-${number}`, card: `e-${number}` }
    return this.#wish({
      id: given.id,
      begins: given.id,
      steps: ['thank', 'sign'],
      ask: (app) => app.publish(Given(given), { id: given.id, source: 'outside' }),
    })
  }

  /** Until it is heard of. */
  async #ask(wish: Wish): Promise<void> {
    const { world } = this.#stage
    const isNew = !this.#isThere(wish)
    const life = this.#life
    let times = 0
    while (wish.heardMs === null && !wish.isGivenUp) {
      times += 1
      try {
        const asked = await this.#stage.ask(wish.ask)
        wish.heardMs = world.ageMs
        world.note(`${wish.id} is acknowledged`)
        // What is not there, and is asked for once, is new.
        if (asked?.created === false && isNew && times === 1 && life === this.#life)
          world.blame('NEW', `${wish.id} was not there, and is said to be known`)
      } catch {
        await world.clock.wait(AGAIN_MS)
      }
    }
  }

  /** Whether the store knows of it, or will. */
  #isThere({ begins, id }: Wish): boolean {
    return this.#stage.world.disks.some(
      ({ runs, events, inbox }) =>
        [...runs.values(), ...events].some((row) => row.id === begins) ||
        [...inbox.values()].some((row) => JSON.stringify(row).includes(id)),
    )
  }

  restored(): void {
    const { world } = this.#stage
    this.#life += 1
    for (const wish of this.#wishes) {
      if (wish.heardMs === null) continue
      const isLost = wish.heardMs > world.backedUpMs
      if (isLost && this.#chance.is(0.3)) {
        wish.isGivenUp = true
        world.note(`nobody asks again for ${wish.id}`)
      }
      if (isLost && !wish.isGivenUp) wish.heardMs = null
      // What is known all the same may be asked for again, too.
      if (wish.heardMs === null || this.#chance.is(0.2)) {
        wish.heardMs = null
        void world.clock.after(this.#chance.between(0, ASKED_MS), () => void this.#ask(wish))
      }
    }
  }

  look(): void {
    this.#stuck.tryAgain()
  }

  isOver(): boolean {
    return this.#wishes.every(({ heardMs, isGivenUp }) => heardMs !== null || isGivenUp)
  }

  async judge(): Promise<void> {
    const { world } = this.#stage
    await world.clock.wait(FLOWS_MS)
    judgeRows(world, true)
    const applied = this.#books.lines.filter(({ outcome }) => outcome === 'applied')
    for (const wish of this.#wishes) {
      const mayBeLost = wish.isGivenUp && !this.#isThere(wish)
      for (const step of wish.steps) {
        const count = applied.filter((line) => line.run === wish.id && line.step === step).length
        if (count > 1) world.blame('TWICE', `${step} of ${wish.id}, ${count} times`)
        if (count === 0 && !mayBeLost) world.blame('LOST', `${step} of ${wish.id}`)
      }
    }
    judgeConducted(world, wrapping)
    judgeFlows(world, wrapping)
    for (const disk of world.disks)
      for (const { id, status } of disk.runs.values())
        if (status !== 'completed') world.blame('ENDED', `${id} is ${status}`)
    const hands = Object.fromEntries(STEPS.map((step) => [step, never])) as unknown as Hands
    await judgeReplays(world, applicationOf(RELEASE, hands))
  }
}

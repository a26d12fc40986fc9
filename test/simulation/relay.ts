// Payments between accounts of different shards, asked for at any node, also without a key, and asked again where nothing was heard. Each
// has to be taken once, given once, and told of by one letter; nobody's payments overtake one another on their way to the same account.
import type { Chance } from '../../src/testing/simulation/chance.ts'
import type { SimulatedProcess } from '../../src/testing/simulation/process.ts'
import type { Scene, Stage, Workload } from '../../src/testing/simulation/stage.ts'
import { Books } from './books.ts'
import { judgeReplays, judgeRows } from './journals.ts'
import { relayCode, type Bank, type Payment } from './relay-contracts.ts'
import { StuckRuns } from './stuck-runs.ts'

const AGAIN_MS = 120
const BUSY = [0.5, 0.9] as const

export const relayOfShards: Workload = {
  name: 'relay of shards',
  cluster: { shards: 4, nodes: 1 },
  scene: (stage) => new RelayScene(stage),
}
export const relayOfNodes: Workload = { ...relayOfShards, name: 'relay of nodes', cluster: { shards: 6, nodes: 3 } }

class RelayScene implements Scene {
  readonly #stage: Stage
  readonly #books: Books
  readonly #chance: Chance
  readonly #bank: Chance
  readonly #busy: number
  readonly #stuck: StuckRuns
  readonly #payments: Payment[] = []
  #under = 0

  constructor(stage: Stage) {
    this.#stage = stage
    this.#books = new Books(stage)
    this.#chance = stage.world.chance('clients')
    this.#bank = stage.world.chance('bank')
    this.#busy = stage.world.hasLeases ? stage.world.chance('busy').pick(BUSY) : BUSY[0]
    this.#stuck = new StuckRuns(stage)
  }

  application(process: SimulatedProcess) {
    const books = this.#books
    const does =
      (step: string): Bank['take'] =>
      async (payment, context) => {
        const entry = { run: payment.from, step, input: payment }
        // A bank that is busy is asked again soon: so calls begin at any time, also when nothing was committed for them, and
        // when it is busy nearly always, whatever befalls a node finds one that is about to begin.
        const isBusy = this.#stage.world.weather !== null && this.#bank.is(this.#busy)
        await books.call(process, context, entry, () => {
          if (isBusy) throw new Error('the bank is busy')
          return { outcome: 'applied', answer: null, amount: payment.v }
        })
      }
    return relayCode.of({ take: does('take'), give: does('give'), write: does('write') })
  }

  begin(): void {
    const accounts = ['a', 'b', 'c', 'd', 'e', 'f']
    for (let number = this.#chance.between(2, 6); number > 0; number--) {
      const payment = {
        from: `p-${number}`,
        to: this.#chance.pick(accounts),
        letter: `l-${number}`,
        v: 10 ** number,
      }
      this.#payments.push(payment)
      const times = this.#chance.is(0.3) ? 2 : 1
      for (let time = 0; time < times; time++) {
        this.#under += 1
        void this.#stage.world.clock.after(this.#chance.between(0, 1500), () => void this.#pay(payment))
      }
    }
  }

  /** Until it is heard of. */
  async #pay(payment: Payment): Promise<void> {
    for (;;) {
      try {
        await this.#stage.ask((app) => app.startNamed({ call: 'pay', input: payment }))
        break
      } catch {
        await this.#stage.world.clock.wait(AGAIN_MS)
      }
    }
    this.#under -= 1
  }

  look(): void {
    this.#stuck.tryAgain()
  }

  isOver(): boolean {
    return this.#under === 0
  }

  async judge(): Promise<void> {
    const { world } = this.#stage
    judgeRows(world, true)
    const applied = this.#books.lines.filter(({ outcome }) => outcome === 'applied')
    for (const { from } of this.#payments) {
      for (const step of ['take', 'give', 'write']) {
        const times = applied.filter((line) => line.run === from && line.step === step).length
        if (times !== 1) world.blame(times === 0 ? 'LOST' : 'TWICE', `${step} of ${from}, ${times} times`)
      }
      const events = world.disks.flatMap((disk) => disk.events.filter(({ cause }) => cause === `run:pay:${from}`))
      if (events.length !== 1) world.blame('TWICE', `the event of ${from} is there ${events.length} times`)
    }
    for (const [shard, { runs, events }] of world.disks.entries()) {
      for (const { id, status } of runs.values()) {
        if (world.place.shardOf(id) !== shard) world.blame('PLACE', `${id} is in the shard ${shard}`)
        if (status !== 'completed') world.blame('ENDED', `${id} is ${status}`)
      }
      for (const { id, key } of events)
        if (world.place.shardOf(key) !== shard)
          world.blame('PLACE', `the event ${id} of ${key} is in the shard ${shard}`)
    }
    await judgeReplays(world, relayCode.unmanned)
  }
}

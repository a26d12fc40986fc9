// Flows that are under way while the application is released anew with another choreography: at times two releases are there, which
// follow one key by two contracts. Nothing may stop, nothing may be done twice, a run that conducts has to end, by itself or when
// somebody cancels it, and a flow that was followed by one contract throughout stands as its events say.
import { isBalletError } from '../../src/core/errors.ts'
import type { EventRow } from '../../src/core/store.ts'
import type { Chance } from '../../src/testing/simulation/chance.ts'
import type { SimulatedProcess } from '../../src/testing/simulation/process.ts'
import type { Scene, Stage, Workload } from '../../src/testing/simulation/stage.ts'
import { placeOf } from '../../src/engine/flow-rows.ts'
import { flowsByLog } from '../support/flows-by-log.ts'
import { Askers } from './askers.ts'
import { Books } from './books.ts'
import { changingApplication, conductWith, flowOf, Placed, STEPS, type Variant } from './changing-contracts.ts'
import { judgeRows } from './journals.ts'

const ASKED_MS = 4000
const RELEASE_MS = 900
/** A run that conducts, and has not ended so long after everything was released, is cancelled by somebody. */
const GIVEN_UP_MS = 20_000
const FLOWS_MS = 1000
/** How far the clocks of two processes may be apart. */
const SKEW_MS = 2000
/** Between two looks of whoever acts. */
const ACT_MS = 500
const VARIANTS: readonly Variant[] = ['plain', 'longer', 'turned', 'shorter', 'hurried', 'renamed', 'none']
/** What asking again would not mend: the release of today knows no such flow, or it has begun otherwise. */
const REFUSED: ReadonlySet<string> = new Set([
  'CONDUCT_REFUSED',
  'CONDUCT_IMPOSSIBLE',
  'CHOREOGRAPHY_UNKNOWN',
  'RUN_CONFLICT',
])

export const changingShards: Workload = {
  name: 'changing shards',
  cluster: { shards: 4, nodes: 1 },
  scene: (stage) => new ChangingScene(stage),
}
export const changingNodes: Workload = { ...changingShards, name: 'changing nodes', cluster: { shards: 6, nodes: 3 } }

class ChangingScene implements Scene {
  readonly #stage: Stage
  readonly #books: Books
  readonly #chance: Chance
  readonly #plan: readonly Variant[]
  readonly #isNamed: boolean
  readonly #running = new Map<SimulatedProcess, number>()
  readonly #askers: Askers
  readonly #ids: string[] = []
  #acting = false
  /** When a process of an earlier release was there last. */
  #mixedMs = 0

  constructor(stage: Stage) {
    this.#stage = stage
    this.#books = new Books(stage)
    this.#chance = stage.world.chance('clients')
    this.#askers = new Askers(stage, this.#chance)
    const chance = stage.world.chance('deploys')
    const [one, two] = [chance.pick(VARIANTS), chance.pick(VARIANTS)]
    this.#plan = chance.pick([
      [one, two],
      [one, two, one],
      [one, two, chance.pick(VARIANTS)],
      [one, 'none', one],
    ])
    this.#isNamed = chance.is(0.75)
  }

  application(process: SimulatedProcess) {
    const release = this.#release
    this.#running.set(process, release)
    const variant = this.#plan[release] as Variant
    this.#stage.world.note(`${process.name} is of release ${release}: ${variant}`)
    const hands = this.#books.hands(process, STEPS)
    return changingApplication(variant, hands, this.#isNamed ? String(release) : 'same')
  }

  get #release(): number {
    const { weather, ageMs } = this.#stage.world
    const last = this.#plan.length - 1
    return weather === null ? last : Math.min(Math.floor(ageMs / RELEASE_MS), last)
  }

  get #isReleased(): boolean {
    const there = [...this.#running].filter(([process]) => process.isAlive && !process.hasClosed)
    return there.every(([, release]) => release === this.#plan.length - 1)
  }

  begin(): void {
    for (let number = this.#chance.between(3, 8); number > 0; number--) {
      const id = `p-${number}`
      this.#ids.push(id)
      const conducted = this.#chance.is(0.5) ? this.#chance.pick(this.#plan) : 'none'
      this.#askers.ask(this.#chance.pick([ASKED_MS, 2 * ASKED_MS]), async (app) => {
        try {
          const conducting = conductWith(app, conducted, { id })
          if (conducting !== null) return await conducting
        } catch (error) {
          if (!isBalletError(error) || !REFUSED.has(error.code)) throw error
        }
        return app.publish(Placed({ id }), { id, source: 'outside' })
      })
    }
  }

  look(): void {
    const { world } = this.#stage
    const newest = this.#release
    for (const [process, release] of this.#running) {
      if (release !== this.#plan.length - 1 && process.isAlive && process.stopped === null) this.#mixedMs = world.ageMs
      const isWanted = world.weather === null || this.#chance.is(0.02)
      if (release === newest || process.app === null || process.hasClosed || !isWanted) continue
      process.end().catch(() => {})
    }
    if (world.weather !== null || this.#acting) return
    const rows = world.disks.flatMap(({ runs }) => [...runs.values()])
    const stuck = rows.find(
      ({ status, ended, reason }) => status === 'stuck' && ended === null && reason !== 'diverged',
    )
    const left = rows.find(({ kind, ended }) => kind === 'choreography' && ended === null)
    if (stuck !== undefined) this.#act((app) => app.retry(stuck.id, { by: 'somebody', why: 'it was stuck' }))
    else if (left !== undefined && world.ageMs > GIVEN_UP_MS)
      this.#act((app) => {
        const said = { by: 'somebody', why: 'it waits for what nobody brings' }
        // What has no code any more cannot be cancelled; it can be given up.
        return left.reason === 'diverged'
          ? app.fail(left.id, { ...said, error: { message: said.why } })
          : app.cancel(left.id, said)
      })
  }

  #act(act: Parameters<Stage['ask']>[0]): void {
    this.#acting = true
    this.#stage
      .ask(act)
      .catch(() => {})
      .finally(() => void this.#stage.world.clock.after(ACT_MS, () => (this.#acting = false)))
  }

  isOver(): boolean {
    return this.#askers.areDone
  }

  async judge(): Promise<void> {
    const { world } = this.#stage
    await world.clock.wait(FLOWS_MS)
    judgeRows(world, true)
    const reactions = world.disks.flatMap(({ runs }) => [...runs.values()].filter(({ kind }) => kind === 'reaction'))
    // Each release has one reaction to an event, and one release answers it.
    for (const [cause, { length }] of Map.groupBy(reactions, (row) => row.cause))
      if (length > 1) world.blame('REACTED', `${length} times to ${cause}`)
    for (const { id, key, status, parent } of reactions)
      if (status !== 'completed' && parent === null) world.blame('ENDED', `${id} of ${key} is ${status}`)
    for (const id of this.#ids) {
      const placed = world.disks.flatMap(({ events }) => events.filter((row) => row.type === 'placed' && row.id === id))
      if (placed.length === 0) world.blame('LOST', `${id} was placed`)
    }
    const flow = flowOf(this.#plan.at(-1) as Variant)
    // A story may be over before everything was released: what is there then need not follow the flows of the last release.
    if (flow === null || !this.#isReleased) return
    const began = world.clock.now() - world.ageMs
    // Whether it is the only one of its name: then it has followed everything, what came in its absence when it was back.
    const others = this.#plan.map(flowOf).filter((one) => one?.name === flow.name)
    const isOnly =
      others.every((one) => one?.flow.hash === flow.flow.hash) && others[0] === flowOf(this.#plan[0] as Variant)
    for (const { events, flows } of world.disks) {
      const place = [...flows.values()].find(({ name, key }) => name === flow.name && key === '')
      if (place === undefined) continue
      // What came before it was followed here at all is foreign to it.
      const { since, ...seen } = placeOf(place)
      // What had ended before another contract was there stands as it stood, until something comes for its key.
      const from = seen.hash === flow.flow.hash ? seen.from : seen.pos
      const rows = [...flows.values()].filter(
        ({ name, pos, standing }) => name === flow.name && pos < from && standing === 'complete',
      )
      const stood = new Map(rows.map(({ key, pos }) => [key, pos]))
      const isTaken = ({ type, key, pos }: EventRow) => !flow.flow.types.has(type) || pos <= (stood.get(key) ?? pos)
      const own = events.filter((event) => event.pos > since && isTaken(event))
      for (const { key, row, problem } of flowsByLog(flow, own, flows.values(), from)) {
        const first = own.find((event) => event.key === key)
        const isNew = first !== undefined && first.at > began + this.#mixedMs + SKEW_MS
        // One that has ended by another contract, or has not begun by this one, stands as that said, until something comes for its key.
        const isLeft = row === undefined || row.standing === 'complete' || problem === 'has no events'
        if (!isOnly && !isNew && row?.state.startsWith(flow.flow.hash) !== true && isLeft) continue
        world.count('flow judged')
        if (problem !== null) world.blame('FLOW', `${key} ${problem}`)
      }
    }
  }
}

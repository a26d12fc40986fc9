// A backup in a story: at some moment all of the store is copied, and later the store goes on from the copy, while services and whoever
// asked remember what has happened since. The processes of the old life have died by then, or ended, or some of them go on beside
// the restored store, upon what was there before; or all of them find themselves on the copy, as when a stand-by becomes the first
// that had not received everything.
import type { Chance } from './chance.ts'
import type { SimulatedProcess } from './process.ts'
import type { World } from './world.ts'

type How = 'dead' | 'ended' | 'beside' | 'moved'

/** What it needs of a place for a process. */
interface Place {
  readonly process: SimulatedProcess
  startAt: number
}

/** When the first copy is made, and after how long it is put back: ages of the world, milliseconds. */
const COPIED_MS = 2500
const BACK_MS = 2500
const MOVED_MS = 400
/** How long processes have for their end, and how long it takes until others are started. */
const ENDING_MS = 1500
const START_MS = 600
/** How long processes of the old life go on. */
const BESIDE_MS = 8000

export class Restore {
  readonly #world: World
  readonly #chance: Chance
  readonly #how: How
  /** A second time it is the same copy, or one of the restored store. */
  #timesLeft: number
  #copyAt: number
  #backAt: number
  #state: 'waiting' | 'copied' | 'ending' | 'over' = 'waiting'

  constructor(world: World) {
    this.#world = world
    this.#chance = world.chance('restore')
    const hows = world.hasLeases
      ? (['dead', 'ended', 'beside', 'moved'] as const)
      : (['dead', 'ended', 'beside'] as const)
    this.#how = this.#chance.pick<How>(hows)
    this.#timesLeft = this.#chance.pick([1, 1, 2])
    this.#copyAt = this.#chance.between(50, COPIED_MS)
    this.#backAt = this.#copyAt + this.#gap()
  }

  /** The faults go on until then at least. */
  get untilMs(): number {
    return this.#backAt
  }

  /** Whether something is still to come. */
  get isUnderWay(): boolean {
    return this.#state !== 'over'
  }

  /** Whether nobody is started at the moment. */
  get isHolding(): boolean {
    return this.#state === 'ending'
  }

  #gap(): number {
    return this.#chance.between(1, this.#how === 'moved' ? MOVED_MS : BACK_MS)
  }

  /** Does what is due; whether the store was put back. */
  act(places: readonly Place[], all: readonly SimulatedProcess[]): boolean {
    const { ageMs } = this.#world
    if (this.#state === 'waiting' && ageMs >= this.#copyAt) {
      this.#world.backUp()
      this.#state = 'copied'
    }
    if (this.#state === 'copied' && ageMs >= this.#backAt) {
      this.#state = 'ending'
      this.#world.note(`the store is to be put back: ${this.#how}`)
      if (this.#how === 'ended') for (const { process } of places) process.end().catch(() => {})
    }
    if (this.#state !== 'ending') return false
    const old = all.filter(({ isAlive, ground }) => isAlive && ground === this.#world.ground)
    const isWaiting = this.#how === 'ended' && ageMs < this.#backAt + ENDING_MS
    if (isWaiting && old.some(({ hasClosed, stopped }) => !hasClosed && stopped === null)) return false
    this.#putBack(places, old)
    return true
  }

  #putBack(places: readonly Place[], old: readonly SimulatedProcess[]): void {
    const { ageMs, clock, sharded } = this.#world
    // Whoever was away for longer than its lease does not know what was taken from it, and the copy may not know it either: a service
    // that has seen the newer fence refuses it then, and nobody could know better.
    const known = new Set(sharded?.survey().nodes.map(({ address }) => address))
    this.#world.restore()
    this.#world.count(`restored ${this.#how}`)
    for (const process of old) {
      process.loseClients()
      if (this.#how === 'moved' && known.has(process.address)) process.move(this.#world.ground)
      else if (this.#how === 'beside' && this.#chance.is(0.7))
        void clock.after(this.#chance.between(0, BESIDE_MS), () => process.crash('its store is an old one'))
      else process.crash('the store is put back')
    }
    if (this.#how !== 'moved') for (const place of places) place.startAt = ageMs + this.#chance.between(1, START_MS)
    this.#timesLeft -= 1
    this.#state = this.#timesLeft > 0 ? 'copied' : 'over'
    if (this.#timesLeft === 0) return
    this.#backAt = ageMs + 1000 + this.#gap()
    if (this.#chance.is(0.5)) return
    this.#copyAt = this.#backAt - this.#gap()
    this.#state = 'waiting'
  }
}

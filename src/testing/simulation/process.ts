// A process of a story: its ports, and whether it still lives. A crash is a new generation: whatever the old one awaited
// is never answered, its alarms never ring, and what it had not got on the disk is gone. It shares the JavaScript process
// with all others, so it is cut off at its ports: code that still runs in it reaches nothing.
//
//   alive --crash--> dead --bury--> buried
//         '--bury--> buried
//
// A dead one hangs. A buried one, after the story, is refused everything, so that the engine in it ends and can be forgotten.
import type { Cancel, Clock, Random } from '../../core/clock.ts'
import { fault, isBalletError } from '../../core/errors.ts'
import type { Store } from '../../core/store.ts'
import type { Application } from '../../define/application.ts'
import type { Hint, NodeAnswer, NodeAsk } from '../../define/node.ts'
import type { ApplicationDefinition, Log } from '../../define/definition.ts'
import { openOn, type RunOptions } from '../../engine/open.ts'
import { isOutOfReach } from '../../engine/store-faults.ts'
import type { Chance } from './chance.ts'
import type { Ground } from './ground.ts'
import type { Life } from './life.ts'
import { simulatedStore } from './simulated-store.ts'
import type { World } from './world.ts'

interface Alarm {
  readonly ring: () => void
  cancel: Cancel
}

/** What a client is told when the process that it asked is gone, or says nothing. */
export const connectionLost = (url: string): Error =>
  fault('PROCESS_UNREACHABLE', { url, problem: 'the connection was lost' })

/** How long a busy process takes for what a commit brings, milliseconds: longer than any commit. */
const WORK_MS = 10_000
/** How far its clock may be from that of the world. */
const SKEWS_MS = [0, 0, -400, 1500]

export class SimulatedProcess implements Life {
  /** `p1`, `p2` ... in the order in which they were started. */
  readonly name: string
  readonly world: World
  readonly chance: Chance
  readonly clock: Clock
  readonly store: Store
  readonly random: Random
  ground: Ground
  /** Whether a backup was restored under it. */
  wasMoved = false
  /** There once it is open. */
  app: Application | null = null
  /** Why it stopped by itself. */
  stopped: Error | null = null
  hasDied = false
  /** Of its tenures of shards: the newest that it has taken. */
  readonly epochs: Map<number, number> = new Map()
  /** Whether the store has told it that it failed: then it may stop. */
  isExcused = false
  /** Since when the store does not answer it, or null. */
  hungSince: number | null = null
  readonly #waits = new Set<(error: Error) => void>()
  readonly #alarms = new Set<Alarm>()
  readonly #clients = new Set<(error: Error) => void>()
  #state: 'alive' | 'dead' | 'buried' | 'forgotten' = 'alive'
  /** What waits for it while it is frozen; null while it is not. */
  #frozen: (() => void)[] | null = null
  hasClosed = false
  #opening: Promise<unknown> = Promise.resolve()
  /** Crossings of its border until it dies. */
  #left: number
  #beyondMs = 0
  /** How far its clock is from that of the world, and how far somebody has set it besides. */
  readonly #skewMs: number
  #setMs = 0

  constructor(world: World) {
    this.world = world
    this.ground = world.ground
    this.name = `p${++world.processes}`
    this.chance = world.chance(this.name)
    const { weather } = world
    const dies = weather !== null && this.chance.is(weather.death)
    this.#left = dies ? this.chance.between(1, weather.crossings) : Number.POSITIVE_INFINITY
    this.#skewMs = weather?.isSkewed === true ? this.chance.pick(SKEWS_MS) : 0
    // Some have more to do than their store: they commit beside their turns.
    let busyMs = 0
    const workMs = world.chance(`${this.name} work`).pick([0, WORK_MS])
    this.clock = {
      busy: () => (busyMs += workMs),
      now: () => (this.#state === 'buried' ? this.#never() : world.clock.now() + this.#skewMs + this.#setMs),
      after: (delayMs, ring) => this.#after(delayMs, ring),
    }
    this.store = world.medium?.storeOf(this) ?? simulatedStore(this)
    this.random = randomOf(world.chance(`${this.name} random`))
  }

  /** Where other nodes reach it. */
  get address(): string {
    return `http://${this.name}`
  }

  get isAlive(): boolean {
    return this.#state === 'alive'
  }

  /** Opens an application in it. Never resolves when the process dies meanwhile; rejects when opening failed. */
  async open(definition: ApplicationDefinition, options: RunOptions = {}): Promise<void> {
    this.world.note(`${this.name} starts`)
    const { clock, random } = this
    // Whatever the surroundings say: what happens in a story is told to nobody, and its time is not that of a collector.
    const own = { clock, random, log: this.#log(), traces: false } as const
    const opening = openOn(definition, this.store, { graceMs: 0, ...options, ...own })
    this.#opening = opening.then(
      (app) => {
        this.app = app
        app.stopped.then((error) => this.#onStopped(error)).catch(() => {})
      },
      (error: Error) => this.#onStopped(error),
    )
    await this.live(this.#opening)
    if (this.app !== null) this.world.note(`${this.name} is open`)
  }

  /** A place in which the process may die: whatever goes in and out of it passes one. */
  cross(what: string): void {
    if (!this.isAlive || this.world.weather === null || --this.#left > 0) return
    this.crash(what)
  }

  /** The process is gone, at once. */
  crash(what: string): void {
    if (!this.isAlive) return
    this.world.note(`${this.name} dies (${what})`)
    this.#state = 'dead'
    this.hasDied = true
    for (const { cancel } of this.#alarms) cancel()
    this.world.medium?.cutOff(this)
    this.loseClients()
  }

  /** Somebody sets its clock, so far from what it would show by itself. */
  setClock(aheadMs: number): void {
    if (!this.isAlive || aheadMs === this.#setMs) return
    this.#setMs = aheadMs
    this.world.note(`the clock of ${this.name} is set, ${aheadMs} ms from its own time`)
    this.world.count('clock set')
  }

  /** The store that it reaches is another one from now on. */
  move(ground: Ground): void {
    this.ground = ground
    this.wasMoved = true
  }

  /** Whoever asks it hears no more of that. */
  loseClients(): void {
    for (const tell of this.#clients) tell(connectionLost(this.name))
    this.#clients.clear()
  }

  /** What the process awaits: settles only as long as it lives. */
  live<T>(work: Promise<T>): Promise<T> {
    if (this.#state === 'buried' || this.#state === 'forgotten') {
      work.catch(() => {})
      return Promise.reject(gone())
    }
    return new Promise((resolve, reject) => {
      this.#waits.add(reject)
      const settle = (tell: () => void): void =>
        this.#whenThawed(() => {
          if (this.#state === 'alive' && this.#waits.delete(reject)) tell()
        })
      work.then(
        (value) => settle(() => resolve(value)),
        (error: Error) => settle(() => reject(error)),
      )
    })
  }

  /** A client asks the application. @throws PROCESS_UNREACHABLE when the process dies before it has answered. */
  request<T>(ask: (app: Application) => Promise<T>): Promise<T> {
    const { app } = this
    if (app === null || !this.isAlive || this.#frozen !== null) return Promise.reject(connectionLost(this.name))
    return new Promise((resolve, reject) => {
      this.#clients.add(reject)
      const settle = (tell: () => void): void => {
        if (this.#clients.delete(reject)) tell()
      }
      ask(app).then(
        (answer) => settle(() => resolve(answer)),
        (error: Error) => settle(() => reject(error)),
      )
    })
  }

  /** Nothing reaches it for a while, and then all of it does: as a process that is stopped, and goes on. */
  freeze(ms: number): void {
    if (!this.isAlive || this.#frozen !== null) return
    this.world.note(`${this.name} is frozen for ${ms} ms`)
    this.world.count('frozen')
    this.#frozen = []
    void this.world.clock.after(ms, () => {
      const waiting = this.#frozen ?? []
      this.#frozen = null
      if (this.isAlive) this.world.note(`${this.name} goes on`)
      for (const go of waiting) go()
    })
  }

  /** It is asked to end, and ends in order if it can. */
  async end(): Promise<void> {
    const { app } = this
    if (app === null || !this.isAlive) return
    this.world.note(`${this.name} is to end`)
    this.world.count('ended')
    this.hasClosed = true
    await this.live(app.close())
    this.world.note(`${this.name} has ended`)
  }

  /** Another node has told something. */
  hear(hint: Hint): void {
    this.#whenThawed(() => {
      if (this.isAlive) this.app?.hints.take(hint)
    })
  }

  /** Another node asks. */
  asked(asks: readonly NodeAsk[]): Promise<readonly NodeAnswer[]> {
    return new Promise((resolve, reject) => {
      this.#whenThawed(() => void this.request((app) => app.asks.take(asks)).then(resolve, reject))
    })
  }

  get isFrozen(): boolean {
    return this.#frozen !== null
  }

  #whenThawed(work: () => void): void {
    if (this.#frozen === null) work()
    else this.#frozen.push(work)
  }

  /** After the story: whatever hangs is refused, so that nothing of it stays in memory. */
  async bury(): Promise<void> {
    this.#state = 'buried'
    const error = gone()
    for (const reject of this.#waits) reject(error)
    for (const { ring, cancel } of this.#alarms) {
      cancel()
      setImmediate(ring)
    }
    await this.#opening
    await this.app?.close()
  }

  /** After that: nothing of it rings any more, whatever still waits. */
  forget(): void {
    this.#state = 'forgotten'
  }

  #after(delayMs: number, ring: () => void): Cancel {
    if (this.#state === 'forgotten') return () => {}
    if (this.#state === 'buried') {
      const immediate = setImmediate(ring)
      return () => clearImmediate(immediate)
    }
    const alarm: Alarm = { ring, cancel: () => {} }
    this.#alarms.add(alarm)
    if (this.#state === 'alive')
      alarm.cancel = this.world.clock.after(delayMs, () => {
        this.#whenThawed(() => {
          if (this.#state === 'alive' && this.#alarms.delete(alarm)) ring()
        })
      })
    return () => {
      this.#alarms.delete(alarm)
      alarm.cancel()
    }
  }

  /** Whatever a buried process waits for is over: its time flies, or what looks at the clock would wait for ever. */
  #never(): number {
    this.#beyondMs += 86_400_000
    return this.world.clock.now() + this.#beyondMs
  }

  #onStopped(error: Error | null): void {
    if (error === null || !this.isAlive) return
    this.stopped = error
    this.world.note(`${this.name} stops: ${error.message}`)
    if (!this.#mayStop(error)) this.world.blame('STOPPED', `${this.name} stopped without a cause: ${error.message}`)
  }

  /** Another process has taken over, or the store has said that it failed. */
  #mayStop(error: Error): boolean {
    const code = isBalletError(error) ? error.code : ''
    // Of nodes that share a store, one that loses a shard goes on with the others.
    const isReplaced =
      !this.world.hasLeases && this.ground.disks.some(({ epoch }, shard) => epoch > (this.epochs.get(shard) ?? 0))
    // Whoever cannot reach the store of several nodes does not open, and ends without waiting for it.
    const hasNotReached = (this.app === null || this.hasClosed) && isOutOfReach(error) && this.world.hasLeases
    return (code === 'SHARD_FENCED' && isReplaced) || hasNotReached || (code === 'STORE_FAILED' && this.isExcused)
  }

  #log(): Log {
    const note =
      (level: string) =>
      (message: string): void => {
        if (this.isAlive) this.world.note(`${this.name} ${level}: ${message}`)
      }
    return { info: () => {}, warn: note('warns'), error: note('says') }
  }
}

const gone = (): Error => fault('STORE_FAILED', { problem: 'the process is gone' })

const randomOf = (chance: Chance): Random => ({
  seed: () => chance.between(0, 2 ** 32 - 1),
  uuid: (nowMs) => [nowMs, chance.between(0, 1e9), chance.between(0, 1e9)].map((part) => part.toString(16)).join('-'),
})

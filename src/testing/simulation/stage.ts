// Plays one story: starts a process, lets the clients of a scene ask, starts another process when one has died, hangs or is
// to be taken over from, lets the faults end after a while, and waits until everything has come to its end or time is up.
// What must not be is blamed on the way (World.blame) or found by the scene when it is over.
import { SCHEDULE } from '../../core/names.ts'
import type { Application } from '../../define/application.ts'
import type { RunRow } from '../../core/store.ts'
import type { ApplicationDefinition } from '../../define/definition.ts'
import type { Limits } from '../../define/limits.ts'
import type { RunOptions } from '../../engine/open.ts'
import type { Chance } from './chance.ts'
import { connectionLost, SimulatedProcess } from './process.ts'
import { Restore } from './restore.ts'
import { Wire } from './wire.ts'
import { connectNodes } from './between-nodes.ts'
import type { Medium } from './medium.ts'
import { World, type Cluster, type Finding } from './world.ts'

/** What is played. */
export interface Scene {
  /** The application as one process has it. */
  readonly application: (process: SimulatedProcess) => ApplicationDefinition
  readonly options?: (chance: Chance) => RunOptions
  /** The clients begin. */
  readonly begin: () => void
  /** The store was put back from a backup: what it had not taken when that was made is lost. */
  readonly restored?: () => void
  /** Called every so often: whoever looks after what is stuck. */
  readonly look: () => void
  /** Whether nobody is started at the moment: a longer outage. */
  readonly isHolding?: boolean
  /** Whether the clients have done all that they wanted. */
  readonly isOver: () => boolean
  /** Blames whatever is wrong when everything has ended. */
  readonly judge: () => void | Promise<void>
  /** How long everything may take, and how long things go wrong at most; milliseconds. */
  readonly limitMs?: number
  readonly stormMs?: number
  /** What a judge from outside may see. */
  readonly evidence?: () => unknown
}

/** Makes scenes of one kind. */
export interface Workload {
  readonly name: string
  readonly scene: (stage: Stage) => Scene
  /** Of a store with several shards; one process after the other has a store with one where it says nothing. */
  readonly cluster?: Cluster
  /** Whether some processes take on next to nothing at a time, and put runs on the disk as soon as they can. */
  readonly isTight?: boolean
  /** Whether the store is put back from a backup on the way. */
  readonly isRestored?: boolean
  /** When the story of a seed begins, milliseconds since the epoch: where the time of the year matters. */
  readonly beginMs?: (seed: number) => number
}

/** What a story came to. */
export interface Told {
  readonly seed: number
  readonly workload: string
  readonly hash: string
  readonly findings: readonly Finding[]
  /** Lines for people; null unless they were asked for. */
  readonly lines: readonly string[] | null
  readonly figures: Figures
  readonly evidence: unknown
}

/** What has happened in a story: without it, nothing is proved. */
export interface Figures {
  readonly processes: number
  readonly crashes: number
  readonly fenced: number
  readonly runs: number
  readonly events: number
  readonly virtualMs: number
  /** What went wrong, by its kind. */
  readonly faults: Readonly<Record<string, number>>
}

const LIMIT_MS = 240_000
const STORM_MS = 4000
/** Of the time that all may take: a look whether it has ended, and how long a client waits for an answer. */
const LOOKS = 4000
const PATIENCES = 80
/** Who runs the processes takes one for hanging after so long. */
const HUNG_MS = 700
/** How much more often something befalls one of several nodes than the one of a store, and how long one is frozen at most. */
const FATES = 3
const FREEZE_MS = 5000
/** How long one that ends, or hands something on, waits for what is under way. */
const GRACES_MS = [0, 0, 300, 3000]

/** Some of them as usual. Those that leave a run stuck are not among them: nobody could mend that. */
const tightLimits = (chance: Chance): Partial<Limits> => ({
  signals: chance.pick([1, 2, 10_000]),
  idleMs: chance.pick([5, 50, 600_000]),
  liveBytes: chance.pick([1, 2000, 2 ** 28]),
  arrivals: chance.pick([1, 3, 10_000]),
  openRuns: chance.pick([2, 6, 1_000_000]),
  queueMs: chance.pick([5, 1000]),
  commitMs: chance.pick([20, 5000]),
})

/** Plays the story of a seed, on a disk in memory where no other medium is given. */
export async function tell(
  workload: Workload,
  seed: number,
  isTold = false,
  medium: Medium | null = null,
): Promise<Told> {
  const stage = new Stage(workload, seed, isTold, medium)
  await stage.play()
  return stage.told()
}

/** A schedule goes on for ever. */
const isIdle = ({ call, status }: RunRow): boolean => call === SCHEDULE && status === 'running'

/** A place for a process: when one that has it cannot go on, another comes. */
export interface Seat {
  process: SimulatedProcess
  /** When the next one starts, and when something is done to this one; ages of the world. */
  startAt: number
  fateAt: number
}

export class Stage {
  readonly world: World
  readonly wire: Wire
  readonly #workload: Workload
  readonly #scene: Scene
  readonly #chance: Chance
  readonly #processes: SimulatedProcess[] = []
  readonly #healAt: number
  readonly #restore: Restore | null
  readonly #seats: Seat[] = []
  #hash = ''

  constructor(workload: Workload, seed: number, isTold: boolean, medium: Medium | null) {
    this.world = new World(seed, isTold, workload.cluster, medium, workload.beginMs?.(seed))
    this.wire = new Wire(this.world)
    this.#chance = this.world.chance('stage')
    this.#workload = workload
    this.#scene = workload.scene(this)
    this.#restore = workload.isRestored === true ? new Restore(this.world) : null
    const calmAt = this.#chance.between(800, this.#scene.stormMs ?? STORM_MS)
    this.#healAt = Math.max(calmAt, this.#restore?.untilMs ?? 0)
  }

  /** A process that should be there: the one that should have the disk, or any of several. */
  get current(): SimulatedProcess {
    const [first] = this.#seats as [Seat]
    return (this.#seats.length === 1 ? first : this.#chance.pick(this.#seats)).process
  }

  get #limitMs(): number {
    return this.world.medium?.limitMs ?? this.#scene.limitMs ?? LIMIT_MS
  }

  /** How long a client waits for an answer, in milliseconds. */
  get patienceMs(): number {
    return this.#limitMs / PATIENCES
  }

  /** A client asks the newest process, or now and then one that has not noticed that it is not that any more. */
  ask<T>(ask: (app: Application) => Promise<T>): Promise<T> {
    const { ground } = this.world
    const older = this.#processes.filter(
      (process) => process.isAlive && process.app !== null && !process.hasClosed && process.ground === ground,
    )
    return this.#request(older.length > 1 && this.#chance.is(0.2) ? this.#chance.pick(older) : this.current, ask)
  }

  /** Whoever judges asks a process that should be there: one that has stopped does not know of what came behind it. */
  askCurrent<T>(ask: (app: Application) => Promise<T>): Promise<T> {
    return this.#request(this.current, ask)
  }

  #request<T>(process: SimulatedProcess, ask: (app: Application) => Promise<T>): Promise<T> {
    const { clock, ground } = this.world
    // Where one of an earlier life goes on, nobody finds it any more.
    if (process.ground !== ground) return Promise.reject(connectionLost(process.name))
    return new Promise((resolve, reject) => {
      const cancel = clock.after(this.patienceMs, () => reject(connectionLost(process.name)))
      process.request(ask).then(
        (answer) => {
          cancel()
          resolve(answer)
        },
        (error: Error) => {
          cancel()
          reject(error)
        },
      )
    })
  }

  async play(): Promise<void> {
    const { world } = this
    const { clock } = world
    for (let seat = 0; seat < world.nodes; seat++) this.#start(undefined)
    this.#scene.begin()
    for (;;) {
      await clock.wait(this.#limitMs / LOOKS)
      if (world.ageMs >= this.#healAt) this.#heal()
      if (world.medium !== null) await world.medium.refresh()
      if (this.#restore?.act(this.#seats, this.#processes) === true) this.#scene.restored?.()
      for (const seat of this.#seats) this.#supervise(seat)
      this.#scene.look()
      if (world.findings.length > 0) break
      if (this.#restore?.isUnderWay !== true && this.#isOver()) {
        this.#heal()
        if (this.#isServing) break
      }
      if (world.ageMs > this.#limitMs) {
        world.blame('PROGRESS', this.#left())
        break
      }
    }
    if (world.findings.length === 0) await this.#scene.judge()
    this.#hash = world.trace.hash
    for (const process of this.#processes) await process.bury()
    clock.stop()
  }

  told(): Told {
    const { seed, findings, trace, disks, ageMs, faults } = this.world
    return {
      seed,
      workload: this.#workload.name,
      hash: this.#hash,
      findings,
      lines: trace.lines,
      evidence: this.#scene.evidence?.(),
      figures: {
        processes: this.#processes.length,
        crashes: this.#processes.filter(({ hasDied }) => hasDied).length,
        fenced: this.#processes.filter(({ stopped }) => stopped !== null).length,
        runs: disks.reduce((sum, { runs }) => sum + runs.size, 0),
        events: trace.count,
        virtualMs: ageMs,
        faults,
      },
    }
  }

  /** @param seat whose process cannot go on; undefined for a new one. */
  #start(seat: Seat | undefined): void {
    const { world } = this
    const process = new SimulatedProcess(world)
    this.#processes.push(process)
    const { weather } = world
    const share = world.hasLeases ? FATES : 1
    const fateAt =
      weather !== null && this.#chance.is(weather.takeOver * share)
        ? world.ageMs + this.#chance.between(20, 1500)
        : Number.POSITIVE_INFINITY
    const next = { process, startAt: Number.POSITIVE_INFINITY, fateAt }
    if (seat === undefined) this.#seats.push(next)
    else Object.assign(seat, next)
    const chance = world.chance(`${process.name} options`)
    const address = world.hasLeases ? { address: process.address } : {}
    const limits = this.#workload.isTight === true ? { limits: tightLimits(chance) } : {}
    const given = { liveRuns: chance.pick([1, 3, 10_000]), ...limits, ...address, ...this.#scene.options?.(chance) }
    const waits = this.#workload.cluster?.waits === true
    const options = waits ? { ...given, graceMs: chance.pick(GRACES_MS) } : given
    const opening = process.open(this.#scene.application(process), options)
    opening.then(() => connectNodes(process, this.#processes)).catch(() => {})
  }

  /** Nothing goes wrong any more, and whatever hangs is ended: also a node that was to end, and keeps its shards from the others. */
  #heal(): void {
    if (this.world.weather === null) return
    this.world.heal()
    for (const process of this.#processes) if (process.hungSince !== null) process.crash('it hung')
  }

  /** Starts another process where one cannot go on. */
  #supervise(seat: Seat): void {
    const { world } = this
    const { process } = seat
    const { hungSince } = process
    const hangs = hungSince !== null && world.clock.now() - hungSince > HUNG_MS
    if (hangs && (world.weather === null || this.#chance.is(0.6))) process.crash('it hung')
    const isDue = world.ageMs >= seat.fateAt
    if (isDue && world.hasLeases) this.#befall(process)
    const isReplaced = isDue && !world.hasLeases
    if (!process.isAlive || process.stopped !== null || process.hasClosed || hangs || isReplaced) {
      if (seat.startAt === Number.POSITIVE_INFINITY) seat.startAt = world.ageMs + this.#chance.between(0, 150)
    }
    if (isDue) seat.fateAt = Number.POSITIVE_INFINITY
    const isHolding = this.#restore?.isHolding === true || this.#scene.isHolding === true
    if (world.ageMs >= seat.startAt && !isHolding) this.#start(seat)
  }

  /** A node of several is stopped for a while, or is to end. */
  #befall(process: SimulatedProcess): void {
    if (this.#chance.is(0.5)) process.freeze(this.#chance.between(300, FREEZE_MS))
    else process.end().catch(() => {})
  }

  /** Whether everybody can be asked how everything ended, and nobody, also of those before them, is still to go on with what is over. */
  get #isServing(): boolean {
    const isThere = ({ app, isAlive, stopped, hungSince, hasClosed }: SimulatedProcess): boolean =>
      app !== null && isAlive && stopped === null && hungSince === null && !hasClosed
    const goesOn = this.#processes.some(({ isAlive, isFrozen }) => isAlive && isFrozen)
    return !goesOn && this.#seats.every(({ process }) => isThere(process))
  }

  #isOver(): boolean {
    if (!this.#scene.isOver()) return false
    return this.world.disks.every(
      ({ inbox, runs }) => inbox.size === 0 && [...runs.values()].every((run) => run.ended !== null || isIdle(run)),
    )
  }

  #left(): string {
    const { disks } = this.world
    const rows = disks.reduce((sum, { inbox }) => sum + inbox.size, 0)
    const open = disks.flatMap(({ runs }) => [...runs.values()]).filter(({ ended }) => ended === null)
    const words = open.map(({ id, status, reason, phase }) => [id, status, reason, phase].filter(Boolean).join(' '))
    const clients = this.#scene.isOver() ? [] : ['the clients']
    return `after ${this.#limitMs / 1000} s: ${[...words, ...clients].join(', ')}; ${rows} inbox rows are left`
  }
}

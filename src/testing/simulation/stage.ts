// Plays one story: starts a process, lets the clients of a scene ask, starts another process when one has died, hangs or is
// to be taken over from, lets the faults end after a while, and waits until everything has come to its end or time is up.
// What must not be is blamed on the way (World.blame) or found by the scene when it is over.
import type { Application } from '../../define/application.ts'
import type { ApplicationDefinition } from '../../define/definition.ts'
import type { RunOptions } from '../../engine/open.ts'
import type { Chance } from './chance.ts'
import { connectionLost, SimulatedProcess } from './process.ts'
import { Wire } from './wire.ts'
import { World, type Finding } from './world.ts'

/** What is played. */
export interface Scene {
  /** The application as one process has it. */
  readonly application: (process: SimulatedProcess) => ApplicationDefinition
  readonly options?: (chance: Chance) => RunOptions
  /** The clients begin. */
  readonly begin: () => void
  /** Called every so often: whoever looks after what is stuck. */
  readonly look: () => void
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

/** Plays the story of a seed. */
export async function tell(workload: Workload, seed: number, isTold = false): Promise<Told> {
  const stage = new Stage(workload, seed, isTold)
  await stage.play()
  return stage.told()
}

export class Stage {
  readonly world: World
  readonly wire: Wire
  readonly #workload: Workload
  readonly #scene: Scene
  readonly #chance: Chance
  readonly #processes: SimulatedProcess[] = []
  readonly #healAt: number
  #startAt = 0
  #hash = ''
  #takeOverAt = Number.POSITIVE_INFINITY

  constructor(workload: Workload, seed: number, isTold: boolean) {
    this.world = new World(seed, isTold)
    this.wire = new Wire(this.world)
    this.#chance = this.world.chance('stage')
    this.#workload = workload
    this.#scene = workload.scene(this)
    this.#healAt = this.#chance.between(800, this.#scene.stormMs ?? STORM_MS)
  }

  /** The process that should have the disk. */
  get current(): SimulatedProcess {
    return this.#processes.at(-1) as SimulatedProcess
  }

  get #limitMs(): number {
    return this.#scene.limitMs ?? LIMIT_MS
  }

  /** A client asks the newest process, or now and then one that has not noticed that it is not that any more. */
  ask<T>(ask: (app: Application) => Promise<T>): Promise<T> {
    const older = this.#processes.filter((process) => process.isAlive && process.app !== null)
    const process = older.length > 1 && this.#chance.is(0.2) ? this.#chance.pick(older) : this.current
    const { clock } = this.world
    return new Promise((resolve, reject) => {
      const cancel = clock.after(this.#limitMs / PATIENCES, () => reject(connectionLost(process.name)))
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
    this.#start()
    this.#scene.begin()
    for (;;) {
      await clock.wait(this.#limitMs / LOOKS)
      if (world.weather !== null && world.ageMs >= this.#healAt) world.heal()
      this.#supervise()
      this.#scene.look()
      if (world.findings.length > 0) break
      if (this.#isOver()) {
        if (world.weather !== null) world.heal()
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
    const { seed, findings, trace, disk, ageMs, faults } = this.world
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
        runs: disk.runs.size,
        events: trace.count,
        virtualMs: ageMs,
        faults,
      },
    }
  }

  #start(): void {
    const { world } = this
    const process = new SimulatedProcess(world)
    this.#processes.push(process)
    this.#startAt = Number.POSITIVE_INFINITY
    const { weather } = world
    this.#takeOverAt =
      weather !== null && this.#chance.is(weather.takeOver)
        ? world.ageMs + this.#chance.between(20, 1500)
        : Number.POSITIVE_INFINITY
    const chance = world.chance(`${process.name} options`)
    const options = { liveRuns: chance.pick([1, 3, 10_000]), ...this.#scene.options?.(chance) }
    process.open(this.#scene.application(process), options).catch(() => {})
  }

  /** Starts another process where the newest cannot go on. */
  #supervise(): void {
    const { current, world } = this
    const { hungSince } = current
    const hangs = hungSince !== null && world.clock.now() - hungSince > HUNG_MS
    if (hangs && (world.weather === null || this.#chance.is(0.6))) current.crash('it hung')
    if (world.weather === null)
      for (const process of this.#processes) if (process.hungSince !== null) process.crash('it hung')
    if (!current.isAlive || current.stopped !== null || hangs || world.ageMs >= this.#takeOverAt) {
      if (this.#startAt === Number.POSITIVE_INFINITY) this.#startAt = world.ageMs + this.#chance.between(0, 150)
      this.#takeOverAt = Number.POSITIVE_INFINITY
    }
    if (world.ageMs >= this.#startAt) this.#start()
  }

  /** Whether somebody can be asked how everything ended. */
  get #isServing(): boolean {
    const { app, isAlive, stopped, hungSince } = this.current
    return app !== null && isAlive && stopped === null && hungSince === null
  }

  #isOver(): boolean {
    if (!this.#scene.isOver()) return false
    const { inbox, runs } = this.world.disk
    return inbox.size === 0 && [...runs.values()].every(({ ended }) => ended !== null)
  }

  #left(): string {
    const { inbox, runs } = this.world.disk
    const open = [...runs.values()].filter(({ ended }) => ended === null)
    const words = open.map(({ id, status, reason, phase }) => [id, status, reason, phase].filter(Boolean).join(' '))
    const clients = this.#scene.isOver() ? [] : ['the clients']
    return `after ${this.#limitMs / 1000} s: ${[...words, ...clients].join(', ')}; ${inbox.size} inbox rows are left`
  }
}

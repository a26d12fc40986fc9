// What can be seen of schedules from outside while a story is told: which runs they started and when, what each said of itself, who
// was there to fire them, and what people asked for. The judge (schedule-judge.ts) holds it against the guide.
import { parseCommands, parseTurn } from '../../src/core/journal.ts'
import type { Batch } from '../../src/core/store.ts'
import type { SimulatedProcess } from '../../src/testing/simulation/process.ts'
import type { World } from '../../src/testing/simulation/world.ts'
import type { Release, Work } from './schedule-contracts.ts'

/** What a schedule says of itself, as `ballet schedules` shows it. */
export interface Said {
  readonly next: string | null
  readonly paused: { readonly at: string } | null
  readonly last: { readonly at: string; readonly run: string } | null
  readonly skipped: { readonly at: string; readonly run: string; readonly count: number } | null
  readonly missed: { readonly from: string; readonly to: string } | null
}

/** When something was seen: the time of the world, and its place among all that was. */
interface Seen {
  readonly ms: number
  readonly nth: number
}

/** A run that a schedule started. */
export interface Started extends Seen {
  readonly id: string
  readonly schedule: string
  /** The time in its id, milliseconds since the epoch. */
  readonly time: number
  readonly input: Work
}

export interface Statement extends Seen {
  /** When it was said, by the clock of whoever said it. */
  readonly atMs: number
  readonly said: Said
}

/** Who was there to fire at one moment: releases. */
interface Crew {
  readonly ms: number
  readonly up: ReadonlySet<number>
}

const ID = /^([a-z]+)@(\d{4})(\d\d)(\d\d)T(\d\d)(\d\d)(\d\d)(\.\d{3})?Z$/

export class Watch {
  readonly world: World
  readonly releases: readonly Release[]
  /** How far any clock may be from that of the world. */
  readonly aheadMs: number
  firings: Started[] = []
  /** When runs ended, by their ids. */
  readonly ended = new Map<string, Seen>()
  readonly statements = new Map<string, Statement[]>()
  readonly crews: Crew[] = []
  /** What people asked to be fired, by ids, and when they heard that it was. */
  readonly byHand = new Map<string, number | null>()
  /** When the faults were over, and when somebody began to pause all; times of the world. */
  healedMs = Number.POSITIVE_INFINITY
  closedMs = Number.POSITIVE_INFINITY
  readonly #processes = new Map<SimulatedProcess, number>()
  /** Schedules that are between two generations. */
  readonly #continuing = new Set<string>()
  #count = 0

  constructor(world: World, releases: readonly Release[], aheadMs: number) {
    this.world = world
    this.releases = releases
    this.aheadMs = aheadMs
  }

  begin(): void {
    this.world.onCommit.push((batch) => this.#commit(batch))
    this.world.whenEnded(({ id }) => this.ended.set(id, this.#seen()))
  }

  started(process: SimulatedProcess, release: number): void {
    this.#processes.set(process, release)
    this.look(release)
  }

  triggered(name: string, time: number, heardMs: number | null = null): void {
    const id = `${name}@${new Date(time).toISOString().replaceAll(/[-:]|\.000/g, '')}`
    this.byHand.set(id, heardMs ?? this.byHand.get(id) ?? null)
  }

  /** @param started a release of which a process has just started. */
  look(started?: number): void {
    const up = new Set(started === undefined ? [] : [started])
    for (const [{ isAlive, hasClosed, stopped, isFrozen }, release] of this.#processes)
      if (isAlive && !hasClosed && stopped === null && !isFrozen) up.add(release)
    this.crews.push({ ms: this.world.clock.now(), up })
  }

  /** What has happened since the backup is not known any more. */
  restored(): void {
    const { clock, ageMs, backedUpMs } = this.world
    // Whoever is started in the moment of the backup is started behind it.
    // What is started in the moment of the backup is started behind it.
    const until = clock.now() - ageMs + backedUpMs
    this.firings = this.firings.filter(({ ms }) => ms < until)
    for (const [id, { ms }] of this.ended) if (ms >= until) this.ended.delete(id)
    for (const [id, heardMs] of this.byHand) if (heardMs !== null && heardMs >= until) this.byHand.set(id, null)
    for (const [name, said] of this.statements)
      this.statements.set(
        name,
        said.filter(({ ms }) => ms < until),
      )
    this.#continuing.clear()
    if (this.healedMs !== Number.POSITIVE_INFINITY) this.healed()
  }

  healed(): void {
    this.healedMs = this.world.clock.now()
  }

  closed(): void {
    this.closedMs = this.world.clock.now()
  }

  /** Whether it is paused, and waits. */
  isPaused(name: string): boolean {
    return !this.#continuing.has(name) && this.statements.get(name)?.at(-1)?.said.paused != null
  }

  #seen(): Seen {
    this.#count += 1
    return { ms: this.world.clock.now(), nth: this.#count }
  }

  #commit({ shard, runs, journal }: Batch): void {
    for (const { id, input } of runs) {
      const parts = ID.exec(id)
      if (parts === null) continue
      const [, schedule = '', year, month, day, hour, minute, second, rest = ''] = parts
      const time = Date.parse(`${year}-${month}-${day}T${hour}:${minute}:${second}${rest}Z`)
      this.firings.push({ ...this.#seen(), id, schedule, time, input: JSON.parse(String(input)) as Work })
    }
    for (const { run, kind, at, data } of journal) {
      const id = this.world.disks[shard]?.runs.get(run)?.id ?? ''
      if (kind !== 'turn' || !id.startsWith('@schedule:')) continue
      const commands = parseCommands(parseTurn(String(data)).commandsText)
      const name = id.slice('@schedule:'.length)
      const all = this.statements.get(name) ?? []
      this.statements.set(name, all)
      if (commands.some((command) => command.kind === 'continue')) this.#continuing.add(name)
      else this.#continuing.delete(name)
      for (const command of commands)
        if (command.kind === 'set') all.push({ ...this.#seen(), atMs: at, said: command['state'] as Said })
    }
  }
}

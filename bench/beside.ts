// Systems beside each other, in rounds in which each has its turn. In its turn a system is started on a store of its own,
// in processes of its own, warmed up, driven with one order at a time and with crowds, and ended, so that no other
// system costs it anything. Who begins changes with the round.
import { mkdtempSync, rmSync } from 'node:fs'
import { availableParallelism } from 'node:os'
import { join } from 'node:path'
import type { Ask, Drove } from './closed-loop-for.ts'
import type { Databases } from './databases.ts'
import { quantile } from './figures.ts'
import type { About } from './host.ts'
import { Hosted, type HostProgram } from './hosted.ts'
import { cpuUsOf, machineCpuUs } from './processes.ts'

export const crowds = [1, 64, 1024] as const
export type Crowd = (typeof crowds)[number]
export type Mode = 'in process' | 'over HTTP'

/** Where a turn keeps what it stores. */
export interface Ground {
  readonly folder: string
  /** Of the database of the turn, for a contender that has one. */
  readonly url: string
}

export interface Contender {
  readonly name: string
  readonly mode: Mode
  /** A peer is what the engine is measured against; the rest says what the machine allows. */
  readonly peer?: boolean
  /** Has a database in its turn. */
  readonly database?: boolean
  /** Several are nodes of one system, and share its orders. */
  readonly hosts: (ground: Ground) => readonly HostProgram[]
}

export interface Sample {
  readonly perSecond: number
  readonly p50Ms: number
  readonly p99Ms: number
  /** Of all processes: the system, its client, its database. NaN where that is not known. */
  readonly cpuUs: number
  /** The share of the machine's processors that everything else had meanwhile: 0 is a machine of one's own. */
  readonly others: number
}
/** By the name of the contender; one that failed is not in it. */
export type Round = ReadonlyMap<Contender, Readonly<Record<Crowd, Sample>>>

export interface Grounds {
  readonly folder: string
  readonly databases: Databases
}

export interface Pace {
  readonly rounds: number
  /** Of each crowd. */
  readonly seconds: number
  /** Orders for which the code of a process is warmed up. */
  readonly warmOrders: number
}

/** Each process carries so many orders through before it is measured: where several share them, it has had as many as one alone. */
const warmUp = ({ seconds, warmOrders }: Pace, processes: number): Ask => ({
  inFlight: 64,
  seconds: Math.min(1, seconds),
  orders: warmOrders * processes,
  mostSeconds: 15,
})
const asks = (seconds: number): readonly (Ask & { readonly inFlight: Crowd })[] => [
  { inFlight: 1, seconds, orders: 10, mostSeconds: 6 },
  { inFlight: 64, seconds, orders: 192, mostSeconds: 6 },
  { inFlight: 1024, seconds, orders: 1536, mostSeconds: 6 },
]

export class Beside {
  readonly #grounds: Grounds
  readonly #pace: Pace
  readonly #say: (line: object) => void
  readonly #told = new Set<Contender>()
  /** Those that did not run, and why. */
  readonly failed = new Map<Contender, string>()

  constructor(grounds: Grounds, pace: Pace, say: (line: object) => void) {
    this.#grounds = grounds
    this.#pace = pace
    this.#say = say
  }

  /** A contender that fails is told, and left out from then on, with what it did before. */
  async measure(contenders: readonly Contender[]): Promise<readonly Round[]> {
    const rounds: Round[] = []
    for (let index = 0; index < this.#pace.rounds; index++) {
      const round = new Map<Contender, Record<Crowd, Sample>>()
      this.#say({ round: index + 1, of: this.#pace.rounds })
      for (let offset = 0; offset < contenders.length; offset++) {
        const contender = contenders[(index + offset) % contenders.length] as Contender
        if (this.failed.has(contender)) continue
        try {
          round.set(contender, await this.#turn(contender))
        } catch (error) {
          const reason = error instanceof Error ? error.message : String(error)
          this.failed.set(contender, reason)
          this.#say({ contender: contender.name, mode: contender.mode, failed: reason })
        }
      }
      rounds.push(round)
    }
    return rounds.map((round) => new Map([...round].filter(([contender]) => !this.failed.has(contender))))
  }

  async #turn(contender: Contender): Promise<Record<Crowd, Sample>> {
    const folder = mkdtempSync(join(this.#grounds.folder, 'turn-'))
    const { databases } = this.#grounds
    const database = contender.database === true ? await databases.make() : undefined
    const open: Hosted[] = []
    try {
      const ground = { folder, url: database?.url ?? '' }
      for (const program of contender.hosts(ground)) open.push(await Hosted.start(program))
      const nodes = [...open]
      this.#introduce(contender, nodes)
      const drivers = contender.mode === 'over HTTP' ? await clientsOf(nodes) : nodes
      if (drivers !== nodes) open.push(...drivers)
      await drive(drivers, warmUp(this.#pace, nodes.length))
      const pids = open.map(({ pid }) => pid)
      if (database !== undefined) pids.push(databases.server ?? Number.NaN)
      const samples: Partial<Record<Crowd, Sample>> = {}
      for (const ask of asks(this.#pace.seconds)) samples[ask.inFlight] = await sample(drivers, pids, ask)
      return samples as Record<Crowd, Sample>
    } finally {
      for (const one of open.reverse()) await one.close()
      await database?.drop()
      rmSync(folder, { recursive: true, force: true })
    }
  }

  #introduce(contender: Contender, nodes: readonly Hosted[]): void {
    if (this.#told.has(contender)) return
    this.#told.add(contender)
    const about: About = nodes[0]?.about ?? {}
    this.#say({ contender: contender.name, mode: contender.mode, nodes: nodes.length, ...about })
  }
}

/** A client for each node, in a process of its own. */
function clientsOf(nodes: readonly Hosted[]): Promise<Hosted[]> {
  return Promise.all(
    nodes.map(({ http }) =>
      Hosted.start({ program: 'hosts/client.ts', settings: { endpoint: http, connections: crowds.at(-1) } }),
    ),
  )
}

async function sample(drivers: readonly Hosted[], pids: readonly number[], ask: Ask): Promise<Sample> {
  const before = { own: cpuUsOf(pids), machine: machineCpuUs(), at: performance.now() }
  const drove = await drive(drivers, ask)
  const cpuUs = cpuUsOf(pids) - before.own
  const passedUs = (performance.now() - before.at) * 1000
  const others = (machineCpuUs() - before.machine - cpuUs) / (passedUs * availableParallelism())
  return {
    perSecond: drove.orders / drove.seconds,
    p50Ms: quantile(drove.latenciesMs, 0.5),
    p99Ms: quantile(drove.latenciesMs, 0.99),
    cpuUs: cpuUs / drove.orders,
    others: Math.min(1, Math.max(0, others)),
  }
}

/** All nodes at once, each with its share. */
async function drive(drivers: readonly Hosted[], ask: Ask): Promise<Drove> {
  const share = (whole: number): number => Math.max(1, Math.round(whole / drivers.length))
  const parts = await Promise.all(
    drivers.map((one) => one.drive({ ...ask, inFlight: share(ask.inFlight), orders: share(ask.orders) })),
  )
  return {
    orders: parts.reduce((total, { orders }) => total + orders, 0),
    seconds: Math.max(...parts.map(({ seconds }) => seconds)),
    latenciesMs: parts.flatMap(({ latenciesMs }) => latenciesMs),
  }
}

// A campaign against a cluster: one database, some nodes of the shop, clients that ask whichever node they find, and blow
// after blow to the node that carries the runs, to the network between it and the database, and to the database. Orders go
// on all the time; each blow comes a moment after an order was acknowledged. At the end every order is carried through, and
// what clients were told is compared with the ledgers of the services, as in every other campaign.
import { join } from 'node:path'
import { Chance } from '../../src/testing/simulation/chance.ts'
import type { LedgerRow } from '../../examples/shop/ledger.ts'
import { PostgresServer } from '../postgres/server.ts'
import { openOrders, readAllEffects, readEffects, type Evidence } from './campaign.ts'
import { Clients, PATIENCE_MS } from './clients.ts'
import type { Clocks } from './clocks.ts'
import {
  arsenalOf,
  besides,
  isLong,
  latestMs,
  type ClusterBlow,
  type ClusterSite,
  type Takeover,
} from './cluster-blows.ts'
import { writeRecords } from './evidence.ts'
import { farLine, type Line } from './line.ts'
import type { Network } from './network.ts'
import { NodeSet, type LivingNode } from './node-set.ts'
import { planOrders, type PlannedOrder } from './orders.ts'
import { pause } from './pause.ts'
import { Records } from './records.ts'
import type { ServicesProcess } from './services-process.ts'
import { endOfTimetable, exhibitsOf, type Firing, type TimetableExhibits } from './timetable-audit.ts'

export interface ClusterOptions {
  readonly nodes: number
  readonly leaseSeconds: number
  readonly shards: number
  /** Blows at most, and how long at most they go on. */
  readonly blows: number
  readonly limitMs: number
  /** Orders for each blow but those that come beside another, in all styles. */
  readonly ordersPerBlow: number
  readonly seed: number
  /** Where the services keep their books, but for Payment: it has them in the database. */
  readonly folder: string
  readonly onBlow?: (blows: number) => void
  /** A take-over was late: of which blow, and what the nodes have said last. */
  readonly onLate?: (blow: string, said: string) => void
  /** A network of its own, with one place more than nodes, in the place of proxies in this process. */
  readonly network?: Network | undefined
  /** Sets the clocks of nodes. Only with services that have another clock: their books say when something happened. */
  readonly clocks?: Clocks | undefined
  /** The services as a process of their own, not started yet. */
  readonly services?: ServicesProcess | undefined
}

/** A campaign is given up when nothing happens for so long. */
const STALL_MS = 120_000
/** Answers that are lost before a blow: the step is asked for again, by this node or the next. */
const LOST_MOST = 3
const SERVICES = ['catalog', 'payment', 'shipping', 'notification'] as const
/** Of what each node said before a take-over that was late. */
const LATE_CHARACTERS = 6000
/** A node that is slow to take a fault goes without. */
const FAULT_MS = 2000
/** Blows that come beside one that takes long, and the pause before each. */
const BESIDE_MOST = 3
const BESIDE_MS = 600

/** What goes on by the clock as well, where the services are a process of their own. */
export interface ClusterEvidence extends Evidence {
  readonly timetable: TimetableExhibits | null
}

export async function runCluster(options: ClusterOptions): Promise<ClusterEvidence> {
  const campaign = new Cluster(options)
  try {
    await campaign.run()
  } catch (error) {
    throw new Error(`the campaign with seed ${options.seed} broke off; its books are in ${options.folder}`, {
      cause: error,
    })
  } finally {
    await campaign.clear()
    // Beside the books, for whoever looks into what was found, or into what broke it off.
    writeRecords(options.folder, campaign.records)
  }
  const { records, effects, timetable } = campaign
  return { records, effects, timetable }
}

interface Target {
  readonly blow: ClusterBlow
  readonly at: LivingNode
  /** In words. */
  readonly moment: string
}

class Cluster {
  readonly records = new Records()
  /** Of all services, when all is over. */
  effects: readonly LedgerRow[] = []
  timetable: TimetableExhibits | null = null
  readonly #options: ClusterOptions
  readonly #chance: Chance
  readonly #orders: PlannedOrder[]
  readonly #stop = new AbortController()
  readonly #trouble = Promise.withResolvers<never>()
  #server: PostgresServer | undefined
  #nodes: NodeSet | undefined
  /** The way to the database of whoever is no node, if the network has it elsewhere. */
  #line: Line | undefined
  #stalled: NodeJS.Timeout | undefined
  #struck = 0

  constructor(options: ClusterOptions) {
    this.#options = options
    const chance = new Chance(options.seed)
    this.#chance = chance.part(2)
    this.#orders = planOrders(options.blows * options.ordersPerBlow, chance.part(1))
    this.#trouble.promise.catch(() => {})
  }

  async run(): Promise<void> {
    const { nodes: count, leaseSeconds, shards, folder, limitMs, network, clocks, services } = this.#options
    this.#watchProgress()
    const server = (this.#server = await PostgresServer.start(network?.inside))
    const chance = this.#chance
    const onTrouble = (error: unknown): void => this.#trouble.reject(error)
    const url = server.url('?patience=60')
    this.#line = network === undefined ? undefined : await farLine(network, count, url)
    const payments = this.#line?.url(url) ?? url
    await services?.start(payments)
    const timetable = join(folder, 'timetable.jsonl')
    const timed = services === undefined ? {} : { BALLET_TIMETABLE: timetable }
    const nodes = new NodeSet({
      count,
      url,
      ...(network === undefined ? {} : { line: (place: number) => farLine(network, place, url) }),
      settings: (place) => ({ ...services?.shop, env: { ...timed, ...services?.shop.env, ...clocks?.env(place) } }),
      leaseSeconds,
      shards,
      folder,
      chance: chance.part(7),
      onTrouble,
    })
    this.#nodes = nodes
    await this.#unlessTrouble(nodes.start())
    const clients = new Clients({
      address: nodes,
      records: this.records,
      chance: chance.part(3),
      signal: this.#stop.signal,
      patienceMs: PATIENCE_MS,
      onTrouble,
    })
    const site: ClusterSite = { nodes, server, leaseMs: leaseSeconds * 1000, chance, clocks, services }
    const until = performance.now() + limitMs
    const kinds = arsenalOf(this.#options).length
    for (const [round, blow] of this.#drawn().entries()) {
      if (performance.now() > until || (round >= kinds && this.#struck >= this.#options.blows)) break
      await this.#unlessTrouble(this.#round(site, clients, blow))
    }
    const firings = await this.#unlessTrouble(this.#end(nodes, clients))
    this.effects = await readAllEffects(folder, payments)
    if (services !== undefined) this.timetable = await exhibitsOf(firings, timetable, payments)
  }

  /** Nothing that was started goes on after this. */
  async clear(): Promise<void> {
    clearTimeout(this.#stalled)
    this.#stop.abort()
    await this.#nodes?.clear()
    await this.#line?.close()
    await this.#server?.stop()
  }

  /** Each kind comes at least once, if there are enough. */
  #drawn(): ClusterBlow[] {
    const arsenal = arsenalOf(this.#options)
    const all = arsenal.map(([, blow]) => blow)
    return Array.from({ length: this.#options.blows }, (_, at) => all[at] ?? this.#chance.weighted(arsenal))
  }

  async #round(site: ClusterSite, clients: Clients, blow: ClusterBlow): Promise<void> {
    const { nodes, chance } = site
    const owner = await nodes.owner(STALL_MS)
    if (owner === null) throw new Error(`nobody carries the runs:\n${nodes.output}`)
    // Of the first round at least something is asked for again, whichever node carries it: chance alone left that out once.
    const isFirst = this.#struck === 0
    if (chance.is(0.6) || isFirst) await this.#loseAnswers(nodes.living, isFirst ? 'catalog' : chance.pick(SERVICES))
    const acked = this.#nextAck()
    clients.release(this.#orders.splice(0, this.#options.ordersPerBlow))
    await acked
    const delayMs = chance.between(0, 60)
    await pause(delayMs)
    const struck = this.#strike(site, clients, { blow, at: owner, moment: `ack 1 +${delayMs} ms` })
    await Promise.all([struck, isLong(blow) ? this.#beside(site, clients, { blow, at: owner }) : null])
  }

  /** While others are to take over, they have troubles of their own. */
  async #beside(site: ClusterSite, clients: Clients, { blow, at }: Omit<Target, 'moment'>): Promise<void> {
    const { nodes, chance } = site
    for (let left = chance.between(0, BESIDE_MOST); left > 0; left--) {
      await pause(chance.between(0, BESIDE_MS))
      const others = nodes.living.filter(({ place }) => place !== at.place)
      if (others.length === 0) return
      const other = { blow: chance.pick(besides), at: chance.pick(others) }
      await this.#strike(site, clients, { ...other, moment: `beside ${blow.kind}` })
    }
  }

  async #strike(site: ClusterSite, clients: Clients, { blow, at, moment }: Target): Promise<void> {
    const t = Date.now()
    const open = openOrders(this.records, readEffects(this.#options.folder)).size
    const cut = clients.asking.length
    const taken: Takeover | undefined | null = await blow.strike(site, at)
    if (taken === null) return
    if (taken !== undefined && taken.ownedMs > latestMs(blow.kind, site.leaseMs))
      this.#options.onLate?.(
        `${blow.kind} of node ${at.place}, at ${t}: ${taken.ownedMs} ms`,
        site.nodes.said(LATE_CHARACTERS),
      )
    const seen = { moment, open, cut, ...taken }
    this.records.fault({ t, type: 'fault', kind: blow.kind, target: `node ${at.place}`, ...seen })
    this.#struck += 1
    this.#options.onBlow?.(this.#struck)
  }

  #nextAck(): Promise<void> {
    return new Promise((resolve) => {
      const forget = this.records.listen((row) => {
        if (row.type !== 'ack') return
        forget()
        resolve()
      })
    })
  }

  /** The next answers of a service get lost, at each node that has it. */
  async #loseAnswers(nodes: readonly LivingNode[], service: (typeof SERVICES)[number]): Promise<void> {
    const body = JSON.stringify({ service, loseAnswers: this.#chance.between(1, LOST_MOST) })
    const headers = { 'content-type': 'application/json' }
    const { services } = this.#options
    const urls = services === undefined ? nodes.map(({ url }) => `${url}/shop/faults`) : [`${services.url}/faults`]
    const ask = { method: 'POST', headers, body }
    await Promise.all(
      urls.map((url) => fetch(url, { ...ask, signal: AbortSignal.timeout(FAULT_MS) }).catch(() => null)),
    )
    this.records.fault({ t: Date.now(), type: 'fault', kind: 'lose', target: service })
  }

  async #end(nodes: NodeSet, clients: Clients): Promise<readonly Firing[]> {
    await clients.idle
    await clients.again()
    const firings = this.#options.services === undefined ? [] : await endOfTimetable(() => nodes.current())
    await nodes.close()
    return firings
  }

  #unlessTrouble<T>(work: Promise<T>): Promise<T> {
    return Promise.race([work, this.#trouble.promise])
  }

  #watchProgress(): void {
    const arm = (): void => {
      clearTimeout(this.#stalled)
      const stalled = async (): Promise<void> => {
        const seen = [this.#nodes?.output ?? '', await this.#nodes?.waiting(), await this.#server?.sessions()]
        this.#trouble.reject(new Error(`nothing happened for ${STALL_MS} ms:\n${seen.join('\n')}`))
      }
      this.#stalled = setTimeout(() => void stalled(), STALL_MS)
    }
    this.records.listen(arm)
    arm()
  }
}

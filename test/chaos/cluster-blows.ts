// What is done to a cluster. Each blow begins at once, and resolves when what it did is mended: a node that died is started
// again, a network carries again, the database is up. Where another node is to take over, it measures how long that takes.
import type { Chance } from '../../src/testing/simulation/chance.ts'
import type { PostgresServer } from '../postgres/server.ts'
import { OFF_MOST_SECONDS, type Clocks } from './clocks.ts'
import type { LivingNode, NodeSet } from './node-set.ts'
import { pause } from './pause.ts'
import type { ServicesProcess } from './services-process.ts'

/**
 * `kill-node`, `stop-node` (SIGTERM), `freeze-node`: of one that carries runs; `kill-standby`: of another.
 * `reset`: its connections are cut. `lose-reply`: the answer to a commit is lost. `partition`: it and the database do not
 * hear each other. `database`: that is killed. `clock-jump`: the clock of the one that carries the runs is set. `kill-services`: of
 * the process that they are.
 */
export type ClusterBlowKind =
  | 'kill-node'
  | 'stop-node'
  | 'freeze-node'
  | 'kill-standby'
  | 'reset'
  | 'lose-reply'
  | 'partition'
  | 'database'
  | 'clock-jump'
  | 'kill-services'

export interface ClusterSite {
  readonly nodes: NodeSet
  readonly server: PostgresServer
  readonly leaseMs: number
  readonly chance: Chance
  /** Only where clocks can be set, and where the services are a process of their own. */
  readonly clocks?: Clocks | undefined
  readonly services?: ServicesProcess | undefined
}

export interface ClusterBlow {
  readonly kind: ClusterBlowKind
  /** Null when it met nothing, and does not count. */
  strike(site: ClusterSite, owner: LivingNode): Promise<Takeover | undefined | null>
}

/**
 * From the blow until others own all that the node had, until that is seen at a node that takes new runs, and, of one that was
 * asked to end, until its process was gone; milliseconds.
 */
export interface Takeover {
  readonly ownedMs: number
  readonly readyMs: number
  readonly goneMs?: number
}

/** Until others own all that a node had: after a kill, above the lease; and after SIGTERM. */
export const [KILL_SLACK_MS, STOP_MS] = [2000, 1000] as const

/** Until when others are to own what a node had that met this blow; for ever where nothing is asked for. */
export function latestMs(kind: string, leaseMs: number): number {
  if (kind === 'stop-node') return STOP_MS
  return kind === 'kill-node' ? leaseMs + KILL_SLACK_MS : Number.POSITIVE_INFINITY
}

/** Nobody takes over for so long: then something is wrong. */
const GIVEN_UP_MS = 60_000
/** How long a node is waited for that may have nothing to commit. */
const COMMIT_MS = 2000
/** Within which a clock that was set is looked at. */
const CLOCK_LOOK_MS = 1100

/**
 * Strikes a node, and says how long it takes until others carry its runs. The clock of the database is that of this machine.
 * @param strike is called at once when it is known what the node has.
 */
async function takeover({ nodes }: ClusterSite, from: LivingNode, strike: () => void): Promise<Takeover> {
  const part = await nodes.partOf(from)
  const since = Date.now()
  strike()
  const owned = await nodes.taken(from, part, since, GIVEN_UP_MS)
  const next = await nodes.owner(GIVEN_UP_MS, ({ process }) => process !== from.process)
  if (owned === null || next === null) throw new Error(`nobody took over within ${GIVEN_UP_MS} ms:\n${nodes.output}`)
  return { ownedMs: owned - since, readyMs: Date.now() - since }
}

const killNode: ClusterBlow = {
  kind: 'kill-node',
  async strike(site, owner) {
    const taken = await takeover(site, owner, () => owner.process.kill())
    await owner.process.exit
    await site.nodes.up(owner.place)
    return taken
  },
}

const stopNode: ClusterBlow = {
  kind: 'stop-node',
  async strike(site, owner) {
    let since = 0
    const taken = await takeover(site, owner, () => {
      since = Date.now()
      owner.process.close()
      site.nodes.hide(owner.place, true)
    })
    const code = await owner.process.exit
    const goneMs = Date.now() - since
    if (code !== 0) throw new Error(`node ${owner.place} did not close well (${code}):\n${owner.process.output}`)
    await site.nodes.up(owner.place)
    site.nodes.hide(owner.place, false)
    return { ...taken, goneMs }
  },
}

/** For longer than its lease, and mostly beyond the moment at which another has taken over. */
const freezeNode: ClusterBlow = {
  kind: 'freeze-node',
  async strike(site, owner) {
    const frozenMs = site.leaseMs * (1 + site.chance.between(1, 20) / 10)
    const thawed = Promise.withResolvers<void>()
    const taken = takeover(site, owner, () => {
      owner.process.freeze()
      void pause(frozenMs).then(() => {
        owner.process.thaw()
        thawed.resolve()
      })
    })
    // It may wake before anybody has taken over, and go on: nobody did then.
    const next = await Promise.race([taken, thawed.promise.then(() => site.nodes.owner(GIVEN_UP_MS))])
    await thawed.promise
    return next !== null && 'readyMs' in next ? next : undefined
  },
}

const killStandby: ClusterBlow = {
  kind: 'kill-standby',
  async strike({ nodes, chance }, owner) {
    const others = nodes.living.filter(({ place }) => place !== owner.place)
    if (others.length === 0) return undefined
    const other = chance.pick(others)
    other.process.kill()
    await other.process.exit
    await nodes.up(other.place)
    return undefined
  },
}

const reset: ClusterBlow = {
  kind: 'reset',
  async strike({ nodes }, owner) {
    nodes.line(owner.place).cut()
    return undefined
  },
}

const loseReply: ClusterBlow = {
  kind: 'lose-reply',
  async strike({ nodes }, owner) {
    const line = nodes.line(owner.place)
    const met = line.next('lose-reply').then(() => true)
    // A node that has nothing to do commits nothing. It is not to meet this later, when it joins in another life.
    if (await Promise.race([met, pause(COMMIT_MS).then(() => false)])) return undefined
    line.forgo()
    return null
  },
}

const partition: ClusterBlow = {
  kind: 'partition',
  async strike(site, owner) {
    const line = site.nodes.line(owner.place)
    const taken = await takeover(site, owner, () => line.deafen(true))
    line.deafen(false)
    return taken
  },
}

const database: ClusterBlow = {
  kind: 'database',
  async strike({ server, chance }) {
    await server.down('SIGQUIT')
    await pause(chance.between(0, 1500))
    await server.up()
    return undefined
  },
}

const clockJump: ClusterBlow = {
  kind: 'clock-jump',
  async strike({ clocks, chance }, owner) {
    clocks?.set(owner.place, chance.between(0, 2 * OFF_MOST_SECONDS) - OFF_MOST_SECONDS)
    // The next look at it.
    await pause(CLOCK_LOOK_MS)
    return undefined
  },
}

const killServices: ClusterBlow = {
  kind: 'kill-services',
  async strike({ services, chance }) {
    await services?.kill()
    await pause(chance.between(0, 800))
    await services?.start()
    return undefined
  },
}

/** What comes beside a blow that takes long, at another node. */
export const besides: readonly ClusterBlow[] = [reset, loseReply]
const longOnes: ReadonlySet<ClusterBlow> = new Set([killNode, freezeNode, partition])

/** Whether it takes so long that there is time for others beside it. Those of which the time has a narrow bar are none of them. */
export const isLong = (blow: ClusterBlow): boolean => longOnes.has(blow)

type Drawn = readonly (readonly [weight: number, blow: ClusterBlow])[]

/** The blows of a campaign, by what it has. */
export const arsenalOf = ({ clocks, services }: Pick<ClusterSite, 'clocks' | 'services'>): Drawn => [
  ...clusterArsenal,
  ...(clocks === undefined ? [] : [[2, clockJump] as const]),
  ...(services === undefined ? [] : [[3, killServices] as const]),
]

/** How often each is drawn. */
export const clusterArsenal: Drawn = [
  [5, killNode],
  [3, stopNode],
  [3, freezeNode],
  [1, killStandby],
  [4, reset],
  [4, loseReply],
  [3, partition],
  [1, database],
]

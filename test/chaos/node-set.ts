// The nodes of a cluster of the shop: processes on one store in PostgreSQL, each behind a proxy of its own, and one set of
// services. A place is started again on the same proxy; who of them carries the runs is asked of them. Clients find one of
// those that are up, whichever, as behind a balancer that knows no more.
import { z } from 'zod'
import type { Chance } from '../../src/testing/simulation/chance.ts'
import { Proxy } from '../postgres/proxy.ts'
import type { Line } from './line.ts'
import { pause } from './pause.ts'
import { servicesOf, ShopProcess, type ShopSettings } from './shop-process.ts'

export interface NodeSetOptions {
  readonly count: number
  /** Of the store, without the options that are given here. */
  readonly url: string
  readonly leaseSeconds: number
  /** Of the store: with one a single node carries all runs, with several each node a part. */
  readonly shards: number
  readonly folder: string
  readonly chance: Chance
  /** The way of a place to the database; a proxy here, unless it is said otherwise. */
  readonly line?: (place: number) => Promise<Line>
  /** How the process of a place is started otherwise. */
  readonly settings?: (place: number) => ShopSettings
  /** A node ended by itself. */
  readonly onTrouble: (error: Error) => void
}

/** A node that lives, at its place. */
export interface LivingNode {
  readonly place: number
  readonly process: ShopProcess
  readonly url: string
}

const Nodes = z.object({
  shards: z.array(z.object({ address: z.string().nullable(), since: z.string().nullable() })),
})
type Shards = z.infer<typeof Nodes>['shards']
const SECRET = 'the nodes of one campaign share this'
/** Between two questions who has the store. */
const LOOK_MS = 15

export class NodeSet {
  readonly #options: NodeSetOptions
  readonly #lines: Line[] = []
  readonly #nodes = new Map<number, LivingNode>()
  /** Nodes that clients are not to be sent to. */
  readonly #away = new Set<number>()
  /** All that were started: none outlives the campaign. */
  readonly #all: ShopProcess[] = []
  /** The shards, as they were seen last. */
  #seen: Shards | null = null

  constructor(options: NodeSetOptions) {
    this.#options = options
  }

  /** Starts every node, the first before the others: it greets the new store. */
  async start(): Promise<void> {
    for (let place = 0; place < this.#options.count; place += 1) {
      const { url, line = () => Proxy.before(url) } = this.#options
      this.#lines.push(await line(place))
      const { process } = await this.up(place)
      if (place === 0) await Promise.race([process.welcomed, process.exit])
    }
  }

  /** Starts the node of a place. Resolves when it can be asked. */
  async up(place: number): Promise<LivingNode> {
    const { folder, leaseSeconds, shards, onTrouble, settings = (): ShopSettings => ({}) } = this.#options
    const { env: more, ...other } = settings(place)
    const store = `${this.line(place).url(this.#options.url)}&lease=${leaseSeconds}&shards=${shards}&deadline=3`
    const env = { BALLET_STORE: store, BALLET_SERVICES: servicesOf(folder), BALLET_NODE_SECRET: SECRET, ...more }
    const process = new ShopProcess(folder, { ...other, env })
    this.#all.push(process)
    const ended = (): void => {
      if (this.#nodes.get(place)?.process === process) this.#nodes.delete(place)
      if (!process.wasAsked) onTrouble(new Error(`node ${place} ended by itself:\n${process.output}`))
    }
    process.exit.then(ended, ended)
    const url = await process.ready
    if (url === null) throw new Error(`node ${place} did not start:\n${process.output}`)
    const node = { place, process, url }
    this.#nodes.set(place, node)
    return node
  }

  line(place: number): Line {
    const line = this.#lines[place]
    if (line === undefined) throw new RangeError(`there is no place ${place}`)
    return line
  }

  get living(): readonly LivingNode[] {
    return [...this.#nodes.values()]
  }

  /** Clients do not find it any more, or again. */
  hide(place: number, isAway: boolean): void {
    if (isAway) this.#away.add(place)
    else this.#away.delete(place)
  }

  /** The URL of some node. */
  async current(): Promise<string> {
    for (;;) {
      const found = this.living.filter(({ place }) => !this.#away.has(place))
      if (found.length > 0) return this.#options.chance.pick(found).url
      await pause(LOOK_MS)
    }
  }

  /** A node that carries runs, as soon as there is one that `counts`; null when `limitMs` have passed. */
  async owner(limitMs: number, counts: (node: LivingNode) => boolean = () => true): Promise<LivingNode | null> {
    const until = performance.now() + limitMs
    while (performance.now() < until) {
      const found = await Promise.all(
        this.living.filter(counts).map(async (node) => ((await carries(node)) ? node : null)),
      )
      const owners = found.filter((node) => node !== null)
      if (owners.length > 0) return this.#options.chance.pick(owners)
      await pause(LOOK_MS)
    }
    return null
  }

  /** The shards of a node. */
  async partOf(node: LivingNode): Promise<ReadonlySet<number>> {
    return new Set(partIn((await nodesOf(node)) ?? [], node))
  }

  /**
   * When the last of what a node had was taken by another one, in milliseconds since the epoch by the clock of the database,
   * as soon as it has nothing and every shard is owned; null when `limitMs` have passed. One that had lost its lease just before
   * had nothing: that was over at once. What the others give to each other meanwhile is no part of it.
   * @param part what it had before; what it is seen to have meanwhile is added.
   */
  async taken(from: LivingNode, part: ReadonlySet<number>, since: number, limitMs: number): Promise<number | null> {
    const its = new Set(part)
    const until = performance.now() + limitMs
    while (performance.now() < until) {
      const other = this.living.find(({ process }) => process !== from.process)
      const seen = other === undefined ? null : await nodesOf(other)
      this.#seen = seen
      for (const shard of partIn(seen ?? [], from)) its.add(shard)
      if (seen !== null && seen.every(({ address }) => address !== null && address !== from.url)) {
        const times = [...its].map((shard) => Date.parse(seen[shard]?.since ?? ''))
        return Math.max(since, ...times)
      }
      await pause(LOOK_MS)
    }
    return null
  }

  /** Asks all to close, one after the other. @throws when one does not close well */
  async close(): Promise<void> {
    for (const { place, process } of this.living) {
      process.close()
      const code = await process.exit
      if (code !== 0) throw new Error(`node ${place} did not close well (${code}):\n${process.output}`)
    }
  }

  /** What the nodes have said, the last of it. */
  get output(): string {
    return this.said(1500)
  }

  /** So many characters of what each has said last, and who had which shard when that was asked last. */
  said(characters: number): string {
    const shards = JSON.stringify(this.#seen)
    return [...this.#all.map(({ output }, index) => `${index}: ${output.slice(-characters)}`), shards].join('\n')
  }

  /** What each node says of the runs that have not ended, and of what they last did. */
  async waiting(): Promise<string> {
    const all = this.living.map(async ({ place, url }) => {
      const open = await said(`${url}/api/runs?status=running,stuck&limit=20`)
      const ids = [...open.matchAll(/"id":"([^"]+)"/g)].map(([, id = '']) => id)
      const journals = ids.map(
        async (id) => `${id}: ${(await said(`${url}/api/runs/${encodeURIComponent(id)}/journal`)).slice(-600)}`,
      )
      return [`node ${place}: ${open}`, ...(await Promise.all(journals))].join('\n')
    })
    return (await Promise.all(all)).join('\n')
  }

  async clear(): Promise<void> {
    for (const process of this.#all) process.kill()
    await Promise.all(this.#all.map(({ exit }) => exit))
    for (const line of this.#lines) await line.close()
  }
}

/** The answer to a question, or why there is none. */
async function said(url: string): Promise<string> {
  try {
    return await (await fetch(url, { signal: AbortSignal.timeout(5000) })).text()
  } catch (error) {
    return String(error)
  }
}

/** The shards, as a node sees them; null when it does not answer. */
async function nodesOf({ url }: LivingNode): Promise<Shards | null> {
  try {
    const answer = await fetch(`${url}/api/nodes`, { signal: AbortSignal.timeout(500) })
    return Nodes.parse(await answer.json()).shards
  } catch {
    return null
  }
}

/** Those of the shards that a node has. */
function partIn(shards: Shards, { url }: LivingNode): readonly number[] {
  return shards.flatMap(({ address }, shard) => (address === url ? [shard] : []))
}

/** Whether it is ready and has a part of the runs: one that has just come may have none. */
async function carries(node: LivingNode): Promise<boolean> {
  if (!(await isReady(node))) return false
  return partIn((await nodesOf(node)) ?? [], node).length > 0
}

async function isReady({ url }: LivingNode): Promise<boolean> {
  try {
    const answer = await fetch(`${url}/readyz`, { signal: AbortSignal.timeout(500) })
    return answer.ok && (await answer.text()).includes('"ready"')
  } catch {
    return false
  }
}

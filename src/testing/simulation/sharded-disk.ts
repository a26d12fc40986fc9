// The disk of a world with several shards: content for each of them, one inbox each, and who owns what. Nodes that share it
// hold their shards by leases, on the one clock that the world has, under the rules of the contract (core/lease.ts). Every
// call here is one transaction: what may go wrong on the way to it is the affair of the simulated store.
import { fault, isBalletError } from '../../core/errors.ts'
import type { Clock } from '../../core/clock.ts'
import type { Held, LeaseRow, NodeInfo, NodeRow, Survey, Taken } from '../../core/lease.ts'
import { shardOfSlot } from '../../core/placement.ts'
import type { Batch, InboxItem, StoreInfo, Tenure } from '../../core/store.ts'
import { MemoryData } from '../../stores/memory/memory-data.ts'

/** Content of one shard is that of a store in memory, which knows itself as the only one. */
const ONE = 0

interface Node {
  readonly info: NodeInfo
  readonly began: number
  readonly beat: number
  /** Null when a shard was taken from it: it has to say anew that it is there. */
  readonly until: number | null
}

interface Owner {
  readonly node: string | null
  readonly since: number | null
}

export class ShardedDisk {
  readonly shards: readonly MemoryData[]
  readonly info: StoreInfo
  readonly leaseMs: number
  readonly #clock: Clock
  readonly #nodes = new Map<string, Node>()
  readonly #owners: Owner[]

  /** @param content of its shards; new where none is given. */
  constructor(id: string, shards: number, clock: Clock, leaseMs: number, content: readonly MemoryData[] = []) {
    this.shards = Array.from({ length: shards }, (_, shard) => content[shard] ?? new MemoryData(id, () => clock.now()))
    this.info = { ...(this.shards[0] as MemoryData).info, shards }
    this.leaseMs = leaseMs
    this.#clock = clock
    this.#owners = this.shards.map(() => ({ node: null, since: null }))
  }

  /** A backup: all shards as they are at one moment, and who had them by then. */
  copy(): ShardedDisk {
    const content = this.shards.map((shard) => shard.copy())
    const copy = new ShardedDisk(this.info.id, content.length, this.#clock, this.leaseMs, content)
    for (const [id, node] of this.#nodes) copy.#nodes.set(id, node)
    for (const [shard, owner] of this.#owners.entries()) copy.#owners[shard] = owner
    return copy
  }

  of(shard: number): MemoryData {
    return this.shards[shard] as MemoryData
  }

  tenure(shard: number): Tenure {
    return { ...this.of(shard).tenure(ONE), shard }
  }

  acquire(shard: number, owner: string): Tenure {
    return { ...this.of(shard).acquire(ONE, owner), shard }
  }

  release(shard: number, epoch: number, crashes?: number): void {
    this.of(shard).release(ONE, epoch, crashes)
  }

  steady(shard: number, epoch: number): void {
    this.of(shard).steady(ONE, epoch)
  }

  /** @throws SHARD_FENCED, INBOX_GONE */
  commit(batch: Batch): void {
    try {
      this.of(batch.shard).commit({ ...batch, shard: ONE, posts: [] })
    } catch (error) {
      if (!isBalletError(error) || error.code !== 'SHARD_FENCED') throw error
      throw fault('SHARD_FENCED', { shard: batch.shard })
    }
    this.post(batch.posts)
  }

  /** Each item goes to the shard of its slot. */
  post(items: readonly InboxItem[]): void {
    for (const item of items) this.of(shardOfSlot(item.slot, this.shards.length)).post(ONE, [item])
  }

  join(node: NodeInfo): void {
    const now = this.#clock.now()
    const { began = now } = this.#nodes.get(node.id) ?? {}
    this.#nodes.set(node.id, { info: { ...node }, began, beat: now, until: now + this.leaseMs })
  }

  survey(): Survey {
    const nodes: NodeInfo[] = []
    for (const node of this.#nodes.values()) if (this.#isAlive(node)) nodes.push(node.info)
    const shards = this.shards.map((_, shard) => ({ shard, node: this.#nodeOf(shard), isFree: this.#isFree(shard) }))
    return { nodes, shards }
  }

  takeAll(shards: readonly number[], node: string, owner: string): readonly Taken[] {
    const now = this.#clock.now()
    const taken: Taken[] = []
    for (const shard of shards) {
      const before = this.#nodeOf(shard)
      if (before !== node && !this.#isFree(shard)) continue
      const had = before === null ? undefined : this.#nodes.get(before)
      if (had !== undefined && before !== node) this.#nodes.set(had.info.id, { ...had, until: null })
      const { crashes: known } = this.tenure(shard)
      const tenure = this.acquire(shard, owner)
      if (before === node) this.of(shard).crashes = known
      this.#owners[shard] = { node, since: now }
      taken.push(this.tenure(tenure.shard))
    }
    const own = this.#nodes.get(node)
    if (own !== undefined) this.#nodes.set(node, { ...own, beat: now, until: now + this.leaseMs })
    return taken
  }

  renew(id: string): readonly Held[] {
    const node = this.#nodes.get(id)
    if (node === undefined || node.until === null) return []
    const now = this.#clock.now()
    this.#nodes.set(id, { ...node, beat: now, until: now + this.leaseMs })
    return this.shards.flatMap(({ epoch, head }, shard) => (this.#nodeOf(shard) === id ? [{ shard, epoch, head }] : []))
  }

  leave(id: string): void {
    this.#nodes.delete(id)
  }

  nodes(): readonly NodeRow[] {
    return [...this.#nodes.values()].map((node) => {
      const { info, ...times } = node
      return { ...info, ...times, isAlive: this.#isAlive(node) }
    })
  }

  leases(): readonly LeaseRow[] {
    return this.shards.map(({ epoch, head, inbox }, shard) => {
      const { since } = this.#owners[shard] as Owner
      return { shard, epoch, head, node: this.#nodeOf(shard), since, waiting: inbox.size }
    })
  }

  /** The node of a shard that was not released. */
  #nodeOf(shard: number): string | null {
    return this.of(shard).owner === null ? null : (this.#owners[shard] as Owner).node
  }

  #isFree(shard: number): boolean {
    const node = this.#nodeOf(shard)
    const row = node === null ? undefined : this.#nodes.get(node)
    return row === undefined || !this.#isAlive(row)
  }

  #isAlive({ until }: Node): boolean {
    return until !== null && until > this.#clock.now()
  }
}

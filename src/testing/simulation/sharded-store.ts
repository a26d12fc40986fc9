// A store over the disk of a world with several shards: each call goes to the content of its shard, and what is asked of
// leases to the rows of the nodes. Nothing goes wrong here; simulated-store.ts lets it.
import type { LeaseLook, Leases } from '../../core/lease.ts'
import type { Batch, InboxItem, Kin, Store } from '../../core/store.ts'
import { memory } from '../../stores/memory/memory-store.ts'
import type { ShardedDisk } from './sharded-disk.ts'

/** @param isShared whether several nodes share it, by leases. */
export function shardedStore(disk: ShardedDisk, isShared: boolean): Store {
  const parts = disk.shards.map((data) => memory(data))
  const [first] = parts as [Store]
  const own: Partial<Record<keyof Store, unknown>> = {
    leases: isShared ? leasesOf(disk) : undefined,
    open: async () => {
      await Promise.all(parts.map((part) => part.open()))
      return disk.info
    },
    close: async () => {
      for (const part of parts) await part.close()
    },
    info: async () => disk.info,
    belongsTo: async (ns: string, app: string, before: string | null) => disk.of(0).belongsTo(ns, app, before),
    namespaces: async () => disk.of(0).namespaces,
    acquire: async (shard: number, owner: string) => disk.acquire(shard, owner),
    release: async (shard: number, epoch: number, crashes?: number) => disk.release(shard, epoch, crashes),
    steady: async (shard: number, epoch: number) => disk.steady(shard, epoch),
    tenure: async (shard: number) => disk.tenure(shard),
    commit: async (batch: Batch) => disk.commit(batch),
    post: async (_shard: number, items: readonly InboxItem[]) => disk.post(items),
    shardsOf: async (ns: string, of: Kin) => {
      const found = await Promise.all(parts.map((part) => part.shardsOf(ns, of)))
      return found.flatMap((some, shard) => (some.length > 0 ? [shard] : []))
    },
  }
  const known = new Map<string | symbol, unknown>(Object.entries(own))
  return new Proxy(first, {
    get(target, name) {
      if (known.has(name)) return known.get(name)
      const value: unknown = Reflect.get(target, name)
      if (typeof value !== 'function' || name === 'hasRoom') return value
      // Whatever reads names the shard first.
      const read = (shard: number, ...args: unknown[]): unknown => Reflect.apply(value, parts[shard], [0, ...args])
      known.set(name, read)
      return read
    },
  })
}

function leasesOf(disk: ShardedDisk): Leases {
  return {
    lengthMs: disk.leaseMs,
    join: async (node) => disk.join(node),
    look: async (): Promise<LeaseLook> => ({ owner: null, since: null, until: null, isFree: false }),
    survey: async () => disk.survey(),
    take: async (shard, node, owner) => disk.takeAll([shard], node, owner)[0] ?? null,
    takeAll: async (shards, node, owner) => disk.takeAll(shards, node, owner),
    renew: async (node) => disk.renew(node),
    leave: async (node) => disk.leave(node),
    nodes: async () => disk.nodes(),
    leases: async () => disk.leases(),
  }
}

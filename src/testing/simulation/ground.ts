// What the processes of a story stand on: the content of a store in memory. A backup is a copy of it, which may take its place later;
// who is not told goes on upon what was there before.
import type { Batch } from '../../core/store.ts'
import type { MemoryData } from '../../stores/memory/memory-data.ts'
import type { ShardedDisk } from './sharded-disk.ts'

export interface Ground {
  /** Of all shards. */
  readonly disks: readonly MemoryData[]
  /** Null where there is one shard. */
  readonly sharded: ShardedDisk | null
}

/** A consistent copy: all shards at one moment. */
export function copyOf({ disks, sharded }: Ground): Ground {
  const copy = sharded?.copy() ?? null
  return { disks: copy?.shards ?? disks.map((disk) => disk.copy()), sharded: copy }
}

/** @throws SHARD_FENCED, INBOX_GONE */
export function commitTo({ disks, sharded }: Ground, batch: Batch): void {
  if (sharded === null) disks[0]?.commit(batch)
  else sharded.commit(batch)
}

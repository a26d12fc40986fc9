// What a story stands on where that is not a disk in memory: a store on a server, and time as it passes. The disks of such a world
// are copies of what the store holds, made whenever somebody asks; the store itself is what is judged.
import type { InboxItem, RunRow, Store } from '../../core/store.ts'
import type { MemoryData } from '../../stores/memory/memory-data.ts'
import type { Trace } from './trace.ts'
import type { StoryClock } from './virtual-clock.ts'

/** Of the world that stands on it. */
export interface MediumWorld {
  readonly trace: Trace
  note(text: string): void
}

export interface Medium {
  readonly clock: StoryClock
  /** A copy of each shard, as it was at the last `refresh`. */
  readonly disks: readonly MemoryData[]
  /** The store as nothing is in the way of it. */
  readonly store: Store
  /** How long a story may take, milliseconds. */
  readonly limitMs: number
  /** Called with every run that is found to have ended, and the place in the trace when it was last found open. */
  readonly onEnded: ((row: RunRow, from: number) => void)[]
  /** This is the world that stands on it. */
  watch(world: MediumWorld): void
  /** The store as a process reaches it: a `SimulatedProcess`, which stands above this. */
  storeOf(process: object): Store
  /** The process has died: nothing of it arrives any more. */
  cutOff(process: object): void
  /** Resolves when it is in the inbox. */
  post(item: InboxItem): Promise<void>
  /** Resolves when the disks are what the store held at some moment after this was called. */
  refresh(): Promise<void>
  /** The node that has a shard. */
  nodeOf(shard: number): string | null
  /** When the owner of a shard began, milliseconds since the epoch; null when nobody has it. */
  since(shard: number): number | null
}

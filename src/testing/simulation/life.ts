// What the ports of a simulated process know of it: whether it lives, and where it may die.
import type { Ground } from './ground.ts'
import type { World } from './world.ts'

export interface Life {
  /** `p1`, `p2` ... in the order in which they were started. */
  readonly name: string
  readonly world: World
  readonly isAlive: boolean
  /** What its store holds: that of the world, unless a backup was restored beside it. */
  readonly ground: Ground
  /** Whether the store has told it that it failed: then it may stop. */
  isExcused: boolean
  /** Since when the store does not answer it, or null. */
  hungSince: number | null
  /** Of its tenures of shards: the newest that it has taken. */
  readonly epochs: Map<number, number>
  /** A place in which the process may die: whatever goes in and out of it passes one. */
  cross(what: string): void
  /** What the process awaits: settles only as long as it lives. */
  live<T>(work: Promise<T>): Promise<T>
}

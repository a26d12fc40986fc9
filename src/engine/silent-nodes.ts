// Nodes that let lie what falls to them: one that was killed, or is halted, counts until its lease is over, and what another one
// gives back meanwhile would have nobody for as long. So whoever sees a free shard lie there, though that node was told, leaves it out
// for as long as a lease is: if its lease runs then, it lives after all. Of one that lets something lie again soon, twice as long, so
// that a node which is only slow does not get and lose its part for ever. Kept by Shares, asked at each of its looks.
//
//   heard of --a shard that falls to it lies free--> told, waited for --so long--> silent --a lease, or more--> heard of
//                                        '--it, or somebody, takes it--> heard of
import { elapsedOf, type Clock } from '../core/clock.ts'
import type { NodeInfo } from '../core/lease.ts'

/** Whoever lives, and was told, takes what is free in a fifth of that, where the machine is not busy. */
export const LEFT_MS = 500
/** So many leases at the most a node is left out. */
const LEASES_MOST = 16

interface Lying {
  readonly node: string
  readonly since: number
  readonly patienceMs: number
}

interface Silence {
  readonly ms: number
  readonly until: number
}

/** A free shard, and the node to which it falls among those that are not silent. */
export interface Falling {
  readonly shard: number
  readonly next: NodeInfo | undefined
}

export interface SilentNodesOptions {
  /** The id of this node, which is never silent. */
  readonly own: string
  readonly clock: Clock
  /** How long a lease runs. */
  readonly leaseMs: number
  /** How often each node looks by itself. */
  readonly lookMs: number
  /** Tells a node that a shard is free. Whether it may hear of that. */
  readonly tell: (node: NodeInfo, shard: number) => boolean
}

export class SilentNodes {
  readonly #options: SilentNodesOptions
  /** Free shards, each with the node to which it falls. */
  #lying = new Map<number, Lying>()
  readonly #silences = new Map<string, Silence>()

  constructor(options: SilentNodesOptions) {
    this.#options = options
  }

  /** Whether a shard that others are to take lies free. */
  get isWaiting(): boolean {
    return this.#lying.size > 0
  }

  has(node: string): boolean {
    return (this.#silences.get(node)?.until ?? Number.NEGATIVE_INFINITY) > elapsedOf(this.#options.clock)
  }

  /** What a look has seen. Returns whether a node has become silent by it. */
  saw(all: readonly Falling[]): boolean {
    const { own, clock, lookMs, tell } = this.#options
    const now = elapsedOf(clock)
    const before = this.#lying
    this.#lying = new Map()
    let isAny = false
    for (const { shard, next } of all) {
      if (next === undefined || next.id === own) continue
      const known = before.get(shard)
      // One that cannot be told finds it when it looks by itself.
      const lying =
        known?.node === next.id
          ? known
          : { node: next.id, since: now, patienceMs: tell(next, shard) ? LEFT_MS : lookMs + LEFT_MS }
      if (now - lying.since < lying.patienceMs) {
        this.#lying.set(shard, lying)
        continue
      }
      this.#leaveOut(next.id, now)
      isAny = true
    }
    return isAny
  }

  /** The store could not be asked: whoever had something to take may not have been able to. */
  forget(): void {
    this.#lying.clear()
  }

  #leaveOut(node: string, now: number): void {
    const { leaseMs } = this.#options
    // For another of its shards.
    if (this.has(node)) return
    for (const [id, { ms, until }] of this.#silences) if (until + ms <= now) this.#silences.delete(id)
    const known = this.#silences.get(node)
    const ms = known === undefined ? leaseMs : Math.min(known.ms * 2, leaseMs * LEASES_MOST)
    this.#silences.set(node, { ms, until: now + ms })
  }
}

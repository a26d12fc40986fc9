// Nodes that let lie what falls to them: one that was killed, or is halted, counts until its lease is over, and what another one
// gives back meanwhile would have nobody for as long. So whoever sees a free shard lie there for a while leaves that node out, for as
// long as a lease is: if it runs still, the node lives after all. Kept by Shares, asked at each of its looks.
//
//   heard of --a shard that falls to it lies free--> waited for --so long--> silent --as long as a lease--> heard of
//                                        '--it, or somebody, takes it--> heard of
import { elapsedOf, type Clock } from '../core/clock.ts'

/** Whoever lives takes what is free within a look, of which it is told: a tenth of that, where the machine is not busy. */
export const LEFT_MS = 500

interface Lying {
  readonly node: string
  readonly since: number
}

export class SilentNodes {
  readonly #clock: Clock
  readonly #leaseMs: number
  /** Free shards, each with the node to which it falls. */
  #lying = new Map<number, Lying>()
  /** Until when each is left out. */
  readonly #until = new Map<string, number>()

  /** @param leaseMs how long a lease runs. */
  constructor(clock: Clock, leaseMs: number) {
    this.#clock = clock
    this.#leaseMs = leaseMs
  }

  /** Whether a shard that others are to take lies free. */
  get isWaiting(): boolean {
    return this.#lying.size > 0
  }

  has(node: string): boolean {
    return (this.#until.get(node) ?? Number.NEGATIVE_INFINITY) > elapsedOf(this.#clock)
  }

  /** What a look has seen: each free shard that falls to another node. */
  saw(free: ReadonlyMap<number, string>): void {
    const now = elapsedOf(this.#clock)
    for (const [node, until] of this.#until) if (until <= now) this.#until.delete(node)
    const before = this.#lying
    this.#lying = new Map()
    for (const [shard, node] of free) {
      const known = before.get(shard)
      const since = known?.node === node ? known.since : now
      if (now - since >= LEFT_MS) this.#until.set(node, now + this.#leaseMs)
      else this.#lying.set(shard, { node, since })
    }
  }
}

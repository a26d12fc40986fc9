// Hints between nodes: that something waits in shards of another one. Those of one round of the event loop go together. Whoever
// carries them (the server) listens; without one, nodes find what there is when they look. Kept by RunningApplication.
import type { NodeInfo } from '../core/lease.ts'
import type { NodeAt, NodeHints } from '../define/application.ts'

type Listener = Parameters<NodeHints['listen']>[0]

export class Hinting implements NodeHints {
  readonly #hinted: (shard: number) => void
  readonly #listeners = new Set<Listener>()
  readonly #waiting = new Map<string, { readonly to: NodeAt; readonly shards: Set<number> }>()

  constructor(hinted: (shard: number) => void) {
    this.#hinted = hinted
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  take(shards: readonly number[]): void {
    for (const shard of shards) this.#hinted(shard)
  }

  /** Something waits for a node in a shard. */
  post({ id, address }: NodeInfo, shard: number): void {
    if (address === null || this.#listeners.size === 0) return
    if (this.#waiting.size === 0) setImmediate(() => this.#send())
    const known = this.#waiting.get(id) ?? { to: { id, address }, shards: new Set() }
    this.#waiting.set(id, known)
    known.shards.add(shard)
  }

  #send(): void {
    const all = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { to, shards } of all) for (const listener of this.#listeners) listener(to, [...shards])
  }
}

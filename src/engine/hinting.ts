// Hints between nodes: that something waits in shards of another one, that a node waits for the end of runs there, and that
// such a run has ended. Those of one round of the event loop go together. Whoever carries them (the server) listens; without
// one, or when one is lost, nodes find what there is when they look. Kept by RunningApplication.
import type { Clock } from '../core/clock.ts'
import type { NodeInfo } from '../core/lease.ts'
import type { Hint, NodeAt, NodeHints } from '../define/node.ts'

type Listener = Parameters<NodeHints['listen']>[0]

export interface HintingOptions {
  readonly node: NodeInfo
  readonly clock: Clock
  /** Something waits in this shard, or it may be taken. */
  readonly hinted: (shard: number) => void
  /** Something will wait in this shard in a moment, perhaps. */
  readonly expected: (shard: number) => void
  /** Calls back when a run of this node ends; returns how to stop that. Null when the run is not here. */
  readonly onEnd: (run: string, ended: () => void) => (() => void) | null
}

/** How long the end of a run is watched for another node, which asks again if it still waits. */
const WATCH_MS = 30_000
/** Runs whose ends are watched for others, at the most. */
const WATCHED_MOST = 20_000

interface Waiting {
  readonly to: NodeAt
  readonly shards: Set<number>
  readonly expected: Set<number>
  readonly watch: Set<string>
  readonly ended: Set<string>
}

export class Hinting implements NodeHints {
  readonly #options: HintingOptions
  readonly #listeners = new Set<Listener>()
  readonly #waiting = new Map<string, Waiting>()
  /** Who waits here for the end of a run elsewhere. */
  readonly #waits = new Map<string, Set<() => void>>()
  /** What is watched for others: `<node> <run>`. */
  readonly #watched = new Set<string>()

  constructor(options: HintingOptions) {
    this.#options = options
  }

  listen(listener: Listener): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }

  take({ shards, expected, watch, ended, from }: Hint): void {
    for (const run of ended) for (const tell of this.#waits.get(run) ?? []) tell()
    if (from !== null) for (const run of watch) this.#watch(run, from)
    for (const shard of shards) this.#options.hinted(shard)
    for (const shard of expected) this.#options.expected(shard)
  }

  /** Something waits for a node in a shard, or will in a moment. Whether somebody carries that. */
  post(to: NodeInfo, shard: number, isDurable: boolean): boolean {
    const waiting = this.#for(to)
    if (isDurable) waiting?.shards.add(shard)
    else waiting?.expected.add(shard)
    return waiting !== undefined
  }

  /**
   * Calls back when the node that carries a run says that it has ended. Returns how to stop waiting, and whether there is
   * reason to hope for that.
   */
  whenEnded(
    run: string,
    owner: NodeInfo | null,
    tell: () => void,
  ): { readonly stop: () => void; readonly isLikely: boolean } {
    const others = this.#waits.get(run) ?? new Set()
    this.#waits.set(run, others.add(tell))
    const asked = owner === null || this.#options.node.address === null ? undefined : this.#for(owner)
    asked?.watch.add(run)
    const stop = (): void => {
      others.delete(tell)
      if (others.size === 0) this.#waits.delete(run)
    }
    return { stop, isLikely: asked !== undefined }
  }

  #watch(run: string, from: NodeAt): void {
    const name = `${from.id} ${run}`
    if (this.#watched.has(name) || this.#watched.size >= WATCHED_MOST) return
    let cancel = (): void => {}
    const over = (): void => {
      this.#watched.delete(name)
      cancel()
    }
    const stop = this.#options.onEnd(run, () => {
      over()
      this.#to(from)?.ended.add(run)
    })
    if (stop === null) return
    this.#watched.add(name)
    cancel = this.#options.clock.after(WATCH_MS, () => {
      stop()
      over()
    })
  }

  #for({ id, address }: NodeInfo): Waiting | undefined {
    return address === null || id === this.#options.node.id ? undefined : this.#to({ id, address })
  }

  /** What goes to a node with the next round; undefined when nobody carries it. */
  #to(to: NodeAt): Waiting | undefined {
    if (this.#listeners.size === 0) return undefined
    if (this.#waiting.size === 0) setImmediate(() => this.#send())
    const known = this.#waiting.get(to.id)
    if (known !== undefined) return known
    const made = {
      to,
      shards: new Set<number>(),
      expected: new Set<number>(),
      watch: new Set<string>(),
      ended: new Set<string>(),
    }
    this.#waiting.set(to.id, made)
    return made
  }

  #send(): void {
    const { id, address } = this.#options.node
    const from = address === null ? null : { id, address }
    const all = [...this.#waiting.values()]
    this.#waiting.clear()
    for (const { to, shards, expected, watch, ended } of all) {
      const hint = { shards: [...shards], expected: [...expected], watch: [...watch], ended: [...ended], from }
      for (const listener of this.#listeners) listener(to, hint)
    }
  }
}

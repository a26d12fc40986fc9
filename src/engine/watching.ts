// Who wants to know of every commit that concerns a key: told by each shard that is here, also by one that comes later. Of
// what other nodes commit nobody tells this one, so that whoever watches looks every second as well while shards are
// elsewhere. Kept by RunningApplication.
import type { Cancel, Clock } from '../core/clock.ts'
import { toFailure } from '../core/failure.ts'
import type { Log } from '../define/definition.ts'
import { tell } from './listener.ts'
import type { Shard } from './shard.ts'
import type { Shards } from './shards.ts'

const LOOK_MS = 1000

interface Watcher {
  readonly key: string | null
  readonly tell: () => void
}

export class Watching {
  readonly #clock: Clock
  readonly #log: Log
  readonly #shards: () => Shards
  readonly #watchers = new Map<Watcher, Set<() => void>>()
  #next: Cancel | null = null

  constructor(clock: Clock, log: Log, shards: () => Shards) {
    this.#clock = clock
    this.#log = log
    this.#shards = shards
  }

  watch(key: string | null, listener: () => void): () => void {
    const threw = (error: unknown): void => {
      this.#log.error('A watcher threw', { message: toFailure(error).message })
    }
    const watcher = { key, tell: () => tell(listener, threw) }
    this.#watchers.set(watcher, new Set())
    for (const { shard } of this.#shards().all) this.#join(watcher, shard)
    if (this.#next === null) this.#lookAgain()
    return () => {
      for (const leave of this.#watchers.get(watcher) ?? []) leave()
      this.#watchers.delete(watcher)
      if (this.#watchers.size === 0) this.close()
    }
  }

  /** A shard is here: what was committed while it was taken up nobody has told. */
  came(shard: Shard): void {
    // A copy: a listener may leave, or watch more.
    const watchers = [...this.#watchers.keys()]
    for (const watcher of watchers) {
      this.#join(watcher, shard)
      watcher.tell()
    }
  }

  close(): void {
    this.#next?.()
    this.#next = null
  }

  #join(watcher: Watcher, shard: Shard): void {
    this.#watchers.get(watcher)?.add(shard.context.watchers.onKey(watcher.key, watcher.tell))
  }

  #lookAgain(): void {
    const shards = this.#shards()
    const isElsewhere = (): boolean => shards.all.length < (shards.place?.shards ?? 1)
    if (shards.isOne) return
    this.#next = this.#clock.after(LOOK_MS, () => {
      // A copy: a listener may leave.
      const watchers = isElsewhere() ? [...this.#watchers.keys()] : []
      for (const watcher of watchers) watcher.tell()
      if (this.#watchers.size > 0) this.#lookAgain()
    })
  }
}

// Who wants to know what has become durable: answers that wait for the end of a run, and live views of a key. Called
// after a commit only, so nobody is told of what may still be lost.

import type { RunEnding } from '../core/journal.ts'
import { LooseMap } from '../core/loose-map.ts'
import type { LiveRun } from './live-run.ts'

/** Gets the last command of the run, and the run; nothing when the shard closes: whoever waits looks for himself. */
type OnEnd = (ending?: RunEnding, run?: LiveRun) => void

const RECENT = 1000

/** Listeners of a shard. */
export class Watchers {
  readonly #ends = new LooseMap<string, Set<OnEnd>>()
  readonly #keys = new Map<string | null, Set<() => void>>()
  /** Runs that ended of late, in two parts: who asks a moment too late is told at once. */
  #recent = new Set<string>()
  #before = new Set<string>()
  #closed = false

  /** Calls back at the end of the run `id`, once, unless the returned function is called before. At once when closed. */
  onEnd(id: string, listener: OnEnd): () => void {
    if (this.#closed) listener()
    return add(this.#ends, id, listener)
  }

  /** Calls back after every commit that concerned `key`; null for any key. */
  onKey(key: string | null, listener: () => void): () => void {
    return add(this.#keys, key, listener)
  }

  /** Whether a run has ended of late. */
  hasEnded(id: string): boolean {
    return this.#recent.has(id) || this.#before.has(id)
  }

  ended(id: string, ending?: RunEnding, run?: LiveRun): void {
    this.#remember(id)
    const listeners = this.#ends.get(id)
    if (listeners === undefined) return
    this.#ends.delete(id)
    for (const listener of listeners) listener(ending, run)
  }

  touched(key: string | null): void {
    if (this.#keys.size === 0) return
    // A copy: a listener may start or stop watching.
    const listeners = [...(this.#keys.get(null) ?? []), ...(key === null ? [] : (this.#keys.get(key) ?? []))]
    for (const listener of listeners) listener()
  }

  #remember(id: string): void {
    this.#recent.add(id)
    if (this.#recent.size < RECENT) return
    this.#before = this.#recent
    this.#recent = new Set()
  }

  /** The shard closes: whoever waits looks for himself. */
  close(): void {
    this.#closed = true
    for (const id of this.#ends.keys()) this.ended(id)
    this.#keys.clear()
  }
}

interface Listeners<Name, Listener> {
  get(name: Name): Set<Listener> | undefined
  set(name: Name, listeners: Set<Listener>): unknown
  delete(name: Name): boolean
}

function add<Name, Listener>(map: Listeners<Name, Listener>, name: Name, listener: Listener): () => void {
  const known = map.get(name)
  if (known === undefined) map.set(name, new Set([listener]))
  else known.add(listener)
  return () => {
    const listeners = map.get(name)
    listeners?.delete(listener)
    if (listeners?.size === 0) map.delete(name)
  }
}

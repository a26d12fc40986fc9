// Whether the store has room for anything new. Once it has said that it is full, starts and events are refused before
// anything of them is kept, what is under way is written into the store's reserve, and the store is asked every second
// whether there is room again. One a shard; the writer tells it, requests ask it.
//
//   ample --a commit did not fit--> full --the store has room--> ample
import type { Cancel, Clock } from '../core/clock.ts'
import { fault } from '../core/errors.ts'
import type { Store } from '../core/store.ts'
import type { Log } from '../define/definition.ts'
import type { Counts } from './counts.ts'

const LOOK_MS = 1000
/** How long what did not fit waits before it is tried again. */
export const FULL_PAUSE_MS = 500

export interface SpaceOptions {
  readonly store: Pick<Store, 'hasRoom'>
  readonly clock: Clock
  readonly log: Log
  readonly counts: Pick<Counts, 'refused'>
  readonly onFailure: (error: unknown) => void
}

export class Space {
  readonly #options: SpaceOptions
  #problem: string | null = null
  readonly #onFull = new Set<() => void>()
  #look: Cancel | null = null
  #stopped = false

  constructor(options: SpaceOptions) {
    this.#options = options
  }

  get isFull(): boolean {
    return this.#problem !== null
  }

  /** Refuses what is new. @throws STORE_FULL */
  check(): void {
    if (this.#problem === null) return
    this.#options.counts.refused.add('STORE_FULL')
    throw fault('STORE_FULL', { problem: this.#problem, seconds: 1 })
  }

  /** A commit did not fit. */
  ranOut(problem: string): void {
    if (this.#problem !== null) return
    this.#problem = problem
    this.#options.log.error(`The disk of the store is full (${problem}): nothing new is taken until there is space`)
    this.#await()
    for (const tell of this.#onFull) tell()
  }

  /** Settles as `written` does, or resolves when the store is full before that: it may be so for days. */
  async orFull(written: Promise<void>): Promise<void> {
    if (this.isFull) return void written.catch(() => {})
    const full = Promise.withResolvers<void>()
    this.#onFull.add(full.resolve)
    await Promise.race([written, full.promise]).finally(() => this.#onFull.delete(full.resolve))
  }

  /** Resolves after a while: what did not fit may then. */
  pause(ms: number): Promise<void> {
    return new Promise((resolve) => void this.#options.clock.after(ms, resolve))
  }

  stop(): void {
    this.#stopped = true
    this.#look?.()
  }

  #await(): void {
    if (this.#stopped) return
    this.#look = this.#options.clock.after(LOOK_MS, () => {
      this.#lookNow().catch(this.#options.onFailure)
    })
  }

  async #lookNow(): Promise<void> {
    if (!(await this.#options.store.hasRoom())) return this.#await()
    this.#problem = null
    this.#options.log.info('There is space again: everything is taken')
  }
}

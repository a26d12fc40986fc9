// Open runs whose rows the store could not read when the shard was taken up. Nothing is done for them, nor written of them; but a
// read may fail once and not again, so they are looked at every so often, and go on when they can be read. Owned by loading.ts.
//
//   unread --read--> open, and brought back   (or ended meanwhile: forgotten)
import type { Cancel, Clock } from '../core/clock.ts'
import type { RunRow, StoreReader, TimerRow } from '../core/store.ts'
import type { Log } from '../define/definition.ts'
import { aboutError } from './log.ts'
import { orFailure, type UnreadRun } from './run-rows.ts'

/** Between two looks: a page that is damaged stays so, and each look is a read for every such run. */
const LOOK_MS = 30_000

export interface UnreadRunsOptions {
  readonly clock: Clock
  readonly store: Pick<StoreReader, 'run'>
  readonly shard: number
  readonly log: Log
  /** It can be read, and is open. What was due of it meanwhile is given back. */
  readonly back: (row: RunRow, timers: readonly TimerRow[]) => void
  readonly onFailure: (error: unknown) => void
}

export class UnreadRuns {
  readonly #options: UnreadRunsOptions
  /** By number, with the timers that were due meanwhile. */
  readonly #timers = new Map<number, TimerRow[]>()
  #next: Cancel | null = null
  #isStopped = false

  constructor(options: UnreadRunsOptions) {
    this.#options = options
  }

  /** One could not be read. It is told of once. */
  add({ num, id, unread }: UnreadRun): void {
    // One that has gone since its page was read.
    if (unread === null || this.#timers.has(num)) return
    this.#timers.set(num, [])
    this.#options.log.error(
      `The run "${id}" cannot be read, and is left alone until the store is restored: ${unread.message}`,
      undefined,
      { run: id, ...aboutError(unread) },
    )
    this.#later()
  }

  /** Keeps a timer of one of them. Returns whether it is of one. */
  keeps(timer: TimerRow): boolean {
    const timers = this.#timers.get(timer.run)
    timers?.push(timer)
    return timers !== undefined
  }

  stop(): void {
    this.#isStopped = true
    this.#next?.()
  }

  #later(): void {
    if (this.#isStopped || this.#timers.size === 0) return
    this.#next ??= this.#options.clock.after(LOOK_MS, () => {
      this.#next = null
      this.#look().catch((error: unknown) => {
        if (!this.#isStopped) this.#options.onFailure(error)
      })
    })
  }

  async #look(): Promise<void> {
    const { store, shard, log, back } = this.#options
    for (const num of this.#timers.keys()) {
      const row = await orFailure(store.run(shard, num))
      if (this.#isStopped) return
      if (row instanceof Error) continue
      const timers = this.#timers.get(num) ?? []
      this.#timers.delete(num)
      if (row === null || row.ended !== null) continue
      log.info(`The run "${row.id}" can be read again, and goes on`, undefined, { run: row.id })
      back(row, timers)
    }
    this.#later()
  }
}

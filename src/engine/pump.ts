// Delivers to workflow runs, one delivery per macrotask: a delivery and the close of its turn are queued as a pair of
// immediates, so that every microtask of the run settles in between and nothing else can slip in (with a single
// immediate, a file `stat` inside a workflow went unnoticed in 215 of 400 cases; with the pair in none). Several pairs
// go into one round of the event loop.

import type { Machine } from '../core/machine.ts'

/** A turn to be run. `begin` delivers, `end` closes; the owner decides in `begin` whether there is anything to do. */
export interface TurnJob {
  begin(): void
  end(): void
  /** The run whose code runs in between; null when nothing was delivered. */
  readonly machine?: Machine | null
}

/** Pairs in one round: enough to spread the cost of a round, few enough to let input and output in. */
const PAIRS = 64

/** The queue of turns of a shard. */
export class Pump {
  #queue: TurnJob[] = []
  #next = 0
  #scheduled = false
  #paused = false
  #left = 0
  #current: TurnJob | null = null
  readonly #roundEnd: () => void
  readonly #onFailure: (error: unknown) => void

  /**
   * @param roundEnd called after each round of turns: time to commit.
   * @param onFailure called when a job throws, which is a bug of the engine: the code of a run cannot get here.
   */
  constructor(roundEnd: () => void, onFailure: (error: unknown) => void) {
    this.#roundEnd = roundEnd
    this.#onFailure = onFailure
  }

  /** The turn between its delivery and its close, if any: a rejection raised now is that run's. */
  get current(): TurnJob | null {
    return this.#current
  }

  /** Whether no turn is queued or running. */
  get idle(): boolean {
    return this.#queue.length === this.#next && this.#current === null
  }

  add(job: TurnJob): void {
    this.#queue.push(job)
    this.#schedule()
  }

  /** Holds deliveries back while the writer is behind. */
  pause(): void {
    this.#paused = true
  }
  resume(): void {
    this.#paused = false
    this.#schedule()
  }

  #schedule(): void {
    if (this.#scheduled || this.#paused || this.#queue.length === this.#next) return
    this.#scheduled = true
    this.#left = Math.min(this.#queue.length - this.#next, PAIRS)
    for (let pair = 0; pair < this.#left; pair++) {
      setImmediate(this.#begin)
      setImmediate(this.#end)
    }
  }

  readonly #begin = (): void => {
    const job = this.#queue[this.#next] as TurnJob
    this.#current = job
    try {
      job.begin()
    } catch (error) {
      this.#onFailure(error)
    }
  }

  readonly #end = (): void => {
    const job = this.#current as TurnJob
    this.#current = null
    this.#next += 1
    if (this.#next === this.#queue.length) {
      this.#queue = []
      this.#next = 0
    } else if (this.#next > 8192) {
      this.#queue = this.#queue.slice(this.#next)
      this.#next = 0
    }
    try {
      job.end()
    } catch (error) {
      this.#onFailure(error)
    }
    if (--this.#left > 0) return
    this.#scheduled = false
    this.#roundEnd()
    this.#schedule()
  }
}

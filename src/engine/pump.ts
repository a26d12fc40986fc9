// Delivers to workflow runs, one delivery per macrotask: a delivery and the close of its turn are queued as a pair of
// immediates, so that every microtask of the run settles in between and nothing else can slip in (with a single
// immediate, a file `stat` inside a workflow went unnoticed in 215 of 400 cases; with the pair in none). Several pairs
// go into one round of the event loop. Which turn is next, turn-queue.ts says.

import type { Machine } from '../core/machine.ts'
import { TurnQueue } from './turn-queue.ts'

/** A turn to be run. `begin` delivers, `end` closes; the owner decides in `begin` whether there is anything to do. */
export interface TurnJob {
  begin(): void
  /** Comes without a `begin` when the pump has stopped meanwhile. */
  end(): void
  /** The workflow whose turn it is: a run's turns all have the same, and are made in the order in which they came. */
  readonly workflow: string
  /** What it has cost, once it has ended; 1 when it does not say. */
  readonly cost?: number
  /** The run whose code runs in between; null when nothing was delivered. */
  readonly machine?: Machine | null
}

/** Pairs in one round: enough to spread the cost of a round, few enough to let input and output in. */
const PAIRS = 16
/** So many times as long as the rest of the loop, turns may take, and so long at most. */
const FAVOUR = 4
const ROUND_MS = 200
/** A round of fewer turns tells nothing of the pace. */
const PACED_TURNS = 8
/** Turns in a millisecond, as long as nothing was measured. */
const FIRST_RATE = 10
/** The rate is measured over so long without a pause, at least. */
const MEASURED_MS = 20

export interface PumpHooks {
  /** After each turn, and after each round of them: time to commit. */
  readonly onTurnEnd?: () => void
  readonly onRoundEnd?: () => void
  /** A job has thrown, which is a bug of the engine: the code of a run cannot get here. */
  readonly onFailure: (error: unknown) => void
  /** Milliseconds; without it nobody asks how long turns wait. */
  readonly now?: () => number
}

/** The queue of turns of a shard. */
export class Pump {
  readonly #queue = new TurnQueue<TurnJob>()
  #scheduled = false
  #paused = false
  #stopped = false
  #left = 0
  #current: TurnJob | null = null
  readonly #hooks: PumpHooks
  readonly #now: () => number
  #rate = FIRST_RATE
  /** Of the present round: its turns, when it began; when the one before ended, and how long it was from then to now. */
  #size = 0
  #began = 0
  #ended = 0
  #betweenMs = 0
  #pace = FIRST_RATE
  /** Since when every round was full, and how many turns were made since; null when the last was not. */
  #busySince: number | null = null
  #made = 0

  constructor(hooks: PumpHooks) {
    this.#hooks = hooks
    this.#now = hooks.now ?? ((): number => 0)
  }

  /** The turn between its delivery and its close, if any: a rejection raised now is that run's. */
  get current(): TurnJob | null {
    return this.#current
  }

  /** Whether no turn is queued or running. */
  get idle(): boolean {
    return this.#queue.size === 0 && this.#current === null
  }

  /** Turns that wait. */
  get size(): number {
    return this.#queue.size
  }

  add(job: TurnJob): void {
    const now = this.#now()
    this.#queue.add(job.workflow, job, now)
    this.#schedule()
  }

  /**
   * Milliseconds that a turn of this workflow has to wait, or one of any for null: what the oldest has waited, or what
   * is before a new one at the pace of the last turns, whichever is more.
   */
  waitMs(workflow: string | null): number {
    const oldest = this.#queue.oldest(workflow)
    if (oldest === null) return 0
    const before = workflow === null ? this.#queue.size : this.#queue.sizeOf(workflow) * this.#queue.lines
    return Math.max(this.#now() - oldest, Math.min(before, this.#queue.size) / this.#rate)
  }

  /** No code of a run is run any more: what is queued is only ended, so that whoever waits is told. */
  stop(): void {
    this.#stopped = true
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
    if (this.#scheduled || this.#paused || this.#queue.size === 0) return
    this.#scheduled = true
    this.#left = Math.min(this.#queue.size, this.#share())
    this.#size = this.#left
    for (let pair = 0; pair < this.#left; pair++) {
      setImmediate(this.#begin)
      setImmediate(this.#end)
    }
  }

  /**
   * Turns of the next round. Where input and output take long between two rounds (many requests at once), turns get a
   * multiple of that time: what has been taken on is finished before more is.
   */
  #share(): number {
    const ms = Math.min(this.#betweenMs * FAVOUR, ROUND_MS)
    return Math.max(PAIRS, Math.floor(ms * this.#pace))
  }

  /** A round begins: how long was everything else? */
  #enterRound(): void {
    this.#began = this.#now()
    this.#betweenMs = this.#began - this.#ended
  }

  /** How many turns are made in a millisecond, when nothing else is done. */
  #leaveRound(): void {
    this.#ended = this.#now()
    const ms = this.#ended - this.#began
    if (ms > 0 && this.#size >= PACED_TURNS) this.#pace = (this.#pace + this.#size / ms) / 2
  }

  readonly #begin = (): void => {
    if (this.#left === this.#size) this.#enterRound()
    const job = this.#queue.take()
    this.#current = job
    try {
      if (!this.#stopped) job.begin()
    } catch (error) {
      this.#hooks.onFailure(error)
    }
  }

  readonly #end = (): void => {
    const job = this.#current as TurnJob
    this.#current = null
    try {
      job.end()
    } catch (error) {
      this.#hooks.onFailure(error)
    }
    this.#queue.pay(job.cost ?? 1)
    this.#hooks.onTurnEnd?.()
    if (--this.#left > 0) return
    this.#scheduled = false
    this.#leaveRound()
    this.#measure()
    this.#hooks.onRoundEnd?.()
    this.#schedule()
  }

  /** How fast turns are made while rounds are full: what the rest of the process takes meanwhile is in it. */
  #measure(): void {
    const now = this.#now()
    const ms = this.#busySince === null ? 0 : now - this.#busySince
    this.#made += this.#size
    const isFull = this.#queue.size >= PAIRS
    if (isFull && this.#busySince !== null && ms < MEASURED_MS) return
    if (ms >= MEASURED_MS) this.#rate = (this.#rate + this.#made / ms) / 2
    this.#busySince = isFull ? now : null
    this.#made = 0
  }
}

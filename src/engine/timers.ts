// Durable timers: a row each, due in milliseconds since the epoch. Memory holds those of the coming window only; the
// rest wait on disk. A timer never fires early, and never before what was acknowledged when it was due has been given
// to the runs: neither a signal in the inbox nor an event in the log loses against a deadline. However many are due at
// once, a few thousand are under way.
import type { Cancel, Clock } from '../core/clock.ts'
import { LooseMap } from '../core/loose-map.ts'
import type { StoreReader, TimerRow } from '../core/store.ts'
import type { Spread } from './counts.ts'
import { DueHeap, nameOf } from './due-heap.ts'
import { atTime } from './wall-time.ts'

const WINDOW_MS = 600_000
/** Timers delivered in one go; the rest follow in the next round of the event loop. */
const AT_ONCE = 1000
/** Timers that were delivered and have not been taken, past which the others wait. */
const UNDER_WAY = 2000
const PAGE = 2000

export interface TimersOptions {
  readonly clock: Clock
  readonly store: StoreReader
  readonly shard: number
  /** Is told how late one is given to its run. */
  readonly late: Spread
  /** Resolves when everything written so far is durable. */
  readonly barrier: () => Promise<void>
  /** Resolves when everything that has been acknowledged by now is delivered to the runs that wait for it. */
  readonly catchUp: () => Promise<void>
  /** One fires before the clock shows it: its run is told no earlier time. */
  readonly notBefore: (at: number) => void
  /** Gives it to its run; `done` is to be called when that has taken it. */
  readonly fire: (timer: TimerRow, done: () => void) => void
  readonly onFailure: (error: unknown) => void
}

/** The timers of a shard. */
export class Timers {
  readonly #options: TimersOptions
  readonly #armed = new DueHeap()
  /** Those that were set by a time which the clock did not show, until they fire or are gone. */
  readonly #doubted = new LooseMap<string, { readonly due: number; readonly cancel: Cancel }>()
  /** Of these the ones whose whole time has passed, and that are about to fire. */
  readonly #passed: TimerRow[] = []
  #horizon: number
  #wake: Cancel | null = null
  #wakeAt = Number.POSITIVE_INFINITY
  #extend: Cancel | null = null
  #stopped = false
  #firing = false
  #underWay = 0
  #onRoom: (() => void) | null = null

  constructor(options: TimersOptions) {
    this.#options = options
    this.#horizon = options.clock.now()
  }

  /** Those that were given to their runs, and have not been taken. */
  get underWay(): number {
    return this.#underWay
  }

  /** How long the first is due that was not given to its run, in milliseconds. */
  get lateMs(): number {
    const { first } = this.#armed
    return first === undefined ? 0 : Math.max(0, this.#options.clock.now() - first.due)
  }

  /** Reads the first window. */
  async start(): Promise<void> {
    await this.#advance()
  }

  stop(): void {
    this.#stopped = true
    this.#wake?.()
    this.#extend?.()
    this.#onRoom?.()
    for (const { cancel } of this.#doubted.values()) cancel()
  }

  /**
   * A timer whose row is written or about to be. Adding one twice is adding it once.
   * @param since when its run began to wait, by the time of the shard. While the clock shows less, one of the two is wrong: then
   * it fires when as much time has passed, if that is before the clock shows its own.
   */
  add(timer: TimerRow, since = 0): void {
    if (since > this.#options.clock.now()) this.#doubt(timer, timer.due - since)
    if (timer.due >= this.#horizon || this.#armed.has(timer)) return
    this.#armed.add(timer)
    this.#schedule()
  }

  /** Forgets a timer: its row is gone. */
  remove(timer: TimerRow): void {
    const name = nameOf(timer)
    this.#armed.remove(timer)
    this.#doubted.get(name)?.cancel()
    this.#doubted.delete(name)
  }

  #doubt(timer: TimerRow, delayMs: number): void {
    const name = nameOf(timer)
    const { due } = timer
    if (this.#doubted.get(name)?.due === due) return
    this.#doubted.get(name)?.cancel()
    const passed = (): void => {
      this.#passed.push(timer)
      this.#schedule()
    }
    this.#doubted.set(name, { due, cancel: this.#options.clock.after(delayMs, passed) })
  }

  #schedule(): void {
    if (this.#stopped || this.#firing) return
    if (this.#passed.length > 0) return void this.#fireDue()
    const { first } = this.#armed
    if (first === undefined || this.#wakeAt <= first.due) return
    this.#wake?.()
    this.#wakeAt = first.due
    this.#wake = atTime(this.#options.clock, first.due, () => this.#woken())
  }

  /** The one that it was to wake for may be gone: then there is nothing to catch up with. */
  #woken(): void {
    this.#wakeAt = Number.POSITIVE_INFINITY
    const { first } = this.#armed
    if (first !== undefined && first.due <= this.#options.clock.now()) void this.#fireDue()
    else this.#schedule()
  }

  async #fireDue(): Promise<void> {
    this.#wake?.()
    this.#wakeAt = Number.POSITIVE_INFINITY
    this.#firing = true
    // What becomes due during the catching up waits for the next one.
    let passed = this.#passed.length
    const now = this.#options.clock.now()
    try {
      await this.#options.catchUp()
      for (let count = 0; count < AT_ONCE && !this.#stopped; count++) {
        const hasPassed = passed-- > 0
        const next = hasPassed ? this.#passed.shift() : this.#armed.popDue(now)
        if (next === undefined) break
        if (!this.#isSet(next)) continue
        if (hasPassed) this.#options.notBefore(next.due)
        this.remove(next)
        this.#underWay += 1
        this.#options.late.add(Math.max(0, this.#options.clock.now() - next.due) / 1000)
        this.#options.fire(next, this.#done)
      }
      if (this.#underWay > UNDER_WAY && !this.#stopped) await new Promise<void>((resolve) => (this.#onRoom = resolve))
    } catch (error) {
      this.#options.onFailure(error)
    } finally {
      this.#firing = false
      this.#schedule()
    }
  }

  #isSet(timer: TimerRow): boolean {
    return this.#armed.has(timer) || this.#doubted.get(nameOf(timer))?.due === timer.due
  }

  readonly #done = (): void => {
    this.#underWay -= 1
    if (this.#underWay <= UNDER_WAY / 2) this.#onRoom?.()
  }

  /** Moves the window on: rows written before the move and still on disk are read after they are durable. */
  async #advance(): Promise<void> {
    const { clock, store, shard } = this.#options
    const from = this.#horizon
    const first = this.#extend === null
    this.#horizon = clock.now() + WINDOW_MS
    try {
      await this.#options.barrier()
      let last: TimerRow | undefined
      do {
        const rows = await store.timers(shard, first ? 0 : from, this.#horizon, PAGE, last)
        for (const row of rows) this.add(row)
        last = rows.length < PAGE ? undefined : rows.at(-1)
      } while (last !== undefined)
    } catch (error) {
      this.#options.onFailure(error)
    }
    if (!this.#stopped) this.#extend = atTime(clock, clock.now() + WINDOW_MS / 2, () => void this.#advance())
  }
}

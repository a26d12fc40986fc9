// Brings runs back from the store: every open one at recovery, a parked one when something comes for it, a frozen one when
// a person asks. While a run is being loaded, what comes for it waits and follows in order; none is loaded twice at once.
// One that may have ended the last process is brought back on trial (suspects.ts), which says when. One part of a shard
// (shard.ts).
import { asError, fault } from '../core/errors.ts'
import { LooseMap } from '../core/loose-map.ts'
import type { RunRow, SuspectRow, TimerRow } from '../core/store.ts'
import type { Eviction } from './eviction.ts'
import type { LiveRun } from './live-run.ts'
import { LOOKS } from './open-runs.ts'
import { eachOpenRow } from './run-rows.ts'
import { loadRun, takeUp, type Loaded } from './loader.ts'
import { leaveAlone, markPoisoned } from './poisoned.ts'
import type { ForcedStop, ShardContext } from './shard-context.ts'
import { Turnstile } from './turnstile.ts'
import { UnreadRuns } from './unread-runs.ts'

/** Rounds of the event loop that opening waits for what it has taken up, to say what is stuck. */
const TRIED_ROUNDS = 1000
/** Runs that are brought back at once; more wait for their place. */
const AT_ONCE = 256

/** Something that waits until a run has been loaded. */
export interface Waiting {
  go(): void
  failed(error: Error): void
}

export interface LoadingHooks {
  /** Puts a reaction into its lane, once. */
  readonly enterLane: (row: RunRow) => void
  readonly eviction: Pick<Eviction, 'park' | 'parkNew'>
  /** What stopped the shard, if anything has. */
  readonly failure: () => Error | null
}

export class Loading {
  readonly #context: ShardContext
  readonly #hooks: LoadingHooks
  readonly #waiting = new LooseMap<number, Waiting[]>()
  /** Runs that were open when the store was, and have not been brought back yet. */
  readonly #asleep = new Set<number>()
  readonly #turnstile = new Turnstile(AT_ONCE)
  readonly #unread: UnreadRuns
  /** What came for runs that wait for their trial to be brought back. */
  readonly #held = new Map<number, Waiting[]>()

  constructor(context: ShardContext, hooks: LoadingHooks) {
    this.#context = context
    this.#hooks = hooks
    const { clock, store, shard, log } = context
    const back = (row: RunRow, timers: readonly TimerRow[]): void => this.#backAtLast(row, timers)
    this.#unread = new UnreadRuns({ clock, store, shard, log, back, onFailure: (error) => context.fail(error) })
  }

  /** Whether no run is being loaded. */
  get isIdle(): boolean {
    return this.#waiting.size === 0
  }

  /** Does something after a parked run has been loaded, which it is for that. */
  afterwards(num: number, waiting: Waiting): void {
    const others = this.#waiting.get(num) ?? this.#held.get(num)
    if (others !== undefined) return void others.push(waiting)
    this.#load(num, [waiting])
  }

  /**
   * Whether a timer has to wait because its run is being brought back: what was acknowledged before it was due may not have
   * reached the run. It fires anew when the run is there, behind that.
   */
  postpones(timer: TimerRow): boolean {
    const waiting = this.#waiting.get(timer.run) ?? this.#held.get(timer.run)
    waiting?.push({ go: () => this.#context.timers.add(timer), failed: () => {} })
    return waiting !== undefined
  }

  /** Whether a timer is of a run that could not be read at the opening: it fires when that can be. */
  keeps(timer: TimerRow): boolean {
    return this.#unread.keeps(timer)
  }

  /** The live run, brought back if it is parked; undefined when it has ended. */
  async live(num: number): Promise<LiveRun | undefined> {
    const { open } = this.#context
    const run = open.use(num)
    if (run !== undefined || !open.isParked(num)) return run
    return new Promise((resolve, reject) => {
      this.afterwards(num, { go: () => resolve(open.use(num)), failed: reject })
    })
  }

  /** Brings a live run back anew, with today's code. */
  thaw(run: LiveRun, stop?: ForcedStop): void {
    const { num, reason } = run.row
    const { open, suspects } = this.#context
    open.shelve(run.row)
    if (reason !== 'poisoned') return this.#load(num, [], stop)
    suspects.retry(num)
    // What fails in it has failed the shard, or the shard is being closed.
    this.#tryOut(num, true).catch(() => {})
  }

  /** Runs that wait for their trial stay on disk. */
  close(): void {
    this.#unread.stop()
    const held = [...this.#held.values()].flat()
    this.#held.clear()
    for (const waiting of held) waiting.failed(fault('APP_CLOSED'))
  }

  /** Whoever waits is told that the shard has stopped. */
  fail(error: Error): void {
    this.#unread.stop()
    const all = [...this.#waiting.values(), ...this.#held.values()].flat()
    this.#waiting.clear()
    this.#held.clear()
    for (const waiting of all) waiting.failed(error)
  }

  /** Brings back every open run and takes up its work. */
  async recover(): Promise<{ readonly runs: number; readonly stuck: number }> {
    const { open, inbox, timers, writer, suspects, conducts } = this.#context
    // All of them are known before the first goes on: what it does may concern any other.
    const alone = new Set<number>()
    await this.#eachOpen((rows) => {
      for (const row of rows) {
        open.know(row)
        this.#asleep.add(row.num)
        if (row.reason === 'poisoned') alone.add(row.num)
        this.#hooks.enterLane(row)
        conducts.know(row)
      }
    })
    await conducts.recovered()
    const runs = this.#asleep.size
    const { poisoned, tried } = await suspects.takeOver([...this.#asleep].filter((num) => !alone.has(num)))
    const back = Promise.all(tried.map((num) => this.#tryOut(num, false)))
    back.catch(() => {})
    await this.#eachOpen(async (rows) => {
      // Runs that began since, and those that were wanted sooner, have been brought back already.
      const asleep = rows.filter(({ num }) => this.#asleep.delete(num))
      for (const { num } of asleep) this.#waiting.set(num, [])
      try {
        await Promise.all([
          this.#loadAll(asleep.filter(({ num }) => !alone.has(num) && !poisoned.has(num))),
          this.#leaveAlone(asleep, poisoned),
        ])
      } catch (error) {
        // Whoever closes the shard waits for as long as a run is being loaded.
        for (const { num } of asleep) this.#lost(num, error)
        throw error
      }
      this.#park(asleep.map(({ num }) => num))
    })
    await back
    this.#park(tried)
    await inbox.read()
    inbox.start()
    await timers.start()
    writer.flush()
    suspects.recovered()
    return { runs, stuck: await this.#countStuck() }
  }

  /** As many go as came: otherwise memory would hold most of a crowd before anybody gets to parking them. */
  #park(came: readonly number[]): void {
    const { eviction } = this.#hooks
    eviction.parkNew(came)
    for (let looked = 0; looked <= came.length && eviction.park(); looked += LOOKS);
  }

  /** Stuck runs, after today's code has been tried on them. */
  async #countStuck(): Promise<number> {
    const { pump, writer } = this.#context
    for (let round = 0; round < TRIED_ROUNDS && !pump.idle && this.#hooks.failure() === null; round++) {
      await new Promise((resolve) => setImmediate(resolve))
    }
    await writer.barrier()
    let stuck = 0
    await this.#eachOpen((rows) => {
      stuck += rows.filter((row) => row.status === 'stuck').length
    })
    return stuck
  }

  /** Reads the open runs of the store, oldest first. Those that cannot be read are left where they are. */
  #eachOpen(use: (rows: readonly RunRow[]) => void | Promise<void>): Promise<void> {
    return eachOpenRow(this.#context, use, (run) => {
      if (!this.#isBack(run.num)) this.#unread.add(run)
    })
  }

  /** Whether a run is live, or about to be. */
  #isBack(num: number): boolean {
    return this.#context.open.peek(num) !== undefined || this.#waiting.has(num) || this.#held.has(num)
  }

  /** A run that could not be read at the opening can be: as if it were found only now. */
  #backAtLast(row: RunRow, timers: readonly TimerRow[]): void {
    const { open, conducts, timers: all } = this.#context
    const { num, reason } = row
    for (const timer of timers) all.add(timer)
    // It was known, could not be read the second time, and somebody has wanted it since.
    if (this.#isBack(num)) return
    open.know(row)
    this.#hooks.enterLane(row)
    conducts.know(row)
    if (reason !== 'poisoned') return this.#load(num, [])
    this.#waiting.set(num, [])
    this.#leaveAlone([row], new Map()).catch((error: unknown) => this.#context.fail(error))
  }

  async #loadAll(rows: readonly RunRow[]): Promise<void> {
    const loaded = await Promise.all(rows.map((row) => loadRun(this.#context, row)))
    for (const one of loaded) this.#wake(one)
  }

  /** Poisoned runs are there, and nothing of them is done. */
  async #leaveAlone(rows: readonly RunRow[], found: ReadonlyMap<number, SuspectRow>): Promise<void> {
    for (const row of rows) {
      const mark = found.get(row.num)
      if (mark === undefined && row.reason !== 'poisoned') continue
      const run = await leaveAlone(this.#context, row)
      this.#wakeWith(run, () => {
        if (mark !== undefined) markPoisoned(this.#context, run, mark)
      })
    }
  }

  /** Brings a run back on trial. Resolves when it is back, or at once when that takes a while. */
  async #tryOut(num: number, isRetried: boolean): Promise<void> {
    this.#asleep.delete(num)
    this.#held.set(num, [])
    const bringBack = async (): Promise<void> => {
      const waiting = this.#held.get(num) ?? []
      this.#held.delete(num)
      this.#waiting.set(num, waiting)
      try {
        await this.#loadAndWake(num, undefined)
      } catch (error) {
        this.#context.fail(error)
        this.#lost(num, error)
        throw error
      }
    }
    await this.#context.suspects.bringBack(num, bringBack, isRetried)
  }

  #load(num: number, waiting: Waiting[], stop?: ForcedStop): void {
    this.#waiting.set(num, waiting)
    this.#turnstile
      .pass(() => this.#loadAndWake(num, stop))
      .catch((error: unknown) => {
        stop?.extras.failed?.(asError(error))
        this.#context.fail(error)
        this.#lost(num, error)
      })
  }

  /** A run cannot be brought back. When the shard had stopped before, nobody else tells those who have come since. */
  #lost(num: number, error: unknown): void {
    const waiting = this.#waiting.get(num) ?? []
    this.#waiting.delete(num)
    for (const one of waiting) one.failed(asError(error))
  }

  async #loadAndWake(num: number, stop: ForcedStop | undefined): Promise<void> {
    const { shard, store, writer } = this.#context
    this.#asleep.delete(num)
    await writer.barrier()
    const row = await store.run(shard, num)
    if (row === null) {
      // Whoever has taken the shard over while this process was frozen may have ended the run, and forgotten it.
      await writer.checkOwner()
      throw fault('INVARIANT', { problem: `the parked run ${num} has no row` })
    }
    this.#wake(await loadRun(this.#context, row), stop)
  }

  /** A run has been loaded: it takes up its work, then gets what came for it meanwhile. */
  #wake(loaded: Loaded, stop?: ForcedStop): void {
    this.#wakeWith(loaded.run, () => takeUp(this.#context, loaded, stop))
  }

  #wakeWith(run: LiveRun, work: () => void): void {
    const { num } = run.row
    const waiting = this.#waiting.get(num) ?? []
    this.#waiting.delete(num)
    this.#context.open.add(run)
    try {
      work()
    } catch (error) {
      for (const one of waiting) one.failed(asError(error))
      throw error
    }
    for (const one of waiting) one.go()
  }
}

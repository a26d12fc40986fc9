// The shards of a store that this process owns, each with its doors. A shard comes with a tenure and takes up its runs before
// it is asked anything; it goes when another process has taken it over, when it is handed on, or with the application. One
// that comes back waits until what was left of it has stopped. Kept by RunningApplication.
import { elapsedOf } from '../core/clock.ts'
import { Placement } from '../core/placement.ts'
import type { StoreInfo, Tenure } from '../core/store.ts'
import type { KnownCall } from './list-reads.ts'
import type { RecoveryView } from '../define/application.ts'
import { Actions } from './actions.ts'
import type { Arrival, Beside, Place } from './admission.ts'
import { CallLimits } from './call-limits.ts'
import { Counts } from './counts.ts'
import type { Hold } from './hold.ts'
import { Requests } from './requests.ts'
import type { ShardOptions } from './shard-options.ts'
import { Shard } from './shard.ts'
import { isFenced } from './standing.ts'
import { StuckLines } from './stuck-lines.ts'
import { takeUp } from './take-up.ts'
import { Outages } from './outages.ts'
import { Trials } from './trials.ts'

/** A shard of this process. */
export interface OwnShard {
  readonly shard: Shard
  readonly requests: Requests
  readonly actions: Actions
  /** Once its runs have been taken up. */
  isReady: boolean
}

/** How long it is known what all shards have taken on. */
const SUM_MS = 5

type Given =
  | 'info'
  | 'trials'
  | 'outages'
  | 'callLimits'
  | 'tenure'
  | 'hold'
  | 'handleInbox'
  | 'onFailure'
  | 'posted'
  | 'beside'
  | 'counts'
  | 'stuckLines'

export interface ShardsOptions extends Omit<ShardOptions, Given> {
  /** Source of events that are published without one. */
  readonly source: string
  /** One of them has stopped. */
  readonly failed: (shard: Shard, error: Error) => void
  /** Something for the inbox of a shard that is not here is durable, or will be in a moment. */
  readonly posted: (shard: number, isDurable: boolean) => void
  /** What is here, or is ready, is another than before. */
  readonly changed: () => void
  /** A shard is here: whoever watches all of them begins with it. */
  readonly came: (shard: Shard) => void
  /** One begins nothing more, and is stopped when what is under way there is over, or its time is. */
  readonly left: (shard: Shard) => void
}

export class Shards {
  /** What all shards have done that were here since the application was opened. */
  readonly counts: Counts = new Counts()
  readonly #options: ShardsOptions
  readonly #own = new Map<number, OwnShard>()
  readonly #leaving = new Map<number, Promise<void>>()
  readonly #trials: Trials
  readonly #stuckLines: StuckLines
  readonly #outages: Outages
  /** Who waits for a place at a service. */
  readonly callLimits: CallLimits
  #info: StoreInfo | null = null
  #place: Placement | null = null
  #isShut = false
  /** Of all shards, as they were asked last, and what was let in since. */
  #sum = { at: Number.NEGATIVE_INFINITY, open: 0, arriving: 0 }

  constructor(options: ShardsOptions) {
    this.#options = options
    this.#trials = new Trials(options.clock)
    this.#stuckLines = new StuckLines(options)
    this.#outages = new Outages(options.clock, options.log)
    this.callLimits = new CallLimits(options.clock, options.log)
  }

  /** The store is open. */
  opened(info: StoreInfo): void {
    this.#info = info
    this.#place = new Placement(info)
  }

  /** Where things are. Null until the store is open. */
  get place(): Placement | null {
    return this.#place
  }

  /** Whether the store has one shard, as far as is known: nothing is anywhere else then. */
  get isOne(): boolean {
    return (this.#place?.shards ?? 1) === 1
  }

  /** The shard that an id or a key belongs to. */
  of(name: string): number {
    return this.#place?.shardOf(name) ?? 0
  }

  get info(): StoreInfo | null {
    return this.#info
  }

  /** Of all shards of the store, wherever they are. */
  get numbers(): readonly number[] {
    return Array.from({ length: this.#place?.shards ?? 1 }, (_, shard) => shard)
  }

  /** Those that are here, whether they are ready or not. */
  get all(): readonly OwnShard[] {
    return [...this.#own.values()]
  }

  /** A shard that is here, if it is. */
  get(shard: number): OwnShard | undefined {
    return this.#own.get(shard)
  }

  /** For what place at a limited service a call waits, and when its attempt was heard of last; undefined when it is not here. */
  knownOf(shard: number, run: number, op: string): KnownCall | undefined {
    const context = this.ready(shard)?.shard.context
    if (context === undefined) return undefined
    return { place: context.effects.placeOf(run, op), heartbeat: context.environment.heartbeats.view(run, op) }
  }

  /** A shard that is here and has taken up its runs. */
  ready(shard: number): OwnShard | undefined {
    const own = this.#own.get(shard)
    return own?.isReady === true ? own : undefined
  }

  /**
   * For another node, which waits for the end of a run of this one: tells when it ends, or at once when it has.
   * @returns what takes that back; null when there is nothing to wait for.
   */
  onEnd(run: string, ended: () => void): (() => void) | null {
    const watchers = this.ready(this.of(run))?.shard.context.watchers
    if (watchers === undefined) return null
    if (!watchers.hasEnded(run)) return watchers.onEnd(run, ended)
    ended()
    return null
  }

  /**
   * A shard is this process's: takes up its runs. Null when it was lost meanwhile. @throws what keeps it from recovering
   * @param isHeld whether it is still this process's: what was left of it may have taken a while to stop.
   */
  async own(tenure: Tenure, hold: Hold, isHeld: () => boolean = () => true): Promise<RecoveryView | null> {
    await this.#leaving.get(tenure.shard)
    const info = this.#info
    // Nobody would stop one that comes when the others have been, or of which nobody hears that it is lost.
    if (info === null || this.#isShut || !isHeld()) {
      const { shard: number, epoch, crashes } = tenure
      // It was not begun, so it ends well; when that cannot be said it is free once this node has left.
      if (isHeld()) await this.#options.store.release(number, epoch, crashes).catch(() => {})
      return null
    }
    const { source, failed, liveRuns, limits, ...options } = this.#options
    options.telemetry.tracing?.takenUp(tenure)
    const shard: Shard = new Shard({
      ...options,
      info,
      tenure,
      trials: this.#trials,
      counts: this.counts,
      stuckLines: this.#stuckLines,
      outages: this.#outages,
      callLimits: this.callLimits,
      hold,
      liveRuns: Math.ceil(liveRuns / info.shards),
      limits: { ...limits, liveBytes: Math.ceil(limits.liveBytes / info.shards) },
      beside: (runs): Beside => this.#beside(shard, runs),
      handleInbox: (row) => requests.fromInbox(row),
      onFailure: (error) => {
        if (isFenced(error) && this.#own.get(tenure.shard)?.shard === shard) this.counts.shardsFenced += 1
        failed(shard, error)
      },
      posted: (to) => this.posted(to),
    })
    const actions = new Actions(shard)
    const requests = new Requests(shard, source, actions)
    const own: OwnShard = { shard, requests, actions, isReady: false }
    this.#own.set(tenure.shard, own)
    if (tenure.head > 0) this.callLimits.cameFromAnother()
    this.#share()
    this.#options.changed()
    const isHere = (): boolean => this.#own.get(tenure.shard) === own
    try {
      const recovered = await takeUp(shard, options.clock)
      if (!isHere()) return null
      own.isReady = true
      void requests.answers.tidy()
      // What nobody was told of meanwhile.
      this.posted(tenure.shard)
      this.#options.came(shard)
      this.#options.changed()
      return recovered
    } catch (error) {
      // Another node has taken over meanwhile.
      if (!isHere()) return null
      throw error
    }
  }

  /**
   * What all shards of this process but one have taken on: the limits are of the process, and it has its part of the store. To
   * ask all of them for each request would cost the more the more there are; so they are asked every so often, what was let in
   * since counts as if none of it had ended, and when that would be too much they are asked again.
   */
  #beside({ context: { admission } }: Shard, runs: number): Beside {
    const { clock, limits } = this.#options
    const part = this.#own.size / (this.#info?.shards ?? 1)
    const now = elapsedOf(clock)
    const most = Math.ceil(limits.openRuns * part)
    let sum = this.#sum
    if (now - sum.at > SUM_MS || sum.open + runs > most || sum.arriving >= limits.arrivals) {
      sum = this.#sum = { at: now, open: 0, arriving: 0 }
      for (const { shard } of this.#own.values()) {
        sum.open += shard.context.admission.open
        sum.arriving += shard.context.admission.arriving
      }
    }
    const beside = { open: sum.open - admission.open, arriving: sum.arriving - admission.arriving, part }
    sum.open += runs
    sum.arriving += 1
    return beside
  }

  /**
   * Takes a place for what goes to a shard elsewhere, as if it were for one of this process; null where there is none to judge.
   * @throws OVERLOADED, STORE_FULL
   */
  enter(arrival: Arrival): Place | null {
    for (const { shard, isReady } of this.#own.values()) if (isReady) return shard.context.admission.enter(arrival)
    return null
  }

  /**
   * Something for the inbox of a shard is durable: whoever has it looks. One that takes up its runs looks when it knows all of
   * them: what came for a run that is not known yet would be taken for something that came too late, and be gone.
   */
  posted(shard: number): void {
    const own = this.#own.get(shard)
    if (own === undefined) return this.#options.posted(shard, true)
    if (own.isReady) own.shard.context.inbox.look()
  }

  /** A transaction has put something into the inbox of a shard: whoever has it looks a few times in the next moments. */
  expected(shard: number): void {
    const own = this.#own.get(shard)
    if (own === undefined) this.#options.posted(shard, false)
    else if (own.isReady) own.shard.context.inbox.expect()
  }

  /** A shard is here no more: nothing is asked of it from now on. Resolves when it has stopped. */
  drop(shard: number, graceMs: number): Promise<void> {
    const own = this.#own.get(shard)
    if (own === undefined) return this.#leaving.get(shard) ?? Promise.resolve()
    this.#own.delete(shard)
    // Before it closes: it waits until the others have what is under way.
    this.#share()
    own.requests.answers.stop()
    const left = own.shard.close(graceMs).finally(() => {
      if (this.#leaving.get(shard) === left) this.#leaving.delete(shard)
    })
    this.#leaving.set(shard, left)
    this.#options.left(own.shard)
    this.#options.changed()
    return left
  }

  /** What services take is divided by the shards that are here. */
  #share(): void {
    this.callLimits.shares(this.#isShut ? [] : [...this.#own.keys()], this.#place?.shards ?? 1)
  }

  /** Nothing is taken up any more: the application has stopped, or is about to. */
  shut(): void {
    this.#isShut = true
  }

  /** Stops all of them; their doors stay, and say so. @param each is told of every one that has stopped. */
  async close(graceMs: number, each: (shard: number) => void = () => {}): Promise<void> {
    this.shut()
    this.#options.store.ending?.()
    this.#share()
    await Promise.all(
      [...this.#own].map(async ([number, { shard, requests }]) => {
        requests.answers.stop()
        const closed = shard.close(graceMs)
        this.#options.left(shard)
        await closed
        each(number)
      }),
    )
    await Promise.all(this.#leaving.values())
    this.#stuckLines.close()
  }
}

// One shard with its single writer: builds the parts, routes deliveries, recovers the open runs, stops. Whatever fails
// below it (the store, an invariant) stops the whole shard: nothing is acknowledged or started after that.
//
//   opening --recover--> serving --close--> closed
//                           '--fenced, store failed--> failed
import { elapsedOf, type Clock } from '../core/clock.ts'
import { asError, fault, isBalletError } from '../core/errors.ts'
import { toFailure } from '../core/failure.ts'
import type { Delivered } from '../core/journal.ts'
import { Placement } from '../core/placement.ts'
import type { RunRow, TimerRow } from '../core/store.ts'
import { Admission } from './admission.ts'
import { Aside } from './aside.ts'
import { environmentOf } from './call-context.ts'
import { Claims } from './claims.ts'
import { guarded } from './clock.ts'
import { codingOf } from './coding.ts'
import { contentHash } from './content-hash.ts'
import { leaveFlow } from './conducting.ts'
import { Conducts } from './conducts.ts'
import { blameRun, deliverEvent, deliverTo, DeliveryJob } from './deliveries.ts'
import { effectsOf } from './effect-answers.ts'
import { markStuck } from './endings.ts'
import { Eviction } from './eviction.ts'
import { watchForeignWork, type ForeignWork } from './foreign-work.ts'
import { Heartbeats } from './heartbeats.ts'
import { Inbox } from './inbox.ts'
import { joinRun, parkUnread } from './joins.ts'
import { laneOf, Lanes } from './lanes.ts'
import type { LiveRun } from './live-run.ts'
import { Loading } from './loading.ts'
import { NO_RUN } from './flow-rows.ts'
import { Monitor } from './monitor.ts'
import { OpenRuns } from './open-runs.ts'
import { Pump } from './pump.ts'
import { Receivers } from './receivers.ts'
import { claimRejection, watchRejections } from './rejections.ts'
import { RetentionSweep } from './retention.ts'
import { deliverLate, settleDelivery } from './settle.ts'
import type { DeliveryExtras, ShardContext } from './shard-context.ts'
import type { ShardOptions } from './shard-options.ts'
import { releaseSolo } from './solo-runs.ts'
import { Space } from './space.ts'
import { Suspects } from './suspects.ts'
import { dropOfNobody } from './timer-rows.ts'
import { Timers } from './timers.ts'
import { Watchers } from './watchers.ts'
import { Writer } from './writer.ts'

/** How often is looked whether what is under way at a close has ended: rounds of the event loop, then milliseconds. */
const CLOSE_ROUNDS = 1000
const CLOSE_LOOK_MS = 10

/** What one commit waits for: rounds of turns, and for how long, since they are few where much is asked in between. */
const [ROUNDS, FLUSH_MS] = [16, 5] as const

export class Shard {
  readonly context: ShardContext
  /** What its inbox holds that cannot be taken now. */
  readonly aside: Aside
  readonly #options: ShardOptions
  readonly #loading: Loading
  readonly #monitor: Monitor
  readonly #eviction: Eviction
  readonly #unwatch: () => void
  readonly #foreign: ForeignWork | null
  #retention: RetentionSweep | null = null
  #lastAt = 0
  #rounds = 0
  #flushedAt = 0
  #failure: Error | null = null
  #closed = false

  constructor(options: ShardOptions) {
    const onFailure = (error: unknown): void => this.#fail(error)
    this.#options = { ...options, clock: guarded(options.clock, onFailure) }
    const { clock, store, random, tenure, ns, directory, codec, log, counts, pulse, trials, info } = this.#options
    const space = new Space({ store, clock, log, counts, onFailure })
    const pump = this.#pumpBy(clock)
    const writer = this.#writerOver(space, pump)
    const { shard } = tenure
    const open = new OpenRuns({ clock, liveRuns: options.liveRuns, ...options.limits })
    const inbox: Inbox = new Inbox({ store, shard, ns, handle: options.handleInbox, log, onFailure, pulse })
    this.#foreign = options.development ? watchForeignWork(() => runIn(pump), log) : null
    this.context = {
      shard,
      place: new Placement(info),
      ns,
      version: directory.definition.version,
      store,
      codec,
      clock,
      random,
      log,
      stuckLines: options.stuckLines,
      counts,
      directory,
      limits: options.limits,
      environment: environmentOf({ ...options, log, heartbeats: new Heartbeats(() => this.context) }),
      space,
      writer,
      pump,
      effects: effectsOf({ ...options, clock, onFailure }, () => this.context),
      timers: this.#timersOver(writer),
      receivers: this.#receivers(),
      lanes: new Lanes(),
      inbox,
      claims: new Claims(store, shard, ns, () => inbox.read()),
      admission: this.#admissionTo(pump, writer),
      open,
      watchers: new Watchers(),
      suspects: new Suspects({ clock, store, tenure, info, trials, writer, pump, log, open, onFailure }),
      conducts: new Conducts({ choreographies: directory.choreographies, store, shard }),
      now: () => this.#notBefore(clock.now()),
      notBefore: (at) => void this.#notBefore(at),
      ...codingOf(codec, ns, onFailure),
      deliver: (run, delivered, extras = {}) => this.#deliver(run, delivered, extras),
      live: (run) => this.#loading.live(run),
      thaw: (run, stop) => this.#loading.thaw(run, stop),
      blame: (run, error) => this.#blame(run, error),
      hash: contentHash,
      followEvent: (event) => this.#monitor.take(event),
      leftFlow: (row, ending) => leaveFlow(this.context, row, ending),
      followed: (choreography, key, use) => this.#monitor.ask(choreography, key, use),
      forgettable: (flows) => this.#monitor.forgettable(flows),
      joined: (id, run, op) => joinRun(this.context, id, run, op),
      release: (run) => this.#release(run),
      posted: (to) => this.#posted(to),
      foreignWork: (run) => this.#foreign?.words(run) ?? '',
      begin: (run) => this.#begin(run),
      fail: onFailure,
    }
    this.#monitor = new Monitor(this.context, options.retention)
    this.#eviction = new Eviction(this.context)
    this.aside = new Aside(this.context)
    this.#loading = new Loading(this.context, {
      enterLane: (row) => void this.#enterLane(row),
      eviction: this.#eviction,
      failure: () => this.#failure,
    })
    this.#unwatch = watchRejections((reason) => claimRejection(this.context.pump, reason))
  }

  #pumpBy(clock: Clock): Pump {
    return new Pump({
      onTurnEnd: () => this.context.writer.turnEnded(),
      onRoundEnd: () => this.#roundEnd(),
      onFailure: (error) => this.#fail(error),
      now: () => elapsedOf(clock),
    })
  }

  #writerOver(space: Space, turns: Pump): Writer {
    const { store, tenure, clock, counts, telemetry } = this.#options
    const onFailure = (error: unknown): void => this.#fail(error)
    const onCaughtUp = (): void => this.#caughtUp()
    return new Writer(store, tenure, { space, onFailure, onCaughtUp, turns, clock, counts, ...telemetry.hooks })
  }

  #receivers(): Receivers {
    const { store, tenure } = this.#options
    return new Receivers({
      store,
      shard: tenure.shard,
      deliver: (run, event) => deliverEvent(this.context, run, event),
      onFailure: (run, error) => (this.isStopped ? undefined : parkUnread(this.context, run, error)),
    })
  }

  #admissionTo(pump: Pump, writer: Writer): Admission {
    const { limits, random, beside, counts } = this.#options
    return new Admission({
      limits,
      counts,
      beside,
      random,
      turnWaitMs: (workflow) => pump.waitMs(workflow),
      commitWaitMs: () => writer.waitMs,
      openRuns: () => this.context.open.count,
      checkSpace: () => this.context.space.check(),
    })
  }

  #timersOver(writer: Writer): Timers {
    const { clock, store, tenure, counts } = this.#options
    return new Timers({
      clock,
      late: counts.timersLate,
      store,
      shard: tenure.shard,
      barrier: () => writer.barrier(),
      catchUp: () => this.#catchUp(),
      notBefore: (at) => this.context.notBefore(at),
      fire: (timer, done) => this.#timerFired(timer, done),
      onFailure: (error) => this.#fail(error),
    })
  }

  /** Brings back every open run and takes up its work. */
  async recover(): Promise<{ readonly runs: number; readonly stuck: number }> {
    this.#eviction.start()
    await this.#monitor.recover(this.#options.tenure.head)
    await this.aside.bringBack()
    const recovered = await this.#loading.recover()
    const { retention } = this.#options
    if (retention !== null && !this.isStopped) {
      this.#retention = new RetentionSweep(this.context, retention, this.#options.tenure.head)
      this.#retention.start()
    }
    return recovered
  }

  /** Up to where its rows are of processes before this one. */
  get before(): number {
    return this.#options.tenure.head
  }

  /** Resolves when the flows stand in the store as the events do that are durable by now. */
  async flowsWritten(): Promise<void> {
    if (!this.isStopped) await this.#monitor.caughtUp()
  }

  /** Throws what stopped the shard, or APP_CLOSED. */
  check(): void {
    if (this.#failure !== null) throw this.#failure
    if (this.#closed) throw fault('APP_CLOSED')
  }

  /** Whether nothing new is taken any more. */
  get isStopped(): boolean {
    return this.#closed || this.#failure !== null
  }

  /** Stops: no new effects, running bodies get a grace, what was written becomes durable. */
  async close(graceMs: number): Promise<void> {
    if (this.#closed) return
    this.#closed = true
    const { effects, space, writer, watchers, suspects, store, shard, environment } = this.context
    this.#stopLooking()
    this.#loading.close()
    const crashes = suspects.close()
    await effects.close(graceMs)
    environment.heartbeats.close()
    // On a full disk what is left may never become durable: nobody has been told that it is.
    if (space.isFull) writer.fail(fault('APP_CLOSED'))
    // Turns that are queued are run and written, also those of runs that are being loaded; a failed shard has nothing to wait for.
    const isAtWork = (): boolean => (!this.context.pump.idle || !this.#loading.isIdle) && this.#failure === null
    for (let round = 0; isAtWork(); round++) {
      // Loading may wait for a store that does not answer: for what takes longer the loop is not turned.
      if (round < CLOSE_ROUNDS) await new Promise((resolve) => setImmediate(resolve))
      else await new Promise<void>((resolve) => void this.context.clock.after(CLOSE_LOOK_MS, resolve))
    }
    if (this.#failure === null) await this.#monitor.finish()
    this.#monitor.stop()
    await writer.barrier().catch(() => {})
    // Only an end that left nothing in doubt is a good one.
    if (this.#failure === null) await store.release(shard, this.#options.tenure.epoch, crashes).catch(() => {})
    // What still reads the store finds it closed: that is no failure.
    this.#failure ??= fault('APP_CLOSED')
    this.context.pump.stop()
    watchers.close()
    this.#unwatch()
    this.#foreign?.stop()
  }

  /** Nothing is looked for any more that is there now and then. */
  #stopLooking(): void {
    const { timers, inbox, space } = this.context
    timers.stop()
    inbox.stop()
    space.stop()
    this.aside.stop()
    this.#eviction.stop()
    this.#retention?.stop()
  }

  /** Everything that has been acknowledged by now is on its way to the runs: what lay in the inbox, and events. */
  async #catchUp(): Promise<void> {
    const { inbox, writer, receivers } = this.context
    await inbox.read()
    await writer.barrier()
    await receivers.caughtUp()
    await this.#monitor.settled()
  }

  #timerFired(timer: TimerRow, done: () => void): void {
    const { open } = this.context
    const { run, op, due } = timer
    if (run === NO_RUN) this.#monitor.fired(timer)
    if (run === NO_RUN || this.#loading.postpones(timer)) return done()
    if (open.use(run) !== undefined || open.isParked(run))
      return this.#deliver(run, { kind: 'timer', op }, { due, settled: done, failed: done })
    // That of a run whose row cannot be read fires when it can be again.
    if (this.#loading.keeps(timer)) return done()
    void dropOfNobody(this.context, timer).finally(() => done())
  }

  #deliver(num: number, delivered: Delivered, extras: DeliveryExtras): void {
    if (this.#failure !== null) return extras.failed?.(this.#failure)
    const { open } = this.context
    const run = open.use(num)
    if (run !== undefined) return deliverTo(this.context, run, delivered, extras)
    if (!open.isParked(num)) {
      settleDelivery(this.context, extras, 'ended')
      return this.context.writer.flush()
    }
    this.#loading.afterwards(num, {
      go: () => deliverLate(this.context, num, delivered, extras),
      failed: (error) => extras.failed?.(error),
    })
  }

  /** The shard's time never goes back, whatever the clock does, also over a restart. */
  #notBefore(at: number): number {
    this.#lastAt = Math.max(this.#lastAt, at)
    return this.#lastAt
  }

  #begin(run: LiveRun): void {
    // Its timer begins it.
    if (run.row.phase === 'scheduled') return
    if (run.row.kind === 'workflow') {
      return run.executor.kind === 'workflow'
        ? this.#deliver(run.row.num, { kind: 'start', seed: this.context.random.seed() }, {})
        : this.#blame(run, fault('CODE_MISSING', { run: run.row.id, call: run.row.call }))
    }
    if (this.#enterLane(run.row)) this.#release(run)
  }

  /** Puts a reaction into its lane, once. Returns whether the run may go on. */
  #enterLane(row: RunRow): boolean {
    const { directory, lanes } = this.context
    if (row.kind !== 'reaction' || !directory.isOrdered(row.name)) return true
    return lanes.enter({ num: row.num, lane: laneOf(row) })
  }

  #release(run: LiveRun): void {
    releaseSolo(this.context, run)
      ?.catch((error: unknown) => {
        // A definition that changed since (its key, for example) parks the run that it does not fit, and nothing else.
        if (!isBalletError(error) || error.family !== 'fix') throw error
        markStuck(this.context, run, null, 'threw', toFailure(error))
      })
      .catch((error: unknown) => this.#fail(error))
  }

  #posted(shard: number): void {
    if (shard !== this.context.shard) return this.#options.posted(shard)
    this.context.inbox.look()
  }

  #blame(run: LiveRun, error: Error): void {
    try {
      blameRun(this.context, run, error)
    } catch (failure) {
      // It is told of in the middle of that code, which is not to have it.
      this.#fail(failure)
    }
    this.context.writer.flush()
  }

  #caughtUp(): void {
    this.#eviction.park()
    this.context.pump.resume()
  }

  #roundEnd(): void {
    const { writer, pump } = this.context
    // Turns that are ready go into one commit; but not for ever, when they never end.
    const now = this.context.clock.now()
    if (pump.idle || ++this.#rounds >= ROUNDS || now - this.#flushedAt >= FLUSH_MS) {
      this.#rounds = 0
      this.#flushedAt = now
      writer.flushNow()
    }
    if (writer.isBehind) pump.pause()
    this.#eviction.park()
  }

  #fail(error: unknown): void {
    if (this.#failure !== null) return
    this.#failure = asError(error)
    this.context.writer.fail(this.#failure)
    this.#stopLooking()
    this.context.watchers.close()
    this.#monitor.stop()
    this.context.suspects.close()
    void this.context.effects.close(0)
    this.context.environment.heartbeats.stop()
    this.#loading.fail(this.#failure)
    this.context.pump.stop()
    this.context.pump.resume()
    this.#options.onFailure(this.#failure)
  }
}

/** The run whose code runs now, if any. */
function runIn({ current }: Pump): LiveRun | null {
  return current instanceof DeliveryJob ? current.run : null
}

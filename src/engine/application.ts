// A running application: the doors of one store, and the shards of it that this process owns (shards.ts). Starts and stops
// what runs inside, and answers questions from committed rows; whatever it acknowledges is durable. Where several nodes share
// the store, one of them owns its only shard (ownership.ts), or each a part of many (shares.ts).
import { elapsedOf } from '../core/clock.ts'
import { fault, isBalletError } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import type { Leases, NodeInfo } from '../core/lease.ts'
import type { Tenure } from '../core/store.ts'
import type { NodesView } from '../core/node-views.ts'
import type { ApplicationView, RunView } from '../core/views.ts'
import type { Application, RecoveryView } from '../define/application.ts'
import type { NodeAt, NodeHints, Standing } from '../define/node.ts'
import { ApplicationDoors } from './application-doors.ts'
import type { ApplicationOptions } from './application-options.ts'
import { answerAsks } from './asked-here.ts'
import { Asking } from './asking.ts'
import { asideAnswersOf, type AsideAnswers } from './aside-answers.ts'
import { CurrentWork } from './current-work.ts'
import { describe } from './describe.ts'
import { Doors } from './doors.ts'
import { Elsewhere } from './elsewhere.ts'
import { EndsElsewhere } from './ends-elsewhere.ts'
import { Hinting } from './hinting.ts'
import { sureHold, type Hold } from './hold.ts'
import { aboutError } from './log.ts'
import type { Measured } from './metrics.ts'
import { nodeAt, nodesOf } from './nodes.ts'
import { openStore } from './open-store.ts'
import { Ownership } from './ownership.ts'
import { Pulse } from './pulse.ts'
import { Queries } from './queries.ts'
import { resultOf, settledRun } from './run-ends.ts'
import { Scheduling } from './scheduling.ts'
import type { Shard } from './shard.ts'
import { Shards, type OwnShard } from './shards.ts'
import { Shares } from './shares.ts'
import { isFenced, ownerWords, standbyFault, StandingNow } from './standing.ts'
import { checkWait, word } from './untyped.ts'
import { together } from './take-up.ts'
import { startWatchdog, type Watchdog } from './watchdog.ts'
import { Watching } from './watching.ts'
import { whenSpace } from './when-space.ts'

/** The number of the shard of a store that has one. */
const ONE = 0
/** How often inboxes are looked into for what nobody has told of. */
const POLL_MS = 1000

export class RunningApplication extends ApplicationDoors implements Application {
  readonly stopped: Promise<Error | null>
  readonly #stop: (failure: Error | null) => void
  readonly #options: ApplicationOptions
  protected readonly queries: Queries
  protected readonly measured: Measured
  readonly #standing: StandingNow
  readonly #shards: Shards
  protected readonly doors: Doors
  protected readonly scheduling: Scheduling
  protected readonly asideAnswers: AsideAnswers
  readonly #watching: Watching
  readonly #hinting: Hinting
  readonly hints: NodeHints
  readonly asks: Asking
  #elsewhere: Elsewhere | null = null
  #endsElsewhere: EndsElsewhere | null = null
  #recovered: RecoveryView = { runs: 0, stuck: 0, durationMs: 0 }
  /** Of a store with one shard, or with several, that nodes share. */
  #ownership: Ownership | null = null
  #shares: Shares | null = null
  protected readonly others = (): readonly NodeAt[] => this.#shares?.others ?? []
  protected readonly nodeAt = (id: string): Promise<Standing['owner']> => nodeAt(this.#options.store, id)
  #isUp = false
  #isOver = false
  #watchdog: Watchdog | null = null
  #closing: Promise<void> | null = null
  #began = 0

  constructor(options: ApplicationOptions) {
    super(options.directory.definition)
    this.#options = options
    const { directory, store, namespace: ns, codec, clock, log, telemetry } = options
    const { promise, resolve } = Promise.withResolvers<Error | null>()
    this.stopped = promise
    this.#stop = resolve
    this.#standing = new StandingNow(options.node.id, () => (this.#ownership ?? this.#shares)?.hurry())
    const before = (shard: number): number | undefined => this.#shards.ready(shard)?.shard.before
    const knownOf = (shard: number, run: number, op: string) => this.#shards.knownOf(shard, run, op)
    this.queries = new Queries({ reader: store, ns, codec, directory, before, knownOf })
    this.#watching = new Watching(clock, log, () => this.#shards)
    this.#hinting = new Hinting({
      ...options,
      hinted: (shard) => this.#hinted(shard),
      expected: (shard) => this.#shards.ready(shard)?.shard.context.inbox.expect(),
      onEnd: (run, ended) => this.#shards.onEnd(run, ended),
    })
    this.hints = this.#hinting
    this.asks = new Asking({
      node: options.node.id,
      clock,
      ownerOf: (shard) => this.#ownerOf(shard),
      take: (asks) => answerAsks({ ns, clock, shards: () => this.#shards }, asks),
    })
    const current = (): CurrentWork => this.#watchdog?.current ?? CurrentWork.unwatched()
    this.#shards = new Shards({
      ...options,
      ns,
      get current() {
        return current()
      },
      pulse: new Pulse(clock, POLL_MS),
      source: this.name,
      failed: (shard, error) => this.#failed(shard, error),
      posted: (shard, isDurable) => this.#posted(shard, isDurable),
      changed: () => this.#stand(),
      came: (shard) => {
        this.#watching.came(shard)
        this.scheduling.came(shard)
      },
      left: (shard) => this.scheduling.left(shard),
    })
    this.measured = { shards: this.#shards, directory, store: store.kind, ballet: options.node.ballet, telemetry }
    this.doors = new Doors({
      ...options,
      source: this.name,
      shards: this.#shards,
      elsewhere: () => this.#there,
      ownerOf: (shard) => this.#ownerOf(shard),
      refusal: (shard) => this.#refusal(shard),
    })
    this.asideAnswers = asideAnswersOf(options, this.doors, this.#shards)
    this.scheduling = new Scheduling({ ...options, doors: this.doors, shards: this.#shards, run: (id) => this.run(id) })
  }

  /** Takes the store and recovers, or stands by for the node that owns it. On a failure the store is let go again. */
  async open(): Promise<void> {
    const { store, clock } = this.#options
    this.#began = clock.now()
    const info = await openStore(this.#options)
    this.#shards.opened(info)
    this.#options.telemetry.tracing?.opened(info.id)
    try {
      // What it watches for may come with the first replay.
      this.#watchdog = startWatchdog(this.#options.watchdogMs)
      if (store.leases === undefined) await this.#ownAll(info.shards)
      else if (info.shards === 1) await this.#ownOne(store.leases)
      else await this.#share(store.leases)
    } catch (error) {
      await this.#shards.close(0)
      await (this.#ownership ?? this.#shares)?.close()
      await this.#options.telemetry.tracing?.close()
      await store.close()
      this.#watchdog?.stop()
      throw error
    }
  }

  /** All of a store that one process has. */
  async #ownAll(shards: number): Promise<void> {
    const take = (shard: number) => whenSpace(this.#options, () => this.#options.store.acquire(shard, this.name))
    const owned = async (_: unknown, shard: number) => this.#own(await take(shard), sureHold)
    await Promise.all(Array.from({ length: shards }, owned))
  }

  /** What is asked of one shard as of several. */
  #owning(leases: Leases) {
    const { store, clock, log, node } = this.#options
    const headOf = (shard: number): number => this.#shards.get(shard)?.shard.context.writer.durable ?? 0
    const onFailure = (error: Error): void => this.#failed(null, error)
    const { counts } = this.#shards
    return { leases, store: store.name, node, clock, log, counts, headOf, changed: () => this.#stand(), onFailure }
  }

  /** The one shard of a store that nodes share, or stands by. */
  async #ownOne(leases: Leases): Promise<void> {
    const ownership = (this.#ownership = new Ownership({
      ...this.#owning(leases),
      shard: ONE,
      own: (tenure, hold) => this.#own(tenure, hold),
      lost: (error) => this.#shards.get(ONE)?.shard.context.fail(error),
    }))
    await ownership.start()
    if (!ownership.isOwner) this.#options.log.info(`This node stands by: ${ownerWords(ownership.owner)}`)
  }

  /** Its part of a store with several shards. */
  async #share(leases: Leases): Promise<void> {
    const { graceMs } = this.#options
    const shares = (this.#shares = new Shares({
      ...this.#owning(leases),
      own: (tenure, hold, isHeld) => this.#own(tenure, hold, isHeld),
      handOn: (shard) => this.#shards.drop(shard, graceMs),
      lost: (shard, error) => this.#shards.get(shard)?.shard.context.fail(error),
      tell: (to, shard) => this.#hinting.post(to, shard, true),
    }))
    this.#standing.hold = shares
    await shares.start()
    this.#isUp = true
    this.#stand()
  }

  /** A shard is this process's: takes up its runs. */
  async #own(tenure: Tenure, hold: Hold, isHeld: () => boolean = () => true): Promise<void> {
    if (this.#shares === null) this.#standing.hold = hold
    const recovered = await this.#shards.own(tenure, hold, isHeld)
    if (recovered === null || this.#isUp) return
    this.#recovered = this.#shares === null ? recovered : together(this.#recovered, recovered)
  }

  /** A shard has stopped. One that another node has taken over is given up, and this node stands by, or goes on with the rest. */
  #failed(shard: Shard | null, error: Error): void {
    const { log } = this.#options
    const isHere = shard !== null && this.#shards.get(shard.context.shard)?.shard === shard
    const sharing = this.#ownership ?? this.#shares
    // One that was given up, or is being handed on: what stops it concerns nobody else.
    if (shard !== null && !isHere) return
    if (sharing === null || shard === null || !isFenced(error)) {
      const isClosing = this.#closing !== null && isBalletError(error) && error.code === 'APP_CLOSED'
      if (this.#isOver || isClosing) return
      this.#isOver = true
      log.error(`The application stopped: ${error.message}`, undefined, aboutError(error))
      this.#stop(error)
      // What has stopped one of them has stopped all: none goes on alone, nor is one begun.
      this.#shards.shut()
      for (const own of this.#shards.all) own.shard.context.fail(error)
      // It keeps nobody from taking over.
      return void sharing?.close()
    }
    // Of several they are told together.
    if (this.#ownership !== null) log.warn(`${error.message} This node stands by.`, undefined, aboutError(error))
    const { shard: number } = shard.context
    this.#shares?.forget(number)
    void this.#shards.drop(number, 0).then(() => {
      if (this.#closing === null) this.#ownership?.standBy()
    })
  }

  get standing(): Standing {
    return this.#standing.now
  }

  #stand(): void {
    const { node } = this.#options
    // Of several shards any node takes whatever is asked, and passes on what is for others.
    if (this.#shares !== null) return this.#standing.become(this.#isUp ? 'owner' : 'recovering', node)
    const here = this.#shards.all
    const owner = here.length > 0 || this.#ownership === null ? node : this.#ownership.owner
    const isOwners = here.length > 0 || owner?.id === node.id
    const isReady = here.length > 0 && here.every(({ isReady: ready }) => ready)
    this.#standing.become(isReady ? 'owner' : isOwners ? 'recovering' : 'standby', owner)
  }

  nodes(): Promise<NodesView> {
    const { store, node, namespace: ns, codec } = this.#options
    return nodesOf(store, { ...node, began: this.#began }, { ns, codec })
  }

  get recovered(): RecoveryView {
    return this.#recovered
  }

  /** The shard of a store with one. @throws NOT_READY, NODE_STANDBY */
  get shard(): Shard {
    return this.doors.at('').shard
  }

  get #there(): Elsewhere {
    const { place } = this.#shards
    if (place === null) throw this.#standing.refusal()
    const { namespace: ns } = this.#options
    return (this.#elsewhere ??= new Elsewhere(place, { ...this.#options, ns, shards: this.#shards, asking: this.asks }))
  }

  /** The node that owns one of several shards; null while nobody does, as far as is known. */
  #ownerOf(shard: number): NodeInfo | null {
    return this.#shares?.ownerOf(shard) ?? null
  }

  /** Something is durable for the inbox of a shard that another node owns, or will be in a moment. */
  #posted(shard: number, isDurable: boolean): void {
    const owner = this.#ownerOf(shard)
    if (owner !== null) this.#hinting.post(owner, shard, isDurable)
  }

  #refusal(shard: number): Error {
    const { place } = this.#shards
    if (place === null || this.#shards.isOne || this.#shards.get(shard) !== undefined) return this.#standing.refusal()
    return standbyFault(this.#ownerOf(shard))
  }

  carrierOf(run: string): NodeAt | null {
    const { id } = this.#options.node
    const owner = this.#ownerOf(this.#shards.of(run))
    return owner === null || owner.id === id || owner.address === null ? null : { id: owner.id, address: owner.address }
  }

  /** Something waits in this shard, or it may be taken. */
  #hinted(shard: number): void {
    if (this.#shards.get(shard) === undefined) this.#shares?.hurry()
    else this.#shards.posted(shard)
  }

  protected async outputOf(id: string): Promise<Json | undefined> {
    const own = this.doors.here(id)
    if (own === undefined) return this.#ends.result(id)
    const look = (): Promise<RunView | null> => this.settled(id, Number.POSITIVE_INFINITY)
    try {
      return await resultOf(own.shard, id, look)
    } catch (error) {
      if (!this.#isHandedOn(own)) throw error
      return this.#ends.result(id)
    }
  }

  async run(id: string): Promise<RunView | null> {
    const found = await this.queries.run(word(id, 'run'))
    if (found !== null) return found
    // A start that was acknowledged elsewhere may still lie in the inbox: a negative answer waits for it.
    const number = this.#shards.of(id)
    const own = this.#shards.ready(number)
    const there = (): Promise<RunView | null> =>
      this.#there.patience.waiting(() => this.#there.afterInbox(number, () => this.queries.run(id)))
    if (own === undefined) return this.#shards.isOne && this.#shards.get(number) === undefined ? null : there()
    const { inbox, writer } = own.shard.context
    const read = async (): Promise<void> => {
      await inbox.read()
      await writer.barrier()
      // One that has stopped reads no inbox.
      own.shard.check()
    }
    return read().then(
      () => this.queries.run(id),
      (error: unknown) => (this.#isHandedOn(own) ? there() : Promise.reject(error)),
    )
  }

  async settled(id: string, waitMs: number, signal?: AbortSignal): Promise<RunView | null> {
    checkWait(waitMs, signal)
    const look = (): Promise<RunView | null> => this.run(id)
    if (waitMs <= 0) return look()
    const until = elapsedOf(this.#options.clock) + waitMs
    const own = this.#shards.ready(this.#shards.of(word(id, 'run')))
    if (own === undefined) return this.#ends.settled({ id, waitMs, signal })
    const seen = await settledRun(own.shard.context, this.queries, look, { id, waitMs, signal })
    if (seen === null || seen.ended !== null || !this.#isHandedOn(own)) return seen
    return this.#ends.settled({ id, waitMs: until - elapsedOf(this.#options.clock), signal })
  }

  get #ends(): EndsElsewhere {
    const { clock, codec, namespace: ns } = this.#options
    return (this.#endsElsewhere ??= new EndsElsewhere({
      clock,
      codec,
      ns,
      there: this.#there,
      run: (id) => this.run(id),
      view: (row) => this.queries.view(row),
      whenEnded: (id, tell) => this.#hinting.whenEnded(id, this.#ownerOf(this.#shards.of(id)), tell),
    }))
  }

  /** Whether a shard was given to another node while something was waited for there. */
  #isHandedOn({ shard }: OwnShard): boolean {
    return this.#closing === null && this.#shards.get(shard.context.shard)?.shard !== shard
  }

  async describe(): Promise<ApplicationView> {
    const { info } = this.#shards
    if (info === null) throw fault('NOT_READY')
    // Whether the engine still works is part of the answer: probes ask for it.
    for (const { shard } of this.#shards.all) shard.check()
    return describe(this.#options.directory.definition, this.#options.store, info, this.#shards.callLimits)
  }

  watch(key: string | null, listener: () => void): () => void {
    if (this.#shards.isOne) this.doors.at('')
    return this.#watching.watch(key, listener)
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#shares?.leave()
    const asked =
      this.#shards.place === null ? null : this.#there.patience.close(this.#options.graceMs, () => this.asks.close())
    await this.#shards.close(this.#options.graceMs, (shard) => this.#shares?.gave(shard))
    // What could not be given back is free when this node has left: that does not wait for what was asked of others.
    await (this.#ownership ?? this.#shares)?.close()
    await asked
    await this.#shards.close(0)
    this.#watching.close()
    await this.#options.telemetry.tracing?.close()
    await this.#options.store.close()
    this.#watchdog?.stop()
    this.#stop(null)
  }
}

// A running application: the doors of one store, one shard behind them. Starts and stops what runs inside, and answers
// questions from committed rows; whatever it acknowledges is durable. Where several nodes share the store it has the shard
// while it owns it (ownership.ts), and begins anew when it owns it again.
import { toFailure } from '../core/failure.ts'
import type { Clock, Random } from '../core/clock.ts'
import type { Codec } from '../core/codec.ts'
import { fault } from '../core/errors.ts'
import type { Json } from '../core/json.ts'
import type { NodeInfo } from '../core/lease.ts'
import type { Store, StoreInfo, Tenure } from '../core/store.ts'
import type { CallValue, EventValue, SignalValue } from '../core/values.ts'
import type {
  ApplicationView,
  EventView,
  FlowView,
  JournalView,
  KeyView,
  NodesView,
  Page,
  Related,
  RunView,
} from '../core/views.ts'
import type {
  ActAllRequest,
  Acted,
  ActedAll,
  AnswerRequest,
  Application,
  ConductRequest,
  EventsRequest,
  FailRequest,
  FlowsRequest,
  InTransaction,
  Posted,
  Published,
  PublishRequest,
  PublishSettings,
  Reasoned,
  RecoveryView,
  RetryRequest,
  RunsRequest,
  Signalled,
  SignalRequest,
  SignalSettings,
  Standing,
  Started,
  StartRequest,
  StartSettings,
} from '../define/application.ts'
import type { Log } from '../define/definition.ts'
import type { Limits } from '../define/limits.ts'
import type { RetentionMs } from '../define/retention.ts'
import { Actions } from './actions.ts'
import { actOnAll } from './act-on-all.ts'
import { conductFlow } from './conduct-flow.ts'
import { CurrentWork } from './current-work.ts'
import { describe } from './describe.ts'
import type { Directory } from './directory.ts'
import { sureHold, type Hold } from './hold.ts'
import { nodesOf } from './nodes.ts'
import { Ownership } from './ownership.ts'
import { Queries } from './queries.ts'
import { Posts } from './posts.ts'
import { Requests } from './requests.ts'
import { resultOf, settledRun } from './run-ends.ts'
import { Shard } from './shard.ts'
import { isFenced, ownerWords, StandingNow } from './standing.ts'
import { takeUp } from './take-up.ts'
import { startWatchdog, type Watchdog } from './watchdog.ts'

export interface ApplicationOptions {
  readonly directory: Directory
  readonly store: Store
  readonly namespace: string
  readonly node: NodeInfo
  readonly codec: Codec
  readonly log: Log
  readonly clock: Clock
  readonly random: Random
  readonly liveRuns: number
  readonly limits: Limits
  readonly retention: RetentionMs | null
  readonly graceMs: number
  readonly development: boolean
  readonly watchdogMs: number | undefined
}

const SHARD = 0

export class RunningApplication implements Application {
  readonly name: string
  readonly stopped: Promise<Error | null>
  readonly #stop: (failure: Error | null) => void
  readonly #options: ApplicationOptions
  readonly #queries: Queries
  readonly #standing: StandingNow
  #recovered: RecoveryView = { runs: 0, stuck: 0, durationMs: 0 }
  #info: StoreInfo | null = null
  #ownership: Ownership | null = null
  #shard: Shard | null = null
  /** Once the runs of the shard have been taken up. */
  #requests: Requests | null = null
  #actions: Actions | null = null
  #watchdog: Watchdog | null = null
  /** Of a shard that was lost: its parts are being stopped. */
  #leaving: Promise<void> = Promise.resolve()
  #closing: Promise<void> | null = null
  #began = 0

  constructor(options: ApplicationOptions) {
    this.#options = options
    this.name = options.directory.definition.name
    const { promise, resolve } = Promise.withResolvers<Error | null>()
    this.stopped = promise
    this.#stop = resolve
    this.#standing = new StandingNow(options.node.id, () => this.#ownership?.hurry())
    this.#queries = new Queries({
      reader: options.store,
      ns: options.namespace,
      shard: SHARD,
      codec: options.codec,
      choreographies: options.directory.definition.choreographies.map(({ name }) => name),
    })
  }

  /** Takes the store and recovers, or stands by for the node that owns it. On a failure the store is let go again. */
  async open(): Promise<void> {
    const { store, clock, log, node } = this.#options
    this.#began = clock.now()
    const { leases } = store
    const info = (this.#info = await store.open())
    try {
      // What it watches for may come with the first replay.
      this.#watchdog = startWatchdog(this.#options.watchdogMs)
      if (leases === undefined) return await this.#own(info, await store.acquire(SHARD, this.name), sureHold)
      const ownership = (this.#ownership = new Ownership({
        leases,
        store: store.name,
        shard: SHARD,
        node,
        clock,
        log,
        own: (tenure, hold) => this.#own(info, tenure, hold),
        lost: (error) => this.#shard?.context.fail(error),
        changed: () => this.#stand(),
        onFailure: (error) => this.#failed(error),
      }))
      await ownership.start()
      if (!ownership.isOwner) log.info(`This node stands by: ${ownerWords(ownership.owner)}`)
    } catch (error) {
      await this.#shard?.close(0)
      await this.#ownership?.close()
      await store.close()
      this.#watchdog?.stop()
      throw error
    }
  }

  /** The shard is this process's: takes up its runs. */
  async #own(info: StoreInfo, tenure: Tenure, hold: Hold): Promise<void> {
    const { store, clock, directory, namespace, codec, random, log, liveRuns, limits, development } = this.#options
    await this.#leaving
    const shard = new Shard({
      store,
      info,
      tenure,
      hold,
      ns: namespace,
      directory,
      codec,
      clock,
      random,
      log,
      liveRuns,
      limits,
      retention: this.#options.retention,
      development,
      current: this.#watchdog?.current ?? CurrentWork.unwatched(),
      handleInbox: (row) => requests.fromInbox(row),
      onFailure: (error) => this.#failed(error),
    })
    const requests = new Requests(shard, this.name)
    this.#shard = shard
    this.#standing.hold = hold
    this.#stand()
    try {
      this.#recovered = await takeUp(shard, clock)
    } catch (error) {
      // Another node has taken over meanwhile, and this one stands by already.
      if (this.#shard !== shard) return
      throw error
    }
    this.#requests = requests
    this.#actions = new Actions(shard)
    this.#stand()
  }

  /** The shard has stopped. One that another node has taken over is given up, and this node stands by. */
  #failed(error: Error): void {
    const { log } = this.#options
    const [shard, ownership] = [this.#shard, this.#ownership]
    if (ownership === null || shard === null || !isFenced(error)) {
      log.error(`The application stopped: ${error.message}`)
      this.#stop(error)
      // It keeps nobody from taking over.
      return void ownership?.close()
    }
    log.warn(`${error.message} This node stands by.`)
    this.#shard = null
    this.#requests = null
    this.#actions = null
    this.#leaving = this.#leave(shard, ownership)
    this.#stand()
  }

  async #leave(shard: Shard, ownership: Ownership): Promise<void> {
    await shard.close(0)
    if (this.#closing === null) ownership.standBy()
  }

  get standing(): Standing {
    return this.#standing.now
  }

  #stand(): void {
    const { node } = this.#options
    const owner = this.#shard === null ? (this.#ownership?.owner ?? null) : node
    const isOwners = this.#shard !== null || owner?.id === node.id
    this.#standing.become(this.#requests !== null ? 'owner' : isOwners ? 'recovering' : 'standby', owner)
  }

  nodes(): Promise<NodesView> {
    return nodesOf(this.#options.store, { ...this.#options.node, began: this.#began })
  }

  get recovered(): RecoveryView {
    return this.#recovered
  }

  get shard(): Shard {
    if (this.#shard === null || this.#requests === null) throw this.#standing.refusal()
    return this.#shard
  }
  get actions(): Actions {
    if (this.#actions === null) throw this.#standing.refusal()
    return this.#actions
  }
  get requests(): Requests {
    if (this.#requests === null) throw this.#standing.refusal()
    return this.#requests
  }

  start(call: CallValue, options?: StartSettings): Promise<Started>
  start(call: CallValue, options: StartSettings & InTransaction): Promise<Posted>
  async start(call: CallValue, options: StartSettings & Partial<InTransaction> = {}): Promise<Started | Posted> {
    const { tx, ...settings } = options
    const request = { call: call.name, input: call.input, ...settings }
    return tx === undefined ? this.requests.start(request) : this.#posts.start(request, tx)
  }
  async startNamed(request: StartRequest): Promise<Started> {
    return this.requests.start(request)
  }

  publish(event: EventValue, options?: PublishSettings): Promise<Published>
  publish(event: EventValue, options: PublishSettings & InTransaction): Promise<Posted>
  async publish(event: EventValue, options: PublishSettings & Partial<InTransaction> = {}) {
    const { tx, ...settings } = options
    const request = { type: event.type, data: event.data, ...settings }
    return tx === undefined ? this.requests.publish(request) : this.#posts.publish(request, tx)
  }
  async publishNamed(request: PublishRequest): Promise<Published> {
    return this.requests.publish(request)
  }

  conduct(
    choreography: Parameters<Application['conduct']>[0],
  ): (event: EventValue, options?: { readonly id?: string; readonly source?: string }) => Promise<Started> {
    const { name } = choreography
    return ({ type, data }, options = {}) => this.conductNamed({ choreography: name, type, data, ...options })
  }
  async conductNamed(request: ConductRequest): Promise<Started> {
    return conductFlow(this.shard, this.name, request)
  }

  signal(run: string, signal: SignalValue, options?: SignalSettings): Promise<Signalled>
  signal(run: string, signal: SignalValue, options: SignalSettings & InTransaction): Promise<Posted>
  async signal(run: string, signal: SignalValue, options: SignalSettings & Partial<InTransaction> = {}) {
    const { tx, ...settings } = options
    const request = { run, name: signal.type, data: signal.data, ...settings }
    return tx === undefined ? this.requests.signal(request) : this.#posts.signal(request, tx)
  }
  async signalNamed(request: SignalRequest): Promise<Signalled> {
    return this.requests.signal(request)
  }

  get #posts(): Posts {
    return new Posts(this.shard.context, this.requests)
  }

  cancel(run: string, request: Reasoned = {}): Promise<Acted> {
    return this.actions.cancel(run, request)
  }
  retry(run: string, request: RetryRequest = {}): Promise<Acted> {
    return this.actions.retry(run, request)
  }
  answer(run: string, request: AnswerRequest): Promise<Acted> {
    return this.actions.answer(run, request)
  }
  fail(run: string, request: FailRequest): Promise<Acted> {
    return this.actions.fail(run, request)
  }
  actOnAll(request: ActAllRequest): Promise<ActedAll> {
    return actOnAll(this.actions, this.#queries, request)
  }

  async result(id: string): Promise<Json | undefined> {
    return resultOf(this.shard, id, () => this.settled(id, Number.POSITIVE_INFINITY))
  }

  async run(id: string): Promise<RunView | null> {
    const found = await this.#queries.run(id)
    if (found !== null) return found
    const shard = this.#shard
    if (shard === null) return null
    // A start that was acknowledged elsewhere may still lie in the inbox: a negative answer waits for it.
    await shard.context.inbox.read()
    await shard.context.writer.barrier()
    return this.#queries.run(id)
  }

  async settled(id: string, waitMs: number, signal?: AbortSignal): Promise<RunView | null> {
    const look = (): Promise<RunView | null> => this.run(id)
    return waitMs <= 0 ? look() : settledRun(this.shard.context, this.#queries, look, { id, waitMs, signal })
  }

  runs(request?: RunsRequest): Promise<Page<RunView>> {
    return this.#queries.runs(request)
  }
  journal(
    run: string,
    options?: { readonly limit?: number; readonly cursor?: string },
  ): Promise<Page<JournalView> | null> {
    return this.#queries.journal(run, options)
  }
  events(request?: EventsRequest): Promise<Page<EventView>> {
    return this.#queries.events(request)
  }
  async key(field: string, value: string, cursor?: string): Promise<KeyView> {
    await this.#shard?.flowsWritten()
    return this.#queries.key(field, value, cursor)
  }
  async flows(choreography: string, request?: FlowsRequest): Promise<Page<FlowView>> {
    await this.#shard?.flowsWritten()
    return this.#queries.flows(choreography, request)
  }
  async flow(choreography: string, key: string): Promise<FlowView | null> {
    await this.#shard?.flowsWritten()
    return this.#queries.flow(choreography, key)
  }
  graph(root: string, cursor?: string): Promise<Related> {
    return this.#queries.graph(root, cursor)
  }

  async describe(): Promise<ApplicationView> {
    const { store, directory } = this.#options
    if (this.#info === null) throw fault('NOT_READY')
    // Whether the engine still works is part of the answer: probes ask for it.
    this.#shard?.check()
    return describe(directory.definition, store, this.#info)
  }

  watch(key: string | null, listener: () => void): () => void {
    return this.shard.context.watchers.onKey(key, () => {
      try {
        listener()
      } catch (error) {
        this.#options.log.error('A watcher threw', { message: toFailure(error).message })
      }
    })
  }

  close(): Promise<void> {
    this.#closing ??= this.#close()
    return this.#closing
  }

  async #close(): Promise<void> {
    await this.#shard?.close(this.#options.graceMs)
    await this.#leaving
    await this.#ownership?.close()
    // One that was taken over at the last moment.
    await this.#shard?.close(0)
    await this.#options.store.close()
    this.#watchdog?.stop()
    this.#stop(null)
  }
}

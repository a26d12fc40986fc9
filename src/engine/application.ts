// A running application: the doors of one store, one shard behind them. Starts and stops what runs inside, and answers
// questions from committed rows; whatever it acknowledges is durable.
import { cancelledFault, toFailure, type Failure } from '../core/failure.ts'
import type { Clock, Random } from '../core/clock.ts'
import type { Codec } from '../core/codec.ts'
import { fault } from '../core/errors.ts'
import { fromText, isRecord, type Json } from '../core/json.ts'
import type { RunEnding } from '../core/journal.ts'
import type { Store, StoreInfo } from '../core/store.ts'
import type { CallValue, EventValue, SignalValue } from '../core/values.ts'
import type {
  ApplicationView,
  EventView,
  FlowView,
  JournalView,
  KeyView,
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
import { describe } from './describe.ts'
import type { Directory } from './directory.ts'
import { Queries } from './queries.ts'
import { Posts } from './posts.ts'
import { Requests } from './requests.ts'
import { Shard } from './shard.ts'
import { startWatchdog, type Watchdog } from './watchdog.ts'
import { failureOfEnding } from './endings.ts'

export interface ApplicationOptions {
  readonly directory: Directory
  readonly store: Store
  readonly namespace: string
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
  #recovered: RecoveryView = { runs: 0, stuck: 0, durationMs: 0 }
  #info: StoreInfo | null = null
  #shard: Shard | null = null
  #requests: Requests | null = null
  #actions: Actions | null = null
  #watchdog: Watchdog | null = null
  #closing: Promise<void> | null = null

  constructor(options: ApplicationOptions) {
    this.#options = options
    this.name = options.directory.definition.name
    const { promise, resolve } = Promise.withResolvers<Error | null>()
    this.stopped = promise
    this.#stop = resolve
    this.#queries = new Queries({
      reader: options.store,
      ns: options.namespace,
      shard: SHARD,
      codec: options.codec,
      choreographies: options.directory.definition.choreographies.map(({ name }) => name),
    })
  }

  /** Takes the store and recovers. On a failure the store is let go again. */
  async open(): Promise<void> {
    const { store, clock, directory, namespace, codec, random, log, liveRuns, limits, development } = this.#options
    const began = clock.now()
    this.#info = await store.open()
    try {
      // What it watches for may come with the first replay.
      const watchdog = startWatchdog(this.#options.watchdogMs)
      this.#watchdog = watchdog
      const tenure = await store.acquire(SHARD, this.name)
      const handleInbox: Requests['fromInbox'] = (row) => this.requests.fromInbox(row)
      const onFailure = (error: Error): void => {
        log.error(`The application stopped: ${error.message}`)
        this.#stop(error)
      }
      const shard = new Shard({
        store,
        info: this.#info,
        tenure,
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
        current: watchdog.current,
        handleInbox,
        onFailure,
      })
      this.#shard = shard
      this.#requests = new Requests(shard, this.name)
      this.#actions = new Actions(shard)
      const { runs, stuck } = await shard.recover().catch((error: unknown) => {
        // What waited was told that the shard has stopped; what stopped it is the reason.
        shard.check()
        throw error
      })
      shard.check()
      this.#recovered = { runs, stuck, durationMs: clock.now() - began }
    } catch (error) {
      await this.#shard?.close(0)
      await store.close()
      this.#watchdog?.stop()
      throw error
    }
  }

  get recovered(): RecoveryView {
    return this.#recovered
  }

  get shard(): Shard {
    if (this.#shard === null) throw fault('NOT_READY')
    return this.#shard
  }
  get actions(): Actions {
    if (this.#actions === null) throw fault('NOT_READY')
    return this.#actions
  }
  get requests(): Requests {
    if (this.#requests === null) throw fault('NOT_READY')
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
    const { open, watchers } = this.shard.context
    // A run of this process tells how it ended; for any other, and when the shard closes meanwhile, the store is asked.
    const ending =
      open.numOf(id) === undefined
        ? undefined
        : await new Promise<RunEnding | undefined>((resolve) => watchers.onEnd(id, resolve))
    const failure = ending === undefined ? null : failureOfEnding(id, ending)
    if (failure !== null) throw failedResult(id, failure)
    if (ending?.kind === 'end') return fromText(ending.output) as Json | undefined
    const run = await this.settled(id, Number.POSITIVE_INFINITY)
    if (run === null) throw fault('RUN_UNKNOWN', { id: id.slice(0, 256) })
    if (run.status === 'completed') return run.output
    this.shard.check()
    throw failedResult(id, run.error ?? { code: run.status, message: run.status })
  }

  async run(id: string): Promise<RunView | null> {
    const found = await this.#queries.run(id)
    if (found !== null) return found
    // A start that was acknowledged elsewhere may still lie in the inbox: a negative answer waits for it.
    await this.shard.context.inbox.read()
    await this.shard.context.writer.barrier()
    return this.#queries.run(id)
  }

  async settled(id: string, waitMs: number, signal?: AbortSignal): Promise<RunView | null> {
    const { open, watchers } = this.shard.context
    let stop = (): void => {}
    // Watch first, then look: an end between the two is seen.
    const ended = new Promise<void>((resolve) => (stop = watchers.onEnd(id, () => resolve())))
    const given = new Promise<void>((resolve) => signal?.addEventListener('abort', () => resolve(), { once: true }))
    let cancel = (): void => {}
    try {
      // One that is open in this process need not be read to know that it has not ended.
      if (open.numOf(id) === undefined || waitMs <= 0 || signal?.aborted === true) {
        const now = await this.run(id)
        if (now === null || now.ended !== null || waitMs <= 0 || signal?.aborted === true) return now
      }
      const late = new Promise<void>((resolve) => {
        if (Number.isFinite(waitMs)) cancel = this.#options.clock.after(waitMs, resolve)
      })
      await Promise.race([ended, late, given])
    } finally {
      stop()
      cancel()
    }
    return this.run(id)
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
  async key(field: string, value: string): Promise<KeyView> {
    await this.#shard?.flowsWritten()
    return this.#queries.key(field, value)
  }
  async flows(choreography: string, request?: FlowsRequest): Promise<Page<FlowView>> {
    await this.#shard?.flowsWritten()
    return this.#queries.flows(choreography, request)
  }
  async flow(choreography: string, key: string): Promise<FlowView | null> {
    await this.#shard?.flowsWritten()
    return this.#queries.flow(choreography, key)
  }
  graph(root: string): Promise<Related> {
    return this.#queries.graph(root)
  }

  async describe(): Promise<ApplicationView> {
    const { store, directory } = this.#options
    if (this.#info === null) throw fault('NOT_READY')
    // Whether the engine still works is part of the answer: probes ask for it.
    this.shard.check()
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
    await this.#options.store.close()
    this.#watchdog?.stop()
    this.#stop(null)
  }
}

/** What whoever asks for the result of a run gets, when it has none. */
function failedResult(id: string, failure: Failure & { readonly details?: unknown }): Error {
  const { code, message, details } = failure
  if (code !== 'RUN_CANCELLED' || !isRecord(details)) return fault('RUN_FAILED', { id, message })
  return cancelledFault(id, { by: String(details['by']), why: String(details['why']) })
}

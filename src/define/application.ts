// A running application, as everybody outside the engine sees it: the HTTP API, the command line, the application's
// own routes and tests. The engine implements it (engine/application.ts). Every answer rests on committed rows.
import type { Json } from '../core/json.ts'
import type { FailingPage } from '../core/failing-views.ts'
import type { RunKind } from '../core/store-queries.ts'
import type { EventValue, SignalValue } from '../core/values.ts'
import type { NodesView } from '../core/node-views.ts'
import type {
  ApplicationView,
  CountsView,
  EventView,
  FlowView,
  JournalView,
  KeyView,
  Page,
  Related,
  RunView,
  ScheduleView,
} from '../core/views.ts'
import type { AsideDoors } from './asides.ts'
import type { Answering } from './call.ts'
import type { Metric } from './metric.ts'
import type { FetchingDoors, NodeAt, NodeAsks, NodeHints, Standing } from './node.ts'
import type { EventsRequest, FlowsRequest, RunsRequest } from './reads.ts'
import type { Reasoned } from './reasoned.ts'

/** The id of a run that comes to a `Result`: a string, of which the compiler knows what `app.result` answers. */
export type RunId<Result> = string & {
  /** Known to the compiler alone. */
  readonly '~result': Result
}

/** A run that was started, or was there already. */
export interface Started<Id extends string = string> {
  /** Of the run: give it to `app.result`, `app.run`, `app.signal`. */
  readonly id: Id
  /** False when a run of this id and input existed already. */
  readonly created: boolean
}

/** An event that was published, or was there already. */
export interface Published {
  /** Of the event; with its source it is known when it comes twice. */
  readonly id: string
  readonly source: string
  /** Position in the log: later is larger. */
  readonly position: number
  readonly created: boolean
}

/** A signal that was sent, or had come already. */
export interface Signalled {
  /** Of the signal. */
  readonly id: string
  /** False when the run had this signal before. */
  readonly created: boolean
}

/** A point in time: a Date, milliseconds since the epoch, or ISO 8601 with a time zone. */
export type Time = Date | number | string

/** How a run is started. */
export interface StartSettings {
  /** Default: `<name>:<key>` of a workflow with a key, else a UUIDv7. */
  readonly id?: string | undefined
  /** Not before this time; until then the run is in the phase `scheduled`. */
  readonly at?: Time | undefined
  /** A run that has not ended at this time is cancelled. */
  readonly deadline?: Time | undefined
  /** The caller's span as a `traceparent` of W3C Trace Context: the run's span has a link to it. One that is none is passed over. */
  readonly traceparent?: string | null | undefined
}

/**
 * A transaction of the application's own, on the database that the store is in: of postgres, pg, Drizzle or Kysely. What is
 * asked for with it is durable when it commits, and was never asked for when it does not.
 */
export interface InTransaction {
  readonly tx: object
}

/** What is to come when a transaction commits. */
export interface Posted<Id extends string = string> {
  /** Of the run, the event or the signal. */
  readonly id: Id
}

/** A request to start something by its name, as it comes from outside. */
export interface StartRequest extends StartSettings {
  /** Workflow name or `service.operation`. */
  readonly call: string
  readonly input: unknown
}

/** What may be said of an event beside its type and data: an id by which it is known when it comes twice, and whose it is. */
export interface PublishSettings {
  readonly id?: string | undefined
  /** Default: the name of the application. */
  readonly source?: string | undefined
  /** The caller's span as a `traceparent` of W3C Trace Context: the event's span has a link to it. One that is none is passed over. */
  readonly traceparent?: string | null | undefined
}

/** What may be said of a signal beside its data. */
export interface SignalSettings {
  /** By which it is known when it comes twice. */
  readonly id?: string | undefined
  /** The caller's span as a `traceparent` of W3C Trace Context: the span of the wait that it ends has a link to it. One that is none is passed over. */
  readonly traceparent?: string | null | undefined
}

/** What is to be tried again. */
export interface RetryRequest extends Reasoned {
  /** The call or step to try again at once; default: everything of the run that is stuck, or its code. */
  readonly op?: string | undefined
}

/** What a stuck call is answered with in the place of its service. */
export interface AnswerRequest extends Reasoned {
  readonly op: string
  /** What the operation would have answered: `{ type, data }` of one of its outcomes, or its output. */
  readonly value: unknown
}

/** What a stuck call is to fail with. */
export interface FailRequest extends Reasoned {
  /** The call or step that is to fail; without it a frozen run ends as failed, and nothing is taken back. */
  readonly op?: string | undefined
  readonly error: { readonly code?: string | undefined; readonly message: string }
}

/** What can be done to a run from outside. */
export type Action = 'retry' | 'answer' | 'fail' | 'cancel'

/** What an action came to, once it is durable. */
export interface Acted {
  /** The run. */
  readonly id: string
  readonly action: Action
  /** False when it had been asked for before (a second cancel): nothing new happened. */
  readonly changed: boolean
  /** The calls and steps that it concerned. */
  readonly ops: readonly string[]
  /**
   * Of a cancellation: the code of the run cannot go on (see its `reason`), and neither can taking back what it did. The wish
   * is kept, and comes true once the run is retried with code that can.
   */
  readonly kept?: true
  /** Of the cancellation of a run that conducts a flow: what is under way is asked to stop, and nothing is taken back by that. */
  readonly takesBack?: false
  /**
   * Of a run that is let fail, what is dropped with it: that it had been asked to stop (nothing was taken back), or that it
   * was to take back what a late answer did.
   */
  readonly dropped?: 'cancel' | 'undo'
}

/** One action for all runs that match. Newest first, each on its own: one that refuses does not stop the others. */
export interface ActAllRequest extends Reasoned {
  readonly action: 'retry' | 'cancel'
  readonly name?: string | undefined
  /** Only runs that are stuck for this reason: `call`, `threw`, `diverged`, `limit`, `poisoned`, `conflict`, `unreadable`. */
  readonly reason?: string | undefined
  readonly status?: readonly ('running' | 'stuck')[] | undefined
  readonly kind?: RunKind | undefined
  /** `field:value`. */
  readonly key?: string | undefined
  readonly root?: string | undefined
  /** Runs at most, 1 to 10,000; default 1,000. */
  readonly limit?: number | undefined
  /** Only says which runs match; nothing is asked of any of them. */
  readonly rehearse?: boolean | undefined
}

/** What one action for many runs came to. */
export interface ActedAll {
  readonly action: 'retry' | 'cancel'
  /** Runs that were looked at, and of those the ones that changed. */
  readonly matched: number
  readonly changed: number
  /** Of a cancellation: runs whose code cannot go on, for which it is kept until they are retried; absent for none. */
  readonly kept?: number
  /** Whether more match than `limit`. */
  readonly more: boolean
  /** The first hundred that refused, with the code and words of why. */
  readonly refused: readonly { readonly id: string; readonly code: string; readonly message: string }[]
  /** Of a rehearsal alone: the first hundred runs that match. Whether each would agree is known when it is asked. */
  readonly rehearsed?: readonly string[]
}

/** An event from outside. Without an id it gets a UUIDv7; (source, id) is its identity. */
export interface PublishRequest {
  readonly type: string
  readonly data: unknown
  readonly id?: string | undefined
  /** Default: the application's name. */
  readonly source?: string | undefined
  /** What brought it about, when the sender knows (CloudEvents `causationid`). */
  readonly cause?: string | undefined
  /** As in `PublishSettings`. */
  readonly traceparent?: string | null | undefined
}

/** A flow to be conducted, by the event that begins it; as `PublishRequest`. */
export interface ConductRequest extends PublishRequest {
  readonly choreography: string
}

/** A signal by its name, as it comes from outside. */
export interface SignalRequest {
  readonly run: string
  readonly name: string
  readonly data: unknown
  /** By which it is known when it comes twice: the same id is delivered to a run once, and is refused with other data. */
  readonly id?: string | undefined
  /** As in `SignalSettings`. */
  readonly traceparent?: string | null | undefined
}

/** What was asked of a schedule, once it is durable. */
export interface ScheduleActed {
  readonly schedule: string
  readonly action: 'pause' | 'resume'
}

/** For which time a schedule is fired by hand. */
export interface TriggerRequest extends Reasoned {
  /** Default: now. For a time at which it was due before, the run of that time, if there was none. */
  readonly at?: Time | undefined
}

/** What recovery found when the store was opened. */
export interface RecoveryView {
  /** Runs that were open when the store was opened. */
  readonly runs: number
  /** Of those, stuck ones. */
  readonly stuck: number
  readonly durationMs: number
}

/** A choreography, made by choreography(...). */
interface Named {
  readonly kind: 'choreography'
  readonly name: string
}

/** A running application. The id of a run that a typed call has started carries the type of its result; any other is `Json`. */
export interface Application extends AsideDoors {
  /** As `ballet({ name })` says: the source of its events. */
  readonly name: string
  /** The routes that its definition brought along: what `ballet/server` serves beside the API unless it is given others. */
  readonly http: HttpRoutes | null
  /** What recovery found when the store was opened. */
  readonly recovered: RecoveryView
  /** Resolves when the application runs no more: null after `close`, else what stopped it (the store failed, or another process has taken it over). */
  readonly stopped: Promise<Error | null>
  /**
   * How this node stands now. One that stands by answers what committed rows say; whatever else is asked of it here fails
   * with NODE_STANDBY, which names the owner. The server of `ballet/server` passes such requests on.
   */
  readonly standing: Standing
  /** What the nodes of a shared store tell each other; `ballet/server` carries it. */
  readonly hints: NodeHints
  /** What they ask of each other; `ballet/server` carries it. */
  readonly asks: NodeAsks
  /** The doors of services that fetch their calls; `ballet/server` serves them. */
  readonly fetching: FetchingDoors
  /** Whether a request is for an attempt that waits for an answer which comes later (`laterAnswers`); `ballet/server` leaves its limit to that door. */
  awaits(request: Request): boolean
  /** The other node that carries a run, by its id, when that is known; null when this one does, or nobody, as far as is known. */
  carrierOf(run: string): NodeAt | null
  /** The nodes that share the store, and who owns it. */
  nodes(): Promise<NodesView>

  /**
   * Starts a run; durable when it resolves. Errors: INPUT_INVALID, ID_INVALID, TIME_INVALID, CALL_UNKNOWN, RUN_CONFLICT,
   * OVERLOADED.
   */
  start<Result = Json | undefined>(
    call: Answering<Result>,
    options?: StartSettings & { readonly tx?: undefined },
  ): Promise<Started<RunId<Result>>>
  /** By a transaction. Errors: those of `start`, TX_UNSUPPORTED, TX_INVALID, TX_FOREIGN, and what the transaction throws. */
  start<Result = Json | undefined>(
    call: Answering<Result>,
    options: StartSettings & InTransaction,
  ): Promise<Posted<RunId<Result>>>
  /** Starts a run by the name of its workflow or operation, with an input that is only known here: `{ call: 'checkout', input }`. Errors: those of `start`. */
  startNamed(request: StartRequest): Promise<Started>
  /** Publishes an event; durable when it resolves. Errors: EVENT_UNKNOWN, INPUT_INVALID, EVENT_CONFLICT. */
  publish(event: EventValue, options?: PublishSettings & { readonly tx?: undefined }): Promise<Published>
  /** By a transaction, as `start`. */
  publish(event: EventValue, options: PublishSettings & InTransaction): Promise<Posted>
  /** Publishes an event by its type: `{ type: 'order.created', data }`. Errors: those of `publish`. */
  publishNamed(request: PublishRequest): Promise<Published>
  /**
   * Publishes the event that begins a flow, and has the whole flow performed by one run, `<choreography>:<key>`, which makes
   * the calls of the reactions itself: `app.conduct(fulfilment)(OrderCreated(order))`. Durable when it resolves; asking again
   * with the same event is asking once: the same data and, if it is given, the same id. Errors: CHOREOGRAPHY_UNKNOWN,
   * CONDUCT_IMPOSSIBLE, CONDUCT_REFUSED, INPUT_INVALID, REQUEST_INVALID for an event that cannot come first, RUN_CONFLICT,
   * EVENT_CONFLICT.
   */
  conduct(choreography: Named): (event: EventValue, options?: PublishSettings) => Promise<Started>
  /** As `conduct`, by the name of the choreography and the type of the event. */
  conductNamed(request: ConductRequest): Promise<Started>
  /**
   * Sends a signal to a run; durable when it resolves. Errors: RUN_UNKNOWN, RUN_ENDED, SIGNAL_UNKNOWN, CODE_MISSING, SIGNAL_CONFLICT,
   * SIGNALS_FULL, INPUT_INVALID.
   */
  signal(run: string, signal: SignalValue, options?: SignalSettings & { readonly tx?: undefined }): Promise<Signalled>
  /** By a transaction, as `start`, to a run that is there already. */
  signal(run: string, signal: SignalValue, options: SignalSettings & InTransaction): Promise<Posted>
  /** Sends a signal by its name: `{ run: 'checkout:8841', name: 'cancel-order', data }`. Errors: those of `signal`. */
  signalNamed(request: SignalRequest): Promise<Signalled>

  /**
   * Asks a run to stop and to take back what it did; durable when it resolves, and decided: a run that ended before says
   * RUN_ENDED. A frozen run takes it back as far as its journal goes. Errors: RUN_UNKNOWN, RUN_ENDED.
   */
  cancel(run: string, request?: Reasoned): Promise<Acted>
  /**
   * Tries a stuck call again, or one that waits for its next attempt, at once; a frozen run with today's code.
   * Errors: RUN_UNKNOWN, RUN_ENDED, OP_UNKNOWN, ACTION_REFUSED.
   */
  retry(run: string, request?: RetryRequest): Promise<Acted>
  /** Answers a stuck call in the place of its service. Errors: as retry, and INPUT_INVALID, REQUEST_INVALID. */
  answer(run: string, request: AnswerRequest): Promise<Acted>
  /** Lets a stuck call fail; an undo cannot be failed. Errors: as retry. */
  fail(run: string, request: FailRequest): Promise<Acted>
  /** One action for every run that matches. Errors: QUERY_INVALID. */
  actOnAll(request: ActAllRequest): Promise<ActedAll>

  /** The schedules: when each fires next, how the last run ended, who has paused it. Read from the store. */
  schedules(): Promise<readonly ScheduleView[]>
  /** A schedule by its name. Errors: SCHEDULE_UNKNOWN, also of the next three. */
  schedule(name: string): Promise<ScheduleView>
  /** Lets a schedule fire no more, until it is resumed; durable when it resolves. What it has started goes on. */
  pause(schedule: string, request?: Reasoned): Promise<ScheduleActed>
  /** Lets a schedule that was paused go on, with its next time: what was due meanwhile is not made up for. */
  resume(schedule: string, request?: Reasoned): Promise<ScheduleActed>
  /** Fires a schedule by hand, also one that is paused, whatever is under way. Errors: those of `start`, ACTION_REFUSED when it comes to no call. */
  trigger(schedule: string, request?: TriggerRequest): Promise<Started>

  /** The output of a run once it has ended. Errors: RUN_UNKNOWN, RUN_FORGOTTEN, RUN_FAILED, RUN_CANCELLED. Waits as long as it takes. */
  result<Result>(run: RunId<Result>): Promise<Result>
  /** The output of a run of which only the id is known, as the first form. */
  result(run: string): Promise<Json | undefined>
  /** The run, or null. Errors: RUN_FORGOTTEN, also of `settled` and `journal`. */
  run(id: string): Promise<RunView | null>
  /** The run once it has ended, or as it is after `waitMs` or when `signal` is aborted; null when there is none. */
  settled(id: string, waitMs: number, signal?: AbortSignal): Promise<RunView | null>
  /** Runs that match, newest first, a page at a time. Errors: QUERY_INVALID. */
  runs(request?: RunsRequest): Promise<Page<RunView>>
  /** What happened to a run, turn by turn, oldest first, a page at a time; null when there is no such run. Errors: QUERY_INVALID. */
  journal(
    run: string,
    options?: { readonly limit?: number; readonly cursor?: string },
  ): Promise<Page<JournalView> | null>
  /** The log of events, oldest first, a page at a time. Errors: QUERY_INVALID. */
  events(request?: EventsRequest): Promise<Page<EventView>>
  /** Everything of one business key, `key('orderId', '8841')`: its runs, its events and the flows that they make. */
  key(field: string, value: string, cursor?: string): Promise<KeyView>
  /** The flows of a choreography, by how they stand. Errors: CHOREOGRAPHY_UNKNOWN, QUERY_INVALID. */
  flows(choreography: string, request?: FlowsRequest): Promise<Page<FlowView>>
  /** How the flow of a key stands (`orderId:8841`, or `8841`); null when it has not begun. Errors: CHOREOGRAPHY_UNKNOWN. */
  flow(choreography: string, key: string): Promise<FlowView | null>
  /**
   * How many runs are running and stuck, by what they are and why; of a store with very many, at least so many. Read from the
   * store, so that it is of all nodes.
   */
  counts(): Promise<CountsView>
  /**
   * Calls and steps that fail again and again, and are made again by themselves: all that this node carries, from memory. What other nodes carry
   * they know; `GET /api/failing` asks them as well.
   */
  failing(): Promise<FailingPage>
  /** Numbers for a monitoring system, of this process since the application was opened here; from memory, nothing is asked. */
  metrics(): readonly Metric[]
  /** All runs and events of a causal graph, by its root reference. */
  graph(root: string, cursor?: string): Promise<Related>
  /** What the application is made of, and the store that it is on: for pages and probes. */
  describe(): Promise<ApplicationView>

  /** Calls back after every commit that concerned a run or event of `key` (or any, for null), until the returned function is called. */
  watch(key: string | null, listener: () => void): () => void
  /** Stops taking work, waits for running bodies within a grace, closes the store. Safe to call twice. */
  close(): Promise<void>
}

/** The application's own HTTP routes; undefined passes the request on. */
export type HttpRoutes = (
  app: Application,
) => (request: Request) => Response | undefined | Promise<Response | undefined>

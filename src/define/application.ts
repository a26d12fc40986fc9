// A running application, as everybody outside the engine sees it: the HTTP API, the command line, the application's
// own routes and tests. The engine implements it (engine/application.ts). Every answer rests on committed rows.
import type { Json } from '../core/json.ts'
import type { RunKind, RunStatus } from '../core/store.ts'
import type { CallValue, EventValue, SignalValue } from '../core/values.ts'
import type { ApplicationView, EventView, JournalView, KeyView, Page, RunView } from '../core/views.ts'

export interface Started {
  readonly id: string
  /** False when a run of this id and input existed already. */
  readonly created: boolean
}

export interface Published {
  readonly id: string
  readonly source: string
  /** Position in the log: later is larger. */
  readonly position: number
  readonly created: boolean
}

/** A request to start something by its name, as it comes from outside. */
export interface StartRequest {
  /** Workflow name or `service.operation`. */
  readonly call: string
  readonly input: unknown
  readonly id?: string | undefined
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
}

export interface SignalRequest {
  readonly run: string
  readonly name: string
  readonly data: unknown
  /** The same id is delivered to a run once. */
  readonly id?: string | undefined
}

export interface RunsRequest {
  readonly name?: string | undefined
  readonly status?: readonly RunStatus[] | undefined
  readonly kind?: RunKind | undefined
  /** `field:value`. */
  readonly key?: string | undefined
  readonly root?: string | undefined
  /** 1 to 1,000; default 50. Newest first. */
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

export interface EventsRequest {
  readonly key?: string | undefined
  readonly types?: readonly string[] | undefined
  readonly published?: boolean | undefined
  /** 1 to 1,000; default 50. Oldest first. */
  readonly limit?: number | undefined
  readonly cursor?: string | undefined
}

export interface RecoveryView {
  /** Runs that were open when the store was opened. */
  readonly runs: number
  /** Of those, stuck ones. */
  readonly stuck: number
  readonly durationMs: number
}

/** Typed calls carry their result: `result(id)` cannot, so it is `Json`. */
export interface Application {
  readonly name: string
  /** What recovery found when the store was opened. */
  readonly recovered: RecoveryView
  /** Resolves when the application runs no more: null after `close`, else what stopped it (the store failed, or another process has taken it over). */
  readonly stopped: Promise<Error | null>

  /** Starts a run; durable when it resolves. Errors: INPUT_INVALID, ID_INVALID, CALL_UNKNOWN, RUN_CONFLICT. */
  start(call: CallValue, options?: { readonly id?: string }): Promise<Started>
  startNamed(request: StartRequest): Promise<Started>
  /** Publishes an event; durable when it resolves. Errors: EVENT_UNKNOWN, INPUT_INVALID, EVENT_CONFLICT. */
  publish(event: EventValue, options?: { readonly id?: string; readonly source?: string }): Promise<Published>
  publishNamed(request: PublishRequest): Promise<Published>
  /** Sends a signal to a run; durable when it resolves. Errors: RUN_UNKNOWN, RUN_ENDED, SIGNAL_UNKNOWN, INPUT_INVALID. */
  signal(
    run: string,
    signal: SignalValue,
    options?: { readonly id?: string },
  ): Promise<{ readonly id: string; readonly created: boolean }>
  signalNamed(request: SignalRequest): Promise<{ readonly id: string; readonly created: boolean }>

  /** The output of a run once it has ended. Errors: RUN_UNKNOWN, RUN_FAILED (also for a cancelled run). Waits as long as it takes. */
  result(run: string): Promise<Json | undefined>
  /** The run, or null. */
  run(id: string): Promise<RunView | null>
  /** The run once it has ended, or as it is after `waitMs` or when `signal` is aborted; null when there is none. */
  settled(id: string, waitMs: number, signal?: AbortSignal): Promise<RunView | null>
  runs(request?: RunsRequest): Promise<Page<RunView>>
  journal(
    run: string,
    options?: { readonly limit?: number; readonly cursor?: string },
  ): Promise<Page<JournalView> | null>
  events(request?: EventsRequest): Promise<Page<EventView>>
  key(field: string, value: string): Promise<KeyView>
  /** All runs and events of a causal graph, by its root reference. */
  graph(root: string): Promise<{ readonly runs: readonly RunView[]; readonly events: readonly EventView[] }>
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

// What definitions are at run time: the plain shapes that the engine, the checks and the views read. The typed
// functions that authors use (event, signal, operation, service, workflow, ballet) produce exactly these.
import type { Flow } from '../core/flow.ts'
import type { Json } from '../core/json.ts'
import type { RetryPolicy } from '../core/retry.ts'
import type { Schema } from '../core/schema.ts'
import type { Attempt, WorkDoor } from '../core/transport.ts'
import type { CallValue, EventValue } from '../core/values.ts'
import type { Application, HttpRoutes } from './application.ts'
import type { Defined } from './definition-symbol.ts'
import type { ScheduleDefinition } from './schedule.ts'
import type { CallLimit } from './service-limits.ts'

/** The event types that authors call are functions with these fields. `key` is the name of the key field. */
export interface EventDefinition {
  readonly kind: 'event'
  readonly type: string
  readonly key: string
  readonly schema: Schema
}

/** The signal types that authors call are functions with these fields. */
export interface SignalDefinition {
  readonly kind: 'signal'
  readonly type: string
  readonly schema: Schema
}

/** What a line of the log is about, where it is about one of these: the fields that lines are looked for by. */
export interface LogAbout {
  /** The id of a run. */
  readonly run?: string | undefined
  /** The call or step of it. */
  readonly op?: string | undefined
  /** The code of an error: of the catalogue, or the name of what was thrown. */
  readonly code?: string | undefined
}

/** Writes a line to the application's log. What it is about, the engine says in the third place; authors leave that out. */
export interface Log {
  /** What is as it should be. */
  info(message: string, data?: Json, about?: LogAbout): void
  /** What somebody may want to look at. */
  warn(message: string, data?: Json, about?: LogAbout): void
  /** What somebody has to look at. */
  error(message: string, data?: Json, about?: LogAbout): void
}

/** What an operation learns of the attempt that it serves, wherever it is carried out. */
export interface OperationContext extends Attempt {
  /** Aborted when the attempt times out or the process closes. */
  readonly signal: AbortSignal
  /** Writes to the application's log, at every attempt anew. */
  readonly log: Log
  /**
   * Says that the attempt lives, and how far it is: `context.heartbeat({ row })`. An operation with a `heartbeat` calls it more often than that,
   * as in every round of its loop: it costs next to nothing, and writes nothing. `progress` is JSON of at most 16 KiB, kept within five
   * seconds and with the attempt when that fails; the next one has it as `context.progress`. What is said once the attempt is over counts
   * nothing; look at `signal`. @throws VALUE_NOT_JSON, PAYLOAD_TOO_LARGE, HEARTBEAT_UNDECLARED where there is no `heartbeat`
   */
  readonly heartbeat: (progress?: unknown) => void
}

/** An operation of a service, with its defaults filled in. */
export interface OperationDefinition {
  readonly kind: 'operation'
  /** `service.operation`. */
  readonly name: string
  readonly service: string
  readonly input: Schema
  /** Events that it may answer with; empty when it has an output. */
  readonly outcomes: readonly EventDefinition[]
  readonly output: Schema | null
  /** The operation of the same service that this one takes back. */
  readonly undoes: string | null
  readonly retry: RetryPolicy
  /** Of one attempt. */
  readonly timeoutMs: number
  /** An attempt that says nothing for so long has failed; null: it is not asked how far it is. */
  readonly heartbeatMs: number | null
  /** How often it may be asked: its own limit before that of its service. Empty: as often as there are calls. */
  readonly limits: readonly CallLimit[]
  /** Its implementation in this process; null when it has none. */
  readonly run: ((input: unknown, context: OperationContext) => unknown) | null
  /** The way to where its attempts are made, and where that is (`https://payment.internal`); null: in this process, by `run`. */
  readonly elsewhere: {
    readonly origin: string
    readonly call: (input: unknown, context: OperationContext) => Promise<unknown>
    /** Where it is fetched from there: the line in which its calls wait, and the door by which they go out; else null. */
    readonly work: { readonly line: CallLimit; readonly door: WorkDoor } | null
    /** Whether a request is for an attempt that waits for its answer here; null: its answers come with its requests. */
    readonly awaits: ((request: Request) => boolean) | null
    /** Whether an attempt goes on until it is told to end, and has to be told so at once when its shard leaves. */
    readonly isEndless: boolean
  } | null
}

/** A way by which events cross to other applications and come from there, made by a door: `natsTransport(...)` of ballet/nats. */
export interface EventTransport {
  readonly kind: 'transport'
  readonly name: string
  /** Carries events: by reactions to those that go there, and by operations that fetch those that come from there. */
  readonly service: Defined<ServiceDefinition>
  /** What comes from there. */
  readonly takes: readonly EventDefinition[]
  /** An application that has it is open, until `app.stopped`. Must not throw. */
  readonly opened: (app: Application) => void
  /** How what comes is taken in this process, into the application on the store of this id. */
  readonly intake?: ((store: string) => IntakeCount) | undefined
}

/** How what comes by a transport is taken in this process. */
export interface IntakeCount {
  /** Calls that take here: none where another node does, or nobody. */
  readonly taking: number
  /** Messages that were taken, since the process began. */
  readonly taken: number
  /** Of those calls: messages that wait, how long ago one was taken last, and how old that is if others wait, milliseconds; null where there is none. */
  readonly now: { readonly waiting: number; readonly idleMs: number; readonly lagMs: number } | null
}

/** A reaction, as `service.on(...)` and `on(...)` make it. */
export interface ReactionDefinition {
  /** `service:event.type`, or `service:name` when it was given a name. */
  readonly name: string
  readonly service: string
  readonly event: EventDefinition
  /** `key`: one at a time per (service, key). `none`: at once. */
  readonly order: 'key' | 'none'
  /** The names of the operations that it comes to, when that was said; for checks alone. */
  readonly calls: readonly string[] | null
  /** Pure and synchronous: the call that answers the event, or null. */
  readonly react: (data: never, event: EventValue) => CallValue | null
}

/** A service, with its operations and reactions. */
export interface ServiceDefinition {
  readonly name: string
  /** Of all its operations together; null: as often as there are calls. */
  readonly limit: CallLimit | null
  readonly operations: readonly OperationDefinition[]
  readonly reactions: readonly ReactionDefinition[]
}

/** A workflow, with its schemas and its body. */
export interface WorkflowDefinition {
  readonly name: string
  readonly input: Schema
  readonly output: Schema
  readonly state: Schema | null
  /** The field of the input that is the run's key. */
  readonly key: string | null
  readonly signals: readonly SignalDefinition[]
  /** The author's function; the engine hands it a run (define/run.ts). */
  readonly body: (run: never, input: never) => Promise<unknown>
}

/** A choreography: the flow that the events of one key follow. */
export interface ChoreographyDefinition {
  readonly kind: 'choreography'
  readonly name: string
  /** The field that is the key of all its events. */
  readonly key: string
  /** The compiled flow: what a monitor steps (core/flow.ts). */
  readonly flow: Flow
  /** Every event that it speaks of. */
  readonly events: readonly EventDefinition[]
  /** Those that come from outside: what can come first, and what was said to. */
  readonly outside: readonly EventDefinition[]
  /** Whether a deadline that passes is published as the event `<name>.overdue`, or only recorded. */
  readonly onDeadline: 'emit' | 'record'
}

/** An application before it runs: made by `ballet({...})`, opened by `open(definition, ...)`. */
export interface ApplicationDefinition {
  readonly kind: 'application'
  readonly name: string
  /** Of the author's code; shown on runs, and what `diverged` binds to. */
  readonly version: string
  readonly services: readonly ServiceDefinition[]
  readonly workflows: readonly WorkflowDefinition[]
  /** Those of the services and those that were given apart. */
  readonly reactions: readonly ReactionDefinition[]
  readonly choreographies: readonly ChoreographyDefinition[]
  readonly schedules: readonly ScheduleDefinition[]
  readonly transports: readonly EventTransport[]
  /** Those that were listed apart, and those that a transport takes: what comes from outside, is emitted or received. */
  readonly eventsApart: readonly EventDefinition[]
  /** Every event type that the application knows. */
  readonly events: readonly EventDefinition[]
  readonly http: HttpRoutes | null
}

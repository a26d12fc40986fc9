// The door of the package: what authors write applications with, and what they hold when one runs. Names are listed one
// by one; what is not listed here, in `ballet/server` or in `ballet/testing`, may change at any time.

import type { Store } from './core/store.ts'
import type { Application } from './define/application.ts'
import type { ApplicationDefinition } from './define/definition.ts'
import { systemClock } from './engine/clock.ts'
import { openOn, tellMisfits, type RunOptions } from './engine/open.ts'
import { storeOf } from './stores/store-of.ts'

// Defining
export { ballet, type ApplicationParts } from './define/ballet.ts'
export { choreography, type Choreography, type ChoreographyOptions } from './define/choreography.ts'
export { event, type EventOf, type EventType } from './define/event.ts'
export { operation, type Operation } from './define/operation.ts'
export { all, choice, many, optional, seq, type Part, type Pattern } from './define/pattern.ts'
export { after, precedence, response, type Rule } from './define/rule.ts'
export { on, type React, type ReactionOptions } from './define/reaction.ts'
export {
  schedule,
  type Firing,
  type ScheduleDefinition,
  type ScheduleOptions,
  type ScheduleSettings,
  type ScheduleTimes,
  type Timing,
} from './define/schedule.ts'
export { service, type Service, type ServiceMembers, type ServiceOptions } from './define/service.ts'
export type { CallLimit, Rate, ServiceLimits } from './define/service-limits.ts'
export { signal, type SignalOf, type SignalType } from './define/signal.ts'
export { workflow, type Workflow } from './define/workflow.ts'
export { checkFit, showFault, type Fault } from './define/fit.ts'
export { checkApplication, showFinding } from './define/check/check.ts'
export type { Finding, FindingCode } from './define/check/finding.ts'

// What a workflow and an operation are handed
export type { Call, ResultOf } from './define/call.ts'
export type { Policy } from './define/policy.ts'
export type {
  CallOptions,
  EmitOptions,
  Received,
  ReceiveOptions,
  Run,
  RunHandle,
  StartOptions,
  StepOptions,
  UndoOf,
  Wanted,
} from './define/run.ts'

// Definitions as plain data
export type { Defined } from './define/definition-symbol.ts'
export type {
  ApplicationDefinition,
  ChoreographyDefinition,
  EventDefinition,
  Log,
  LogAbout,
  OperationContext,
  OperationDefinition,
  ReactionDefinition,
  ServiceDefinition,
  SignalDefinition,
  WorkflowDefinition,
} from './define/definition.ts'

// The monitor of a choreography, as pure functions: `fulfilment.flow.step(state, type, at)`
export {
  isBroken,
  type Flow,
  type FlowBroken,
  type FlowDeadline,
  type FlowState,
  type FlowVerdict,
} from './core/flow.ts'
export type { FlowPattern, FlowRule } from './core/flow-pattern.ts'

// Running
export type { ApplicationOptions } from './engine/open.ts'
/** Where and how an application runs. */
export interface OpenOptions extends RunOptions {
  /** `file:<path>`, `postgres://user@host/database`, `memory:`, or a store of your own. Default `memory:`, which forgets everything at the end. */
  readonly store?: string | Store | undefined
}

/**
 * Opens an application and makes it run: `const app = await open(definition, { store: 'file:.ballet/shop.db' })`.
 * Resolves when every open run has been taken up again, or, where another node owns the store, when this one stands by
 * (`app.standing`).
 * @throws APPLICATION_UNFIT with every fault, STORE_UNKNOWN, STORE_LOCKED, STORE_FOREIGN, STORE_NEWER, STORE_FAILED,
 * STORE_UNREACHABLE, PACKAGE_MISSING, STORE_FULL when `signal` is aborted while it waits for space
 */
export async function open(definition: ApplicationDefinition, options: OpenOptions = {}): Promise<Application> {
  const { store = 'memory:', ...rest } = options
  const on = typeof store === 'string' ? storeOf(store, rest.clock ?? systemClock) : store
  const app = await openOn(definition, on, rest)
  tellMisfits(definition, rest.log)
  return app
}
export type {
  ActAllRequest,
  Acted,
  ActedAll,
  Action,
  AnswerRequest,
  Application,
  ConductRequest,
  FailRequest,
  HttpRoutes,
  InTransaction,
  Posted,
  Published,
  PublishRequest,
  PublishSettings,
  RecoveryView,
  RetryRequest,
  RunId,
  ScheduleActed,
  Signalled,
  SignalRequest,
  SignalSettings,
  Started,
  StartRequest,
  StartSettings,
  Time,
  TriggerRequest,
} from './define/application.ts'
export type { Reasoned } from './define/reasoned.ts'
export type { EventsRequest, FlowsRequest, RunsRequest } from './define/reads.ts'
export type { Metric, MetricSample, MetricSpread } from './define/metric.ts'
export type { Standing } from './define/node.ts'
export type { AsideActed, AsideAction, AsideItemView, AsideOutcome, AsideWholeView } from './core/aside-views.ts'
export type { FailingPage, FailingView } from './core/failing-views.ts'
export type { AsideView, NodesView, NodeView, ShardView } from './core/node-views.ts'
export type { ActAsidesRequest, AsidesActed, AsidesPage, AsidesRequest } from './define/asides.ts'
export type {
  ApplicationView,
  ChoiceView,
  CountsView,
  CountView,
  DrawingView,
  ErrorView,
  EventView,
  FlowBreakView,
  FlowView,
  JournalView,
  KeyView,
  Page,
  PlaceView,
  RunView,
  ScheduleView,
  StepView,
  WaitView,
} from './core/views.ts'

// What can be plugged in: a store passes the conformance suite of `ballet/testing`; the built-in one for files can be
// given options, or wrapped
export { memory } from './stores/memory/memory-store.ts'
export { sqlite, type SqliteOptions } from './stores/sqlite/sqlite-store.ts'
export type { Cancel, Clock, Random } from './core/clock.ts'
export { LIMITS, type Limits } from './define/limits.ts'
export type { Retention } from './define/retention.ts'
export type { Traces } from './define/traces.ts'
export type { Ahead, AheadKind, AheadPart } from './core/ahead.ts'
export type { Codec, Payload, PayloadPlace } from './core/codec.ts'
export type {
  Aged,
  AgedEvent,
  Batch,
  Claim,
  ClaimName,
  ClaimUntil,
  EventRow,
  InboxItem,
  InboxRow,
  JournalBefore,
  JournalRow,
  RunChange,
  RunContinued,
  RunCount,
  FlowGone,
  FlowName,
  FlowRow,
  RunName,
  RunRow,
  Store,
  StoreInfo,
  StoreReader,
  SuspectRow,
  Tenure,
  TimerRow,
} from './core/store.ts'
export type { EventQuery, RunKind, RunQuery, FlowQuery, FlowStanding, RunStatus } from './core/store-queries.ts'
export type { Held, LeaseLook, LeaseRow, Leases, NodeInfo, NodeRow, Taken } from './core/lease.ts'

// What `ballet compare` is told: `export const comparison: Comparison` beside the application
export type { ComparedApplication, ComparedEffect, Comparison } from './define/comparison.ts'

// Values
export type { Duration } from './core/duration.ts'
export type { Json, JsonText, Stored } from './core/json.ts'
export type { Retry, RetryPolicy } from './core/retry.ts'
export type { Schema, SchemaInput, SchemaOutput } from './core/schema.ts'
export type { CallValue, EventValue, SignalValue } from './core/values.ts'

// Errors
export {
  BalletError,
  BugError,
  FinalError,
  FixError,
  RetryAfterError,
  RetryError,
  TerminalError,
  isBalletError,
  type Details,
  type ErrorCode,
  type ErrorFamily,
} from './core/errors.ts'

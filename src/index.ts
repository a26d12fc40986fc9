// The door of the package: what authors write applications with, and what they hold when one runs. Names are listed one
// by one; what is not listed here, in `ballet/server` or in `ballet/testing`, may change at any time.

// Defining
export { ballet, type ApplicationParts } from './define/ballet.ts'
export { event, type EventOf, type EventType } from './define/event.ts'
export { operation, type Operation } from './define/operation.ts'
export { on, type React, type ReactionOptions } from './define/reaction.ts'
export { service, type Service, type ServiceMembers } from './define/service.ts'
export { signal, type SignalOf, type SignalType } from './define/signal.ts'
export { workflow, type Workflow } from './define/workflow.ts'
export { checkFit, showFault, type Fault } from './define/fit.ts'

// What a workflow and an operation are handed
export type { Call, ResultOf } from './define/call.ts'
export type { Policy } from './define/policy.ts'
export type {
  CallOptions,
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
  EventDefinition,
  Log,
  OperationContext,
  OperationDefinition,
  ReactionDefinition,
  ServiceDefinition,
  SignalDefinition,
  WorkflowDefinition,
} from './define/definition.ts'

// Running
export { open, type OpenOptions } from './engine/open.ts'
export type {
  Application,
  EventsRequest,
  HttpRoutes,
  Published,
  PublishRequest,
  RecoveryView,
  RunsRequest,
  SignalRequest,
  Started,
  StartRequest,
} from './define/application.ts'
export type {
  ApplicationView,
  ErrorView,
  EventView,
  JournalView,
  KeyView,
  Page,
  RunView,
  WaitView,
} from './core/views.ts'

// What can be plugged in: a store passes the conformance suite of `ballet/testing`
export type { Cancel, Clock, Random } from './core/clock.ts'
export type { Codec, Payload, PayloadPlace } from './core/codec.ts'
export type {
  Batch,
  Claim,
  EventQuery,
  EventRow,
  InboxItem,
  InboxRow,
  JournalRow,
  RunChange,
  RunKind,
  RunQuery,
  RunRow,
  RunStatus,
  Store,
  StoreInfo,
  StoreReader,
  Tenure,
  TimerRow,
} from './core/store.ts'

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
  RetryError,
  TerminalError,
  isBalletError,
  type Details,
  type ErrorCode,
  type ErrorFamily,
} from './core/errors.ts'

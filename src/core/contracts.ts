// What a run asks of the definitions while it runs: validation at its doors, and the words that bring a run to life.
// The engine answers from the application's definitions; core knows no definition.
import type { JsonText } from './json.ts'
import type { Duration } from './duration.ts'
import type { Retry } from './retry.ts'
import type { Undo } from './undo.ts'
import type { CallValue, EventValue, SignalValue } from './values.ts'

/** How one call, step or child is made. */
export interface CallSettings {
  readonly id?: string
  readonly undo?: Undo
  readonly publish?: boolean
  readonly retry?: Retry
  readonly timeout?: Duration
  readonly abort?: AbortSignal
  readonly onCancel?: OnCancel
}

/** How one step is made. */
export type StepSettings = Omit<CallSettings, 'onCancel' | 'publish'>

/** How a run is started that goes on by itself. */
export interface StartSettings {
  readonly id?: string
  readonly onCancel?: OnCancel
}

/** What is said of an event beside itself: by what id it is known, and whose it is. */
export interface EmitSettings {
  readonly id?: string
  readonly source?: string
}

/** How long an event or a signal is waited for. */
export interface ReceiveSettings {
  readonly within?: Duration
}

/** What becomes of a child when the run that started it is cancelled: it is too, it goes on, or it is waited for. */
export type OnCancel = 'cancel' | 'leave' | 'wait'

/** The doors of a run. Each `check...` validates and returns what the schema made of the value. */
export interface Contracts {
  /** Refuses a policy that means nothing. @throws DEFINITION_INVALID, DURATION_INVALID */
  checkPolicy(settings: CallSettings, name: string): void
  /** Refuses an undo that does not take `call` back. @throws DEFINITION_INVALID */
  checkUndo(call: string, undo: CallValue): void
  /** @throws CALL_UNKNOWN, INPUT_INVALID */
  checkInput(call: CallValue): unknown
  /** @throws EVENT_UNKNOWN, INPUT_INVALID */
  checkEvent(event: EventValue): unknown
  /** `field:value` of an event, without validating its data. @throws EVENT_UNKNOWN, KEY_INVALID */
  eventKey(event: EventValue): string
  /** @throws SIGNAL_UNKNOWN, INPUT_INVALID */
  checkSignal(signal: SignalValue): unknown
  /** @throws INPUT_INVALID */
  checkState(state: unknown): unknown
  /** @throws INPUT_INVALID */
  checkOutput(output: unknown): unknown
  /** What a continued run begins with; its key stays `key`. @throws INPUT_INVALID, CONTINUE_REFUSED */
  checkContinue(input: unknown, key: string | null): unknown
  /** Refuses to wait for what the workflow cannot get. @throws EVENT_UNKNOWN, SIGNAL_UNKNOWN */
  checkReceivable(what: Receivable): void
}

/** An event type or a signal type, as `receive` takes it. */
export interface Receivable {
  readonly kind: 'event' | 'signal'
  readonly type: string
}

export type LogLevel = 'info' | 'warn' | 'error'
export type LogSink = (level: LogLevel, message: string, data: JsonText | undefined) => void

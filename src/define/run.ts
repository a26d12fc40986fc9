// The run as the author of a workflow sees it: the one way in which a workflow touches the world. The engine implements
// it (core/surface.ts); here stand its types and what each method promises. Whatever is awaited in a workflow comes from
// here or is built of it by Promise.all, race, any, allSettled; anything else belongs into a step or an operation.
import type { Duration } from '../core/duration.ts'
import type { Stored } from '../core/json.ts'
import type { EventValue, SignalValue } from '../core/values.ts'
import type { Call } from './call.ts'
import type { EventDefinition, Log, OperationContext, SignalDefinition } from './definition.ts'
import type { EventOf } from './event.ts'
import type { Keeps, Mistake } from './mistake.ts'
import type { Policy } from './policy.ts'
import type { SignalOf } from './signal.ts'

/** What takes back a call named `Name`: an operation that `undoes` it; for a workflow, any call. */
export type UndoOf<Name extends string> = Name extends `${string}.${string}` ? Call<unknown, string, Name> : Call

/** How one call is made. What is omitted is as the operation says. */
export interface CallOptions<Result = unknown, Name extends string = string> extends Policy {
  /**
   * Names this call among the calls of the same name, where their number in order would not do (a loop over items).
   * Up to 256 letters, digits and `. _ : @ + = -`, once in a run.
   */
  readonly id?: string | undefined
  /**
   * What takes the call back, registered before the call is made: a call, or a function from its outcome to a call or
   * null. The outcome is undefined when it is not known; then the call may or may not have happened.
   */
  readonly undo?: UndoOf<Name> | ((outcome: Result | undefined) => UndoOf<Name> | null) | undefined
  /**
   * Gives the call up when it is aborted: the promise rejects with CALL_ABORTED, its body is told to stop, and if it has
   * an undo it is taken back, once it has settled, when the run takes back what it did or ends.
   */
  readonly abort?: AbortSignal | undefined
  /**
   * What becomes of the run of a workflow that is called, when this run is cancelled or gives the call up: it is cancelled
   * and waited for (`cancel`, the default), it goes on by itself (`leave`), or this run waits for it to end (`wait`).
   */
  readonly onCancel?: 'cancel' | 'leave' | 'wait' | undefined
  /** Lets reactions and `receive` see the outcome event of the call; default false. */
  readonly publish?: boolean | undefined
}

/** How one step is made. */
export interface StepOptions<Result = unknown> extends Policy {
  /** Names this step among the steps of the same name. */
  readonly id?: string | undefined
  /** What takes the step back: a call, or a function from its result (undefined when not known) to a call or null. */
  readonly undo?: Call | ((result: Result | undefined) => Call | null) | undefined
  /** As for a call. */
  readonly abort?: AbortSignal | undefined
}

/** How a run is started that goes on by itself. */
export interface StartOptions {
  /** Names this start among the starts of the same name. */
  readonly id?: string | undefined
  /** What becomes of it when this run is cancelled: it goes on by itself (`leave`, the default), or is cancelled too. */
  readonly onCancel?: 'cancel' | 'leave' | undefined
}

/** What is said of an event beside itself. */
export interface EmitOptions {
  /** By which it is known when it comes twice, here or by `app.publish`. Without one it is this event of this run alone. */
  readonly id?: string | undefined
  /** Whose it is; default: the name of the workflow. What `app.publish` says without one has the name of the application. */
  readonly source?: string | undefined
}

/** How long `receive` waits. */
export interface ReceiveOptions {
  /** How long to wait; after it the answer is null. */
  readonly within: Duration
}

/** A run that was started and is not waited for. */
export interface RunHandle<Result = unknown> {
  /** The id of the run that was started. */
  readonly id: string
  /** Its output, once it has ended. Rejects with CHILD_FAILED. */
  result(): Promise<Result>
  /** Asks it to stop and to take back what it did. One that has ended takes no notice. */
  cancel(): void
  /** Sends it a signal that it declares. */
  signal(value: SignalValue): void
}

/** What `receive` waits for: one event or signal type, or a list of them. */
export type Wanted = EventDefinition | SignalDefinition | readonly (EventDefinition | SignalDefinition)[]
type One<W> = W extends readonly (infer Item)[] ? Item : W
/** What `receive` answers with. */
export type Received<W> = EventOf<One<W>> | SignalOf<One<W>>

type Undeclared<W, Signals> = Exclude<Extract<One<W>, SignalDefinition>, Signals>
type OtherKey<W, Key> = Exclude<Extract<One<W>, EventDefinition>, { readonly key: Key }>
/** A workflow gets the signals that it declares and the events of its own key, and would wait for others for ever. */
type Receivable<W, Signals, Key> = [Undeclared<W, Signals>] extends [never]
  ? [OtherKey<W, Key>] extends [never]
    ? unknown
    : Mistake<`the key of this event is not the key of the workflow: ${EventText<OtherKey<W, Key>>}`>
  : Mistake<`the workflow does not declare the signal '${TypeText<Undeclared<W, Signals>>}' in its signals`>
type TypeText<T> = T extends { readonly type: infer Type extends string } ? Type : never
type EventText<T> = T extends { readonly type: infer Type extends string; readonly key: infer Key extends string }
  ? `${Type} has ${Key}`
  : never

/**
 * The run of a workflow. Its code may be run again from the start at any time (after a crash, a deploy, a pause): what
 * was answered once is answered again, so the code must do the same things in the same order for the same answers.
 *
 * A function that is handed a run says what it needs of it: `Run` to call, step, emit, sleep and start;
 * `Run<Stage>` to set the state, `Run<never, typeof Approve>` to receive a signal, `Run<never, never, 'orderId'>` to
 * receive events of that key, and the fourth place names the input for `continueAs`.
 */
export interface Run<
  in State = never,
  in Signals extends SignalDefinition = never,
  in Key extends string = never,
  in Input = never,
> {
  /** The id of this run. */
  readonly id: string
  /** The business key of this run, `field:value`, or null. */
  readonly key: string | null
  /**
   * Writes to the application's log, once: not again when the code is run again. What the code threw behind is tried again, with
   * its lines.
   */
  readonly log: Log

  /**
   * Makes a call and answers with its outcome or output. Retried by the policy; when that is exhausted, the call is stuck
   * for a person, or rejects with CALL_FAILED if the policy says `fail` or the operation threw a TerminalError. The call
   * of a workflow runs as a child and rejects with CHILD_FAILED.
   *
   * @throws INPUT_INVALID, CALL_UNKNOWN, OP_ID_REPEATED, CHILD_ID_TOO_LONG, CALL_FAILED, CHILD_FAILED
   */
  call<Result, Name extends string>(
    call: Call<Result, Name>,
    options?: CallOptions<NoInfer<Result>, NoInfer<Name>>,
  ): Promise<Result>

  /**
   * Runs a side effect that is written here instead of in an operation, and keeps what it answered. The body may run more
   * than once until an answer is kept: hand `context.idempotencyKey` to whatever it calls. The answer is what JSON makes
   * of it: a Date is a string; a Map or a Set, of which nothing would be left, does not compile.
   *
   * @param name up to 256 letters, digits and `. _ : @ + = -`; steps of one name are told apart by their order or `id`.
   *   Names that begin with `undo:` and `join:` are the engine's.
   * @throws CALL_FAILED, VALUE_NOT_JSON, ID_INVALID, OP_ID_REPEATED
   */
  step<Result>(
    this: Keeps<Result>,
    name: string,
    body: (context: OperationContext) => Result | Promise<Result>,
    options?: StepOptions<Stored<NoInfer<Result>>>,
  ): Promise<Stored<Result>>

  /**
   * Work in a transaction of the application's own database, which happens exactly once: `once` is `exactlyOnce(db)` of
   * `ballet/postgres`. What it answers is kept there, with what it wrote, and here, as that of a step.
   *
   * @throws as `step`
   */
  tx<Tx, Result>(
    this: Keeps<Result>,
    name: string,
    once: <Answer>(context: OperationContext, work: (tx: Tx) => Promise<Answer>) => Promise<Answer>,
    work: (tx: Tx) => Promise<Result>,
    options?: StepOptions<Stored<NoInfer<Result>>>,
  ): Promise<Stored<Result>>

  /**
   * Publishes an event, with the turn that it is emitted in. With an `id` it is what `app.publish` makes of the same id, source and
   * data, whoever says it first; it then stands right behind the turn. Another event that has the id and source keeps it: the run
   * goes on, and the log has a warning (EVENT_CONFLICT).
   *
   * @throws EVENT_UNKNOWN, INPUT_INVALID, ID_INVALID
   */
  emit(event: EventValue, options?: EmitOptions): void

  /** Waits, also over restarts and for months. @throws DURATION_INVALID */
  sleep(duration: Duration): Promise<void>

  /**
   * Waits for an event or a signal, or the first of several: `run.receive([Approve, Reject], { within: '2d' })`.
   * Events: the oldest of this run's key that it has not received yet, from what brought the run about onwards. Signals:
   * in their order from the start of the run. With `within`, null when nothing came in time.
   *
   * A wait that lost a race stays open and takes what comes for it: ask for the same again and it answers both. While the
   * run does something else in between, what comes is gone with it; keep the promise, or wait `within` a time instead.
   *
   * @throws EVENT_UNKNOWN, SIGNAL_UNKNOWN, DURATION_INVALID
   */
  receive<const W extends Wanted, Options extends ReceiveOptions | undefined = undefined>(
    what: W & Receivable<W, Signals, Key>,
    options?: Options,
  ): Promise<Received<W> | (Options extends undefined ? never : null)>

  /** Starts a run that goes on by itself: also when this one ends. @throws INPUT_INVALID, CALL_UNKNOWN, OP_ID_REPEATED, CHILD_ID_TOO_LONG */
  start<Result>(call: Call<Result>, options?: StartOptions): RunHandle<Result>

  /**
   * Takes back everything that was registered with an undo, last first, and answers when it is done. Calls with an undo
   * that are under way are given up first (their promises reject with CALL_ABORTED). Nothing interrupts it.
   */
  undo(): Promise<void>

  /** Says where the run stands: shown on its page and in the API. Replaces the whole state. @throws INPUT_INVALID */
  set(state: State): void

  /** The time of the turn: the same whenever the code is run again. */
  now(): Date
  /** A number from 0 up to 1: the same whenever the code is run again. */
  random(): number
  /** A UUID: the same whenever the code is run again. */
  uuid(): string

  /**
   * Runs `work` to its end even when the run is cancelled meanwhile, or has been: to tell a customer, say. Only what goes
   * through the run that it is handed is shielded.
   */
  shield<Result>(work: (run: Run<State, Signals, Key, Input>) => Promise<Result>): Promise<Result>

  /**
   * Whether this run takes the new way: true for a run that comes here first with the new code, false for one that has
   * already passed here with the old. The first answer of an id holds for the run, or for
   * its present generation: one that continues begins with an empty journal, of which nothing has to be done again as it was, and
   * takes the new way. Where both halves of a change meet over `continueAs`, say by which in the input.
   */
  patched(id: string): boolean

  /**
   * Ends this generation of the run and goes on as a new one, with the same id and key, `input` and an empty journal:
   * `return run.continueAs(input)`. Undos, unread signals, the ids of signals seen and the state are carried over. For what
   * goes on for ever, before its journal grows past what a run may have. Calls that were given up are waited for first;
   * sleeps, waits and the ends of started children are not.
   *
   * @throws INPUT_INVALID, CONTINUE_REFUSED while calls, steps or children are under way, and for more than 10,000 undos.
   */
  continueAs(input: Input): Promise<never>
}

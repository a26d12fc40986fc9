// Workflows: an async function that makes calls in its own order. `workflow(...)` gives a function that, applied to an
// input, gives a call, like an operation, and that carries its definition under a symbol. The body is plain code; the
// engine hands it a run (run.ts) and the decoded input.
import type { Schema, SchemaInput, SchemaOutput } from '../core/schema.ts'
import type { CallValue } from '../core/values.ts'
import type { Call } from './call.ts'
import { DEFINITION, type Defined } from './definition-symbol.ts'
import type { SignalDefinition, WorkflowDefinition } from './definition.ts'
import type { Exact, Immutable, JsonAnswer, JsonOnly, KeyField, Mistake } from './mistake.ts'
import { refuse, refuseField, refuseName, refuseNotFunction, refuseSchema, refuseUnknownOptions } from './refusal.ts'
import type { Run } from './run.ts'
import { isSignalType } from './signal.ts'

/** A workflow: applied to its input it gives a call. */
export interface Workflow<
  Name extends string = string,
  Input = never,
  Result = unknown,
> extends Defined<WorkflowDefinition> {
  /** The call of this workflow: give it to run.call, run.start, app.start, or return it from a reaction. */
  (input: Input): Call<Result, Name, 'nothing'>
  /** As it was given to `workflow(...)`. */
  readonly workflowName: Name
}

/** What `run.set` takes; without a schema of the state, nothing. */
type StateOf<State extends Schema> = [State] extends [never] ? NoState : SchemaInput<State>
/** Of a workflow without a schema of its state: its name stands wherever its run is shown, its words where something is set. */
interface NoState extends Mistake<NoStateWords> {
  readonly [field: string]: NoStateWords
}
type NoStateWords = 'the workflow has no state: give it a schema, { state: ... }'

/**
 * Defines a workflow.
 *
 *     const checkout = workflow('checkout', { input: Order, output: Confirmation, key: 'orderId' }, async (run, order) => {
 *       const paid = await run.call(payment.charge({ ... }), { undo: payment.refund({ ... }) })
 *       return { status: paid.type === 'payment.approved' ? 'confirmed' : 'declined' }
 *     })
 *
 * It fails, and takes back what it did, when a call's failure passes through it or it throws a `TerminalError`; any other
 * throw is a bug in it: the run is stuck with nothing taken back and goes on when the code is mended.
 *
 * @param name letters, digits, _ and -, beginning with a letter, up to 64.
 * @param options the schemas of `input`, `output` and `state` (what `run.set` says of where the run stands); `key`, the
 *   field of the input that is the run's business key: its id is `<name>:<key>` and it receives events of that key;
 *   `signals`, those that it takes.
 * @throws DEFINITION_INVALID
 */
export function workflow<
  const Name extends string,
  Input extends Schema,
  Output extends Schema,
  const Answer extends Immutable<SchemaInput<Output>>,
  State extends Schema = never,
  const Key extends KeyField<SchemaOutput<Input>> = never,
  Signals extends SignalDefinition = never,
>(
  name: Name,
  options: {
    /** The schema of what it is applied to; must give JSON and be synchronous. */
    readonly input: Input & JsonOnly<Input>
    /** The schema of what the body returns; a field that it does not know is an error. */
    readonly output: Output & JsonAnswer<Output>
    /** The schema of what `run.set` says of where the run stands: shown on its page and in the API. */
    readonly state?: (State & JsonOnly<State>) | undefined
    /**
     * The field of the input, a required string, whose value is the business key of the run: its id is `<name>:<key>` unless
     * one is given, and it receives the events of that key.
     */
    readonly key?: Key | undefined
    /** The signals that it takes: `[CancelOrder]`. */
    readonly signals?: readonly Signals[] | undefined
  },
  body: (
    run: Run<StateOf<NoInfer<State>>, NoInfer<Signals>, NoInfer<Key>, SchemaInput<NoInfer<Input>>>,
    input: SchemaOutput<NoInfer<Input>>,
  ) => Promise<Answer & Exact<NoInfer<Answer>, SchemaInput<NoInfer<Output>>>>,
): Workflow<Name, SchemaInput<Input>, SchemaOutput<Output>> {
  const what = refuseName('workflow', name)
  refuseUnknownOptions(options, ['input', 'output', 'state', 'key', 'signals'], what)
  refuseSchema(options.input, what, 'input')
  refuseSchema(options.output, what, 'output')
  if (options.state !== undefined) refuseSchema(options.state, what, 'state')
  if (options.key !== undefined) refuseField(options.key, what)
  refuseNotFunction(body, what, 'the body')
  const definition: WorkflowDefinition = Object.freeze({
    name,
    input: options.input,
    output: options.output,
    state: options.state ?? null,
    key: options.key ?? null,
    signals: checkSignals(options.signals ?? [], what),
    body,
  })
  const make = (input: unknown): CallValue => ({ kind: 'call', target: 'workflow', name, input })
  const fields = { workflowName: name, [DEFINITION]: definition } as const
  return Object.freeze(Object.assign(make, fields)) as unknown as Workflow<
    Name,
    SchemaInput<Input>,
    SchemaOutput<Output>
  >
}

function checkSignals(signals: readonly unknown[], what: string): readonly SignalDefinition[] {
  if (!Array.isArray(signals)) refuse(what, 'signals must be a list of signal types')
  return Object.freeze(
    signals.map((signal: unknown, index) => {
      if (!isSignalType(signal)) return refuse(what, `signal ${index + 1} is no signal type, made by signal(...)`)
      if (signals.indexOf(signal) !== index) refuse(what, `the signal "${signal.type}" is listed twice`)
      return signal
    }),
  )
}

// Operations: the things that a service can do. `operation({...})` keeps what the author wrote; it gets its name, its
// defaults and its checks when service.ts puts it into a service, because only then its faults can be named.
import type { Schema, SchemaInput, SchemaOutput } from '../core/schema.ts'
import { DEFINITION, type Defined } from './definition-symbol.ts'
import type { EventDefinition, OperationContext } from './definition.ts'
import type { EventOf, GivenEventOf } from './event.ts'
import type { Exact, Immutable, JsonAnswer, JsonOnly, Mistake } from './mistake.ts'
import type { Beating, Policy } from './policy.ts'
import type { ServiceLimits } from './service-limits.ts'

/** What an operation was written with, before it has a name. */
export interface OperationSpec extends Policy, Beating {
  readonly input: Schema
  readonly outcomes?: readonly EventDefinition[] | undefined
  readonly output?: Schema | undefined
  readonly undoes?: string | undefined
  readonly limits?: ServiceLimits | undefined
  readonly run?: ((input: never, context: OperationContext) => unknown) | undefined
}

/** An operation that is not part of a service yet. `Undoes` is the operation that it takes back, or never. */
export interface Operation<
  Input = never,
  Result = unknown,
  Undoes extends string = string,
> extends Defined<OperationSpec> {
  readonly kind: 'operation'
  /** Known to the compiler alone. */
  readonly '~types'?: ((input: Input) => { readonly result: Result; readonly undoes: Undoes }) | undefined
}

/** What the implementation returns, and what the caller gets: the schema stands between them. */
type Returned<E extends EventDefinition, Output extends Schema> = [E] extends [never]
  ? [Output] extends [never]
    ? void | undefined
    : Immutable<SchemaInput<Output>>
  : GivenEventOf<E>
type Answered<E extends EventDefinition, Output extends Schema> = [E] extends [never]
  ? [Output] extends [never]
    ? undefined
    : SchemaOutput<Output>
  : EventOf<E>

/** An output has no field that its schema does not know. Outcomes are checked where they are built. */
type ExactRun<Answer, E extends EventDefinition, Output extends Schema> = [E] extends [never]
  ? { readonly run?: (input: never, context: never) => MaybePromise<Exact<Answer, SchemaInput<Output>>> }
  : unknown

type IsUnion<T, All = T> = [T] extends [never] ? false : T extends unknown ? ([All] extends [T] ? false : true) : never
type OneKey<E extends EventDefinition> =
  IsUnion<E['key']> extends true ? Mistake<'the outcomes of one operation must have one key field'> : unknown
type OneAnswer<E extends EventDefinition> = [E] extends [never]
  ? unknown
  : Mistake<'an operation answers with outcomes or with an output, not with both'>

/**
 * Defines something that a service can do.
 *
 *     const charge = operation({
 *       input: z.object({ orderId: z.string(), amount: z.number() }),
 *       outcomes: [PaymentApproved, PaymentDeclined],
 *       retry: { attempts: 5, backoff: '200ms' }, timeout: '10s',
 *       async run(input, context) {
 *         const answer = await provider.charge(input, { idempotencyKey: context.idempotencyKey })
 *         return answer.ok ? PaymentApproved({ ... }) : PaymentDeclined({ ... })
 *       },
 *     })
 *
 * It answers with one of its `outcomes` (events that the business expects), or with an `output`, or with nothing.
 * What `run` throws is retried by the policy; a `TerminalError` is not, and a `RetryAfterError` says from when on. `run` may be called more than once for one call
 * (after a crash, a timeout, a retry), each time with the same `context.idempotencyKey`. `undoes` names the operation of
 * the same service that this one takes back; it must accept that there is nothing to take back.
 */
export function operation<
  S extends Schema,
  E extends EventDefinition = never,
  Output extends Schema = never,
  const Undoes extends string = never,
  const Answer extends Returned<NoInfer<E>, NoInfer<Output>> = Returned<NoInfer<E>, NoInfer<Output>>,
>(
  spec: (Policy & Beating) & {
    /** The schema of what it is applied to; must give JSON and be synchronous. */
    readonly input: S & JsonOnly<S>
    /** The events that it may answer with, of one key field: `[PaymentApproved, PaymentDeclined]`. */
    readonly outcomes?: readonly E[] & OneKey<E>
    /** The schema of its answer, where that is no event. */
    readonly output?: Output & JsonAnswer<Output> & OneAnswer<NoInfer<E>>
    /** The operation of the same service that this one takes back. */
    readonly undoes?: Undoes
    /** How often it may be asked, beside what its service says of all its operations: calls wait for their place. */
    readonly limits?: ServiceLimits<keyof SchemaOutput<NoInfer<S>> & string>
    /** One attempt. It may be called more than once for one call: hand `context.idempotencyKey` to whatever it calls. */
    readonly run?: (input: SchemaOutput<NoInfer<S>>, context: OperationContext) => MaybePromise<Answer>
  } & ExactRun<NoInfer<Answer>, NoInfer<E>, NoInfer<Output>>,
): Operation<SchemaInput<S>, Answered<E, Output>, Undoes> {
  return Object.freeze({ kind: 'operation', [DEFINITION]: spec })
}

type MaybePromise<T> = T | Promise<T>

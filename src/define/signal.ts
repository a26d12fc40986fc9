// Signals: named messages to one run. `signal(...)` gives a signal type: a function that, applied to data, gives a
// signal value, and that itself carries the fields of a SignalDefinition. As with events, building a value validates
// nothing; the door does (app.signal, the handle of a child).
import type { Schema, SchemaInput, SchemaOutput } from '../core/schema.ts'
import type { SignalValue } from '../core/values.ts'
import type { SignalDefinition } from './definition.ts'
import type { JsonOnly } from './mistake.ts'
import { refuseSchema, refuseType } from './refusal.ts'

/** A signal type: `CancelOrder({ by: 'customer' })` is a signal value. `Input` is what is sent, `Data` what arrives. */
export interface SignalType<Type extends string = string, Input = never, Data = unknown> extends SignalDefinition {
  /** The signal value of `data`. Nothing is validated and nothing is sent yet. */
  (data: Input): SignalValue<Type, Input>
  readonly type: Type
  readonly schema: Schema<Input, Data>
  /** Whether a value is of this type: `if (CancelOrder.is(answer)) answer.data.by`. */
  is(value: { readonly type: string } | null | undefined): value is SignalValue<Type, Data>
}

/** The signal value that a workflow receives of a signal type: `SignalOf<typeof CancelOrder>`. */
export type SignalOf<S> = S extends {
  readonly kind: 'signal'
  readonly type: infer Type extends string
  readonly schema: Schema<infer _Input, infer Data>
}
  ? SignalValue<Type, Data>
  : never

/**
 * Defines a signal type. The workflows that take it name it in their `signals`.
 *
 *     const CancelOrder = signal('cancel-order', z.object({ by: z.string() }))
 *
 * @param type its name, also in the URL that it is sent to: up to 128 letters, digits and `. _ -`.
 * @param schema of its data; must give JSON and be synchronous.
 * @throws DEFINITION_INVALID
 */
export function signal<const Type extends string, S extends Schema>(
  type: Type,
  schema: S & JsonOnly<S>,
): SignalType<Type, SchemaInput<S>, SchemaOutput<S>> {
  refuseSchema(schema, refuseType('signal', type), 'schema')
  const make = (data: SchemaInput<S>): SignalValue<Type, SchemaInput<S>> => ({ kind: 'signal', type, data })
  const fields = {
    kind: 'signal',
    type,
    schema: schema as unknown as Schema<SchemaInput<S>, SchemaOutput<S>>,
    is: (value: { readonly type: string } | null | undefined): value is SignalValue<Type, SchemaOutput<S>> =>
      value?.type === type && 'kind' in value && value.kind === 'signal',
  } as const
  return Object.freeze(Object.assign(make, fields))
}

/** Whether an unknown value is a signal type. */
export function isSignalType(value: unknown): value is SignalDefinition {
  return typeof value === 'function' && 'kind' in value && value.kind === 'signal' && 'schema' in value
}

// Events: typed facts with a key. `event(...)` gives an event type: a function that, applied to data, gives an event
// value, and that itself carries the fields of an EventDefinition. The function only builds: whether the data fits is
// judged by the schema at the door that the value enters by (run.emit, app.publish, the outcome of an operation), so
// that a replay judges nothing again. Two event types are the same one only when they are the same object.
import type { Duration } from '../core/duration.ts'
import { isRecord } from '../core/json.ts'
import type { Schema, SchemaInput, SchemaOutput } from '../core/schema.ts'
import type { EventValue } from '../core/values.ts'
import type { EventDefinition } from './definition.ts'
import type { JsonOnly, KeyField } from './mistake.ts'
import { pattern, type Pattern } from './pattern.ts'
import { refuseField, refuseSchema, refuseType, refuseUnknownOptions } from './refusal.ts'

/**
 * An event type: `OrderShipped({ orderId, tracking })` is an event value. `Input` is what its author gives, `Data` what
 * the schema makes of it and everybody else sees, `Key` the field whose value is the key.
 */
export interface EventType<
  Type extends string = string,
  Input = never,
  Data = unknown,
  Key extends string = string,
> extends EventDefinition {
  /** The event value of `data`. Nothing is validated and nothing happens yet. */
  (data: Input): EventValue<Type, Input>
  readonly type: Type
  readonly key: Key
  readonly schema: Schema<Input, Data>
  /** Whether a value is of this type: `if (PaymentDeclined.is(paid)) paid.data.reason`. */
  is(value: { readonly type: string } | null | undefined): value is EventValue<Type, Data>
  /** In a choreography: it comes within this time of the moment at which it may: `PaymentApproved.within('30s')`. */
  within(limit: Duration): Pattern<null, Key>
  /** In a choreography: a path that it ends has this name: `OrderShipped.as('shipped')`. */
  as<const Name extends string>(ending: Name): Pattern<Name, Key>
}

/** The event value that others see of an event type: `EventOf<typeof OrderShipped>`. */
export type EventOf<E> = E extends {
  readonly kind: 'event'
  readonly type: infer Type extends string
  readonly schema: Schema<infer _Input, infer Data>
}
  ? EventValue<Type, Data>
  : never

/** The event value as its author makes it, before the schema has seen it. */
export type GivenEventOf<E> = E extends {
  readonly kind: 'event'
  readonly type: infer Type extends string
  readonly schema: Schema<infer Input, infer _Data>
}
  ? EventValue<Type, Input>
  : never

/**
 * Defines an event type.
 *
 *     const OrderShipped = event('order.shipped', z.object({ orderId: z.string(), tracking: z.string() }), { key: 'orderId' })
 *
 * @param type its name in the log and on the wire: words joined by dots, up to 128 characters.
 * @param schema of its data; must give JSON and be synchronous.
 * @param options `key` names the field of the data, a required string, whose value is the key: events of one key are
 *   delivered in order, and a workflow with that key can receive them.
 * @throws DEFINITION_INVALID
 */
export function event<const Type extends string, S extends Schema, const Key extends KeyField<SchemaOutput<S>>>(
  type: Type,
  schema: S & JsonOnly<S>,
  options: { readonly key: Key },
): EventType<Type, SchemaInput<S>, SchemaOutput<S>, Key> {
  const what = refuseType('event', type)
  refuseSchema(schema, what, 'schema')
  refuseUnknownOptions(options, ['key'], what)
  refuseField(options.key, what)
  const make = (data: SchemaInput<S>): EventValue<Type, SchemaInput<S>> => ({
    kind: 'event',
    type,
    data,
    key: String(isRecord(data) ? data[options.key] : undefined),
  })
  const fields = {
    kind: 'event',
    type,
    key: options.key,
    schema: schema as unknown as Schema<SchemaInput<S>, SchemaOutput<S>>,
    is: (value: { readonly type: string } | null | undefined): value is EventValue<Type, SchemaOutput<S>> =>
      value?.type === type && 'kind' in value && value.kind === 'event',
  } as const
  const defined = Object.assign(make, fields)
  const alone = (): Pattern<null, Key> => pattern({ kind: 'event', type }, [defined])
  return Object.freeze(
    Object.assign(defined, {
      within: (limit: Duration) => alone().within(limit),
      as: <const Name extends string>(ending: Name) => alone().as(ending),
    }),
  )
}

/** Whether an unknown value is an event type. */
export function isEventType(value: unknown): value is EventDefinition {
  return typeof value === 'function' && 'kind' in value && value.kind === 'event' && 'schema' in value
}

// The values that authors pass around: a call, an event value, a signal value. Applying an operation (or a workflow)
// to its input gives a call; nothing has happened yet. They are plain data and are validated at the doors (run.call,
// run.emit, app.start, app.publish), never when they are made, so that a replay does not validate again.

/** An operation or a workflow applied to its input. */
export interface CallValue {
  readonly kind: 'call'
  readonly target: 'operation' | 'workflow'
  /** `service.operation`, or the workflow's name. */
  readonly name: string
  readonly input: unknown
}

/** An event applied to its data. `key` is the value of the event's key field. */
export interface EventValue<Type extends string = string, Data = unknown> {
  readonly kind: 'event'
  readonly type: Type
  readonly data: Data
  readonly key: string
}

/** A signal applied to its data. */
export interface SignalValue<Type extends string = string, Data = unknown> {
  readonly kind: 'signal'
  readonly type: Type
  readonly data: Data
}

/** Whether an unknown value is what a definition gives when it is called, and neither the definition itself nor a name. */
export function isGiven<Kind extends 'call' | 'event' | 'signal'>(
  value: unknown,
  kind: Kind,
): value is { readonly kind: Kind } {
  return typeof value === 'object' && value !== null && 'kind' in value && value.kind === kind
}

/** Whether an unknown value is an event value. */
export function isEventValue(value: unknown): value is EventValue {
  return isGiven(value, 'event') && 'type' in value
}

/** Whether an unknown value is a call. */
export function isCallValue(value: unknown): value is CallValue {
  return isGiven(value, 'call') && 'name' in value
}

/** Whether an unknown value is an event type or a signal type. */
export function isReceivable(value: unknown): boolean {
  const isObject = typeof value === 'function' || (typeof value === 'object' && value !== null)
  return isObject && 'kind' in value && (value.kind === 'event' || value.kind === 'signal')
}

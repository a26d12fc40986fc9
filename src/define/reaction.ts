// Reactions: "when this event, make that call", owned by the service that reacts. `service.on(...)` registers one with its
// service; `on(service, ...)` gives one as a value, for ballet({ reactions }), so that importing a module changes nothing.
// Both make a ReactionDefinition; the owner is always named, because the reaction's runs and their order belong to it.
import { isRecord } from '../core/json.ts'
import type { EventValue } from '../core/values.ts'
import type { Call } from './call.ts'
import { definitionOf, type Defined } from './definition-symbol.ts'
import type { EventDefinition, ReactionDefinition, ServiceDefinition } from './definition.ts'
import { isEventType, type EventOf } from './event.ts'
import { refuse, refuseName, refuseNotFunction, refuseUnknownOptions } from './refusal.ts'

/** From an event to the call that answers it, or null. Pure and synchronous; it may run again after a crash. */
export type React<E extends EventDefinition> = (data: EventOf<E>['data'], event: EventOf<E>) => Call | null

/** How a reaction is made. What is omitted is as `on` says. */
export interface ReactionOptions {
  /** Tells a second reaction of one service to one event from the first; default: the type of the event. */
  readonly name?: string | undefined
  /**
   * `key` (default): one at a time per service and key, in the order of the events. `none`: at once, for what must not
   * queue behind something stuck, for example a cancellation.
   */
  readonly order?: 'key' | 'none' | undefined
  /**
   * The operations that it comes to, for `ballet check`, where that cannot be seen: those that the workflow starts which
   * it calls. `['catalog.reserve']`.
   */
  readonly calls?: readonly string[] | undefined
}

/**
 * A reaction as a value: `service` answers `event` with the call that `react` gives.
 *
 *     ballet({ services: [payment], reactions: [
 *       on(payment, OrderCreated, (order) => payment.charge({ orderId: order.orderId, amount: order.total })),
 *     ] })
 *
 * @param service whose reaction it is: it stands in the reaction's name and orders it with the service's others.
 * @throws DEFINITION_INVALID
 */
export function on<E extends EventDefinition>(
  service: Defined<ServiceDefinition>,
  event: E,
  react: React<NoInfer<E>>,
  options: ReactionOptions = {},
): ReactionDefinition {
  const definition = definitionOf(service)
  if (!isServiceDefinition(definition)) refuse('on(...)', 'its first argument must be the service that reacts')
  return reaction(definition.name, event, react, options)
}

/** Checks a reaction and names it. */
export function reaction<E extends EventDefinition>(
  service: string,
  event: E,
  react: React<E>,
  options: ReactionOptions,
): ReactionDefinition {
  const owner = `a reaction of service "${service}"`
  if (!isEventType(event)) refuse(owner, 'it must answer an event type, made by event(...)')
  const what = `reaction "${service}:${event.type}"`
  refuseNotFunction(react, what, 'what answers the event')
  refuseUnknownOptions(options, ['name', 'order', 'calls'], what)
  const { name = event.type, order = 'key', calls } = options
  if (options.name !== undefined) refuseName('reaction', options.name)
  if (order !== 'key' && order !== 'none') refuse(what, `order must be "key" or "none", not ${JSON.stringify(order)}`)
  if (calls !== undefined && !(Array.isArray(calls) && calls.every((call) => typeof call === 'string')))
    refuse(what, `calls must be a list of names, for example ['${service}.operation']`)
  return Object.freeze({
    name: `${service}:${name}`,
    service,
    event,
    order,
    calls: calls ?? null,
    react: react as unknown as (data: never, event: EventValue) => Call | null,
  })
}

/** Whether an unknown value is a reaction, made by on(...). */
export function isReactionDefinition(value: unknown): value is ReactionDefinition {
  return isRecord(value) && typeof value['react'] === 'function'
}

/** Whether a definition is that of a service. */
export function isServiceDefinition(definition: unknown): definition is ServiceDefinition {
  return (
    typeof definition === 'object' && definition !== null && 'operations' in definition && 'reactions' in definition
  )
}

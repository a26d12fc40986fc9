// Services: named groups of operations that one team owns. `service(...)` names the operations, fills in their defaults
// and refuses what is wrong in one of them; applied to an input, each gives a call. The definition grows by `.on` until
// ballet({...}) has collected it; a reaction that comes later would be lost, so it is refused.
import { isRecord } from '../core/json.ts'
import type { CallValue } from '../core/values.ts'
import type { Call } from './call.ts'
import { DEFINITION, definitionOf, type Defined } from './definition-symbol.ts'
import type { EventDefinition, OperationDefinition, ReactionDefinition, ServiceDefinition } from './definition.ts'
import { isEventType } from './event.ts'
import type { Mistake } from './mistake.ts'
import type { Operation, OperationSpec } from './operation.ts'
import { attemptPolicy, heartbeatMsOf } from './policy.ts'
import { reaction, type React, type ReactionOptions } from './reaction.ts'
import { refuse, refuseName, refuseNotFunction, refuseSchema, refuseUnknownOptions } from './refusal.ts'
import { callLimit, type CallLimit, type ServiceLimits } from './service-limits.ts'

const RESERVED = ['on', 'serviceName', 'then', 'constructor', 'toJSON', 'toString', 'valueOf'] as const
type Reserved = (typeof RESERVED)[number]

/** Says nothing of results and undos, or the compiler would infer them from here. */
type Operations = Readonly<Record<string, Defined<OperationSpec> & { readonly kind: 'operation' }>>

/** Every mistake that one operation can make only together with its neighbours. */
type Fitting<Ops> = {
  readonly [Name in keyof Ops]: Name extends Reserved
    ? Mistake<`an operation cannot be named '${Name}'`>
    : Ops[Name] extends Operation<never, unknown, infer Undoes>
      ? Undoable<Ops, Name, Undoes>
      : unknown
}
type Undoable<Ops, Name, Undoes extends string> = [Undoes] extends [never]
  ? unknown
  : Undoes extends Name
    ? Mistake<'an operation cannot undo itself'>
    : Undoes extends keyof Ops
      ? Ops[Undoes] extends Operation<never, unknown, never>
        ? unknown
        : Mistake<`'${Undoes}' is an undo itself and cannot be undone`>
      : Mistake<`undoes names '${Undoes}', which is no operation of this service`>

/** What a service has beside its operations. */
export interface ServiceMembers<Name extends string, Ops> extends Defined<ServiceDefinition> {
  /** As it was given to `service(...)`. */
  readonly serviceName: Name
  /**
   * Registers a reaction of this service: when `event` is published, make the call that `react` gives, or none for null.
   *
   *     payment.on(OrderCreated, (order) => payment.charge({ orderId: order.orderId, amount: order.total }))
   *
   * @throws DEFINITION_INVALID, also once ballet({...}) has collected the service.
   */
  on<E extends EventDefinition>(event: E, react: React<NoInfer<E>>, options?: ReactionOptions): Service<Name, Ops>
}

/** A service: its operations as functions that give calls, and `on`. */
export type Service<Name extends string = string, Ops = unknown> = {
  // With `as` it is a mapping of the operations themselves, so that an editor shows what the author wrote of each, and goes there.
  readonly [Op in keyof Ops as Op & string]: Ops[Op] extends Operation<infer Input, infer Result, infer Undoes>
    ? (
        input: Input,
      ) => Call<Result, `${Name}.${Op & string}`, [Undoes] extends [never] ? 'nothing' : `${Name}.${Undoes}`>
    : never
} & ServiceMembers<Name, Ops>

/** What is said of a service as a whole. */
export interface ServiceOptions {
  /** How often it may be asked, whichever of its operations is called: calls wait for their place. */
  readonly limits?: ServiceLimits | undefined
}

/**
 * Defines a service.
 *
 *     const payment = service('payment', {
 *       charge: operation({ ... }),
 *       refund: operation({ ..., undoes: 'charge' }),
 *     })
 *     payment.charge({ orderId, amount })   // a call: give it to run.call, app.start, or return it from a reaction
 *
 * @param name letters, digits, _ and -, beginning with a letter, up to 64.
 * @param operations by their names, of the same alphabet; `on`, `then` and a few more are taken.
 * @param said `{ limits: { atOnce: 20, rate: '100/s' } }`: how often it may be asked.
 * @throws DEFINITION_INVALID, DURATION_INVALID
 */
export function service<const Name extends string, Ops extends Operations>(
  name: Name,
  operations: Ops & Fitting<Ops>,
  said: ServiceOptions = {},
): Service<Name, Ops> {
  const what = refuseName('service', name)
  if (typeof operations !== 'object' || operations === null)
    refuse(what, 'its operations must be an object of operation(...)')
  refuseUnknownOptions(said, ['limits'], what)
  const limit = callLimit(said.limits, name, what)
  const entries = Object.entries<unknown>(operations)
  const definitions = entries.map(([op, value]) => define({ name, limit }, op, value, Object.keys(operations)))
  const reactions: ReactionDefinition[] = []
  const calls = entries.map(([op]) => [op, (input: unknown) => call(`${name}.${op}`, input)] as const)
  const self = {
    ...Object.fromEntries(calls),
    serviceName: name,
    on: (event: EventDefinition, react: React<EventDefinition>, options: ReactionOptions = {}): unknown => {
      const added = reaction(name, event, react, options)
      if (Object.isFrozen(reactions)) {
        refuse(
          `reaction "${added.name}"`,
          'it came after ballet({...}) had collected the service; register it before, or give it to ballet({ reactions: [on(...)] })',
        )
      }
      reactions.push(added)
      return self
    },
    [DEFINITION]: { name, limit, operations: definitions, reactions } satisfies ServiceDefinition,
  }
  return Object.freeze(self) as unknown as Service<Name, Ops>
}

const OPTIONS = ['input', 'outcomes', 'output', 'undoes', 'retry', 'timeout', 'heartbeat', 'limits', 'run']

interface Owner {
  readonly name: string
  readonly limit: CallLimit | null
}

/** The definition of one operation, checked as far as it can be judged within its service. */
function define(owner: Owner, op: string, value: unknown, siblings: readonly string[]): OperationDefinition {
  const name = `${owner.name}.${op}`
  const what = `operation "${name}"`
  refuseName('operation', op)
  if (RESERVED.some((word) => word === op)) refuse(what, `an operation cannot be named "${op}"`)
  const spec = definitionOf(value)
  if (!isOperationSpec(value, spec)) refuse(what, 'it must be made by operation({...})')
  refuseUnknownOptions(spec, OPTIONS, what)
  refuseSchema(spec.input, what, 'input')
  const outcomes = checkOutcomes(spec, what)
  const undoes = spec.undoes ?? null
  if (undoes === op) refuse(what, 'it cannot undo itself')
  if (undoes !== null && !siblings.includes(undoes)) {
    refuse(what, `undoes names ${JSON.stringify(undoes)}, which is none of ${siblings.join(', ')}`)
  }
  if (spec.run !== undefined) refuseNotFunction(spec.run, what, 'run')
  const policy = attemptPolicy(spec, what)
  return Object.freeze({
    kind: 'operation',
    name,
    service: owner.name,
    input: spec.input,
    outcomes,
    output: spec.output ?? null,
    undoes,
    ...policy,
    heartbeatMs: heartbeatMsOf(spec, policy.timeoutMs, what),
    limits: [callLimit(spec.limits, name, what), owner.limit].filter((limit) => limit !== null),
    run: (spec.run as OperationDefinition['run'] | undefined) ?? null,
    elsewhere: null,
  })
}

function checkOutcomes({ outcomes = [], output }: OperationSpec, what: string): readonly EventDefinition[] {
  const list: unknown = outcomes
  if (output !== undefined) refuseSchema(output, what, 'output')
  if (!Array.isArray(list)) refuse(what, 'outcomes must be a list of event types')
  if (output !== undefined && outcomes.length > 0)
    refuse(what, 'it answers with outcomes or with an output, not with both')
  for (const [index, outcome] of outcomes.entries()) {
    if (!isEventType(outcome)) refuse(what, `outcome ${index + 1} is no event type, made by event(...)`)
    if (outcomes.indexOf(outcome) !== index) refuse(what, `the outcome "${outcome.type}" is listed twice`)
  }
  return Object.freeze([...outcomes])
}

function isOperationSpec(value: unknown, spec: unknown): spec is OperationSpec {
  return isRecord(value) && value['kind'] === 'operation' && isRecord(spec)
}

const call = (name: string, input: unknown): CallValue => ({ kind: 'call', target: 'operation', name, input })

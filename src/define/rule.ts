// Rules that hold beside the pattern of a choreography: what must not come after something (`after`), what must be
// answered (`response`) and what must have come before (`precedence`). The events of a rule need not stand in the
// pattern; they belong to the choreography all the same.
import { toMs, type Duration } from '../core/duration.ts'
import type { FlowRule } from '../core/flow-pattern.ts'
import type { EventDefinition } from './definition.ts'
import { refuse, refuseUnknownOptions } from './refusal.ts'

/** A rule over events of one key. */
export interface Rule<
  Name extends 'after' | 'response' | 'precedence' = 'after' | 'response' | 'precedence',
  Key extends string = string,
> {
  readonly kind: 'rule'
  readonly name: Name
  readonly rule: FlowRule
  readonly events: readonly EventDefinition[]
  /** Known to the compiler alone. */
  readonly '~key'?: Key | undefined
}

type Keyed<Key extends string> = EventDefinition & { readonly key: Key }

/** For `never`: once `first` has come, `then` must not come any more: `never: [after(PaymentRefunded, OrderShipped)]`. */
export function after<A extends string, B extends string>(first: Keyed<A>, then: Keyed<B>): Rule<'after', A | B> {
  return rule('after', first, then, (one, other) => ({ kind: 'after', first: one, second: other }))
}

/**
 * For `always`: whenever `cause` has come, `answer` comes later, and the flow does not end before:
 * `always: [response(ShippingFailed, PaymentRefunded, { within: '1h' })]`.
 */
export function response<A extends string, B extends string>(
  cause: Keyed<A>,
  answer: Keyed<B>,
  options: { readonly within?: Duration | undefined } = {},
): Rule<'response', A | B> {
  refuseUnknownOptions(options, ['within'], 'response(...)')
  const ms = options.within === undefined ? null : toMs(options.within, 'response(...): within')
  return rule('response', cause, answer, (one, other) => ({ kind: 'response', cause: one, answer: other, ms }))
}

/** For `always`: `then` comes only when `first` has come: `always: [precedence(PaymentApproved, OrderShipped)]`. */
export function precedence<A extends string, B extends string>(
  first: Keyed<A>,
  then: Keyed<B>,
): Rule<'precedence', A | B> {
  return rule('precedence', first, then, (one, other) => ({ kind: 'precedence', first: one, second: other }))
}

function rule<Name extends Rule['name'], Key extends string>(
  name: Name,
  first: unknown,
  second: unknown,
  make: (first: string, second: string) => FlowRule,
): Rule<Name, Key> {
  const events = [first, second].map((event, index) => {
    if (isEvent(event)) return event
    return refuse(`${name}(...)`, `its argument ${index + 1} must be an event type, made by event(...)`)
  })
  const [one, other] = events.map(({ type }) => type) as [string, string]
  if (one === other) refuse(`${name}(...)`, `it names "${one}" twice`)
  return Object.freeze({ kind: 'rule', name, rule: make(one, other), events })
}

function isEvent(value: unknown): value is EventDefinition {
  return typeof value === 'function' && 'kind' in value && value.kind === 'event'
}

/** Whether an unknown value is a rule of one of these names. */
export function isRule(value: unknown, names: readonly Rule['name'][]): value is Rule {
  return (
    typeof value === 'object' &&
    value !== null &&
    'kind' in value &&
    value.kind === 'rule' &&
    names.includes((value as Rule).name)
  )
}

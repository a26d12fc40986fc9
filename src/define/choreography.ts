// Choreographies: the flow that the events of one key should follow, declared once. `choreography(...)` compiles it
// (core/flow.ts), so that a flow which cannot be a contract is refused where it is written. It is a contract and not a
// controller: nothing follows from it but that the flow can be watched, checked and drawn.
import { overdueType } from '../core/names.ts'
import { fault } from '../core/errors.ts'
import { Flow, type UNNAMED_ENDING } from '../core/flow.ts'
import type { FlowRule } from '../core/flow-pattern.ts'
import type { ChoreographyDefinition, EventDefinition } from './definition.ts'
import { isEventType } from './event.ts'
import type { Mistake } from './mistake.ts'
import { lift, type EndingOf, type KeyOf, type Part } from './pattern.ts'
import { refuse, refuseField, refuseName, refuseUnknownOptions } from './refusal.ts'
import { isRule, type Rule } from './rule.ts'

/** A choreography. `Ending` is the union of the names of its endings. */
export interface Choreography<
  Name extends string = string,
  Ending extends string = string,
> extends ChoreographyDefinition {
  readonly name: Name
  /** Known to the compiler alone: `EndingOfChoreography`. */
  readonly '~ending'?: (() => Ending) | undefined
}

/** What holds beside the pattern. */
export interface ChoreographyOptions<Key extends string = string> {
  /** What must not come: an event, or one after another: `after(PaymentRefunded, OrderShipped)`. */
  readonly never?: readonly (Rule<'after', Key> | (EventDefinition & { readonly key: Key }))[] | undefined
  /** What must hold: `response(ShippingFailed, PaymentRefunded)`, `precedence(PaymentApproved, OrderShipped)`. */
  readonly always?: readonly Rule<'response' | 'precedence', Key>[] | undefined
  /**
   * Events that no service produces: a customer's wish, say. What can come first in the flow is taken to come from outside
   * without being named here.
   */
  readonly outside?: readonly (EventDefinition & { readonly key: Key })[] | undefined
  /** Whether a deadline that passes is published as the event `<name>.overdue` (default), or recorded only. */
  readonly onDeadline?: 'emit' | 'record' | undefined
}

type Named<Ending> = Ending extends null ? typeof UNNAMED_ENDING : Ending
/** The key must be that of every event. */
type OneKey<P, Key extends string> = [KeyOf<P>] extends [Key]
  ? unknown
  : Mistake<`an event of the flow has the key '${Exclude<KeyOf<P>, Key> & string}', and the choreography follows '${Key}'`>

/**
 * Declares the flow that the events of one key follow.
 *
 *     const fulfilment = choreography('fulfilment', { key: 'orderId' },
 *       seq(OrderCreated, choice(
 *         seq(PaymentApproved.within('30s'), OrderShipped.within('2d')).as('fulfilled'),
 *         PaymentDeclined.within('30s').as('declined'))))
 *
 * @param name letters, digits, _ and -, beginning with a letter, up to 64.
 * @param options `key` names the field that is the key of all events in the flow.
 * @param flow an event type, or a pattern of seq, choice, all, optional and many.
 * @param more rules beside the pattern, what comes from outside, and what a passed deadline does.
 * @throws DEFINITION_INVALID, FLOW_KEY, FLOW_ENDLESS, FLOW_AMBIGUOUS, FLOW_TOO_LARGE
 */
export function choreography<const Name extends string, const Key extends string, const P extends Part>(
  name: Name,
  options: { readonly key: Key },
  flow: P & OneKey<NoInfer<P>, NoInfer<Key>>,
  more: ChoreographyOptions<NoInfer<Key>> = {},
): Choreography<Name, Named<EndingOf<P>>> {
  const what = refuseName('choreography', name)
  refuseUnknownOptions(options, ['key'], what)
  refuseField(options.key, what)
  refuseUnknownOptions(more, ['never', 'always', 'outside', 'onDeadline'], what)
  const { onDeadline = 'emit' } = more
  if (onDeadline !== 'emit' && onDeadline !== 'record')
    refuse(what, `onDeadline must be "emit" or "record", not ${JSON.stringify(onDeadline)}`)
  const pattern = lift(flow, `the flow of ${what}`)
  const { rules, events: ruled } = rulesOf(more, what)
  const given = list<EventDefinition>(more.outside, 'outside', 'an event type', isEventType, what)
  const events = [...new Set([...pattern.events, ...ruled, ...given])]
  for (const { type, key } of events) {
    if (key !== options.key) throw fault('FLOW_KEY', { what, key: options.key, type, other: key })
  }
  for (const { type } of events) {
    if (events.filter((event) => event.type === type).length > 1)
      refuse(what, `two definitions of the event "${type}" stand in it; keep one and import it wherever it is used`)
  }
  // It is published when a deadline passes: a flow that waits for it has a way out, and so no deadline that could pass.
  if (events.some(({ type }) => type === overdueType(name)))
    refuse(
      what,
      `"${overdueType(name)}" stands in it, which says of it that a deadline has passed; react to that event instead`,
    )
  const compiled = new Flow(pattern.flow, rules, what)
  for (const { type } of given) {
    if (!compiled.types.has(type))
      refuse(what, `outside names "${type}", which stands neither in the flow nor in a rule`)
  }
  const [first] = compiled.places
  return Object.freeze({
    kind: 'choreography',
    name,
    key: options.key,
    flow: compiled,
    events: Object.freeze(events),
    outside: Object.freeze(events.filter((event) => given.includes(event) || first?.edges.has(event.type) === true)),
    onDeadline,
  })
}

function rulesOf(
  { never, always }: ChoreographyOptions,
  what: string,
): { readonly rules: readonly FlowRule[]; readonly events: readonly EventDefinition[] } {
  const isNever = (item: unknown): item is Rule | EventDefinition => isEventType(item) || isRule(item, ['after'])
  const forbidden = list(never, 'never', 'an event type or after(...)', isNever, what)
  const isAlways = (item: unknown): item is Rule => isRule(item, ['response', 'precedence'])
  const demanded = list(always, 'always', 'response(...) or precedence(...)', isAlways, what)
  const items = [...forbidden, ...demanded]
  return {
    rules: items.map((item) => (item.kind === 'rule' ? item.rule : { kind: 'never', event: item.type })),
    events: items.flatMap((item) => (item.kind === 'rule' ? item.events : item)),
  }
}

function list<Item>(
  items: unknown,
  option: string,
  wanted: string,
  is: (item: unknown) => item is Item,
  what: string,
): readonly Item[] {
  if (items === undefined) return []
  if (!Array.isArray(items)) refuse(what, `${option} must be a list`)
  return items.map((item: unknown, index) => {
    if (!is(item)) return refuse(what, `${option}[${index}] is not ${wanted}`)
    return item
  })
}

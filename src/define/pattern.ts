// The algebra of choreographies: `seq`, `choice`, `all`, `optional` and `many` put events and patterns together, and each
// pattern can be given a limit (`within`) and a name for its endings (`as`). A pattern is a value: the plain flow of
// core/flow-pattern.ts with the event types that stand in it. The compiler follows the key of the events and the union
// of the endings; `null` in it stands for a path that has no name.
import { toMs, type Duration } from '../core/duration.ts'
import type { FlowPattern } from '../core/flow-pattern.ts'
import type { EventDefinition } from './definition.ts'
import { refuse, refuseName } from './refusal.ts'

/** A part of a flow. `Ending` are the names of its endings, null for a path without one; `Key` the key of its events. */
export interface Pattern<Ending extends string | null = string | null, Key extends string = string> {
  readonly kind: 'pattern'
  readonly flow: FlowPattern
  /** Every event type that stands in it. */
  readonly events: readonly EventDefinition[]
  /** It is complete within this time of the moment at which it may begin. @throws DURATION_INVALID */
  within(limit: Duration): Pattern<Ending, Key>
  /** Names the ending of every path in it that has no name yet. @throws DEFINITION_INVALID */
  as<const Name extends string>(ending: Name): Pattern<Exclude<Ending, null> | Name, Key>
  /** Known to the compiler alone. */
  readonly '~key'?: Key | undefined
  /** Known to the compiler alone. */
  readonly '~ending'?: (() => Ending) | undefined
}

/** What a pattern is made of: event types and patterns. */
export type Part<Key extends string = string> = (EventDefinition & { readonly key: Key }) | Pattern<string | null, Key>
type Parts = readonly [Part, ...Part[]]

/** The names of the endings of a part, null for a path without one. */
export type EndingOf<P> = P extends { readonly kind: 'event' }
  ? null
  : P extends { readonly '~ending'?: (() => infer Ending) | undefined }
    ? Ending
    : never
/** The key field of the events of a part. */
export type KeyOf<P> = P extends { readonly kind: 'event'; readonly key: infer Key }
  ? Key
  : P extends { readonly '~key'?: infer Key }
    ? Exclude<Key, undefined>
    : never

/** Of parts that all come: a path has the name of the part that has one. */
type Joined<P extends Parts> =
  | Exclude<EndingOf<P[number]>, null>
  | (false extends { [I in keyof P]: null extends EndingOf<P[I]> ? true : false }[number] ? never : null)

type Made<P extends Parts, Ending> = Pattern<Ending extends string | null ? Ending : never, KeyOf<P[number]> & string>

/** One after the other: `seq(OrderCreated, PaymentApproved, OrderShipped)`. @throws DEFINITION_INVALID */
export function seq<const P extends Parts>(...parts: P): Made<P, Joined<P>> {
  return several('seq', parts)
}

/** One of them: `choice(PaymentApproved, PaymentDeclined)`. @throws DEFINITION_INVALID */
export function choice<const P extends Parts>(...parts: P): Made<P, EndingOf<P[number]>> {
  return several('choice', parts)
}

/** All of them, in any order, also interleaved: `all(InvoiceSent, OrderShipped)`. @throws DEFINITION_INVALID */
export function all<const P extends Parts>(...parts: P): Made<P, Joined<P>> {
  return several('all', parts)
}

/** Once or not at all: `optional(GiftWrapped)`. @throws DEFINITION_INVALID */
export function optional<const P extends Part>(part: P): Made<[P], EndingOf<P> | null> {
  const { flow, events } = lift(part, 'optional(...)')
  return pattern({ kind: 'optional', part: flow }, events)
}

/** Any number of times, also none: `many(StockReleased)`. @throws DEFINITION_INVALID */
export function many<const P extends Part>(part: P): Made<[P], EndingOf<P> | null> {
  const { flow, events } = lift(part, 'many(...)')
  return pattern({ kind: 'many', part: flow }, events)
}

function several<Ending extends string | null, Key extends string>(
  kind: 'seq' | 'choice' | 'all',
  parts: readonly unknown[],
): Pattern<Ending, Key> {
  if (parts.length === 0) refuse(`${kind}(...)`, 'it needs at least one event or pattern')
  const lifted = parts.map((part, index) => lift(part, `part ${index + 1} of ${kind}(...)`))
  const events = [...new Set(lifted.flatMap((part) => part.events))]
  return pattern({ kind, parts: lifted.map(({ flow }) => flow) }, events)
}

/** A pattern over the events of a flow. What its types promise is for the caller to keep. */
export function pattern<Ending extends string | null, Key extends string>(
  flow: FlowPattern,
  events: readonly EventDefinition[],
): Pattern<Ending, Key> {
  return Object.freeze({
    kind: 'pattern',
    flow,
    events: Object.freeze([...events]),
    within: (limit: Duration) =>
      pattern<Ending, Key>(
        { kind: 'within', ms: toMs(limit, `within of a pattern of ${types(events)}`), part: flow },
        events,
      ),
    as: <Name extends string>(ending: Name) => {
      refuseName(`a pattern of ${types(events)}: ending`, ending)
      return pattern<Exclude<Ending, null> | Name, Key>({ kind: 'as', ending, part: flow }, events)
    },
  })
}

/** Which events a part is of: it does not know its choreography, and may be in several. */
function types(events: readonly EventDefinition[]): string {
  const [first, second, ...more] = [...new Set(events.map(({ type }) => type))]
  return `${[first, second].filter((type) => type !== undefined).join(', ')}${more.length === 0 ? '' : ', …'}`
}

/** An event type or a pattern, as a pattern. @param what names the place in the error. @throws DEFINITION_INVALID */
export function lift(part: unknown, what: string): Pattern {
  if ((typeof part === 'object' || typeof part === 'function') && part !== null && 'kind' in part) {
    if (part.kind === 'pattern') return part as Pattern
    const event = part as EventDefinition
    if (event.kind === 'event') return pattern({ kind: 'event', type: event.type }, [event])
  }
  return refuse(
    what,
    'it must be an event type, made by event(...), or a pattern of seq, choice, all, optional or many',
  )
}

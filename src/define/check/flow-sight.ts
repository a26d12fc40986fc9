// What the checks of one choreography share: who answers with what, who reacts to what, and how far workflows may bring its
// events about. A workflow is code that nobody looks into; what it comes to is known only where nothing but reactions that
// declare their `calls` begins it.
import type { ApplicationDefinition, ChoreographyDefinition, OperationDefinition } from '../definition.ts'
import { Outlook } from './outlook.ts'
import type { ReactionFacts } from './reaction-facts.ts'

export interface FlowSight {
  readonly choreography: ChoreographyDefinition
  readonly operations: readonly OperationDefinition[]
  readonly facts: readonly ReactionFacts[]
  /** Operations by the types that they answer with. */
  readonly producers: ReadonlyMap<string, readonly OperationDefinition[]>
  /** Reactions by the type of their event. */
  readonly reacting: ReadonlyMap<string, readonly ReactionFacts[]>
  /** Types that come from outside, or of which it was said that something else than an operation tells them. */
  readonly outside: ReadonlySet<string>
  /** Types that other choreographies of its key have: what is foreign to this one is followed there. */
  readonly elsewhere: ReadonlySet<string>
  /**
   * What workflows call. `nothing`: there are none. `declared`: what the reactions that begin them declare. `anything`: one is
   * begun otherwise, by the application itself perhaps. `unknown`: one is begun by a reaction that declares nothing.
   */
  readonly workflows: 'nothing' | 'declared' | 'anything' | 'unknown'
  /** What can still come in the flow; looked through when it is asked for first. */
  readonly outlook: () => Outlook
  /** `choreography "fulfilment"`. */
  readonly where: string
}

export function sightOf(
  choreography: ChoreographyDefinition,
  definition: ApplicationDefinition,
  facts: readonly ReactionFacts[],
): FlowSight {
  const operations = definition.services.flatMap((service) => service.operations)
  const producers = grouped(
    operations.flatMap((operation) => operation.outcomes.map(({ type }) => [type, operation] as const)),
  )
  let outlook: Outlook | undefined
  const apart = definition.eventsApart.filter(({ type }) => !producers.has(type))
  return {
    choreography,
    operations,
    facts,
    producers,
    reacting: grouped(facts.map((one) => [one.reaction.event.type, one] as const)),
    outside: new Set([...choreography.outside, ...apart].map(({ type }) => type)),
    elsewhere: new Set(
      definition.choreographies.flatMap(({ key, flow }) => (key === choreography.key ? [...flow.types] : [])),
    ),
    workflows: workflowsOf(definition, facts),
    outlook: () => (outlook ??= new Outlook(choreography.flow.places)),
    where: `choreography "${choreography.name}"`,
  }
}

function workflowsOf({ workflows }: ApplicationDefinition, facts: readonly ReactionFacts[]): FlowSight['workflows'] {
  if (workflows.length === 0) return 'nothing'
  if (facts.some((one) => one.known === 'unknown' && one.workflows.length > 0)) return 'unknown'
  const begun = new Set(facts.flatMap((one) => one.workflows))
  return workflows.every(({ name }) => begun.has(name)) ? 'declared' : 'anything'
}

/** Types as a sentence names them. */
export function listed(types: Iterable<string>): string {
  return [...types].toSorted().join(' or ')
}

/** Whether some of these operations answer with one of some types. */
export function bringsAny(operations: readonly OperationDefinition[], types: ReadonlySet<string>): boolean {
  return operations.some(({ outcomes }) => outcomes.some(({ type }) => types.has(type)))
}

/** Whether a workflow brings one of some types about: it does for all that is known, it may, or it does not. */
export function bringsByWorkflow(
  { choreography, facts, producers, workflows }: FlowSight,
  types: ReadonlySet<string>,
): 'yes' | 'maybe' | 'no' {
  if (workflows === 'nothing') return 'no'
  const bringing = facts.filter(({ known, calls }) => known === 'declared' && bringsAny(calls, types))
  if (workflows === 'unknown' || bringing.some((one) => one.workflows.length > 0)) return 'yes'
  // Where nobody reacts to the flow, workflows are all there is.
  const reacts = facts.some(({ reaction }) => choreography.flow.types.has(reaction.event.type))
  if (workflows === 'anything') return reacts ? 'maybe' : 'yes'
  // It may be begun for data that no sample has, and it may emit what no operation answers with.
  return bringing.length > 0 || [...types].some((type) => !producers.has(type)) ? 'maybe' : 'no'
}

/** Things by their name, in their order. */
export function grouped<T>(pairs: readonly (readonly [name: string, thing: T])[]): ReadonlyMap<string, readonly T[]> {
  const groups = new Map<string, T[]>()
  for (const [name, thing] of pairs) {
    const group = groups.get(name)
    if (group === undefined) groups.set(name, [thing])
    else group.push(thing)
  }
  return groups
}

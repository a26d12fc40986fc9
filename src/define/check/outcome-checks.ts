// Whether what is answered in a flow has a place in it: every outcome of the operations that its reactions call, and that only
// once where the flow has it once.
import type { Edge, Place } from '../../core/flow-places.ts'
import type { OperationDefinition } from '../definition.ts'
import { finding, noteOf, variableOf, type Finding, type FindingCode } from './finding.ts'
import { bringsByWorkflow, listed, type FlowSight } from './flow-sight.ts'
import type { ReactionFacts } from './reaction-facts.ts'

/** What is answered in the flow has a place in it. */
export function checkOutcomes(sight: FlowSight): readonly Finding[] {
  const { choreography, facts } = sight
  const { flow } = choreography
  const later = laterTypes(flow.places)
  const findings = facts.flatMap((one) => {
    const { type } = one.reaction.event
    const edges = flow.places.flatMap((place, number) => {
      const edge = place.edges.get(type)
      return edge === undefined ? [] : [{ number, to: edge.to }]
    })
    if (edges.length === 0) return []
    return one.calls.flatMap((operation) =>
      operation.outcomes
        .filter((outcome) => outcome.key === choreography.key)
        .flatMap((outcome) => placed(sight, { one, operation, type: outcome.type, edges, later }) ?? []),
    )
  })
  return [...findings, ...checkDoubled(sight)]
}

/** An outcome of an operation that a reaction calls. */
interface Answer {
  readonly one: ReactionFacts
  readonly operation: OperationDefinition
  readonly type: string
  /** Where the event comes to which it reacts. */
  readonly edges: readonly { readonly number: number; readonly to: number }[]
  readonly later: readonly ReadonlySet<string>[]
}

/** What is wrong with an outcome; null when the flow has a place for it behind one of the edges. */
function placed(sight: FlowSight, answer: Answer): Finding | null {
  const { one, operation, type, edges, later } = answer
  const { flow } = sight.choreography
  const { reaction } = one
  const mend = `choice(..., ${variableOf(type)}) where the flow goes on after ${variableOf(reaction.event.type)}`
  const told = (code: FindingCode, problem: string): Finding =>
    finding(
      code,
      `${sight.where}, reaction "${reaction.name}"`,
      `${operation.name} may answer with ${type}, and ${problem}`,
      mend,
    )
  if (!flow.types.has(type)) return told('outcome-unknown', 'the flow does not have it')
  const after = (number: number): string =>
    [...(flow.paths[number] as readonly string[]), reaction.event.type].join(', ')
  // Elsewhere in the flow it has one: what an operation answers may hang on what it knows.
  if (edges.every(({ to }) => later[to]?.has(type) !== true))
    return told('outcome-misplaced', `after ${after(edges[0]?.number ?? 0)} the flow has no place for it`)
  const others = othersOnly(sight, answer)
  if (others === null || edges.some(({ to }) => comesWithout(flow.places, to, type, others))) return null
  const found = told(
    'outcome-misplaced',
    `after ${after(edges[0]?.number ?? 0)} the flow has a place for it only behind ${listed(others)}, with which the same call may answer`,
  )
  return sight.facts.every(({ known }) => known === 'declared') ? found : noteOf(found)
}

/**
 * The other outcomes of an operation, where one call has to answer with all that the flow has of them: the event comes once,
 * nobody else calls the operation, as far as is known, and nothing else answers with them. Else null.
 */
function othersOnly(sight: FlowSight, { one, operation, type, edges, later }: Answer): ReadonlySet<string> | null {
  const { facts, outside, producers } = sight
  const others = new Set(operation.outcomes.map((outcome) => outcome.type).filter((other) => other !== type))
  const isOnce = edges.every(({ to }) => later[to]?.has(one.reaction.event.type) !== true)
  const isAlone = facts.every(
    (other) => other === one || (other.known !== 'unknown' && !other.calls.includes(operation)),
  )
  const isOnly = [...others].every((other) => producers.get(other)?.length === 1 && !outside.has(other))
  if (others.size === 0 || !isOnce || !isAlone || !isOnly || one.known === 'unknown') return null
  // A workflow may make the call any number of times.
  return bringsByWorkflow(sight, others) === 'no' ? others : null
}

/** Whether a type can come behind a place while none of some others does. */
function comesWithout(places: readonly Place[], from: number, type: string, others: ReadonlySet<string>): boolean {
  const seen = new Set([from])
  for (const number of seen) {
    const edges = places[number]?.edges ?? new Map<string, Edge>()
    if (edges.has(type)) return true
    for (const [other, { to }] of edges) if (!others.has(other)) seen.add(to)
  }
  return false
}

/**
 * Two reactions that bring the same event for every sample, where the flow has it once. A note: what tells them apart may
 * be a number that no sample has.
 */
function checkDoubled({ choreography, facts, where }: FlowSight): readonly Finding[] {
  const { places } = choreography.flow
  const later = laterTypes(places)
  const sure = facts.filter(
    ({ conditional, known, calls }) => !conditional && known !== 'unknown' && calls[0]?.outcomes.length === 1,
  )
  return sure.flatMap(({ reaction, calls }, index) => {
    const brought = calls[0]?.outcomes[0]?.type ?? ''
    const second = sure
      .slice(index + 1)
      .find(
        (other) => other.reaction.event.type === reaction.event.type && other.calls[0]?.outcomes[0]?.type === brought,
      )
    if (second === undefined) return []
    const twice = places.some(({ edges }) => {
      const to = edges.get(reaction.event.type)?.to
      if (to === undefined) return false
      const once = [...reachable(places, to)].flatMap((number) => places[number]?.edges.get(brought)?.to ?? [])
      return once.some((number) => later[number]?.has(brought) === true)
    })
    if (twice || !choreography.flow.types.has(brought)) return []
    return finding(
      'answer-doubled',
      `${where}, event "${reaction.event.type}"`,
      `the reactions ${reaction.name} and ${second.reaction.name} both bring ${brought} for every sample of its data, and the flow has it once`,
      `Take one of them out, or write many(${variableOf(brought)})`,
    )
  })
}

/** The types that can still come from each place on. */
function laterTypes(places: readonly Place[]): readonly ReadonlySet<string>[] {
  return places.map(
    (_place, from) =>
      new Set([...reachable(places, from)].flatMap((number) => [...(places[number]?.edges.keys() ?? [])])),
  )
}

function reachable(places: readonly Place[], from: number): ReadonlySet<number> {
  const seen = new Set([from])
  for (const number of seen) for (const { to } of places[number]?.edges.values() ?? []) seen.add(to)
  return seen
}

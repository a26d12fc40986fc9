// Whether what is answered in a flow has a place in it: every outcome of the operations that its reactions call, and that only
// once where the flow has it once.
import type { Edge, Place } from '../../core/flow-places.ts'
import type { OperationDefinition } from '../definition.ts'
import { finding, noteOf, variableOf, type Finding, type FindingCode } from './finding.ts'
import { bringsByWorkflow, grouped, listed, type FlowSight } from './flow-sight.ts'
import type { Coming } from './outlook.ts'
import type { ReactionFacts } from './reaction-facts.ts'

/** What is answered in the flow has a place in it. */
export function checkOutcomes(sight: FlowSight): readonly Finding[] {
  const { choreography, facts } = sight
  const outlook = sight.outlook()
  const findings = facts.flatMap((one) => {
    const comings = outlook.comings(one.reaction.event.type)
    if (comings.length === 0) return []
    return one.calls.flatMap((operation) =>
      operation.outcomes
        .filter((outcome) => outcome.key === choreography.key)
        .flatMap((outcome) => placed(sight, { one, operation, type: outcome.type, comings }) ?? []),
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
  readonly comings: readonly Coming[]
}

/** What is wrong with an outcome; null when the flow has a place for it behind one of the edges. */
function placed(sight: FlowSight, answer: Answer): Finding | null {
  const { one, operation, type, comings } = answer
  const { flow } = sight.choreography
  const outlook = sight.outlook()
  const { reaction } = one
  const mend = `choice(..., ${variableOf(type)}) where the flow goes on after ${variableOf(reaction.event.type)}`
  const told = (code: FindingCode, problem: string): Finding =>
    finding(
      code,
      `${sight.where}, reaction "${reaction.name}"`,
      `${operation.name} may answer with ${type}, and ${problem}`,
      mend,
    )
  if (!flow.types.has(type))
    return sight.elsewhere.has(type) ? null : told('outcome-unknown', 'the flow does not have it')
  // Elsewhere in the flow it has one: what an operation answers may hang on what it knows.
  const after = (): string =>
    [...(flow.paths[comings[0]?.number ?? 0] as readonly string[]), reaction.event.type].join(', ')
  if (!comings.some(({ to }) => outlook.comes(to, type)))
    return told('outcome-misplaced', `after ${after()} the flow has no place for it`)
  const others = new Set(operation.outcomes.map((outcome) => outcome.type).filter((other) => other !== type))
  if (comings.some(({ to }) => comesWithout(flow.places, to, type, others)) || !isOneOf(sight, answer, others))
    return null
  const found = told(
    'outcome-misplaced',
    `after ${after()} the flow has a place for it only behind ${listed(others)}, with which the same call may answer`,
  )
  return sight.facts.every(({ known }) => known === 'declared') ? found : noteOf(found)
}

/**
 * Whether one call has to answer with all that the flow has of an outcome and the others: the event comes once, nobody else
 * calls the operation, as far as is known, and nothing else answers with them.
 */
function isOneOf(sight: FlowSight, { one, operation, comings }: Answer, others: ReadonlySet<string>): boolean {
  const { facts, outside, producers } = sight
  const isAgain = comings.some(({ to }) => sight.outlook().comes(to, one.reaction.event.type))
  const isElse = [...others].some((other) => producers.get(other)?.length !== 1 || outside.has(other))
  if (others.size === 0 || isAgain || isElse) return false
  if (facts.some((other) => other.known === 'unknown' || (other !== one && other.calls.includes(operation))))
    return false
  // A workflow may make the call any number of times.
  return bringsByWorkflow(sight, others) === 'no'
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
function checkDoubled(sight: FlowSight): readonly Finding[] {
  const { choreography, facts, where } = sight
  const outlook = sight.outlook()
  const sure = facts.filter(
    ({ conditional, known, calls }) => !conditional && known !== 'unknown' && calls[0]?.outcomes.length === 1,
  )
  const bringing = ({ reaction, calls }: ReactionFacts): readonly [string, string] => [
    reaction.event.type,
    calls[0]?.outcomes[0]?.type ?? '',
  ]
  const same = grouped(sure.map((one) => [bringing(one).join(' '), one] as const))
  const nextOf = new Map(
    [...same.values()].flatMap((ones) => ones.map((one, index) => [one, ones[index + 1]] as const)),
  )
  return sure.flatMap((one) => {
    const second = nextOf.get(one)
    if (second === undefined) return []
    const [type, brought] = bringing(one)
    const twice = outlook.comings(type).some(({ to }) => outlook.comesTwice(to, brought))
    if (twice || !choreography.flow.types.has(brought)) return []
    return finding(
      'answer-doubled',
      `${where}, event "${type}"`,
      `the reactions ${one.reaction.name} and ${second.reaction.name} both bring ${brought} for every sample of its data, and the flow has it once`,
      `Take one of them out, or write many(${variableOf(brought)})`,
    )
  })
}

// All reactions of an application together: whether what they wait for comes, and whether they answer each other for
// ever.
import { overdueType } from '../../core/names.ts'
import type { Flow } from '../../core/flow.ts'
import type { ApplicationDefinition, EventDefinition } from '../definition.ts'
import { finding, noteOf, variableOf, type Finding } from './finding.ts'
import { grouped } from './flow-sight.ts'
import type { ReactionFacts } from './reaction-facts.ts'

type Reacting = ReadonlyMap<string, readonly ReactionFacts[]>

/** Reactions that wait for an event which nobody produces; asked where choreographies say what comes from outside. */
export function checkHeard(definition: ApplicationDefinition, facts: readonly ReactionFacts[]): readonly Finding[] {
  const { choreographies, services, eventsApart, workflows } = definition
  if (choreographies.length === 0) return []
  const operations = services.flatMap((service) => service.operations)
  const known = new Set([
    ...operations.flatMap(({ outcomes }) => outcomes.map(({ type }) => type)),
    ...choreographies.flatMap(({ name, outside, events, flow, onDeadline }) => [
      ...outside.map(({ type }) => type),
      // The monitor says so when a deadline passes.
      ...(onDeadline === 'emit' && hasDeadline(flow) ? [overdueType(name)] : []),
      // What a flow waits for and nobody produces is told once, at the flow.
      ...comingOf(flow, events),
    ]),
    ...eventsApart.map(({ type }) => type),
  ])
  return facts
    .filter(({ reaction }) => !known.has(reaction.event.type))
    .map(({ reaction: { name, event } }) => {
      const one = finding(
        'reaction-unheard',
        `reaction "${name}"`,
        `no operation answers with ${event.type}, and no choreography has it from outside`,
        `outcomes: [${variableOf(event.type)}] at an operation, or ballet({ events: [${variableOf(event.type)}] }) if it is published from outside or a workflow emits it`,
      )
      return workflows.length === 0 ? one : noteOf(one)
    })
}

function comingOf({ places }: Flow, events: readonly EventDefinition[]): readonly string[] {
  const coming = new Set(places.flatMap(({ edges }) => [...edges.keys()]))
  return events.flatMap(({ type }) => (coming.has(type) ? type : []))
}

const hasDeadline = ({ places }: Flow): boolean => places.some(({ dues }) => dues.length > 0)

/**
 * Events after which the reactions answer each other without a way out, whatever the operations answer. A note, because a
 * way out may hang on a number that no sample has: how often it was tried, say.
 */
export function checkCycles(facts: readonly ReactionFacts[]): readonly Finding[] {
  const reacting = grouped(facts.map((one) => [one.reaction.event.type, one] as const))
  const settled = settledTypes(facts, reacting)
  const seen = new Set<string>()
  return [...reacting.keys()].flatMap((type) => {
    if (settled.has(type) || seen.has(type)) return []
    // The cycle may begin after this event; it is told once.
    const cycle = cycleFrom(type, reacting, settled, seen)
    const [first] = cycle
    if (first === undefined) return []
    return finding(
      'cycle-endless',
      `event "${first}"`,
      `its reactions lead back to it whatever is answered, with every sample of their data: ${[...cycle, first].join(' -> ')}`,
      'Let one of the reactions give null when enough was done, or one operation have an outcome to which nobody reacts',
    )
  })
}

const outcomesOf = ({ calls }: ReactionFacts): readonly string[] =>
  calls.flatMap(({ outcomes }) => outcomes.map(({ type }) => type))

/** Types of which everything that surely follows can come to rest. */
function settledTypes(facts: readonly ReactionFacts[], reacting: Reacting): ReadonlySet<string> {
  const sure = facts.filter(({ known, conditional }) => known !== 'unknown' && !conditional)
  const waiting = new Map([...reacting.keys()].map((type) => [type, 0]))
  for (const { reaction } of sure) waiting.set(reaction.event.type, (waiting.get(reaction.event.type) ?? 0) + 1)
  const waitingFor = grouped(sure.flatMap((one) => outcomesOf(one).map((type) => [type, one] as const)))
  const rests = new Set(
    sure.filter((one) => outcomesOf(one).length === 0 || outcomesOf(one).some((type) => !reacting.has(type))),
  )
  const settled = new Set([...waiting].flatMap(([type, count]) => (count === 0 ? type : [])))
  const rest = ({ reaction }: ReactionFacts): void => {
    const count = (waiting.get(reaction.event.type) as number) - 1
    waiting.set(reaction.event.type, count)
    if (count === 0) settled.add(reaction.event.type)
  }
  for (const one of rests) rest(one)
  // What is added meanwhile is come by as well.
  for (const type of settled) {
    for (const one of waitingFor.get(type) ?? []) {
      if (rests.has(one)) continue
      rests.add(one)
      rest(one)
    }
  }
  return settled
}

/**
 * The events of the cycle that is reached from an unsettled one, from its first on; empty where it was seen before.
 * @param seen takes what is come by.
 */
function cycleFrom(
  type: string,
  reacting: Reacting,
  settled: ReadonlySet<string>,
  seen: Set<string>,
): readonly string[] {
  const trail = new Set<string>()
  let at: string | undefined = type
  while (at !== undefined && !seen.has(at)) {
    seen.add(at)
    trail.add(at)
    const reactions: readonly ReactionFacts[] = reacting.get(at) ?? []
    at = reactions
      .filter(({ conditional }) => !conditional)
      .flatMap(outcomesOf)
      .find((next) => reacting.has(next) && !settled.has(next))
  }
  if (at === undefined || !trail.has(at)) return []
  const events = [...trail]
  return events.slice(events.indexOf(at))
}

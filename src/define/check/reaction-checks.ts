// All reactions of an application together: whether what they wait for comes, and whether they answer each other for
// ever.
import type { Flow } from '../../core/flow.ts'
import type { ApplicationDefinition } from '../definition.ts'
import { finding, noteOf, variableOf, type Finding } from './finding.ts'
import type { ReactionFacts } from './reaction-facts.ts'

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
      ...(onDeadline === 'emit' && hasDeadline(flow) ? [`${name}.overdue`] : []),
      // What a flow waits for and nobody produces is told once, at the flow.
      ...events.filter(({ type }) => flow.places.some(({ edges }) => edges.has(type))).map(({ type }) => type),
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

const hasDeadline = ({ places }: Flow): boolean => places.some(({ dues }) => dues.length > 0)

/**
 * Events after which the reactions answer each other without a way out, whatever the operations answer. A note, because a
 * way out may hang on a number that no sample has: how often it was tried, say.
 */
export function checkCycles(facts: readonly ReactionFacts[]): readonly Finding[] {
  const types = new Set(facts.map(({ reaction }) => reaction.event.type))
  const settled = new Set<string>()
  /** Whether everything that surely follows from an event can come to rest. */
  const settles = (type: string): boolean =>
    facts
      .filter(({ reaction, known, conditional }) => reaction.event.type === type && known !== 'unknown' && !conditional)
      .every(({ calls }) => {
        const outcomes = calls.flatMap((call) => call.outcomes)
        return (
          outcomes.length === 0 || outcomes.some((outcome) => !types.has(outcome.type) || settled.has(outcome.type))
        )
      })
  for (let before = -1; before < settled.size;) {
    before = settled.size
    for (const type of types) if (settles(type)) settled.add(type)
  }
  const told = new Set<string>()
  return [...types].flatMap((type) => {
    if (settled.has(type) || told.has(type)) return []
    // The cycle may begin after this event; it is told once.
    const cycle = cycleFrom(type, facts, settled)
    const [first] = cycle
    if (first === undefined || told.has(first)) return []
    for (const one of cycle) told.add(one)
    return finding(
      'cycle-endless',
      `event "${first}"`,
      `its reactions lead back to it whatever is answered, with every sample of their data: ${[...cycle, first].join(' -> ')}`,
      'Let one of the reactions give null when enough was done, or one operation have an outcome to which nobody reacts',
    )
  })
}

/** The events of the cycle that is reached from an unsettled one, from its first on. */
function cycleFrom(type: string, facts: readonly ReactionFacts[], settled: ReadonlySet<string>): readonly string[] {
  const trail: string[] = []
  let at: string | undefined = type
  while (at !== undefined && !trail.includes(at)) {
    trail.push(at)
    const from: string = at
    at = facts
      .filter(({ reaction, conditional }) => reaction.event.type === from && !conditional)
      .flatMap(({ calls }) => calls.flatMap(({ outcomes }) => outcomes.map((outcome) => outcome.type)))
      .find((next) => facts.some(({ reaction }) => reaction.event.type === next) && !settled.has(next))
  }
  return at === undefined ? [] : trail.slice(trail.indexOf(at))
}

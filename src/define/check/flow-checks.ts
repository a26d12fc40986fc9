// A choreography against the application: whether its events come about, and whether what is answered has a place. Every
// fault is one that holds whatever the data are; what rests on samples not having shown a call is a note, and where a
// reaction could not be looked into, nothing is concluded.
import { showMs } from '../../core/duration.ts'
import { partsOf, typesOf, type FlowPattern } from '../../core/flow-pattern.ts'
import type { Place } from '../../core/flow-places.ts'
import type { OperationDefinition } from '../definition.ts'
import { finding, noteOf, variableOf, type Finding } from './finding.ts'
import { bringsAny, bringsByWorkflow, type FlowSight } from './flow-sight.ts'
import type { ReactionFacts } from './reaction-facts.ts'

/** What is wrong with one choreography in its application. */
export function checkFlow(sight: FlowSight): readonly Finding[] {
  return [...checkText(sight), ...checkProduced(sight), ...checkAnswered(sight), ...checkOutcomes(sight)]
}

const listed = (types: Iterable<string>): string => [...types].toSorted().join(' or ')
const operationsWith = ({ producers }: FlowSight, type: string): readonly OperationDefinition[] =>
  producers.get(type) ?? []

/** What the flow says against itself. */
function checkText({ choreography: { flow }, where }: FlowSight): readonly Finding[] {
  const possible = new Set(flow.places.flatMap(({ edges }) => [...edges.keys()]))
  const named = endingsNamed(flow.pattern)
  return [
    ...typesOf(flow.pattern)
      .filter((type) => !possible.has(type))
      .map((type) =>
        finding(
          'event-impossible',
          `${where}, event "${type}"`,
          'the rules leave no place for it',
          `Take ${variableOf(type)} out of the pattern, or drop the rule that forbids it`,
        ),
      ),
    ...named
      .filter((ending) => !flow.endings.includes(ending))
      .map((ending) =>
        finding(
          'ending-impossible',
          `${where}, ending "${ending}"`,
          'the rules, or names within it, leave no way to it',
          `Take .as('${ending}') out, or drop the rule that forbids its path`,
        ),
      ),
    ...pointless(flow.pattern, null).map(([types, problem]) =>
      finding(
        'limit-pointless',
        `${where}, limit of ${listed(types)}`,
        problem,
        'Take it out, or make it shorter than the one around it',
      ),
    ),
  ]
}

function endingsNamed(pattern: FlowPattern): readonly string[] {
  const own = pattern.kind === 'as' ? [pattern.ending] : []
  return [...new Set([...own, ...partsOf(pattern).flatMap(endingsNamed)])]
}

/** Limits that can never pass before one around them does. */
function pointless(pattern: FlowPattern, around: number | null): readonly (readonly [readonly string[], string])[] {
  if (pattern.kind !== 'within') return partsOf(pattern).flatMap((part) => pointless(part, around))
  const inner = partsOf(pattern).flatMap((part) => pointless(part, Math.min(pattern.ms, around ?? pattern.ms)))
  if (around === null || pattern.ms < around) return inner
  return [
    [typesOf(pattern), `${showMs(pattern.ms)} is not shorter than the limit around it, ${showMs(around)}`],
    ...inner,
  ]
}

/** Every event of the flow comes about. */
export function checkProduced(sight: FlowSight): readonly Finding[] {
  const { choreography, facts, outside } = sight
  const { pattern, rules } = choreography.flow
  const needed = [...typesOf(pattern), ...rules.flatMap((rule) => (rule.kind === 'response' ? rule.answer : []))]
  const known = leastKnown(facts)
  const called = new Set(facts.flatMap(({ calls }) => calls))
  return [...new Set(needed)]
    .filter((type) => !outside.has(type))
    .flatMap((type) => {
      const producers = operationsWith(sight, type)
      if (producers.length === 0) return unproduced(sight, type)
      if (known === 'unknown' || producers.some((operation) => called.has(operation))) return []
      return uncalled(sight, type, known)
    })
}

function unproduced({ where, workflows }: FlowSight, type: string): Finding {
  const name = variableOf(type)
  const line = `outcomes: [${name}] at the operation that answers with it, or { outside: [${name}] } at the choreography`
  const place = `${where}, event "${type}"`
  if (workflows === 'nothing') return finding('event-unproduced', place, 'no operation has it as an outcome', line)
  const mend = `${line} if it comes from there or a workflow emits it`
  return noteOf(finding('event-unproduced', place, 'no operation has it as an outcome', mend))
}

function uncalled(sight: FlowSight, type: string, known: 'declared' | 'sampled'): readonly Finding[] {
  const producers = operationsWith(sight, type)
  const byWorkflow = bringsByWorkflow(sight, new Set([type]))
  if (byWorkflow === 'yes') return []
  const names = producers.map(({ name }) => name).join(' or ')
  const line = `${producers[0]?.service}.on(..., (data) => ${producers[0]?.name}({ ... }))`
  const calls = known === 'declared' ? 'no reaction calls that' : 'no reaction called that for a sample of its data'
  const problem = `only ${names} answers with it, and ${calls}`
  const place = `${sight.where}, event "${type}"`
  if (byWorkflow === 'maybe')
    return [noteOf(finding('event-uncalled', place, `${problem}, though a workflow may`, line))]
  if (known === 'declared') return [finding('event-uncalled', place, problem, line)]
  const mend = `${line}, or { calls: ['${producers[0]?.name}'] } as options of the one that does for other data`
  return [noteOf(finding('event-uncalled', place, problem, mend))]
}

/** How much is known of the least known of some reactions. */
function leastKnown(facts: readonly ReactionFacts[]): ReactionFacts['known'] {
  if (facts.some(({ known }) => known === 'unknown')) return 'unknown'
  return facts.some(({ known }) => known === 'sampled') ? 'sampled' : 'declared'
}

/** After every event somebody reacts, and with something that the flow waits for. */
function checkAnswered(sight: FlowSight): readonly Finding[] {
  const { places, paths } = sight.choreography.flow
  const found = new Map<string, Finding>()
  for (const [number, place] of places.entries()) {
    for (const [type, { to }] of place.edges) {
      if (found.get(type)?.level === 'fault') continue
      const wanted = newlyWanted(place, type, places[to] as Place, sight.outside)
      if (wanted.size === 0) continue
      const one = unanswered(sight, type, wanted, paths[number] as readonly string[])
      if (one !== null && (one.level === 'fault' || !found.has(type))) found.set(type, one)
    }
  }
  return [...found.values()]
}

/** What is missing after an event that came behind `path`, so that the flow goes on; null when nothing is, as far as is known. */
function unanswered(
  sight: FlowSight,
  type: string,
  wanted: ReadonlySet<string>,
  path: readonly string[],
): Finding | null {
  const reacting = sight.reacting.get(type) ?? []
  const known = leastKnown(reacting)
  if (known === 'unknown' || reacting.some(({ calls }) => bringsAny(calls, wanted))) return null
  const byWorkflow = bringsByWorkflow(sight, wanted)
  if (byWorkflow === 'yes') return null
  const place = `${sight.where}, event "${type}"`
  const [first = ''] = wanted
  const producer = operationsWith(sight, first)[0]
  const line = `${producer?.service ?? 'service'}.on(${variableOf(type)}, (data) => ${producer?.name ?? 'service.operation'}({ ... }))`
  const waits = `after ${[...path, type].join(', ')} the flow waits for ${listed(wanted)}, and`
  const maybe = byWorkflow === 'maybe' ? ', though a workflow may go on' : ''
  if (reacting.length === 0) {
    const one = finding('event-unanswered', place, `${waits} nobody reacts to ${type}${maybe}`, line)
    return maybe === '' ? one : noteOf(one)
  }
  const who = `who reacts (${reacting.map(({ reaction }) => reaction.name).join(', ')})`
  if (known === 'declared') {
    const one = finding('answer-missing', place, `${waits} ${who} calls nothing that answers with it${maybe}`, line)
    return maybe === '' ? one : noteOf(one)
  }
  const mend = `${line}, or { calls: ['${producer?.name ?? 'service.operation'}'] } as options of the one that does for other data`
  return noteOf(
    finding(
      'answer-missing',
      place,
      `${waits} ${who} called nothing that answers with it for a sample of its data${maybe}`,
      mend,
    ),
  )
}

/** What a flow waits for because of an event; empty when it may end there, or waits for something since before. */
function newlyWanted(before: Place, type: string, after: Place, outside: ReadonlySet<string>): ReadonlySet<string> {
  if (after.endings.length > 0) return new Set()
  const inside = [...after.edges.keys()].filter((next) => !outside.has(next))
  const pending = inside.some((next) => next !== type && before.edges.has(next))
  return new Set(pending ? [] : inside)
}

/** What is answered in the flow has a place in it. */
function checkOutcomes(sight: FlowSight): readonly Finding[] {
  const { choreography, facts, where } = sight
  const { flow } = choreography
  const later = laterTypes(flow.places)
  const findings: Finding[] = []
  for (const { reaction, calls } of facts) {
    const { type } = reaction.event
    const edges = flow.places.flatMap((place, number) => {
      const edge = place.edges.get(type)
      return edge === undefined ? [] : [{ number, to: edge.to }]
    })
    if (edges.length === 0) continue
    for (const operation of calls) {
      for (const outcome of operation.outcomes) {
        if (outcome.key !== choreography.key) continue
        const place = `${where}, reaction "${reaction.name}"`
        if (!flow.types.has(outcome.type)) {
          findings.push(
            finding(
              'outcome-unknown',
              place,
              `${operation.name} may answer with ${outcome.type}, and the flow does not have it`,
              `choice(..., ${variableOf(outcome.type)}) where the flow goes on after ${variableOf(type)}`,
            ),
          )
          continue
        }
        const without = edges.filter(({ to }) => later[to]?.has(outcome.type) !== true)
        // Elsewhere in the flow it has one: what an operation answers may hang on what it knows.
        if (without.length < edges.length) continue
        const path = [...(flow.paths[without[0]?.number ?? 0] as readonly string[]), type].join(', ')
        findings.push(
          finding(
            'outcome-misplaced',
            place,
            `${operation.name} may answer with ${outcome.type}, and after ${path} the flow has no place for it`,
            `choice(..., ${variableOf(outcome.type)}) where the flow goes on after ${variableOf(type)}`,
          ),
        )
      }
    }
  }
  return [...findings, ...checkDoubled(sight)]
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

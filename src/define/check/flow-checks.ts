// A choreography against the application: whether its events come about, and whether what is answered has a place. Every
// fault is one that holds whatever the data are; what rests on samples not having shown a call is a note, and where a
// reaction could not be looked into, nothing is concluded.
import { typesOf } from '../../core/flow-pattern.ts'
import type { Place } from '../../core/flow-places.ts'
import type { OperationDefinition } from '../definition.ts'
import { finding, noteOf, variableOf, type Finding } from './finding.ts'
import { bringsAny, bringsByWorkflow, listed, type FlowSight } from './flow-sight.ts'
import { checkOutcomes } from './outcome-checks.ts'
import type { ReactionFacts } from './reaction-facts.ts'
import { checkText } from './text-checks.ts'

/** What is wrong with one choreography in its application. */
export function checkFlow(sight: FlowSight): readonly Finding[] {
  return [...checkText(sight), ...checkProduced(sight), ...checkAnswered(sight), ...checkOutcomes(sight)]
}

const operationsWith = ({ producers }: FlowSight, type: string): readonly OperationDefinition[] =>
  producers.get(type) ?? []

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
  const maybe = byWorkflow === 'maybe' ? ', though a workflow may go on' : earlierWords(sight, wanted, [...path, type])
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

/** Words for who reacts to an event of a path with what is wanted behind it, where nothing of that has come since; empty for nobody. */
function earlierWords({ reacting }: FlowSight, wanted: ReadonlySet<string>, path: readonly string[]): string {
  const since = path.slice(path.findLastIndex((type) => wanted.has(type)) + 1, -1)
  const before = since.find((type) => reacting.get(type)?.some(({ calls }) => bringsAny(calls, wanted)))
  return before === undefined ? '' : `, though who reacts to ${before} may have brought it about`
}

/** What a flow waits for because of an event; empty when it may end there, or waits for something since before. */
function newlyWanted(before: Place, type: string, after: Place, outside: ReadonlySet<string>): ReadonlySet<string> {
  if (after.endings.length > 0) return new Set()
  const inside = [...after.edges.keys()].filter((next) => !outside.has(next))
  const pending = inside.some((next) => next !== type && before.edges.has(next))
  return new Set(pending ? [] : inside)
}

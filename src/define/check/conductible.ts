// Whether a choreography can be conducted: every event of its flow comes from outside, or is the outcome of an operation that
// a reaction may call. What reactions come to is looked for as `ballet check` does, and what is no more than a note there
// is not refused, because it might work; but for an event that no operation answers with, which has to be said of what a
// workflow emits as well.
import { fault } from '../../core/errors.ts'
import { checkProduced } from './flow-checks.ts'
import { sightOf } from './flow-sight.ts'
import { reactionFacts } from './reaction-facts.ts'
import type { ApplicationDefinition, ChoreographyDefinition } from '../definition.ts'

/** @throws CONDUCT_IMPOSSIBLE naming the first event that nothing brings about. */
export function checkConductible(choreography: ChoreographyDefinition, definition: ApplicationDefinition): void {
  const findings = checkProduced(sightOf(choreography, definition, reactionFacts(definition)))
  const found = findings.find(({ code, level }) => level === 'fault' || code === 'event-unproduced')
  if (found === undefined) return
  const { place, problem } = found
  const event = place.slice(place.indexOf(', ') + 2)
  throw fault('CONDUCT_IMPOSSIBLE', { name: choreography.name, problem: `of its ${event} ${problem}` })
}

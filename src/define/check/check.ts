// The whole check of an application, before anything runs: whether its parts fit, what its reactions call, and each of
// its choreographies against both. `ballet check` prints what it finds, and `open` writes the faults to the log. Pure but
// for the reactions, which are asked with samples.
import type { ApplicationDefinition } from '../definition.ts'
import { checkFit } from '../fit.ts'
import { finding, type Finding } from './finding.ts'
import { checkFlow } from './flow-checks.ts'
import { sightOf } from './flow-sight.ts'
import { checkLimits } from './limit-checks.ts'
import { checkCycles, checkHeard } from './reaction-checks.ts'
import { reactionFacts } from './reaction-facts.ts'
import { checkUndone } from './undo-checks.ts'
import { checkKeys } from './key-checks.ts'

/** Everything that is wrong with an application, faults first; empty when there is nothing. */
export function checkApplication(definition: ApplicationDefinition): readonly Finding[] {
  const unfit = checkFit(definition).map(({ place, problem, remedy }) => finding('part-unfit', place, problem, remedy))
  // What does not fit would be told a second time, in other words, by what follows.
  if (unfit.length > 0) return unfit
  const facts = reactionFacts(definition)
  const findings = [
    ...facts.flatMap((one) => one.findings),
    ...checkHeard(definition, facts),
    ...checkCycles(facts),
    ...checkKeys(definition),
    ...checkLimits(definition),
    ...definition.choreographies.flatMap((choreography) => {
      const sight = sightOf(choreography, definition, facts)
      return [...checkFlow(sight), ...checkUndone(sight)]
    }),
  ]
  // What is not known of a reaction matters only where a flow could have told more.
  const inFlows = new Set(definition.choreographies.flatMap(({ flow }) => [...flow.types]))
  const placesInFlows = new Set(
    facts.flatMap(({ reaction: { name, event } }) => (inFlows.has(event.type) ? `reaction "${name}"` : [])),
  )
  const told = findings.filter((one) => one.code !== 'reaction-unknown' || placesInFlows.has(one.place))
  return [...told.filter(({ level }) => level === 'fault'), ...told.filter(({ level }) => level === 'note')]
}

/** A finding on two lines. */
export function showFinding({ code, level, place, problem, mend }: Finding): string {
  return `${level} ${code}: ${place}: ${problem}.\n    ${mend}`
}

// What the text of a flow says against itself: events that its rules forbid, endings that no path has, limits that decide nothing.
import { showMs } from '../../core/duration.ts'
import type { Flow } from '../../core/flow.ts'
import { limitsOf, partsOf, typesOf, type FlowPattern } from '../../core/flow-pattern.ts'
import type { Due } from '../../core/flow-places.ts'
import { finding, variableOf, type Finding } from './finding.ts'
import { listed, type FlowSight } from './flow-sight.ts'

type Limit = FlowPattern & { readonly kind: 'within' }

/** What the flow says against itself. */
export function checkText({ choreography: { flow }, where }: FlowSight): readonly Finding[] {
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
    ...unasked(flow, possible).map((pattern) =>
      finding(
        'limit-pointless',
        `${where}, limit of ${listed(typesOf(pattern))}`,
        `${showMs(pattern.ms)} never pass: wherever they count, it may be left out, or something else may come that has no limit`,
        'Take it out, or give each of the alternatives a limit',
      ),
    ),
  ]
}

/** Limits that are waited for nowhere, in none of the places where they are written. */
function unasked({ pattern, places }: Flow, possible: ReadonlySet<string>): readonly Limit[] {
  const asked = new Set(places.flatMap(({ dues }) => dues.flatMap(limitsAsked)))
  const decides = new Map<Limit, boolean>()
  for (const [number, limit] of limitsOf(pattern).entries())
    decides.set(limit, decides.get(limit) === true || asked.has(number))
  return [...decides].flatMap(([limit, does]) =>
    does || !typesOf(limit).some((type) => possible.has(type)) ? [] : limit,
  )
}

function limitsAsked(due: Due): readonly number[] {
  return due.kind === 'limit' ? [due.limit] : due.of.flatMap((dues) => dues.flatMap(limitsAsked))
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

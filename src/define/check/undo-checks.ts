// What is undone in one path of a flow is undone in all: a path on which something is taken back has to take back
// everything that had been done by then and that some operation can undo. An outcome counts as done when the reactions to
// it can lead to its undo and the flow has a path that undoes it, or when it is all that its operation can answer; an undo that a path offers and may leave out
// (optional, many) counts as made.
import type { Place } from '../../core/flow-places.ts'
import type { OperationDefinition } from '../definition.ts'
import { finding, variableOf, type Finding } from './finding.ts'
import type { FlowSight } from './flow-sight.ts'
import type { Outlook } from './outlook.ts'

/** An operation with an undo, as a flow sees it. */
interface Undoable {
  readonly operation: OperationDefinition
  readonly undo: OperationDefinition
  readonly done: ReadonlySet<string>
  readonly undone: ReadonlySet<string>
}

/** How an operation stands on a path: nothing, done, done and something else was taken back since, or taken back. */
type Standing = 'nothing' | 'done' | 'owed' | 'undone'

/** More walks than this, and the rest is not looked at. */
const WALKS = 50_000

export function checkUndone(sight: FlowSight): readonly Finding[] {
  const { places } = sight.choreography.flow
  const undoables = undoablesOf(sight)
  if (undoables.length === 0) return []
  const found = new Map<string, Finding>()
  const seen = new Set<string>()
  const walks: { readonly place: number; readonly standings: readonly Standing[]; readonly path: readonly string[] }[] =
    []
  const visit = (place: number, before: readonly Standing[], path: readonly string[]): void => {
    const standings = before.map((standing, index) =>
      offered(places, places[place] as Place, undoables[index] as Undoable, standing),
    )
    const name = `${place} ${standings.join(' ')}`
    if (seen.has(name) || seen.size >= WALKS) return
    seen.add(name)
    walks.push({ place, standings, path })
  }
  visit(
    0,
    undoables.map(() => 'nothing'),
    [],
  )
  for (const { place: number, standings, path } of walks) {
    const place = places[number] as Place
    if (place.endings.length > 0) {
      for (const [index, standing] of standings.entries()) {
        const { operation, undo } = undoables[index] as Undoable
        if (standing !== 'owed' || found.has(operation.name)) continue
        found.set(operation.name, owed(sight, operation, undo, path))
      }
    }
    for (const [type, { to }] of place.edges) visit(to, after(standings, undoables, type), [...path, type])
  }
  return [...found.values()]
}

function owed(
  { where }: FlowSight,
  operation: OperationDefinition,
  undo: OperationDefinition,
  path: readonly string[],
): Finding {
  const outcome = undo.outcomes[0]?.type ?? ''
  return finding(
    'undo-missing',
    `${where}, operation "${operation.name}"`,
    `it is not undone on a path that takes something else back: ${path.join(', ')}`,
    `seq(..., ${variableOf(outcome)}) on that path, and ${undo.service}.on(..., (data) => ${undo.name}({ ... }))`,
  )
}

/** An undo that can be made here or left out, because all else that can come can come after it as well, counts as made. */
function offered(places: readonly Place[], place: Place, { undone }: Undoable, standing: Standing): Standing {
  if (standing !== 'done' && standing !== 'owed') return standing
  const isFree = [...undone].some((type) => {
    const edge = place.edges.get(type)
    if (edge === undefined) return false
    return [...place.edges.keys()].every((other) => other === type || places[edge.to]?.edges.has(other) === true)
  })
  return isFree ? 'undone' : standing
}

function after(standings: readonly Standing[], undoables: readonly Undoable[], type: string): readonly Standing[] {
  const takesBack = undoables.some(({ undone }) => undone.has(type))
  return standings.map((standing, index) => {
    const { done, undone } = undoables[index] as Undoable
    // What was taken back before it was known to be done is refused by its service, or was taken back in truth.
    if (done.has(type)) return standing === 'undone' ? 'undone' : 'done'
    if (undone.has(type)) return 'undone'
    return takesBack && standing === 'done' ? 'owed' : standing
  })
}

/** The operations of a flow that another one takes back, with the events that tell so. */
export function undoablesOf({ operations, reacting, ...sight }: FlowSight): readonly Undoable[] {
  const outlook = sight.outlook()
  const inFlow = (one: OperationDefinition): readonly string[] =>
    one.outcomes.map(({ type }) => type).filter((type) => outlook.comings(type).length > 0)
  const byName = new Map(operations.toReversed().map((one) => [one.name, one]))
  return operations.flatMap((undo) => {
    const operation = undo.undoes === null ? undefined : byName.get(`${undo.service}.${undo.undoes}`)
    if (operation === undefined) return []
    const undone = new Set(inFlow(undo))
    const outcomes = inFlow(operation)
    const done = outcomes.filter(
      (type) => operation.outcomes.length === 1 || (isFollowed(outlook, type, undone) && leadsTo(reacting, type, undo)),
    )
    return done.length === 0 || undo.outcomes.length === 0 ? [] : [{ operation, undo, done: new Set(done), undone }]
  })
}

/** Whether the reactions to a type can come to a call of an operation. */
function leadsTo(reacting: FlowSight['reacting'], type: string, operation: OperationDefinition): boolean {
  const types = new Set([type])
  for (const one of types) {
    for (const { calls } of reacting.get(one) ?? []) {
      if (calls.includes(operation)) return true
      for (const { outcomes } of calls) for (const outcome of outcomes) types.add(outcome.type)
    }
  }
  return false
}

/** Whether one of some types can come after a type. */
function isFollowed(outlook: Outlook, type: string, by: ReadonlySet<string>): boolean {
  return outlook.comings(type).some(({ to }) => [...by].some((one) => outlook.comes(to, one)))
}

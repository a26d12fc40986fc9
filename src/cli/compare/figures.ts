// What the journal and the ledgers say of the orders of one style when all of them are over: pure functions over what was
// read. Nothing here was measured by a client.
import { splitKey } from '../../core/names.ts'
import type { EventView, KeyView, RunView } from '../../core/views.ts'
import type { ComparedEffect, Comparison } from '../../define/comparison.ts'
import type { ApplicationDefinition } from '../../define/definition.ts'

/** Of one style. Times in milliseconds. */
export interface StyleFigures {
  readonly orders: number
  readonly endings: Readonly<Record<string, number>>
  /** From the first row of an order to its last event. */
  readonly latencyMs: { readonly p50: number; readonly p99: number }
  readonly perSecond: number
  /** The longest time in which no order ended, between the first and the last that did. */
  readonly gapMs: number
  /** For each order. */
  readonly runs: number
  readonly events: number
  readonly messages: number
  readonly lost: number
  readonly duplicated: number
  readonly notUndone: number
  /** `from -> to`, sorted. */
  readonly knows: readonly string[]
  readonly deciders: readonly string[]
  readonly listenerChanges: readonly string[]
  readonly gateChanges: readonly string[]
  readonly answerMs: number
  readonly bytes: number
}

/** What was read when all orders were over. */
export interface Evidence {
  readonly definition: ApplicationDefinition
  readonly comparison: Pick<Comparison, 'kept' | 'last' | 'gate'>
  /** Of every order that was placed. */
  readonly views: readonly { readonly view: KeyView; readonly ending: string | null }[]
  readonly ledger: readonly ComparedEffect[]
  /** How long it took to say where an order is, for some of them. */
  readonly answersMs: readonly number[]
  /** What the store takes on the disk when it is closed. */
  readonly storeBytes: number
}

export function figuresOf(evidence: Evidence): StyleFigures {
  const { views, comparison, answersMs, storeBytes } = evidence
  const count = views.length
  const times = views.flatMap(({ view }) => spanOf(view, comparison.last))
  const took = times.map(({ began, over }) => over - began)
  const ends = times.map(({ over }) => over).toSorted((one, other) => one - other)
  const first = Math.min(...times.map(({ began }) => began))
  const all = <Item>(of: (view: KeyView) => readonly Item[]): readonly Item[] => views.flatMap(({ view }) => of(view))
  const endings: Record<string, number> = {}
  for (const { ending } of views) if (ending !== null) endings[ending] = (endings[ending] ?? 0) + 1
  const runs = all(({ runs: ofKey }) => ofKey)
  const events = all(({ events: ofKey }) => ofKey)
  return {
    orders: count,
    endings,
    latencyMs: { p50: quantile(took, 0.5), p99: quantile(took, 0.99) },
    perSecond: round(count / Math.max(0.001, ((ends.at(-1) ?? first) - first) / 1000)),
    gapMs: Math.max(0, ...ends.slice(1).map((at, index) => at - (ends[index] as number))),
    runs: round(runs.length / count),
    events: round(events.length / count),
    messages: round(messagesOf(runs, events) / count),
    ...wrongsOf(evidence),
    ...couplingOf(evidence, runs, events),
    answerMs: round(quantile(answersMs, 0.5), 2),
    bytes: Math.round(storeBytes / count),
  }
}

/** Nothing for an order that has not come to its last event. */
function spanOf({ runs, events }: KeyView, last: readonly string[]) {
  const over = events.findLast(({ type }) => last.includes(type))
  if (over === undefined) return []
  const began = Math.min(
    ...runs.map(({ created }) => Date.parse(created)),
    ...events.map(({ time }) => Date.parse(time)),
  )
  return [{ began, over: Date.parse(over.time) }]
}

/** Names of the runs by their ids that perform a choreography: the calls of the reactions below them are theirs. */
const conductorsOf = (runs: readonly RunView[]): ReadonlyMap<string, string> =>
  new Map(runs.flatMap(({ id, kind, name }) => ((kind as string) === 'choreography' ? [[id, name] as const] : [])))

/** A call that somebody makes of another goes there and comes back; an event that a reaction takes goes there. */
function messagesOf(runs: readonly RunView[], events: readonly EventView[]): number {
  const conductors = conductorsOf(runs)
  const reactions = runs.filter(({ kind }) => kind === 'reaction')
  const conducted = reactions.filter(({ parent }) => conductors.has(parent ?? ''))
  return 2 * events.filter(({ published }) => !published).length + reactions.length + conducted.length
}

function wrongsOf({ definition, comparison, views, ledger }: Evidence) {
  const undoOf = new Map<string, string>(
    definition.services.flatMap(({ name, operations }) =>
      operations.flatMap((operation) =>
        operation.undoes === null ? [] : [[`${name}.${operation.undoes}`, operation.name] as const],
      ),
    ),
  )
  const effects = Map.groupBy(ledger, ({ order }) => order)
  let duplicated = 0
  let notUndone = 0
  for (const { view, ending } of views) {
    const counts = new Map<string, number>()
    for (const { operation, item } of effects.get(view.value) ?? []) {
      const name = `${operation} ${item}`
      counts.set(name, (counts.get(name) ?? 0) + 1)
    }
    duplicated += [...counts.values()].reduce((sum, times) => sum + times - 1, 0)
    if (ending === null || comparison.kept.includes(ending)) continue
    for (const name of counts.keys()) {
      const [operation = '', item = ''] = name.split(' ')
      const undo = undoOf.get(operation)
      if (undo !== undefined && !counts.has(`${undo} ${item}`)) notUndone += 1
    }
  }
  return { lost: views.filter(({ ending }) => ending === null).length, duplicated, notUndone }
}

function couplingOf({ definition, comparison }: Evidence, runs: readonly RunView[], events: readonly EventView[]) {
  const owners = new Map<string, string>()
  for (const { name, operations } of definition.services)
    for (const { outcomes } of operations) for (const { type } of outcomes) owners.set(type, name)
  const reactions = new Map(definition.reactions.map((reaction) => [reaction.name, reaction]))
  const workflowOf = new Map(runs.flatMap(({ id, kind, name }) => (kind === 'workflow' ? [[id, name] as const] : [])))
  const knows = new Set<string>()
  const deciders = new Set<string>()
  const gates = new Set<string>()
  const gateTypes = definition.services
    .flatMap(({ operations }) => operations)
    .flatMap(({ name, outcomes }) => (name === comparison.gate ? outcomes.map(({ type }) => type) : []))
  for (const { published, source, type, causationid } of events) {
    const caller = workflowOf.get((causationid ?? '').replace(/^run:/, ''))
    if (published || caller === undefined) continue
    knows.add(`${caller} -> ${source}`)
    deciders.add(caller)
    if (gateTypes.includes(type)) gates.add(caller)
  }
  const conductors = conductorsOf(runs)
  for (const { kind, name, call, parent } of runs) {
    const reaction = kind === 'reaction' ? reactions.get(name) : undefined
    if (reaction === undefined) continue
    const { service, event } = reaction
    if (call === comparison.gate) gates.add(service)
    const conductor = conductors.get(parent ?? '')
    deciders.add(conductor ?? service)
    const owner = owners.get(event.type) ?? 'outside'
    if (conductor !== undefined) knows.add(`${conductor} -> ${service}`)
    else if (owner !== service) knows.add(`${service} -> ${owner}`)
  }
  const isHeard = events.some(({ published, type }) => published && comparison.last.includes(type))
  return {
    knows: [...knows].toSorted(),
    deciders: [...deciders].toSorted(),
    listenerChanges: isHeard ? [] : [...new Set(workflowOf.values())].toSorted(),
    gateChanges: [...gates].toSorted(),
  }
}

/** The value below which a part of the values lie; 0 of none. */
export function quantile(values: readonly number[], part: number): number {
  const sorted = values.toSorted((one, other) => one - other)
  return sorted[Math.min(sorted.length - 1, Math.floor(sorted.length * part))] ?? 0
}

const round = (value: number, digits = 1): number => Number(value.toFixed(digits))

/** `orderId` and `8841` of the key of an order. */
export const fieldAndValue = (key: string): readonly [string, string] => {
  const { field, value } = splitKey(key)
  return [field, value]
}

// The places of a flow: every state in which it can stand, found once when it is compiled, numbered in the order in which
// they are found, from the start along the events in the order in which they were written. From each place it can still
// end: an event that would lead elsewhere is not legal there, so a flow is broken at the first event that dooms it.
// The number of a place with the hash of its flow is all that has to be stored of a state (flow.ts).
import { fault } from './errors.ts'
import { typesOf, typesOfRule, type FlowPattern, type FlowRule } from './flow-pattern.ts'
import { openRules, stepRules, type OpenRule, type RuleMarks } from './flow-rules.ts'
import { Terms, type Term } from './flow-terms.ts'

/** More would be a contract that nobody can look through, and each takes some memory. */
const PLACES_LIMIT = 5_000
/** Of the ways in which events can be read: many parts side by side that begin alike multiply these before the places. */
const TERMS_LIMIT = 50_000

/** Where an event leads, and from where each limit of the new place goes on counting: an index before, or -1 for now. */
export interface Edge {
  readonly to: number
  readonly from: readonly number[]
}

/** What has to come in time, or it is overdue. */
export type Due =
  /**
   * `slot` counts from when, `ms` says for how long; what is waited for are these types. `limit` is the number of the limit in
   * the order in which the pattern has them (limitsOf), or negative for that of a rule.
   */
  | {
      readonly kind: 'limit'
      readonly limit: number
      readonly slot: number
      readonly ms: number
      readonly types: readonly string[]
    }
  /** Alternatives: overdue when the last of them is; each is, when the first of its limits is. */
  | { readonly kind: 'latest'; readonly of: readonly (readonly Due[])[] }

export interface Place {
  readonly edges: ReadonlyMap<string, Edge>
  /** The names with which the flow may end here, null for no name; empty when it may not. */
  readonly endings: readonly (string | null)[]
  /** Number of limits that count here. */
  readonly slots: number
  readonly dues: readonly Due[]
}

/** What is being found; `edges` still has the doomed ones. */
interface Found {
  readonly term: Term
  readonly marks: RuleMarks
  readonly slots: readonly number[]
  readonly edges: Map<string, Edge>
  readonly path: readonly string[]
}

export interface Places {
  readonly places: readonly Place[]
  /** The shortest way to each place. */
  readonly paths: readonly (readonly string[])[]
}

/**
 * Finds every place of a flow.
 * @param what names the flow in errors.
 * @throws FLOW_ENDLESS when it can never end, FLOW_TOO_LARGE
 */
export function findPlaces(pattern: FlowPattern, rules: readonly FlowRule[], what: string): Places {
  const terms = new Terms()
  const start = terms.of(pattern)
  const types = [...new Set([...typesOf(pattern), ...rules.flatMap(typesOfRule)])]
  const own = new Set(typesOf(pattern))
  const found: Found[] = []
  const numbers = new Map<string, number>()
  const tooLarge = (problem: string): never => {
    throw fault('FLOW_TOO_LARGE', { what, problem })
  }
  const place = (term: Term, marks: RuleMarks, path: readonly string[]): number => {
    const name = `${term.id} ${marks.join('')}`
    const known = numbers.get(name)
    if (known !== undefined) return known
    if (found.length >= PLACES_LIMIT) tooLarge(`can stand in more than ${PLACES_LIMIT} places`)
    const number = found.length
    numbers.set(name, number)
    const slots = [...term.active, ...openRules(rules, marks).map(ruleSlot)].toSorted((one, other) => one - other)
    found.push({ term, marks, slots, edges: new Map(), path })
    return number
  }
  place(
    start,
    rules.map(() => 0),
    [],
  )
  for (let number = 0; number < found.length; number++) {
    const { term, marks, slots, edges, path } = found[number] as Found
    for (const type of types) {
      const next = stepRules(rules, marks, type)
      // What only a rule speaks of leaves the pattern where it is.
      const derived = own.has(type) ? terms.derive(term, type) : { term, kept: term.active }
      if (terms.size > TERMS_LIMIT)
        tooLarge('can be read in too many ways: parts side by side begin with the same event')
      if (derived === null || 'rule' in next) continue
      const to = place(derived.term, next, [...path, type])
      const keeps = (slot: number): boolean => (slot < 0 ? slots.includes(slot) : derived.kept.has(slot))
      edges.set(type, { to, from: (found[to] as Found).slots.map((slot) => (keeps(slot) ? slots.indexOf(slot) : -1)) })
    }
  }
  return prune(found, rules, terms, what)
}

/** Slots of responses are negative, those of the pattern are not. */
const ruleSlot = ({ index }: OpenRule): number => -1 - index

/** Leaves the places from which the flow can end, numbered anew. */
function prune(found: readonly Found[], rules: readonly FlowRule[], terms: Terms, what: string): Places {
  const mayEnd = ({ term, marks }: Found): boolean => term.endings.size > 0 && openRules(rules, marks).length === 0
  const before = new Map<number, number[]>()
  for (const [number, { edges }] of found.entries()) {
    for (const { to } of edges.values()) before.set(to, [...(before.get(to) ?? []), number])
  }
  const alive = new Set(found.flatMap((one, number) => (mayEnd(one) ? number : [])))
  for (const number of alive) for (const earlier of before.get(number) ?? []) alive.add(earlier)
  if (!alive.has(0)) throw fault('FLOW_ENDLESS', { what })
  const kept = [...found.keys()].filter((number) => alive.has(number))
  const renumbered = new Map(kept.map((number, index) => [number, index]))
  const living = kept.map((number) => found[number] as Found)
  return {
    paths: living.map(({ path }) => path),
    places: living.map((one) => {
      const dues = [...duesOf(one.term, one.slots, terms), ...duesOfRules(one, rules)]
      const edges = [...one.edges].flatMap(([type, { to, from }]) => {
        const number = renumbered.get(to)
        return number === undefined ? [] : [[type, { to: number, from }] as const]
      })
      return {
        edges: new Map(edges),
        endings: mayEnd(one) ? [...one.term.endings] : [],
        slots: one.slots.length,
        dues,
      }
    }),
  }
}

/** What a rest of a flow has to bring in time. What may be left out is not waited for. */
function duesOf(term: Term, slots: readonly number[], terms: Terms): readonly Due[] {
  if (term.endings.size > 0) return []
  const of = (part: Term): readonly Due[] => duesOf(part, slots, terms)
  switch (term.kind) {
    case 'within': {
      const { limit } = term
      const own = { kind: 'limit', limit, slot: slots.indexOf(limit), ms: terms.limits[limit] as number } as const
      return [{ ...own, types: [...term.part.heads] }, ...of(term.part)]
    }
    case 'seq':
      return of(term.head.endings.size > 0 ? term.tail : term.head)
    case 'all':
      return term.parts.flatMap(of)
    case 'alt': {
      const alternatives = term.parts.map(of)
      return alternatives.every((dues) => dues.length > 0) ? [{ kind: 'latest', of: alternatives }] : []
    }
    case 'as':
      return of(term.part)
    case 'event':
    case 'many':
    case 'done':
      return []
  }
}

function duesOfRules({ marks, slots }: Found, rules: readonly FlowRule[]): readonly Due[] {
  return openRules(rules, marks).flatMap((open) => {
    const { ms, answer } = open.rule
    const limit = ruleSlot(open)
    return ms === null ? [] : [{ kind: 'limit', limit, slot: slots.indexOf(limit), ms, types: [answer] }]
  })
}

// A compiled flow: the monitor of a choreography as pure functions. An engine keeps for each key one small state, moves
// it by the events of the key in the order in which they were committed, and stores it with the events; nothing here
// knows a clock: the times are those of the events.
//
//   state = flow.start(at)                          the first event of the key is about to come, at this time
//   next  = flow.step(state, 'payment.approved', at)
//   isBroken(next) ? next.expected : next           what should have come, or the new state
//   flow.deadlines(next)                            by when what has to come: arm a timer for the first
//   flow.verdict(next)                              on track | may end | complete, and the endings
//   flow.save(next) / flow.load(text)               about 20 characters a limit; null when the text is of another flow
//
// A state is two fields of plain numbers and can itself stand in JSON; it means something to the flow that made it only,
// and `save` puts the hash of that flow before it. When a choreography was changed, `load` gives null: the engine walks
// the events of the key once more. A broken flow has no state: keep the last one beside it, or go on from it.
import { fault, invariant } from './errors.ts'
import {
  pathEndings,
  patternText,
  ruleText,
  typesOf,
  typesOfRule,
  type FlowPattern,
  type FlowRule,
} from './flow-pattern.ts'
import { findPlaces, type Due, type Place } from './flow-places.ts'
import { showRule } from './flow-rules.ts'
import { hashText } from './hash-text.ts'

/** Where the flow of one key stands. */
export interface FlowState {
  /** The number of a place. */
  readonly place: number
  /** When each limit of the place began to count, in milliseconds since the epoch. */
  readonly since: readonly number[]
}

/** An event that the flow does not allow where it stood. */
export interface FlowBroken {
  readonly broken: string
  /** The types that could have come, sorted; empty when the flow was complete. */
  readonly expected: readonly string[]
  /** The rule that it breaks, in words; null when the pattern has no place for it. */
  readonly rule: string | null
}

/** Something that must have come by a time. */
export interface FlowDeadline {
  /** Milliseconds since the epoch. */
  readonly by: number
  /** The types that would meet it, or go on towards meeting it, sorted. */
  readonly types: readonly string[]
}

/** How a flow stands: it goes on, it may end here, or it has ended, and with which ending. */
export interface FlowVerdict {
  /** `complete`: it has ended and nothing can come; `may end`: it could have, and more can come. */
  readonly standing: 'on track' | 'may end' | 'complete'
  /** The ending, when it is complete or may end. */
  readonly ending: string | null
}

/** The name of an ending that was given none. */
export const UNNAMED_ENDING = 'complete'

interface Wanted {
  readonly due: Due
  readonly types: readonly string[]
}

const NONE: readonly number[] = []

/** Whether the same has to come by the same time. */
export function isSameDeadline(one: FlowDeadline, other: FlowDeadline): boolean {
  return one.by === other.by && one.types.join('|') === other.types.join('|')
}

/** Whether a step was against the flow. */
export function isBroken(result: FlowState | FlowBroken): result is FlowBroken {
  return 'broken' in result
}

/** The compiled flow of a choreography, as pure functions over a state: `flow.step(flow.start(at), type, at)`. */
export class Flow {
  /** Of everything that decides what a saved state means. */
  readonly hash: string
  readonly places: readonly Place[]
  /** The shortest legal beginning that leads to each place. */
  readonly paths: readonly (readonly string[])[]
  /** Every type that the flow speaks of; others are foreign to it and move nothing. */
  readonly types: ReadonlySet<string>
  /** All names of endings. */
  readonly endings: readonly string[]
  readonly pattern: FlowPattern
  readonly rules: readonly FlowRule[]
  /** What has to come in time, for each place: asked after every event. */
  readonly #awaited: readonly (readonly Wanted[])[]
  /** The types that may come next, for each place, sorted. */
  readonly #expected: readonly (readonly string[])[]

  /**
   * Compiles a flow: finds all its places, and refuses one that cannot be a contract.
   * @param what names it in errors, for example `choreography "fulfilment"`.
   * @throws FLOW_ENDLESS, FLOW_AMBIGUOUS, FLOW_TOO_LARGE
   */
  constructor(pattern: FlowPattern, rules: readonly FlowRule[], what: string) {
    const ambiguous = (problem: string): never => {
      throw fault('FLOW_AMBIGUOUS', { what, problem })
    }
    pathEndings(pattern, (first, second) =>
      ambiguous(`one path has two names, ${first} and ${second}, because parts that come together are both named`),
    )
    const { places, paths } = findPlaces(pattern, rules, what)
    for (const [number, { endings }] of places.entries()) {
      if (endings.length < 2) continue
      const path = (paths[number] as readonly string[]).join(', ') || 'nothing'
      ambiguous(`after ${path} it could have ended as ${endings.map(nameOf).toSorted().join(' or as ')}`)
    }
    this.pattern = pattern
    this.rules = rules
    this.places = places
    this.paths = paths
    this.#awaited = places.map(({ dues }) =>
      dues.map((due) => ({ due, types: [...new Set(typesOfDue(due))].toSorted() })),
    )
    this.#expected = places.map(({ edges }) => [...edges.keys()].toSorted())
    this.types = new Set([...typesOf(pattern), ...rules.flatMap(typesOfRule)])
    this.endings = [...new Set(places.flatMap(({ endings }) => endings.map(nameOf)))]
    // Begins with the number of the way in which places are found: a change of that way must change every hash.
    this.hash = hashText(`1 ${patternText(pattern)} ${rules.map(ruleText).join(' ')}`)
  }

  /** The state before the first event of a key. @param at when that comes: limits of the first events count from there. */
  start(at: number): FlowState {
    return { place: 0, since: Array.from({ length: this.#place(0).slots }, () => at) }
  }

  /**
   * The state after an event, or what was expected in its place. A type that is foreign to the flow changes nothing: the
   * same state is returned.
   * @param at the time of the event, from which what may begin now counts.
   */
  step(state: FlowState, type: string, at: number): FlowState | FlowBroken {
    const edge = this.#place(state.place).edges.get(type)
    if (edge === undefined) return this.types.has(type) ? this.#broken(state, type) : state
    const { to, from } = edge
    if (from.length === 0) return { place: to, since: NONE }
    const since = from.map((before) => (before === -1 ? at : (state.since[before] as number)))
    return { place: to, since }
  }

  /** The types that may come next, sorted. */
  expected(state: FlowState): readonly string[] {
    const types = this.#expected[state.place]
    invariant(types !== undefined, 'a state of a choreography is not one of its flow')
    return types
  }

  /** How a state stands. */
  verdict(state: FlowState): FlowVerdict {
    const { edges, endings } = this.#place(state.place)
    const [ending] = endings
    if (ending === undefined) return { standing: 'on track', ending: null }
    return { standing: edges.size === 0 ? 'complete' : 'may end', ending: nameOf(ending) }
  }

  /**
   * The names with which the flow can still end, sorted: one of them when it is complete. @param lost types of events that
   * do not come any more.
   */
  endingsLeft(state: FlowState, lost: ReadonlySet<string> = new Set()): readonly string[] {
    const seen = new Set([state.place])
    for (const number of seen) for (const [type, { to }] of this.#place(number).edges) if (!lost.has(type)) seen.add(to)
    return [...new Set([...seen].flatMap((number) => this.#place(number).endings.map(nameOf)))].toSorted()
  }

  /**
   * By when what has to come, earliest first. What may be left out is not waited for; of alternatives the latest counts;
   * of parts in any order each does. The flow is overdue when the first of these times has passed without a step.
   */
  deadlines(state: FlowState): readonly FlowDeadline[] {
    const awaited = this.#wanted(state)
    const deadlines = awaited.map(({ due, types }) => ({ by: byOf(due, state.since), types }))
    if (deadlines.length < 2) return deadlines
    // Two limits may ask for the same by the same time: what has to come is one thing.
    return deadlines
      .filter((one, index) => index === deadlines.findIndex((other) => isSameDeadline(one, other)))
      .sort((one, other) => one.by - other.by)
  }

  /** Whether one of the deadlines lies not after a time: asked with every event, and mostly not so. */
  passes(state: FlowState, upTo: number): boolean {
    for (const { due } of this.#wanted(state)) if (byOf(due, state.since) <= upTo) return true
    return false
  }

  /** The limits that have run out when a deadline of a state passes, as indices into its `since`. */
  limitsOf(state: FlowState, deadline: FlowDeadline): readonly number[] {
    const { by } = deadline
    const { since } = state
    return this.#wanted(state).flatMap(({ due, types }) =>
      isSameDeadline({ by: byOf(due, since), types }, deadline) ? limitsBy(due, since, by) : [],
    )
  }

  /** Which of some limits of a state go on counting after an event that fits, as indices into the `since` of the next state. */
  keptLimits(state: FlowState, type: string, limits: readonly number[]): readonly number[] {
    const from = this.#place(state.place).edges.get(type)?.from
    return from?.flatMap((before, limit) => (limits.includes(before) ? [limit] : [])) ?? limits
  }

  /** A state as text, for `load` of the same flow. */
  save(state: FlowState): string {
    const { place, since } = state
    return since.length === 0 ? `${this.hash} ${place}` : `${this.hash} ${place} ${since.join(' ')}`
  }

  /** The state of a text that `save` made, or null when it was of another flow: then walk the events of the key again. */
  load(text: string): FlowState | null {
    const [hash, ...numbers] = text.split(' ')
    if (hash !== this.hash) return null
    invariant(
      numbers.every((number) => /^-?\d{1,15}$/.test(number)),
      'a stored state of a choreography has something else than numbers',
    )
    const [place = -1, ...since] = numbers.map(Number)
    invariant(this.places[place]?.slots === since.length, 'a stored state of a choreography is not one of its flow')
    return { place, since }
  }

  #wanted(state: FlowState): readonly Wanted[] {
    return this.#awaited[state.place] as readonly Wanted[]
  }

  #place(number: number): Place {
    const place = this.places[number]
    invariant(place !== undefined, 'a state of a choreography is not one of its flow')
    return place
  }

  #broken(state: FlowState, type: string): FlowBroken {
    const path = this.paths[state.place] as readonly string[]
    const rule = this.rules.find((one) => forbids(one, path, type))
    return { broken: type, expected: this.expected(state), rule: rule === undefined ? null : showRule(rule) }
  }
}

/** Whether a rule alone forbids `type` after `path`. All ways to a place leave its rules in the same state. */
function forbids(rule: FlowRule, path: readonly string[], type: string): boolean {
  switch (rule.kind) {
    case 'never':
      return rule.event === type
    case 'after':
      return rule.second === type && path.includes(rule.first)
    case 'precedence':
      return rule.second === type && !path.includes(rule.first)
    case 'response':
      return false
  }
}

const nameOf = (ending: string | null): string => ending ?? UNNAMED_ENDING

function byOf(due: Due, since: readonly number[]): number {
  if (due.kind === 'limit') return (since[due.slot] as number) + due.ms
  return Math.max(...due.of.map((dues) => Math.min(...dues.map((one) => byOf(one, since)))))
}

/** The limits of a due that have run out by a time. */
function limitsBy(due: Due, since: readonly number[], by: number): readonly number[] {
  if (due.kind === 'latest') return due.of.flatMap((dues) => dues.flatMap((one) => limitsBy(one, since, by)))
  return byOf(due, since) <= by ? [due.slot] : []
}

function typesOfDue(due: Due): readonly string[] {
  return due.kind === 'limit' ? due.types : due.of.flatMap((dues) => dues.flatMap(typesOfDue))
}

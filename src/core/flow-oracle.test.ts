// The compiled flow against an oracle that is as naive as can be: it cuts a word in every way and asks whether the pieces
// fit the parts, without derivatives, terms or places. 12,000 random patterns, each with a word that is walked event by
// event; 4,000 more with rules, whose words are listed one by one; 10,000 more with limits, whose times are kept in the
// tree itself.
import fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { BalletError } from './errors.ts'
import { Flow, isBroken } from './flow.ts'
import { partsOf, typesOf, typesOfRule, type FlowPattern, type FlowRule } from './flow-pattern.ts'

const TYPES = ['a', 'b', 'c', 'd']

/** Random patterns. `deep` of them stand in each other at most. */
function patterns(kinds: readonly FlowPattern['kind'][], deep = 3): fc.Arbitrary<FlowPattern> {
  const event = fc.constantFrom(...TYPES).map((type): FlowPattern => ({ kind: 'event', type }))
  const inner = (depth: number): fc.Arbitrary<FlowPattern> => {
    if (depth === 0) return event
    const part = fc.oneof({ weight: 1, arbitrary: event }, { weight: 3, arbitrary: inner(depth - 1) })
    const parts = fc.array(part, { minLength: 1, maxLength: 3 })
    const made: Readonly<Record<FlowPattern['kind'], fc.Arbitrary<FlowPattern>>> = {
      event,
      seq: parts.map((list) => ({ kind: 'seq', parts: list })),
      choice: parts.map((list) => ({ kind: 'choice', parts: list })),
      all: fc.array(part, { minLength: 1, maxLength: 2 }).map((list) => ({ kind: 'all', parts: list })),
      optional: part.map((one) => ({ kind: 'optional', part: one })),
      many: part.map((one) => ({ kind: 'many', part: one })),
      within: fc.tuple(fc.integer({ min: 1, max: 50 }), part).map(([ms, one]) => ({ kind: 'within', ms, part: one })),
      as: fc.tuple(fc.constantFrom('x', 'y'), part).map(([ending, one]) => ({ kind: 'as', ending, part: one })),
    }
    return fc.oneof(...kinds.map((kind) => made[kind]))
  }
  return inner(deep)
}

/** How a word goes on: mostly with something that the flow expects, now and then with anything. */
const words = fc.array(fc.integer({ min: 0, max: 15 }), { minLength: 2, maxLength: 7 })
const pick = (number: number, expected: readonly string[]): string =>
  (number < 13 ? expected[number % expected.length] : undefined) ?? (TYPES[number % TYPES.length] as string)

type Word = readonly string[]
/** Every way to cut a word in two. */
const cuts = (word: Word): (readonly [Word, Word])[] =>
  Array.from({ length: word.length + 1 }, (_one, at) => [word.slice(0, at), word.slice(at)] as const)
/** Every way to deal a word to two who read it in its order. */
const deals = (word: Word): (readonly [Word, Word])[] =>
  Array.from({ length: 2 ** word.length }, (_one, mask) => {
    const to = (side: number): Word => word.filter((_type, at) => ((mask >> at) & 1) === side)
    return [to(0), to(1)] as const
  })

type Names = ReadonlySet<string | null>
const product = (one: Names, other: Names): Names =>
  new Set([...one].flatMap((first) => [...other].map((second) => first ?? second)))
const unite = (sets: readonly Names[]): Names => new Set(sets.flatMap((set) => [...set]))
const tailOf = (pattern: FlowPattern): FlowPattern => ({
  kind: pattern.kind === 'all' ? 'all' : 'seq',
  parts: partsOf(pattern).slice(1),
})

/** The names with which a whole word fits a pattern; empty when it does not. */
function fits(pattern: FlowPattern, word: Word): Names {
  switch (pattern.kind) {
    case 'event':
      return new Set(word.length === 1 && word[0] === pattern.type ? [null] : [])
    case 'choice':
      return unite(pattern.parts.map((part) => fits(part, word)))
    case 'optional':
      return unite([fits(pattern.part, word), new Set(word.length === 0 ? [null] : [])])
    case 'within':
      return fits(pattern.part, word)
    case 'as':
      return new Set([...fits(pattern.part, word)].map((name) => name ?? pattern.ending))
    case 'seq':
    case 'all': {
      const [head] = pattern.parts
      if (head === undefined) return new Set(word.length === 0 ? [null] : [])
      const ways = pattern.kind === 'seq' ? cuts(word) : deals(word)
      return unite(ways.map(([left, right]) => product(fits(head, left), fits(tailOf(pattern), right))))
    }
    case 'many': {
      const rounds = cuts(word).filter(([left]) => left.length > 0)
      const more = rounds.map(([left, right]) => product(fits(pattern.part, left), fits(pattern, right)))
      return unite([new Set(word.length === 0 ? [null] : []), ...more])
    }
  }
}

/** Whether a word is the beginning of one that fits. */
function begins(pattern: FlowPattern, word: Word): boolean {
  switch (pattern.kind) {
    case 'event':
      return word.length === 0 || (word.length === 1 && word[0] === pattern.type)
    case 'choice':
      return pattern.parts.some((part) => begins(part, word))
    case 'optional':
    case 'within':
    case 'as':
      return word.length === 0 || begins(pattern.part, word)
    case 'seq': {
      const [head] = pattern.parts
      if (head === undefined) return word.length === 0
      if (begins(head, word)) return true
      return cuts(word).some(([left, right]) => fits(head, left).size > 0 && begins(tailOf(pattern), right))
    }
    case 'all': {
      const [head] = pattern.parts
      if (head === undefined) return word.length === 0
      return deals(word).some(([left, right]) => begins(head, left) && begins(tailOf(pattern), right))
    }
    case 'many':
      return (
        word.length === 0 ||
        begins(pattern.part, word) ||
        cuts(word).some(
          ([left, right]) => left.length > 0 && fits(pattern.part, left).size > 0 && begins(pattern, right),
        )
      )
  }
}

/** Every word of a pattern without `many`. */
function listed(pattern: FlowPattern): readonly Word[] {
  const merge = (one: Word, other: Word): readonly Word[] => {
    const [first, ...rest] = one
    const [second, ...more] = other
    if (first === undefined) return [other]
    if (second === undefined) return [one]
    return [...merge(rest, other).map((word) => [first, ...word]), ...merge(one, more).map((word) => [second, ...word])]
  }
  const unique = (all: readonly Word[]): readonly Word[] =>
    [...new Set(all.map((word) => word.join('')))].map((word) => word.split(''))
  const parts = partsOf(pattern).map(listed)
  if (pattern.kind === 'event') return [[pattern.type]]
  if (pattern.kind === 'seq')
    return unique(parts.reduce((all, next) => all.flatMap((one) => next.map((two) => [...one, ...two])), [[]]))
  if (pattern.kind === 'all')
    return unique(parts.reduce((all, next) => all.flatMap((one) => next.flatMap((two) => merge(one, two))), [[]]))
  return unique(pattern.kind === 'optional' ? [[], ...parts.flat()] : parts.flat())
}

function holds(rule: FlowRule, word: Word): boolean {
  switch (rule.kind) {
    case 'never':
      return !word.includes(rule.event)
    case 'after':
      return !word.some((type, at) => type === rule.second && word.slice(0, at).includes(rule.first))
    case 'precedence':
      return !word.some((type, at) => type === rule.second && !word.slice(0, at).includes(rule.first))
    case 'response':
      return word.every((type, at) => type !== rule.cause || word.slice(at).includes(rule.answer))
  }
}

/** What is compared at each step of a random word. */
const same = (found: unknown, wanted: unknown): void => expect(found).toEqual(wanted)

/** The compiled flow, or the code of why there is none. */
function compile(pattern: FlowPattern, rules: readonly FlowRule[] = []): Flow | string {
  try {
    return new Flow(pattern, rules, 'it')
  } catch (error) {
    if (error instanceof BalletError) return error.code
    throw error
  }
}

const orderless = (names: Iterable<string | null>): readonly string[] =>
  [...names].map((name) => name ?? 'complete').toSorted()

describe('a compiled flow', () => {
  it('agrees with the oracle on 12,000 patterns and words', () => {
    let walked = 0
    const all = patterns(['seq', 'choice', 'all', 'optional', 'many', 'as', 'within'])
    fc.assert(
      fc.property(all, words, (pattern, numbers) => {
        const flow = compile(pattern)
        if (typeof flow === 'string') {
          same(flow, 'FLOW_AMBIGUOUS')
          return
        }
        let state = flow.start(0)
        const word: string[] = []
        for (const number of numbers) {
          same(orderless(flow.places[state.place]?.endings ?? []), orderless(fits(pattern, word)))
          const next = pick(number, flow.expected(state))
          const stepped = flow.step(state, next, 0)
          if (!flow.types.has(next)) {
            same(stepped, state)
            continue
          }
          same(isBroken(stepped), !begins(pattern, [...word, next]))
          if (isBroken(stepped)) {
            same(
              stepped.expected,
              TYPES.filter((type) => begins(pattern, [...word, type])),
            )
            return
          }
          state = stepped
          word.push(next)
          walked++
        }
      }),
      { numRuns: 12_000, seed: 5 },
    )
    // Else the words would be broken at once, and little was compared.
    expect(walked).toBeGreaterThan(18_000)
  })

  it('agrees with the list of all words under rules, also on what is ambiguous and what never ends', () => {
    const type = fc.constantFrom(...TYPES, 'e')
    const two = fc.uniqueArray(type, { minLength: 2, maxLength: 2 }) as unknown as fc.Arbitrary<[string, string]>
    const rule: fc.Arbitrary<FlowRule> = fc.oneof(
      type.map((event): FlowRule => ({ kind: 'never', event })),
      two.map(([first, second]): FlowRule => ({ kind: 'after', first, second })),
      two.map(([cause, answer]): FlowRule => ({ kind: 'response', cause, answer, ms: null })),
      two.map(([first, second]): FlowRule => ({ kind: 'precedence', first, second })),
    )
    const codes = new Map<string, number>()
    const property = fc.property(
      patterns(['seq', 'choice', 'all', 'optional', 'as'], 2),
      fc.array(rule, { minLength: 1, maxLength: 2 }),
      words,
      (pattern, rules, numbers) => {
        // What only a rule speaks of may come anywhere: it is left out of the list, and out of the words below.
        const own = typesOf(pattern)
        fc.pre(rules.every((one) => typesOfRule(one).every((name) => own.includes(name) || one.kind === 'never')))
        const legal = listed(pattern).filter((word) => rules.every((one) => holds(one, word)))
        const flow = compile(pattern, rules)
        codes.set(typeof flow === 'string' ? flow : 'ok', (codes.get(typeof flow === 'string' ? flow : 'ok') ?? 0) + 1)
        same(flow === 'FLOW_ENDLESS', flow === 'FLOW_AMBIGUOUS' ? false : legal.length === 0)
        if (typeof flow === 'string') return
        same(
          legal.filter((word) => fits(pattern, word).size > 1),
          [],
        )
        let state = flow.start(0)
        const word: string[] = []
        for (const number of numbers) {
          const next = pick(number, flow.expected(state))
          if (!own.includes(next)) continue
          const stepped = flow.step(state, next, 0)
          const longer = [...word, next].join('')
          same(isBroken(stepped), !legal.some((one) => one.join('').startsWith(longer)))
          if (isBroken(stepped)) return
          state = stepped
          word.push(next)
          same(
            (flow.places[state.place]?.endings ?? []).length > 0,
            legal.some((one) => one.join('') === longer),
          )
        }
      },
    )
    fc.assert(property, { numRuns: 4_000, seed: 5 })
    expect([...codes.keys()].toSorted()).toEqual(['FLOW_AMBIGUOUS', 'FLOW_ENDLESS', 'ok'])
  })
})

/** A tree that keeps the time at which each limit in it began to count; -1 before. */
type Timed =
  | { readonly kind: 'done' }
  | { readonly kind: 'event'; readonly type: string }
  | { readonly kind: 'seq'; readonly parts: readonly Timed[] }
  | { readonly kind: 'choice'; readonly parts: readonly Timed[] }
  | { readonly kind: 'all'; readonly parts: readonly Timed[] }
  | { readonly kind: 'optional' | 'many'; readonly part: Timed }
  | { readonly kind: 'within'; readonly ms: number; readonly since: number; readonly part: Timed }

const timed = (pattern: FlowPattern): Timed => {
  const parts = partsOf(pattern).map(timed)
  const part = parts[0] as Timed
  switch (pattern.kind) {
    case 'event':
      return pattern
    case 'within':
      return { kind: 'within', ms: pattern.ms, since: -1, part }
    case 'as':
      return part
    case 'optional':
    case 'many':
      return { kind: pattern.kind, part }
    default:
      return { kind: pattern.kind, parts }
  }
}
const maybe = (tree: Timed): boolean => {
  if (tree.kind === 'event') return false
  if (tree.kind === 'within') return maybe(tree.part)
  if (tree.kind === 'choice') return tree.parts.some(maybe)
  return tree.kind === 'seq' || tree.kind === 'all' ? tree.parts.every(maybe) : true
}
/** Lets the limits count that may begin now. */
function begin(tree: Timed, at: number): Timed {
  if (tree.kind === 'event' || tree.kind === 'done') return tree
  if (tree.kind === 'within') return { ...tree, since: tree.since === -1 ? at : tree.since, part: begin(tree.part, at) }
  if ('part' in tree) return { kind: tree.kind, part: begin(tree.part, at) }
  if (tree.kind !== 'seq') return { kind: tree.kind, parts: tree.parts.map((part) => begin(part, at)) }
  const [head, ...tail] = tree.parts
  if (head === undefined) return tree
  const rest: Timed = { kind: 'seq', parts: tail }
  return { kind: 'seq', parts: [begin(head, at), ...(maybe(head) ? partsIn(begin(rest, at)) : tail)] }
}
const partsIn = (tree: Timed): readonly Timed[] => (tree.kind === 'seq' ? tree.parts : [tree])
/** Lets every limit wait again, for another round of a loop. */
function anew(tree: Timed): Timed {
  if (tree.kind === 'event' || tree.kind === 'done') return tree
  if (tree.kind === 'within') return { ...tree, since: -1, part: anew(tree.part) }
  if ('part' in tree) return { kind: tree.kind, part: anew(tree.part) }
  return { kind: tree.kind, parts: tree.parts.map(anew) }
}
/** Every way to read an event. */
function read(tree: Timed, type: string, at: number): readonly Timed[] {
  switch (tree.kind) {
    case 'done':
      return []
    case 'event':
      return tree.type === type ? [{ kind: 'done' }] : []
    case 'choice':
      return tree.parts.flatMap((part) => read(part, type, at))
    case 'all':
      return tree.parts.flatMap((part, index) =>
        read(part, type, at).map((rest): Timed => ({ kind: 'all', parts: tree.parts.with(index, rest) })),
      )
    case 'optional':
      return read(tree.part, type, at)
    case 'many':
      return read(tree.part, type, at).map((rest) =>
        begin({ kind: 'seq', parts: [rest, { kind: 'many', part: anew(tree.part) }] }, at),
      )
    case 'within':
      return read(tree.part, type, at).map((part): Timed => ({ ...tree, part }))
    case 'seq': {
      const [head, ...tail] = tree.parts
      if (head === undefined) return []
      const inHead = read(head, type, at).map((rest) => {
        const waiting: Timed = { kind: 'seq', parts: tail.map(anew) }
        return begin({ kind: 'seq', parts: [rest, ...partsIn(maybe(rest) ? begin(waiting, at) : waiting)] }, at)
      })
      return maybe(head) ? [...inHead, ...read({ kind: 'seq', parts: tail }, type, at)] : inHead
    }
  }
}
function dues(tree: Timed): readonly number[] {
  if (maybe(tree) || tree.kind === 'event') return []
  if (tree.kind === 'within') return [tree.since + tree.ms, ...dues(tree.part)]
  if (tree.kind === 'all') return tree.parts.flatMap(dues)
  if (tree.kind === 'seq') return dues(tree.parts.find((part) => !maybe(part)) as Timed)
  const each = (tree as { readonly parts: readonly Timed[] }).parts.map(dues)
  return each.every((one) => one.length > 0) ? [Math.max(...each.map((one) => Math.min(...one)))] : []
}

describe('its deadlines', () => {
  it('agree with times that are kept in the tree, wherever an event can be read in one way only', () => {
    let compared = 0
    fc.assert(
      fc.property(
        patterns(['seq', 'choice', 'all', 'optional', 'many', 'within', 'within']),
        words,
        (pattern, numbers) => {
          const flow = compile(pattern) as Flow
          let state = flow.start(1)
          let tree = begin(timed(pattern), 1)
          for (const [index, number] of numbers.entries()) {
            const bys = flow.deadlines(state).map(({ by }) => by)
            same(bys[0], dues(tree).toSorted((one, other) => one - other)[0])
            if (bys.length > 0) compared++
            const type = pick(number, flow.expected(state))
            const ways = read(tree, type, 10 * index + 10)
            const stepped = flow.step(state, type, 10 * index + 10)
            if (isBroken(stepped) || stepped === state || ways.length !== 1) return
            state = flow.load(flow.save(stepped)) as typeof stepped
            tree = ways[0] as Timed
          }
        },
      ),
      { numRuns: 10_000, seed: 5 },
    )
    expect(compared).toBeGreaterThan(3_000)
  })
})

// Looks at every state that a model can come to, breadth first, so that the first counterexample is a shortest one. A
// model is plain data and the steps that change it. Two kinds of rules: what must be true in every state, and that from
// every state the end can still be reached (by the edges in reverse). A counterexample is a story: the steps in words.
import { parseText } from '../../src/core/json-text.ts'
import { Numbers, Seen } from './seen.ts'

/** Tells of one possible step: its words, and what it does to a copy of the state. */
export type Step<S> = (words: string, change: (draft: S) => void) => void

/** A model with its bounds chosen and a rule broken, or none. */
export interface Spec<S> {
  readonly start: S
  readonly steps: (state: S, step: Step<S>) => void
  /** Brings what has no order into one, so that equal states have one text. */
  readonly tidy?: (draft: S) => void
  /** What must be true in every state, by its name. */
  readonly always: Readonly<Record<string, (state: S) => boolean>>
  /** Everything that was asked for has come to its end. */
  readonly isEnd: (state: S) => boolean
}

/** A rule that is broken on purpose, and the property that must be found broken for it. */
export interface Mutant {
  /** The rule of the protocol that it breaks. */
  readonly rule: string
  /** The name of the property; null where another defence holds, so that nothing may be found. */
  readonly breaks: string | null
}

export interface Model<S, Name extends string = string> {
  readonly name: string
  readonly about: string
  /** What it stands for: files, and names in them. */
  readonly code: Readonly<Record<string, readonly string[]>>
  readonly mutants: Readonly<Record<Name, Mutant>>
  /** Bounds from 1 on: larger ones have more of everything. */
  readonly build: (bound: number, mutant: Name | null) => Spec<S>
}

/** Name of the property that from every state the end can be reached. */
export const ENDS = 'from every state the end can be reached'

export interface Verdict {
  readonly states: number
  readonly edges: number
  /** Steps from the beginning to the state that is farthest away. */
  readonly depth: number
  /** False when there were more states than were allowed. */
  readonly isComplete: boolean
  /** The property that does not hold, or null. */
  readonly broken: string | null
  readonly story: readonly string[]
}

interface Found {
  readonly number: number
  readonly broken: string
}

export function check<S>(spec: Spec<S>, maxStates = Number.POSITIVE_INFINITY): Verdict {
  const seen = new Seen()
  const [parents, from, to, ends] = [new Numbers(), new Numbers(), new Numbers(), new Numbers()]
  const found: Found[] = []
  // As texts, which are a fraction of the size.
  let next: { readonly text: string; readonly number: number }[] = []
  const meet = (state: S, parent: number): number => {
    const text = JSON.stringify(state)
    const { number, isNew } = seen.meet(text)
    if (!isNew) return number
    parents.push(parent)
    next.push({ text, number })
    if (spec.isEnd(state)) ends.push(number)
    const broken = Object.keys(spec.always).find((name) => spec.always[name]?.(state) === false)
    if (broken !== undefined) found.push({ number, broken })
    return number
  }
  meet(spec.start, -1)
  let depth = -1
  while (next.length > 0 && found.length === 0 && seen.count <= maxStates) {
    const level = next
    next = []
    depth += 1
    for (const { text, number } of level) {
      follow(spec, parseText(text) as S, (_, after) => {
        from.push(number)
        to.push(meet(after, number))
      })
      if (found.length > 0) break
    }
  }
  const isComplete = next.length === 0
  const dead = found.length === 0 && isComplete ? firstWithout(seen.count, from, to, ends) : undefined
  if (dead !== undefined) found.push({ number: dead, broken: ENDS })
  const [first] = found
  const result = { states: seen.count, edges: from.length, depth: Math.max(depth, 0), isComplete }
  if (first === undefined) return { ...result, broken: null, story: [] }
  return { ...result, broken: first.broken, story: storyOf(spec, parents, seen, first.number) }
}

/** Every step from a state, with the state after it. */
function follow<S>(spec: Spec<S>, state: S, visit: (words: string, after: S) => void): void {
  spec.steps(state, (words, change) => {
    const draft = copy(state)
    change(draft)
    spec.tidy?.(draft)
    visit(words, draft)
  })
}

/** The first state from which no end can be reached. */
function firstWithout(count: number, from: Numbers, to: Numbers, ends: Numbers): number | undefined {
  // Edges by the state that they lead to: `starts` has where those of each state begin.
  const starts = new Int32Array(count + 2)
  for (let edge = 0; edge < to.length; edge++) starts[to.at(edge) + 2] = (starts[to.at(edge) + 2] as number) + 1
  for (let state = 1; state < starts.length; state++)
    starts[state] = (starts[state] as number) + (starts[state - 1] as number)
  const back = new Int32Array(to.length)
  for (let edge = 0; edge < to.length; edge++) {
    const place = starts[to.at(edge) + 1] as number
    back[place] = from.at(edge)
    starts[to.at(edge) + 1] = place + 1
  }
  const isGood = new Uint8Array(count)
  const open: number[] = []
  for (let index = 0; index < ends.length; index++) open.push(ends.at(index))
  for (const state of open) isGood[state] = 1
  for (let state = open.pop(); state !== undefined; state = open.pop()) {
    for (let place = starts[state] as number; place < (starts[state + 1] as number); place++) {
      const before = back[place] as number
      if (isGood[before] === 1) continue
      isGood[before] = 1
      open.push(before)
    }
  }
  const first = isGood.indexOf(0)
  return first < 0 ? undefined : first
}

/** The words of the steps to a state: walked again, because to keep the words of all would take too much memory. */
function storyOf<S>(spec: Spec<S>, parents: Numbers, seen: Seen, last: number): string[] {
  const path: number[] = []
  for (let number = last; number > 0; number = parents.at(number)) path.unshift(number)
  const story: string[] = []
  let state = spec.start
  for (const number of path) {
    let next: S | undefined
    follow(spec, state, (words, after) => {
      if (next !== undefined || seen.meet(JSON.stringify(after)).number !== number) return
      next = after
      story.push(words)
    })
    if (next !== undefined) state = next
  }
  return story
}

function copy<T>(value: T): T {
  if (typeof value !== 'object' || value === null) return value
  if (Array.isArray(value)) return value.map(copy) as T
  const made: Record<string, unknown> = {}
  for (const key in value) made[key] = copy(value[key])
  return made as T
}

// A flow as its author wrote it: which events follow which, as plain data without schemas and clocks. It is what
// choreographies are compared, drawn and compiled from (flow.ts). Here too: what can be told from the text alone, the
// events that it speaks of and the names of its endings.

/** One flow, or a part of one. Limits are in milliseconds from the moment at which their part may begin. */
export type FlowPattern =
  | { readonly kind: 'event'; readonly type: string }
  /** One after the other. */
  | { readonly kind: 'seq'; readonly parts: readonly FlowPattern[] }
  /** One of them. */
  | { readonly kind: 'choice'; readonly parts: readonly FlowPattern[] }
  /** All of them, in any order and interleaved. */
  | { readonly kind: 'all'; readonly parts: readonly FlowPattern[] }
  | { readonly kind: 'optional'; readonly part: FlowPattern }
  /** Any number of times, also none. */
  | { readonly kind: 'many'; readonly part: FlowPattern }
  | { readonly kind: 'within'; readonly ms: number; readonly part: FlowPattern }
  /** Names the ending of every path that has no name yet. */
  | { readonly kind: 'as'; readonly ending: string; readonly part: FlowPattern }

/** What holds beside the pattern. */
export type FlowRule =
  /** The event does not come. */
  | { readonly kind: 'never'; readonly event: string }
  /** Once `first` has come, `second` does not come any more. */
  | { readonly kind: 'after'; readonly first: string; readonly second: string }
  /** Whenever `cause` has come, `answer` comes later, within `ms` when that is not null. */
  | { readonly kind: 'response'; readonly cause: string; readonly answer: string; readonly ms: number | null }
  /** `second` comes only when `first` has come. */
  | { readonly kind: 'precedence'; readonly first: string; readonly second: string }

/** The parts of a pattern, in the order in which they were written. */
export function partsOf(pattern: FlowPattern): readonly FlowPattern[] {
  switch (pattern.kind) {
    case 'event':
      return []
    case 'seq':
    case 'choice':
    case 'all':
      return pattern.parts
    case 'optional':
    case 'many':
    case 'within':
    case 'as':
      return [pattern.part]
  }
}

/** The types of the events in a pattern, each once, in the order in which they were written. */
export function typesOf(pattern: FlowPattern): readonly string[] {
  if (pattern.kind === 'event') return [pattern.type]
  return [...new Set(partsOf(pattern).flatMap(typesOf))]
}

/** The parts of a pattern that have a limit, in the order in which they were written. One that is used twice stands there twice. */
export function limitsOf(pattern: FlowPattern): readonly (FlowPattern & { readonly kind: 'within' })[] {
  const inner = partsOf(pattern).flatMap(limitsOf)
  return pattern.kind === 'within' ? [pattern, ...inner] : inner
}

/** The types of the events that a rule speaks of. */
export function typesOfRule(rule: FlowRule): readonly string[] {
  switch (rule.kind) {
    case 'never':
      return [rule.event]
    case 'after':
    case 'precedence':
      return [rule.first, rule.second]
    case 'response':
      return [rule.cause, rule.answer]
  }
}

/** The names that the paths of a pattern end with; null stands for a path without a name. */
export type PathEndings = ReadonlySet<string | null>

/**
 * The names of the endings of a pattern.
 * @param conflict is told of two different names on one path.
 */
export function pathEndings(pattern: FlowPattern, conflict: (first: string, second: string) => void): PathEndings {
  const of = (part: FlowPattern): PathEndings => pathEndings(part, conflict)
  switch (pattern.kind) {
    case 'event':
      return new Set([null])
    case 'seq':
    case 'all':
      return pattern.parts.map(of).reduce((all, next) => joined(all, next, conflict), new Set<string | null>([null]))
    case 'choice':
      return new Set(pattern.parts.flatMap((part) => [...of(part)]))
    case 'optional':
      return new Set([...of(pattern.part), null])
    case 'many': {
      const once = of(pattern.part)
      return new Set([...joined(once, once, conflict), null])
    }
    case 'within':
      return of(pattern.part)
    case 'as':
      return new Set([...of(pattern.part)].map((name) => name ?? pattern.ending))
  }
}

function joined(left: PathEndings, right: PathEndings, conflict: (first: string, second: string) => void): PathEndings {
  const names = new Set<string | null>()
  for (const first of left) {
    for (const second of right) {
      if (first !== null && second !== null && first !== second) conflict(first, second)
      names.add(first ?? second)
    }
  }
  return names
}

/** A pattern as text that differs whenever the patterns do. */
export function patternText(pattern: FlowPattern): string {
  const words = partsOf(pattern).map(patternText).join(', ')
  switch (pattern.kind) {
    case 'event':
      return pattern.type
    case 'within':
      return `within(${pattern.ms}ms, ${words})`
    case 'as':
      return `as(${JSON.stringify(pattern.ending)}, ${words})`
    default:
      return `${pattern.kind}(${words})`
  }
}

/** A rule as text that differs whenever the rules do. */
export function ruleText(rule: FlowRule): string {
  const limit = rule.kind === 'response' && rule.ms !== null ? `, ${rule.ms}ms` : ''
  return `${rule.kind}(${typesOfRule(rule).join(', ')}${limit})`
}

// What is left of a flow, as terms: Brzozowski derivatives (J. ACM 11, 1964) with interleaving, each term made once
// (hash-consing), so that equal rests are the same object and a flow has few of them. A term is normalised when it is
// made: sequences lean to the right, alternatives are flat sorted sets, interleavings flat sorted lists; without that
// `many` would make a new term for every event. Times stand nowhere in a term: a limit is a number, and a derivative says
// which limits go on counting. One table belongs to one flow (flow.ts).
import type { FlowPattern } from './flow-pattern.ts'

type Shape =
  /** Nothing is left; the path ends with this name, or without one. */
  | { readonly kind: 'done'; readonly ending: string | null }
  | { readonly kind: 'event'; readonly type: string }
  | { readonly kind: 'seq'; readonly head: Term; readonly tail: Term }
  /** With no parts: nothing fits any more. */
  | { readonly kind: 'alt'; readonly parts: readonly Term[] }
  | { readonly kind: 'all'; readonly parts: readonly Term[] }
  | { readonly kind: 'many'; readonly part: Term }
  | { readonly kind: 'within'; readonly limit: number; readonly part: Term }
  | { readonly kind: 'as'; readonly ending: string; readonly part: Term }

/** A rest of a flow. */
export type Term = Shape & {
  readonly id: number
  /** The names with which the flow may end here; empty when it may not end. */
  readonly endings: ReadonlySet<string | null>
  /** The types of the events that may come next. */
  readonly heads: ReadonlySet<string>
  /** The limits that count in this rest. */
  readonly active: ReadonlySet<number>
}

/**
 * What is left after an event, in one way of reading it or in all of them: `kept` are the limits that were counting before
 * and go on. A limit that is active and not kept counts from the event on.
 */
export interface Derived {
  readonly term: Term
  readonly kept: ReadonlySet<number>
}
type Way = Derived

const NO_LIMITS: ReadonlySet<number> = new Set()

export class Terms {
  /** The length of each limit in milliseconds, by its number. */
  readonly limits: number[] = []
  readonly #made = new Map<string, Term>()
  readonly #ways = new Map<string, readonly Way[]>()
  readonly #nothing: Term = this.#make('alt', { kind: 'alt', parts: [] }, new Set(), new Set(), NO_LIMITS)

  /** How many terms there are. */
  get size(): number {
    return this.#made.size
  }

  /** The term of a pattern; each `within` in it gets a number of its own, in the order of limitsOf (flow-pattern.ts). */
  of(pattern: FlowPattern): Term {
    switch (pattern.kind) {
      case 'event':
        return this.#event(pattern.type)
      case 'seq':
        return pattern.parts
          .map((part) => this.of(part))
          .reduceRight((tail, head) => this.#seq(head, tail), this.#done(null))
      case 'choice':
        return this.#alt(pattern.parts.map((part) => this.of(part)))
      case 'all':
        return this.#all(pattern.parts.map((part) => this.of(part)))
      case 'optional':
        return this.#alt([this.of(pattern.part), this.#done(null)])
      case 'many':
        return this.#many(this.of(pattern.part))
      case 'within': {
        const limit = this.limits.push(pattern.ms) - 1
        return this.#within(limit, this.of(pattern.part))
      }
      case 'as':
        return this.#as(pattern.ending, this.of(pattern.part))
    }
  }

  /** What is left of `term` after an event, or null when the event does not fit. */
  derive(term: Term, type: string): Derived | null {
    if (!term.heads.has(type)) return null
    const ways = this.#waysOf(term, type)
    const left = this.#alt(ways.map((way) => way.term))
    // Read in two ways, a limit counts from the later beginning: nobody is called late who may not be.
    const kept = [...left.active].filter((limit) =>
      ways.every((way) => way.kept.has(limit) || !way.term.active.has(limit)),
    )
    return { term: left, kept: new Set(kept) }
  }

  #waysOf(term: Term, type: string): readonly Way[] {
    if (!term.heads.has(type)) return []
    const name = `${term.id} ${type}`
    const known = this.#ways.get(name)
    if (known !== undefined) return known
    const ways = this.#derive(term, type)
    this.#ways.set(name, ways)
    return ways
  }

  #derive(term: Term, type: string): readonly Way[] {
    switch (term.kind) {
      case 'seq': {
        const inHead = this.#waysOf(term.head, type).map(({ term: rest, kept }) => ({
          term: this.#seq(rest, term.tail),
          // What may begin only now counts from now, also when an earlier round of a loop has the same limit.
          kept: rest.endings.size > 0 ? without(kept, term.tail.active) : kept,
        }))
        const inTail = [...term.head.endings].flatMap((ending) =>
          this.#waysOf(term.tail, type).map(({ term: rest, kept }) => ({
            term: this.#seq(this.#done(ending), rest),
            kept,
          })),
        )
        return [...inHead, ...inTail]
      }
      case 'alt':
        return term.parts.flatMap((part) => this.#waysOf(part, type))
      case 'all':
        return term.parts.flatMap((part, index) => {
          const others = term.parts.filter((_other, at) => at !== index)
          const untouched = others.flatMap((other) => [...other.active])
          return this.#waysOf(part, type).map(({ term: rest, kept }) => ({
            term: this.#all([rest, ...others]),
            kept: new Set([...kept, ...untouched]),
          }))
        })
      case 'many':
        return this.#waysOf(term.part, type).map(({ term: rest, kept }) => ({
          term: this.#seq(rest, term),
          kept: rest.endings.size > 0 ? without(kept, term.active) : kept,
        }))
      case 'within':
        return this.#waysOf(term.part, type).map(({ term: rest, kept }) => ({
          term: this.#within(term.limit, rest),
          kept: rest.kind === 'done' ? kept : new Set([...kept, term.limit]),
        }))
      case 'as':
        return this.#waysOf(term.part, type).map(({ term: rest, kept }) => ({
          term: this.#as(term.ending, rest),
          kept,
        }))
      default:
        // The event itself; `done` has no heads, and does not come here.
        return [{ term: this.#done(null), kept: NO_LIMITS }]
    }
  }

  #done(ending: string | null): Term {
    return this.#make(`done ${ending ?? ''}`, { kind: 'done', ending }, new Set([ending]), new Set(), NO_LIMITS)
  }

  #event(type: string): Term {
    return this.#make(`event ${type}`, { kind: 'event', type }, new Set(), new Set([type]), NO_LIMITS)
  }

  #seq(head: Term, tail: Term): Term {
    if (head.kind === 'done') return head.ending === null ? tail : this.#as(head.ending, tail)
    if (head === this.#nothing || tail === this.#nothing) return this.#nothing
    if (tail.kind === 'done' && tail.ending === null) return head
    if (head.kind === 'seq') return this.#seq(head.head, this.#seq(head.tail, tail))
    const passes = head.endings.size > 0
    const endings = passes ? [...head.endings].flatMap((one) => [...tail.endings].map((other) => one ?? other)) : []
    return this.#make(
      `seq ${head.id} ${tail.id}`,
      { kind: 'seq', head, tail },
      new Set(endings),
      passes ? union([head.heads, tail.heads]) : head.heads,
      passes ? union([head.active, tail.active]) : head.active,
    )
  }

  #alt(given: readonly Term[]): Term {
    const flat = given.flatMap((term) => (term.kind === 'alt' ? term.parts : [term]))
    const parts = [...new Set(flat)].toSorted((one, other) => one.id - other.id)
    const [first, second] = parts
    if (first === undefined) return this.#nothing
    if (second === undefined) return first
    return this.#make(
      `alt ${ids(parts)}`,
      { kind: 'alt', parts },
      union(parts.map((part) => part.endings)),
      union(parts.map((part) => part.heads)),
      union(parts.map((part) => part.active)),
    )
  }

  #all(given: readonly Term[]): Term {
    const flat = given.flatMap((term) => (term.kind === 'all' ? term.parts : [term]))
    if (flat.includes(this.#nothing)) return this.#nothing
    const parts = flat.filter((term) => term.kind !== 'done').toSorted((one, other) => one.id - other.id)
    const [name] = flat.flatMap((term) => (term.kind === 'done' && term.ending !== null ? term.ending : []))
    if (name !== undefined) return this.#as(name, this.#all(parts))
    const [first, second] = parts
    if (first === undefined) return this.#done(null)
    if (second === undefined) return first
    const ends = parts.reduce<readonly (string | null)[]>(
      (all, { endings }) => all.flatMap((one) => [...endings].map((other) => one ?? other)),
      [null],
    )
    return this.#make(
      `all ${ids(parts)}`,
      { kind: 'all', parts },
      new Set(ends),
      union(parts.map((part) => part.heads)),
      union(parts.map((part) => part.active)),
    )
  }

  #many(part: Term): Term {
    if (part.kind === 'many') return part
    if (part.kind === 'done') return this.#done(null)
    return this.#make(
      `many ${part.id}`,
      { kind: 'many', part },
      new Set([...part.endings, null]),
      part.heads,
      part.active,
    )
  }

  #within(limit: number, part: Term): Term {
    if (part.kind === 'done' || part === this.#nothing) return part
    const active = new Set([limit, ...part.active])
    return this.#make(`within ${limit} ${part.id}`, { kind: 'within', limit, part }, part.endings, part.heads, active)
  }

  #as(ending: string, part: Term): Term {
    if (part.kind === 'done') return part.ending === null ? this.#done(ending) : part
    if (part.kind === 'as' || part === this.#nothing) return part
    const endings = new Set([...part.endings].map((name) => name ?? ending))
    return this.#make(`as ${ending} ${part.id}`, { kind: 'as', ending, part }, endings, part.heads, part.active)
  }

  #make(
    name: string,
    shape: Shape,
    endings: ReadonlySet<string | null>,
    heads: ReadonlySet<string>,
    active: ReadonlySet<number>,
  ): Term {
    const known = this.#made.get(name)
    if (known !== undefined) return known
    const term: Term = { ...shape, id: this.#made.size, endings, heads, active }
    this.#made.set(name, term)
    return term
  }
}

const ids = (terms: readonly Term[]): string => terms.map(({ id }) => id).join(' ')

function union<T>(sets: readonly ReadonlySet<T>[]): ReadonlySet<T> {
  return new Set(sets.flatMap((set) => [...set]))
}

const without = (set: ReadonlySet<number>, others: ReadonlySet<number>): ReadonlySet<number> =>
  new Set([...set].filter((limit) => !others.has(limit)))

// What can still come in a flow, from each of its places on. Places that lead to each other are taken together (Tarjan, SIAM J.
// Comput. 1, 1972), and each such group is looked at once, behind those that it leads to; what can come is a set of bits. So
// a flow with a thousand steps is looked through in milliseconds. Used by the checks, through their sight.
import type { Edge, Place } from '../../core/flow-places.ts'

/** Where an event of some type comes: in the place `number`, and leads to `to`. */
export interface Coming {
  readonly number: number
  readonly to: number
}

export class Outlook {
  readonly #places: readonly Place[]
  readonly #numbers = new Map<string, number>()
  readonly #comings = new Map<string, Coming[]>()
  /** The group of each place. */
  readonly #groups: readonly number[]
  /** By group: the types that can come, and those that can come twice. */
  readonly #once: Uint32Array[] = []
  readonly #twice: Uint32Array[] = []

  constructor(places: readonly Place[]) {
    this.#places = places
    for (const [number, { edges }] of places.entries()) {
      for (const [type, { to }] of edges) {
        const comings = this.#comings.get(type)
        if (comings === undefined) this.#comings.set(type, [{ number, to }])
        else comings.push({ number, to })
        if (comings === undefined) this.#numbers.set(type, this.#numbers.size)
      }
    }
    const { groups, members } = groupsOf(places)
    this.#groups = groups
    for (const group of members) this.#look(group)
  }

  /** Everywhere an event of a type comes, in the order of the places. */
  comings(type: string): readonly Coming[] {
    return this.#comings.get(type) ?? []
  }

  /** Whether an event of a type can come from a place on. */
  comes(from: number, type: string): boolean {
    return this.#has(this.#once, from, type)
  }

  /** Whether it can come twice. */
  comesTwice(from: number, type: string): boolean {
    return this.#has(this.#twice, from, type)
  }

  #has(sets: readonly Uint32Array[], from: number, type: string): boolean {
    const number = this.#numbers.get(type)
    const set = sets[this.#groups[from] as number]
    return number !== undefined && set !== undefined && isIn(set, number)
  }

  /** The groups that this one leads to have been looked at. */
  #look(group: readonly number[]): void {
    const words = Math.ceil(this.#numbers.size / 32)
    const once = new Uint32Array(words)
    const twice = new Uint32Array(words)
    const own = this.#once.push(once) - 1
    this.#twice.push(twice)
    const edges = group.flatMap((number) => [...(this.#places[number] as Place).edges])
    const joined = new Set([own])
    for (const [type, { to }] of edges) {
      add(once, this.#numbers.get(type) as number)
      const next = this.#groups[to] as number
      if (joined.has(next)) continue
      joined.add(next)
      unite(once, this.#once[next] as Uint32Array)
      unite(twice, this.#twice[next] as Uint32Array)
    }
    for (const [type, { to }] of edges) if (this.comes(to, type)) add(twice, this.#numbers.get(type) as number)
  }
}

const isIn = (set: Uint32Array, number: number): boolean =>
  (((set[number >>> 5] as number) >>> (number & 31)) & 1) === 1

function add(set: Uint32Array, number: number): void {
  set[number >>> 5] = (set[number >>> 5] as number) | (1 << (number & 31))
}

function unite(set: Uint32Array, other: Uint32Array): void {
  for (const [index, word] of other.entries()) set[index] = (set[index] as number) | word
}

/** Places that lead to each other, each group behind those that it leads to. All are found from the first place. */
function groupsOf(places: readonly Place[]): {
  readonly groups: readonly number[]
  readonly members: readonly (readonly number[])[]
} {
  const NONE = -1
  const groups = places.map(() => NONE)
  const members: number[][] = []
  const found = places.map(() => NONE)
  const low = places.map(() => NONE)
  const open: number[] = []
  const path: { readonly number: number; readonly next: Iterator<Edge> }[] = []
  let count = 0
  const enter = (number: number): void => {
    found[number] = low[number] = count++
    open.push(number)
    const { edges } = places[number] as Place
    path.push({ number, next: edges.values() })
  }
  const lower = (number: number, to: number): void => {
    if (to < (low[number] as number)) low[number] = to
  }
  if (places.length > 0) enter(0)
  for (let at = path.at(-1); at !== undefined; at = path.at(-1)) {
    const { number, next } = at
    const step = next.next()
    if (step.done !== true) {
      const { to } = step.value
      if (found[to] === NONE) enter(to)
      else if (groups[to] === NONE) lower(number, found[to] as number)
      continue
    }
    path.pop()
    const before = path.at(-1)
    if (before !== undefined) lower(before.number, low[number] as number)
    if (low[number] !== found[number]) continue
    const group: number[] = []
    for (let one = open.pop(); one !== undefined; one = one === number ? undefined : open.pop()) {
      groups[one] = members.length
      group.push(one)
    }
    members.push(group)
  }
  return { groups, members }
}

// Random concurrent programs as data: what a workflow body does, part after part. A program is made from a seed and
// performed over a real run (perform.ts), so that one number is enough to bring a failing workflow back.
import { Chance } from '../../src/testing/simulation/chance.ts'

/** What a `receive` waits for. */
export type Wanted = 'ping' | 'pong' | 'nudge' | 'halt'
/** How branches are put together: by a combinator of Promise, or begun together and awaited one after the other. */
export type Joint = 'all' | 'race' | 'first' | 'settled' | 'floating'

export type Part =
  /** `pads`: awaits of resolved promises before it. `undo`: what is registered with the call. */
  | {
      readonly kind: 'call'
      readonly site: number
      readonly call: 'charge' | 'book' | 'quote'
      readonly undo: 'none' | 'call' | 'function'
      readonly named: boolean
      readonly publish: boolean
    }
  | { readonly kind: 'step'; readonly site: number; readonly undo: boolean }
  | { readonly kind: 'sleep'; readonly ms: number }
  | { readonly kind: 'receive'; readonly wanted: readonly Wanted[]; readonly withinMs: number | null }
  | { readonly kind: 'emit'; readonly type: 'ping' | 'pong' }
  | {
      readonly kind: 'child'
      readonly way: 'call' | 'start' | 'forget'
      readonly seed: number
      readonly undo: boolean
      readonly signal: boolean
      /** What becomes of it when this run is cancelled; undefined: as usual. */
      readonly onCancel: 'cancel' | 'leave' | 'wait' | undefined
      /** Its handle asks it to stop as soon as it is started. */
      readonly stop: boolean
    }
  /** Makes a call, does something else meanwhile, and gives the call up, which may have settled by then. */
  | { readonly kind: 'abort'; readonly given: Part; readonly meanwhile: Block }
  | { readonly kind: 'set' }
  | { readonly kind: 'fold'; readonly what: 'now' | 'random' | 'uuid' }
  | { readonly kind: 'patched'; readonly id: string }
  | { readonly kind: 'pad'; readonly count: number }
  /** `shared`: branches also fold what they learn into their parent's value as they go, so that their order shows. */
  | { readonly kind: 'branches'; readonly joint: Joint; readonly shared: boolean; readonly branches: readonly Block[] }
  | { readonly kind: 'if'; readonly modulus: number; readonly holds: Block; readonly otherwise: Block }
  /** `stubborn`: also a cancellation is caught. */
  | {
      readonly kind: 'try'
      readonly body: Block
      readonly caught: Block
      readonly last: Block | null
      readonly stubborn: boolean
    }
  | { readonly kind: 'loop'; readonly times: number; readonly body: Block }
  | { readonly kind: 'undo' }
  | { readonly kind: 'shield'; readonly body: Block }
  /** Throws a TerminalError when the value so far leaves no rest. */
  | { readonly kind: 'fail'; readonly modulus: number }

export type Block = readonly Part[]

/** What programs may be made of. */
export interface Style {
  /** Levels of branches and blocks. */
  readonly depth: number
  /** About this many parts. */
  readonly size: number
  /** Children nested in children. */
  readonly children: number
  /**
   * Only what an added `await` does not disturb: every operation has a name of its own, and nothing depends on the
   * order in which two branches take their step of one turn.
   */
  readonly calm: boolean
}

/** The program of a seed. It has at least one part that is awaited. */
export function programOf(seed: number, style: Style): Block {
  const maker = new Maker(new Chance(seed), style)
  const program: Part[] = [maker.operation()]
  while (maker.left > style.size / 3) program.push(...maker.block(style.depth))
  return program
}

class Maker {
  readonly #chance: Chance
  readonly #style: Style
  #left: number
  #sites = 0

  constructor(chance: Chance, style: Style) {
    this.#chance = chance
    this.#style = style
    this.#left = style.size
  }

  /** How many operations there may still be. */
  get left(): number {
    return this.#left
  }

  block(depth: number): Block {
    const count = this.#chance.between(1, 3)
    return Array.from({ length: count }, () => this.#part(depth)).flat()
  }

  /** Something that is awaited and answered. */
  operation(): Part {
    const chance = this.#chance
    this.#left -= 1
    const site = this.#sites++
    if (this.#style.calm) return { kind: 'call', site, call: 'book', undo: 'none', named: true, publish: false }
    if (chance.is(0.3)) return { kind: 'step', site, undo: chance.is(0.2) }
    const undo = chance.weighted([
      [5, 'none'],
      [2, 'call'],
      [2, 'function'],
    ] as const)
    const call =
      undo === 'none' ? chance.pick(['charge', 'book', 'quote'] as const) : chance.pick(['charge', 'book'] as const)
    return { kind: 'call', site, call, undo, named: chance.is(0.2), publish: chance.is(0.15) }
  }

  #part(depth: number): Block {
    const pads: Block = this.#chance.is(0.25) ? [{ kind: 'pad', count: this.#chance.between(1, 4) }] : []
    if (this.#left <= 0) return [...pads, this.operation()]
    const deep = depth > 0 ? 1 : 0
    const make = this.#chance.weighted<() => Block>([
      [8, () => [this.operation()]],
      [5 * deep, () => [this.#branches(depth - 1)]],
      [1.5 * deep, () => [this.#condition(depth - 1)]],
      [2 * deep, () => [this.#attempt(depth - 1)]],
      [1.5 * deep, () => [{ kind: 'loop', times: this.#chance.between(1, 3), body: this.block(depth - 1) }]],
      ...(this.#style.calm ? [] : this.#unruly(depth)),
    ])
    return [...pads, ...make()]
  }

  /** What shares a name with its neighbours, or whose effect depends on the order within a turn. */
  #unruly(depth: number): readonly (readonly [number, () => Block])[] {
    const chance = this.#chance
    return [
      [1.5, () => [{ kind: 'sleep', ms: chance.between(0, 80) }]],
      [3.5, () => [this.#receive()]],
      [1, () => [{ kind: 'emit', type: chance.pick(['ping', 'pong'] as const) }]],
      [this.#style.children > 0 ? 1.2 : 0, () => [this.#child()]],
      [0.5, () => [{ kind: 'set' }]],
      [1.2, () => [{ kind: 'fold', what: chance.pick(['now', 'random', 'uuid'] as const) }]],
      [0.5, () => [{ kind: 'patched', id: chance.pick(['first', 'second']) }]],
      [0.8, () => [{ kind: 'undo' }]],
      [0.4, () => [{ kind: 'fail', modulus: chance.between(2, 5) }]],
      [depth > 0 ? 1 : 0, () => [{ kind: 'shield', body: this.block(depth - 1) }]],
      [depth > 0 ? 1.2 : 0, () => [this.#abort(depth - 1)]],
    ]
  }

  #receive(): Part {
    const chance = this.#chance
    const wanted = chance.pick<readonly Wanted[]>([
      ['ping'],
      ['pong'],
      ['nudge'],
      ['nudge', 'halt'],
      ['ping', 'pong'],
      ['ping', 'nudge'],
      ['pong', 'halt'],
      ['halt', 'pong', 'nudge'],
    ])
    this.#left -= 1
    return { kind: 'receive', wanted, withinMs: chance.is(0.4) ? chance.between(0, 150) : null }
  }

  #child(): Part {
    const chance = this.#chance
    this.#left -= 1
    const way = chance.weighted([
      [4, 'call'],
      [3, 'start'],
      [1, 'forget'],
    ] as const)
    return {
      kind: 'child',
      way,
      seed: chance.between(1, 1e9),
      undo: way === 'call' && chance.is(0.3),
      signal: way !== 'call' && chance.is(0.4),
      onCancel:
        way === 'call' ? chance.pick([undefined, 'cancel', 'leave', 'wait']) : chance.pick([undefined, 'cancel']),
      stop: way !== 'call' && chance.is(0.2),
    }
  }

  #abort(depth: number): Part {
    const given = this.#style.children > 0 && this.#chance.is(0.2) ? this.#child() : this.operation()
    return { kind: 'abort', given, meanwhile: this.block(depth) }
  }

  #branches(depth: number): Part {
    const chance = this.#chance
    const joint = chance.pick<Joint>(['all', 'all', 'race', 'race', 'first', 'settled', 'floating'])
    // A calm branch begins with an operation: one that could end in the turn of its birth would race with its siblings.
    const branch = (): Block => (this.#style.calm ? [this.operation(), ...this.block(depth)] : this.block(depth))
    // Often several waits at once: what answers one of them must leave the others where they are.
    const waits = !this.#style.calm && chance.is(0.25)
    const branches = Array.from({ length: chance.between(2, 3) }, () => (waits ? [this.#receive()] : branch()))
    return { kind: 'branches', joint, shared: !this.#style.calm && chance.is(0.4), branches }
  }

  #condition(depth: number): Part {
    return { kind: 'if', modulus: this.#chance.between(2, 3), holds: this.block(depth), otherwise: this.block(depth) }
  }

  #attempt(depth: number): Part {
    const body: Block =
      this.#chance.is(0.3) && !this.#style.calm
        ? [...this.block(depth), { kind: 'fail', modulus: 2 }]
        : this.block(depth)
    const last = this.#chance.is(0.5) ? this.block(depth) : null
    return { kind: 'try', body, caught: this.block(depth), last, stubborn: this.#chance.is(0.25) }
  }
}

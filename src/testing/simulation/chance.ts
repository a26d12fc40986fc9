// Dice that a seed loads: everything random in these tests comes from here, so that a seed is a whole story. Dice are
// split for each part of a test that must not disturb the others. They are of their own making and not the product's, so
// that a seed written down today tells the same story when the product has changed its numbers.

export class Chance {
  readonly #seed: number
  #state: number

  constructor(seed: number) {
    this.#seed = seed | 0
    this.#state = this.#seed
  }

  /** Dice of their own for one part, named by a number: what the others throw does not change them. */
  part(name: number): Chance {
    return new Chance(Math.imul(this.#seed ^ Math.imul(name + 1, 0x9e3779b1), 0x85ebca6b))
  }

  /** A number from 0 up to 1: a counter whose bits are mixed (splitmix, in 32 bits). */
  #next(): number {
    this.#state = (this.#state + 0x9e3779b9) | 0
    let mixed = this.#state ^ (this.#state >>> 16)
    mixed = Math.imul(mixed, 0x21f0aaad)
    mixed = Math.imul(mixed ^ (mixed >>> 15), 0x735a2d97)
    return ((mixed ^ (mixed >>> 15)) >>> 0) / 2 ** 32
  }

  /** True with a probability from 0 to 1. */
  is(probability: number): boolean {
    return this.#next() < probability
  }

  /** A whole number from `low` to `high`, both included. */
  between(low: number, high: number): number {
    return low + Math.floor(this.#next() * (high - low + 1))
  }

  pick<T>(items: readonly T[]): T {
    return items[this.between(0, items.length - 1)] as T
  }

  /** One of several, each with its weight. */
  weighted<T>(items: readonly (readonly [weight: number, item: T])[]): T {
    let sum = 0
    for (const [weight] of items) sum += weight
    let left = this.#next() * sum
    for (const [weight, item] of items) {
      left -= weight
      if (left < 0) return item
    }
    return (items.at(-1) as readonly [number, T])[1]
  }

  /** A latency, milliseconds: mostly short, sometimes long, so that answers overtake one another. */
  latencyMs(): number {
    return this.is(0.15) ? this.between(200, 2000) : this.between(1, 60)
  }
}

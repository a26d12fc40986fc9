// Dice that a seed loads: everything random in these tests comes from here, so that a seed is a whole story. The numbers
// are those of core's stream for runs; a chance is split for each part of a test that must not disturb the others.
import { turnStream } from '../../src/core/randomness.ts'

export class Chance {
  readonly #next: () => number
  readonly #seed: number

  constructor(seed: number) {
    this.#seed = seed >>> 0
    this.#next = turnStream(this.#seed, 0)
  }

  /** Dice of their own for one part, named by a number: what the others throw does not change them. */
  part(name: number): Chance {
    return new Chance(Math.imul(this.#seed ^ Math.imul(name + 1, 0x9e3779b1), 0x85ebca6b))
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
    let left = this.#next() * items.reduce((sum, [weight]) => sum + weight, 0)
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

// Lets so many through at once; whoever comes then waits and follows in order. Bringing runs back from the disk goes
// through one (loading.ts), so that a hundred thousand that are wanted in one instant are not all in memory.

export class Turnstile {
  readonly #most: number
  readonly #waiting: (() => void)[] = []
  #next = 0
  #inside = 0

  constructor(most: number) {
    this.#most = most
  }

  /** Does the work as soon as there is room, at once if there is. */
  async pass<T>(work: () => Promise<T>): Promise<T> {
    if (this.#inside >= this.#most) await new Promise<void>((resolve) => this.#waiting.push(resolve))
    else this.#inside += 1
    try {
      return await work()
    } finally {
      this.#leave()
    }
  }

  /** Whoever has waited longest takes the place over, so that nobody overtakes him. */
  #leave(): void {
    const next = this.#waiting[this.#next]
    if (next === undefined) this.#inside -= 1
    else {
      this.#next += 1
      next()
    }
    if (this.#next === this.#waiting.length || this.#next > 1024) {
      this.#waiting.splice(0, this.#next)
      this.#next = 0
    }
  }
}

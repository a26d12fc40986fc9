// How many of something are under way, and when that changes: requests and connections of a server that is to end.

export class Tally {
  #count = 0
  readonly #listeners = new Set<() => void>()

  get count(): number {
    return this.#count
  }

  /** Counts one; call the result when it is over. */
  enter(): () => void {
    let isOut = false
    this.#count++
    return () => {
      if (isOut) return
      isOut = true
      this.#count--
      this.changed()
    }
  }

  /** Resolves once none is under way. */
  async none(): Promise<void> {
    while (this.#count > 0) await this.change()
  }

  /** Resolves with the next change. */
  change(): Promise<void> {
    return new Promise((resolve) => {
      this.#listeners.add(resolve)
    })
  }

  changed(): void {
    if (this.#listeners.size === 0) return
    for (const listener of this.#listeners) listener()
    this.#listeners.clear()
  }
}

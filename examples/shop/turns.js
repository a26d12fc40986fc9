// Work that goes one after the other by name, and side by side for different names.
export class Turns {
  /** The last work of each name that is under way. */
  #last = new Map()
  /** Does `work` when all that came before under this name is done, however that ended. */
  async take(name, work) {
    const turn = (this.#last.get(name) ?? Promise.resolve()).then(work)
    const settled = turn.then(
      () => {},
      () => {},
    )
    this.#last.set(name, settled)
    try {
      return await turn
    } finally {
      if (this.#last.get(name) === settled) this.#last.delete(name)
    }
  }
}

// Tells the body of one attempt to stop. Most bodies never look, and an AbortController costs more than all else that an
// attempt needs, so there is none before somebody asks for its signal. Used by effects.ts; a body sees the signal alone.

export class StopSignal {
  #controller: AbortController | null = null
  #reason: Error | null = null

  get signal(): AbortSignal {
    if (this.#controller === null) {
      this.#controller = new AbortController()
      if (this.#reason !== null) this.#controller.abort(this.#reason)
    }
    return this.#controller.signal
  }

  /** The first reason stays. */
  abort(reason: Error): void {
    this.#reason ??= reason
    this.#controller?.abort(reason)
  }
}

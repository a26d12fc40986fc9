// The requests that are under way, so that a server can end without cutting off an answer. Requests that only wait
// (for a run to end) are told apart: they can be answered at any moment with what is known, the others must finish.
//
//   open  --close-->  closing (new requests are refused)  --cut-->  cut (waits are answered with what is known)
import { LooseMap } from '../core/loose-map.ts'

export class Traffic {
  #state: 'open' | 'closing' | 'cut' = 'open'
  #requests = 0
  readonly #waits = new LooseMap<symbol, AbortController>()
  readonly #listeners = new Set<() => void>()

  get isClosing(): boolean {
    return this.#state !== 'open'
  }

  /** Whether waits are answered with what is known. */
  get isCut(): boolean {
    return this.#state === 'cut'
  }

  /** Counts a request; call the result when its answer is out. */
  enter(): () => void {
    let isOut = false
    this.#requests++
    return () => {
      if (isOut) return
      isOut = true
      this.#requests--
      this.#changed()
    }
  }

  /**
   * Runs the part of a request that only waits. Its signal is aborted when the client has gone or the server cuts
   * waits short; the work then answers with what it has. Nothing is held once it has.
   */
  async wait<Result>(client: AbortSignal, work: (signal: AbortSignal) => Promise<Result>): Promise<Result> {
    const controller = new AbortController()
    const stop = (): void => controller.abort()
    if (client.aborted || this.#state === 'cut') stop()
    client.addEventListener('abort', stop)
    const wait = Symbol('wait')
    this.#waits.set(wait, controller)
    this.#changed()
    try {
      return await work(controller.signal)
    } finally {
      client.removeEventListener('abort', stop)
      this.#waits.delete(wait)
      this.#changed()
    }
  }

  /** From here on new requests are refused. */
  close(): void {
    if (this.#state === 'open') this.#state = 'closing'
  }

  /** Ends all waits with what is known. */
  cut(): void {
    this.#state = 'cut'
    for (const wait of this.#waits.values()) wait.abort()
  }

  /** Resolves once no request is under way but those that wait. */
  async onlyWaits(): Promise<void> {
    while (this.#requests > this.#waits.size) await this.#change()
  }

  /** Resolves once no request is under way. */
  async none(): Promise<void> {
    while (this.#requests > 0) await this.#change()
  }

  #change(): Promise<void> {
    return new Promise((resolve) => {
      this.#listeners.add(resolve)
    })
  }

  #changed(): void {
    if (this.#listeners.size === 0) return
    for (const listener of this.#listeners) listener()
    this.#listeners.clear()
  }
}

// The requests that are under way, so that a server can end without cutting off an answer. Requests that only wait
// (for a run to end) are told apart: they can be answered at any moment with what is known, the others must finish.
//
//   open  --drain-->  draining (every answer is the last of its connection)  --close-->  closing (new requests are refused)
//   --cut-->  cut (waits are answered with what is known)
import { LooseMap } from '../core/loose-map.ts'
import { Tally } from './tally.ts'

export class Traffic {
  #state: 'open' | 'draining' | 'closing' | 'cut' = 'open'
  readonly #requests = new Tally()
  readonly #waits = new LooseMap<symbol, AbortController>()

  /** Whether an answer is the last of its connection. */
  get isLast(): boolean {
    return this.#state !== 'open'
  }

  /** Whether new requests are refused. */
  get isClosing(): boolean {
    return this.isLast && this.#state !== 'draining'
  }

  /** Whether waits are answered with what is known. */
  get isCut(): boolean {
    return this.#state === 'cut'
  }

  /** Counts a request; call the result when its answer is out. */
  enter(): () => void {
    return this.#requests.enter()
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
    this.#requests.changed()
    try {
      return await work(controller.signal)
    } finally {
      client.removeEventListener('abort', stop)
      this.#waits.delete(wait)
      this.#requests.changed()
    }
  }

  /** From here on every answer is the last of its connection. */
  drain(): void {
    if (this.#state === 'open') this.#state = 'draining'
  }

  /** From here on new requests are refused. */
  close(): void {
    if (!this.isClosing) this.#state = 'closing'
  }

  /** Ends all waits with what is known. */
  cut(): void {
    this.#state = 'cut'
    for (const wait of this.#waits.values()) wait.abort()
  }

  /** Resolves once no request is under way but those that wait. */
  async onlyWaits(): Promise<void> {
    while (this.#requests.count > this.#waits.size) await this.#requests.change()
  }

  /** Resolves once no request is under way. */
  none(): Promise<void> {
    return this.#requests.none()
  }
}

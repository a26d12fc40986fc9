// Looks again and again for what another node is to do, until it is there or has had its time. A node that closes lets what it has
// asked for be answered first, for its grace, and ends what only waits at once; the store is closed behind both. Kept by
// elsewhere.ts.
//
//   open  --close-->  closing (nothing is asked for any more, who waits is told)  --grace-->  over (nothing is looked for any more)
import { elapsedOf, type Clock } from '../core/clock.ts'
import { fault } from '../core/errors.ts'

/** Pauses between looks: the first, and the longest; milliseconds. */
export const LOOK_MS = [4, 250] as const

export class Patience {
  readonly #clock: Clock
  #state: 'open' | 'closing' | 'over' = 'open'
  readonly #asks = new Set<Promise<unknown>>()
  readonly #waits = new Set<Promise<unknown>>()
  readonly #pauses = new Set<() => void>()
  readonly #listeners = new Set<() => void>()

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** What asks something of another node. @throws APP_CLOSED when nothing is asked for any more */
  async asking<T>(work: () => Promise<T>): Promise<T> {
    this.check()
    return kept(this.#asks, work())
  }

  /** What only waits; it ends by itself when it is told so. @throws APP_CLOSED */
  async waiting<T>(work: () => Promise<T>): Promise<T> {
    this.check()
    return kept(this.#waits, work())
  }

  /** Whoever waits is told when this node closes, until the returned function is called. */
  onClose(tell: () => void): () => void {
    this.#listeners.add(tell)
    return () => this.#listeners.delete(tell)
  }

  get isClosing(): boolean {
    return this.#state !== 'open'
  }

  /** @throws APP_CLOSED when this node closes */
  check(): void {
    if (this.isClosing) throw fault('APP_CLOSED')
  }

  /** What is not null, or null when that takes too long. */
  async until<T>(
    look: () => Promise<T | null>,
    mostMs: number,
    [first, longest]: readonly [first: number, longest: number] = LOOK_MS,
  ): Promise<T | null> {
    const until = elapsedOf(this.#clock) + mostMs
    for (let pause = first; ; pause = Math.min(pause * 2, longest)) {
      const found = await look()
      if (found !== null || elapsedOf(this.#clock) >= until || this.#state === 'over') return found
      await this.pause(pause)
    }
  }

  pause(ms: number): Promise<void> {
    if (this.#state === 'over') return Promise.resolve()
    return new Promise((resolve) => {
      const end = (): void => {
        cancel()
        this.#pauses.delete(end)
        resolve()
      }
      const cancel = this.#clock.after(ms, end)
      this.#pauses.add(end)
    })
  }

  /** Resolves when nothing is under way any more. @param over nothing is looked for any longer. */
  async close(graceMs: number, over: () => void): Promise<void> {
    this.#state = 'closing'
    for (const tell of this.#listeners) tell()
    const end = (): void => {
      this.#state = 'over'
      over()
      for (const wake of this.#pauses) wake()
    }
    const cancel = this.#clock.after(graceMs, end)
    await Promise.all(this.#asks)
    cancel()
    end()
    await Promise.all(this.#waits)
  }
}

function kept<T>(set: Set<Promise<unknown>>, work: Promise<T>): Promise<T> {
  const settled = work.catch(() => undefined).finally(() => set.delete(settled))
  set.add(settled)
  return work
}

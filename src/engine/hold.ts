// Whether it is sure, by this process's own clock, that its lease still runs. The time counts from when a renewal was sent,
// and is looked at when an effect is to begin, so that a process that was frozen, or whose loop hung, begins none before it
// has heard that it is still the owner. Kept by Ownership, asked by the effects of a shard.
import { elapsedOf, type Clock } from '../core/clock.ts'

/** What the effects of a shard ask. */
export interface Hold {
  /** Whether an effect may begin now. */
  readonly isSure: boolean
  /** Calls back once it is sure again; never when it does not come to that. */
  whenSure(callback: () => void): void
}

/** Of a store that one process holds by a lock: always. */
export const sureHold: Hold = { isSure: true, whenSure: (callback) => callback() }

/** Of a lease. */
export class LeaseHold implements Hold {
  readonly #elapsed: () => number
  readonly #lengthMs: number
  readonly #waiting: (() => void)[] = []
  #sentAt: number

  /** @param sentAt when the lease was asked for, by `elapsed` of the clock. */
  constructor(clock: Clock, lengthMs: number, sentAt: number) {
    this.#elapsed = () => elapsedOf(clock)
    this.#lengthMs = lengthMs
    this.#sentAt = sentAt
  }

  get isSure(): boolean {
    return this.#elapsed() - this.#sentAt < this.#lengthMs
  }

  /** How long ago the last renewal was sent. */
  get unrenewedMs(): number {
    return this.#elapsed() - this.#sentAt
  }

  whenSure(callback: () => void): void {
    if (this.isSure) callback()
    else this.#waiting.push(callback)
  }

  /** The lease was renewed by what was sent at `sentAt`. */
  renewed(sentAt: number): void {
    this.#sentAt = sentAt
    if (this.isSure) for (const callback of this.#waiting.splice(0)) callback()
  }
}

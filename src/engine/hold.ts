// Whether it is sure, by this process's own clock, that its lease still runs. The time counts from when a renewal was sent,
// and is looked at when an effect is to begin, so that a process that was frozen, or whose loop hung, begins none before it
// has heard that it is still the owner. While a machine is suspended the time that passes stands still for its processes, and
// the time of day does not: whichever of the two says more is believed. Where that was only set ahead, effects wait for the next
// renewal. Kept by Ownership, asked by the effects of a shard.
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

/** When something was sent, by both times of a clock. */
export interface Sent {
  readonly elapsed: number
  readonly now: number
}

/** What is sent now. */
export const sentNow = (clock: Clock): Sent => ({ elapsed: elapsedOf(clock), now: clock.now() })

/** What never was. */
export const neverSent: Sent = { elapsed: Number.NEGATIVE_INFINITY, now: Number.NEGATIVE_INFINITY }

/** Of a lease. */
export class LeaseHold implements Hold {
  readonly #clock: Clock
  readonly #lengthMs: number
  readonly #waiting: (() => void)[] = []
  #sentAt: Sent

  /** @param sentAt when the lease was asked for. */
  constructor(clock: Clock, lengthMs: number, sentAt: Sent) {
    this.#clock = clock
    this.#lengthMs = lengthMs
    this.#sentAt = sentAt
  }

  get isSure(): boolean {
    return this.unrenewedMs < this.#lengthMs
  }

  /** How long ago the last renewal was sent. */
  get unrenewedMs(): number {
    const { elapsed, now } = sentNow(this.#clock)
    return Math.max(elapsed - this.#sentAt.elapsed, now - this.#sentAt.now)
  }

  whenSure(callback: () => void): void {
    if (this.isSure) callback()
    else this.#waiting.push(callback)
  }

  /** The lease was renewed by what was sent at `sentAt`. */
  renewed(sentAt: Sent): void {
    this.#sentAt = sentAt
    if (this.isSure) for (const callback of this.#waiting.splice(0)) callback()
  }
}

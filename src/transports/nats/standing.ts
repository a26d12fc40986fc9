// How what comes from a stream is taken in this process, in numbers: what the metrics of the application tell. Nothing of it costs
// anything for a message: a piece of a stream is counted when it has been taken, and how many wait is asked for every so often. One for
// each store whose application has the transport; told by intake.ts, asked by transport.ts.
import { elapsedOf, type Cancel, type Clock } from '../../core/clock.ts'
import type { Place } from './reading.ts'

/** The server is asked so often how many messages wait, also while one of them takes long. */
const LOOK_MS = 10_000

/** How the calls that take in this process stand. */
export interface IntakeNow {
  readonly waiting: number
  /** How long ago a message was taken last, or since when one is waited for, milliseconds. */
  readonly idleMs: number
  /** How old the message is that was taken last, milliseconds; 0 when none waits behind it. */
  readonly lagMs: number
}

/** One call that takes, from when messages are delivered to it until they are not any more. */
export interface Taking {
  /** Messages have been taken, and this is how far it is. */
  gone(place: Place, messages: number): void
  end(): void
}

interface Counted {
  waiting: number
  /** By time that passes. */
  goneAt: number
  /** When the server got the last message that was taken, milliseconds since the epoch; null for none. */
  sentAt: number | null
}

export class Standing {
  readonly #clock: Clock
  readonly #takings = new Set<Counted>()
  /** Messages that have been taken, and those that were for others. */
  taken = 0

  constructor(clock: Clock) {
    this.#clock = clock
  }

  /** Calls that take here. */
  get taking(): number {
    return this.#takings.size
  }

  /** Of all of them, the one that is furthest behind; null when none takes here. */
  get now(): IntakeNow | null {
    if (this.#takings.size === 0) return null
    const [elapsed, now] = [elapsedOf(this.#clock), this.#clock.now()]
    const all = [...this.#takings].map(({ waiting, goneAt, sentAt }) => {
      const idleMs = elapsed - goneAt
      return { waiting, idleMs, lagMs: waiting === 0 ? 0 : Math.max(0, sentAt === null ? idleMs : now - sentAt) }
    })
    const most = (of: (one: IntakeNow) => number): number => Math.max(...all.map(of))
    return { waiting: most((one) => one.waiting), idleMs: most((one) => one.idleMs), lagMs: most((one) => one.lagMs) }
  }

  /** @param waiting asks how many messages wait; what that throws, whoever takes meets as well. */
  begin(waiting: () => Promise<number>): Taking {
    const clock = this.#clock
    const counted: Counted = { waiting: 0, goneAt: elapsedOf(clock), sentAt: null }
    this.#takings.add(counted)
    let cancel: Cancel = () => {}
    const look = async (): Promise<void> => {
      try {
        counted.waiting = await waiting()
      } catch {
        // It stays what it was.
      }
      if (this.#takings.has(counted)) cancel = clock.after(LOOK_MS, () => void look())
    }
    void look()
    return {
      gone: ({ waiting: left, lateMs }, messages) => {
        counted.waiting = left
        if (messages === 0) return
        this.taken += messages
        counted.goneAt = elapsedOf(clock)
        counted.sentAt = clock.now() - lateMs
      },
      end: () => {
        this.#takings.delete(counted)
        cancel()
      },
    }
  }
}

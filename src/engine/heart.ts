// One call whose operation has a heartbeat: when its attempt was heard of last, and how far it is. A body may say so in every round
// of its loop, so that nothing is written there and no timer is set: the time is noted, and effects.ts looks at it when the attempt
// would have been silent for too long. What is said goes on from attempt to attempt; an attempt that is over says nothing any more.
// Kept by heartbeats.ts.
import { elapsedOf, type Clock } from '../core/clock.ts'
import { parseText } from '../core/json-text.ts'
import type { Json, JsonText } from '../core/json.ts'
import { progressOf, progressText, type Progress } from '../core/progress.ts'

/** A timer that comes so much too late says that this process was held up, and not the attempt. */
const LATE_MS = 1000

/** How far a call is, as it was said in an attempt at a time, milliseconds since the epoch. */
export interface Told {
  readonly attempt: number
  readonly at: number
  /** JSON. */
  readonly progress: JsonText
}

/** Something that was said: by time that passes. */
interface Said {
  readonly attempt: number
  at: number
}

export class Heart {
  readonly heartbeatMs: number
  readonly #what: string
  readonly #clock: Clock
  /** There is something to keep. */
  readonly #toKeep: () => void
  #beganAt = 0
  /** Of the attempt that is under way, or was last. */
  #heard: Said | null = null
  #forgiven = -1
  #progress: Progress | null = null
  #saidIn = 0
  #saidAt = 0
  /** What an earlier process has kept. */
  #found: Told | null = null

  constructor(name: string, heartbeatMs: number, clock: Clock, toKeep: () => void) {
    this.heartbeatMs = heartbeatMs
    this.#what = `the progress of ${name}`
    this.#clock = clock
    this.#toKeep = toKeep
  }

  /** An earlier process has kept this. */
  found(told: Told): void {
    this.#found = told
  }

  /** The `context.heartbeat` of an attempt that begins; one before it is not heard any more. */
  begin(attempt: number): (progress?: unknown) => void {
    this.#beganAt = elapsedOf(this.#clock)
    const said = (this.#heard = { attempt, at: -1 })
    return (progress) => {
      if (said !== this.#heard) return
      said.at = elapsedOf(this.#clock)
      if (progress !== undefined) this.#say(progress, said)
    }
  }

  /** The attempt that was under way is over, or nobody wants it any more. */
  over(): void {
    if (this.#heard !== null) this.#heard = { ...this.#heard }
  }

  #say(progress: unknown, { attempt, at }: Said): void {
    this.#progress = progressOf(progress, this.#what)
    this.#saidIn = attempt
    this.#saidAt = at
    this.#toKeep()
  }

  /** Milliseconds until the attempt has been silent for too long; 0 when it has. */
  leftMs(): number {
    const last = Math.max(this.#beganAt, this.#heard?.at ?? 0)
    const late = elapsedOf(this.#clock) - last - this.heartbeatMs
    if (late < 0) return -late
    // What it has said while this process was held up may not have been taken yet: it has as long again, once.
    if (late <= LATE_MS || this.#forgiven === last) return 0
    this.#forgiven = last
    return Math.min(late, this.heartbeatMs)
  }

  /** When it was heard of last, and in which attempt; null for never. Milliseconds since the epoch. */
  get heard(): Omit<Told, 'progress'> | null {
    const heard = this.#heard
    return heard === null || heard.at < 0 ? this.told : { attempt: heard.attempt, at: this.#timeOf(heard.at) }
  }

  /** What is to be kept of it; null for nothing. */
  get told(): Told | null {
    if (this.#progress === null) return this.#found
    return { attempt: this.#saidIn, at: this.#timeOf(this.#saidAt), progress: progressText(this.#progress) }
  }

  /** The `context.progress` of an attempt. */
  get progress(): Json | undefined {
    const { told } = this
    return told === null ? undefined : (parseText(told.progress) as Json)
  }

  #timeOf(elapsed: number): number {
    return Math.round(this.#clock.now() - (elapsedOf(this.#clock) - elapsed))
  }
}

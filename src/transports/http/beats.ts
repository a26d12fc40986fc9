// The heartbeats of one attempt that is carried out here for an application elsewhere: `POST <heartbeatTo>`, one after the other and
// not more often than they are needed, whatever the body of the operation says. Each has the newest of how far it is. The answer says
// whether somebody still wants the attempt; one that did not get through is sent again. A call that was fetched cannot be told that it
// was given up: while its body says nothing, that is asked for in the same way, which is no sign of life. Used by host.ts.
import { elapsedOf, type Cancel, type Clock } from '../../core/clock.ts'
import { progressOf, progressText, type Progress } from '../../core/progress.ts'
import type { Asked } from '../../core/transport.ts'
import { beatText, questionText } from './asked-text.ts'
import { signatureHeaders, type Secrets } from './signature.ts'

/** Where the heartbeats of an attempt go. */
export interface BeatsTo {
  readonly address: string
  /** How often one must come; null: none is asked for. */
  readonly heartbeatMs: number | null
  /** Nothing else says that the attempt is not wanted any more. */
  readonly asks: boolean
}

export interface BeatsOptions {
  readonly asked: Pick<Asked, 'operation' | 'idempotencyKey'>
  /** Absent: the application does not ask for any. */
  readonly to: BeatsTo | undefined
  readonly secrets: Secrets
  readonly clock: Clock
  /** Nobody wants the attempt any more. */
  readonly stop: () => void
}

/** Not more often than that, and so often that one may be lost; and how often it is asked whether the attempt is wanted. */
const EVERY_MS = 5000
const IN_A_HEARTBEAT = 3

export class Beats {
  readonly #options: BeatsOptions
  #progress: Progress | null = null
  #isUnsaid = false
  #isSending = false
  #isWanted = true
  #isOver = false
  #cancel: Cancel | null = null
  #sentAt = Number.NEGATIVE_INFINITY
  /** When something was sent last, and before that when it began. */
  #askedAt: number
  #number = 0
  readonly #over = new AbortController()

  constructor(options: BeatsOptions) {
    this.#options = options
    // What is over soon asks nothing.
    this.#askedAt = elapsedOf(options.clock)
    this.#arm()
  }

  /** The `context.heartbeat` of the attempt. */
  readonly heartbeat = (progress?: unknown): void => {
    if (this.#isOver) return
    if (progress !== undefined)
      this.#progress = progressOf(progress, `the progress of ${this.#options.asked.operation}`)
    // It goes with the next.
    if (this.#isUnsaid || this.#options.to?.heartbeatMs == null) return
    this.#isUnsaid = true
    this.#arm()
  }

  /** What was said last, as JSON, for the answer of an attempt that has failed. */
  get progress(): string | undefined {
    return this.#progress === null ? undefined : progressText(this.#progress)
  }

  over(): void {
    this.#isOver = true
    this.#cancel?.()
    this.#over.abort()
  }

  #arm(): void {
    const { to, clock } = this.#options
    const isBeat = this.#isUnsaid
    if (to === undefined || this.#isSending || !(isBeat || (to.asks && this.#isWanted))) return
    this.#cancel?.()
    const everyMs = isBeat ? Math.ceil(Math.min(EVERY_MS, (to.heartbeatMs ?? Infinity) / IN_A_HEARTBEAT)) : EVERY_MS
    const since = isBeat ? this.#sentAt : Math.max(this.#sentAt, this.#askedAt)
    const waitMs = Math.max(0, since + everyMs - elapsedOf(clock))
    this.#cancel = clock.after(waitMs, () => {
      this.#cancel = null
      void this.#send(to, everyMs)
    })
  }

  /** One that takes as long as the time between two was lost, and the next goes at once. */
  async #send(to: BeatsTo, everyMs: number): Promise<void> {
    const { clock } = this.#options
    const isBeat = this.#isUnsaid
    this.#isSending = true
    this.#isUnsaid = false
    const began = elapsedOf(clock)
    const isTaken = await this.#post(to, isBeat, everyMs)
    this.#isSending = false
    const at = isTaken ? elapsedOf(clock) : began
    if (isBeat) this.#sentAt = at
    this.#askedAt = at
    if (isBeat && !isTaken) this.#isUnsaid = true
    if (!this.#isOver) this.#arm()
  }

  /** Whether it was taken. */
  async #post({ address }: BeatsTo, isBeat: boolean, patienceMs: number): Promise<boolean> {
    const { asked, secrets, clock, stop } = this.#options
    const { idempotencyKey: id } = asked
    const about = { idempotencyKey: id, to: address }
    const text = isBeat ? beatText(about, (this.#number += 1), this.progress) : questionText(about)
    const body = Buffer.from(text)
    const signed = signatureHeaders(secrets, { id, seconds: Math.floor(clock.now() / 1000), body })
    const headers = { 'content-type': 'application/json', 'user-agent': 'ballet', ...signed }
    const late = new AbortController()
    const cancel = clock.after(patienceMs, () => late.abort())
    const signal = AbortSignal.any([late.signal, this.#over.signal])
    try {
      const answer = await fetch(address, { method: 'POST', headers, body, redirect: 'error', signal })
      await answer.body?.cancel()
      if (answer.status === 410) {
        this.#isWanted = false
        stop()
      }
      // A page of something between, which says 200, is nobody's who has heard it.
      return answer.status === 204 || answer.status === 410
    } catch {
      return false
    } finally {
      cancel()
    }
  }
}

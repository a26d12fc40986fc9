// The heartbeats of one attempt that is carried out here for an application elsewhere: `POST <heartbeatTo>`, one after the other and
// not more often than they are needed, whatever the body of the operation says. Each has the newest of how far it is. The answer says
// whether somebody still wants the attempt; one that did not get through is sent again. Used by host.ts.
import { elapsedOf, type Cancel, type Clock } from '../../core/clock.ts'
import { progressOf, progressText, type Progress } from '../../core/progress.ts'
import type { Asked } from '../../core/transport.ts'
import { beatText } from './asked-text.ts'
import { signatureHeaders, type Secrets } from './signature.ts'

/** Where the heartbeats of an attempt go, and how often one must come. */
export interface BeatsTo {
  readonly address: string
  readonly heartbeatMs: number
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

/** Not more often than that, and so often that one may be lost. */
const EVERY_MS = 5000
const IN_A_HEARTBEAT = 3

export class Beats {
  readonly #options: BeatsOptions
  #progress: Progress | null = null
  #isUnsaid = false
  #isSending = false
  #isOver = false
  #cancel: Cancel | null = null
  #sentAt = Number.NEGATIVE_INFINITY
  #number = 0
  readonly #over = new AbortController()

  constructor(options: BeatsOptions) {
    this.#options = options
  }

  /** The `context.heartbeat` of the attempt. */
  readonly heartbeat = (progress?: unknown): void => {
    if (this.#isOver) return
    if (progress !== undefined)
      this.#progress = progressOf(progress, `the progress of ${this.#options.asked.operation}`)
    this.#isUnsaid = true
    if (this.#cancel === null) this.#arm()
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
    if (to === undefined || this.#isSending) return
    const everyMs = Math.ceil(Math.min(EVERY_MS, to.heartbeatMs / IN_A_HEARTBEAT))
    const waitMs = Math.max(0, this.#sentAt + everyMs - elapsedOf(clock))
    this.#cancel = clock.after(waitMs, () => {
      this.#cancel = null
      void this.#send(to, everyMs)
    })
  }

  /** One that takes as long as the time between two was lost, and the next goes at once. */
  async #send(to: BeatsTo, everyMs: number): Promise<void> {
    const { clock } = this.#options
    this.#isSending = true
    this.#isUnsaid = false
    const began = elapsedOf(clock)
    const isTaken = await this.#post(to, everyMs)
    this.#isSending = false
    this.#sentAt = isTaken ? elapsedOf(clock) : began
    if (!isTaken) this.#isUnsaid = true
    if (this.#isUnsaid && !this.#isOver) this.#arm()
  }

  /** Whether it was taken. */
  async #post({ address }: BeatsTo, patienceMs: number): Promise<boolean> {
    const { asked, secrets, clock, stop } = this.#options
    const { idempotencyKey: id } = asked
    const body = Buffer.from(beatText(id, (this.#number += 1), this.progress))
    const signed = signatureHeaders(secrets, { id, seconds: Math.floor(clock.now() / 1000), body })
    const headers = { 'content-type': 'application/json', 'user-agent': 'ballet', ...signed }
    const late = new AbortController()
    const cancel = clock.after(patienceMs, () => late.abort())
    const signal = AbortSignal.any([late.signal, this.#over.signal])
    try {
      const answer = await fetch(address, { method: 'POST', headers, body, redirect: 'error', signal })
      await answer.body?.cancel()
      if (answer.status === 410) stop()
      return answer.ok || answer.status === 410
    } catch {
      return false
    } finally {
      cancel()
    }
  }
}

// Answers that come later: a service says 202 (accepted) to an attempt and sends what came of it to an address of the
// application, when it has it. The attempt waits in memory. When it is not there any more (its time is over, its run has
// ended, the process has died), nobody takes the answer, and the service keeps it for the next attempt, which has the same
// key. So nothing rests on this door: what it takes it has given to an attempt that waited.
//
//   expected --taken--> gone     expected --forgotten, or its time is over--> gone
import { randomBytes } from 'node:crypto'
import { elapsedOf, type Clock } from '../../core/clock.ts'
import { fault } from '../../core/errors.ts'
import { LooseMap } from '../../core/loose-map.ts'
import { admitted, PLAIN, problem, refusalOf, type Taking } from './admission.ts'
import { readLater } from './asked-text.ts'
import type { Came } from './meaning.ts'
import { refused, type Secrets } from './signature.ts'

/** Whose answer is waited for. */
export interface Awaited {
  readonly idempotencyKey: string
  /** Of the service: what the answer is signed with. */
  readonly secrets: Secrets
  readonly timeoutMs: number
  /** Most bytes of an answer. */
  readonly limitBytes: number
}

/** An answer that is waited for. */
export interface Expected {
  /** By which it is told from all others: nobody can guess it. */
  readonly token: string
  /** What came. Never rejects. */
  readonly came: Promise<Came>
  /** Nobody waits any more. */
  forget(): void
}

interface Waiting extends Awaited {
  readonly until: number
  readonly answer: (came: Came) => void
}

/** 256 bits: whoever knows an address was told it. */
const TOKEN_BYTES = 32

/** Attempts that wait for their answers, by tokens. */
export class Awaiting {
  readonly #taking: Pick<Taking, 'clock' | 'read'>
  readonly #waiting = new LooseMap<string, Waiting>()

  constructor(taking: Pick<Taking, 'clock' | 'read'>) {
    this.#taking = taking
  }

  get size(): number {
    return this.#waiting.size
  }

  get #clock(): Clock {
    return this.#taking.clock
  }

  /** Whoever waits asks for a token before the attempt is sent: its answer may be here before the 202 is. */
  expect(awaited: Awaited): Expected {
    this.#sweep()
    const token = randomBytes(TOKEN_BYTES).toString('base64url')
    const { promise, resolve } = Promise.withResolvers<Came>()
    this.#waiting.set(token, { ...awaited, until: elapsedOf(this.#clock) + awaited.timeoutMs, answer: resolve })
    return { token, came: promise, forget: () => this.#waiting.delete(token) }
  }

  /** Takes an answer. @throws ANSWER_UNAWAITED, SIGNATURE_REFUSED and what reading it throws */
  async takeBy(token: string, request: Request): Promise<void> {
    const { secrets, limitBytes } = this.#awaited(token)
    const { body, id } = await admitted(request, { ...this.#taking, bodyLimitBytes: limitBytes }, ['POST'], secrets)
    const { idempotencyKey, came } = readLater(body)
    // Another may have come while this one was read.
    const waiting = this.#awaited(token)
    if (idempotencyKey !== waiting.idempotencyKey || (id !== null && id !== idempotencyKey))
      throw refused('webhook-id and the idempotencyKey of the body are not those of the call')
    this.#waiting.delete(token)
    waiting.answer(came)
  }

  #awaited(token: string): Waiting {
    const waiting = this.#waiting.get(token)
    if (waiting === undefined || waiting.until < elapsedOf(this.#clock)) throw fault('ANSWER_UNAWAITED')
    return waiting
  }

  /** Those of runs that have ended since, which nobody forgets. */
  #sweep(): void {
    const now = elapsedOf(this.#clock)
    for (const [token, { until }] of this.#waiting) {
      // They stand nearly in the order in which they are over; what is left behind is met the next time.
      if (until >= now) break
      this.#waiting.delete(token)
    }
  }
}

/** The same at a url of this process: a token comes behind it. */
export class Answers extends Awaiting {
  readonly #base: string
  readonly #path: string
  readonly #refused: Taking['refused']

  /** @param url where it is reached. */
  constructor(url: URL, taking: Omit<Taking, 'bodyLimitBytes'>) {
    super(taking)
    this.#refused = taking.refused
    this.#base = url.href.replace(/\/$/, '')
    this.#path = url.pathname.replace(/\/$/, '')
  }

  /** Where the answer is to be sent. */
  addressOf({ token }: Expected): string {
    return `${this.#base}/${token}`
  }

  /** Takes an answer. Undefined for a request that is none of these; it never rejects. */
  async take(request: Request): Promise<Response | undefined> {
    const { pathname } = new URL(request.url)
    const token = pathname.startsWith(`${this.#path}/`) ? pathname.slice(this.#path.length + 1) : ''
    if (token === '' || token.includes('/')) return undefined
    try {
      await this.takeBy(token, request)
      return new Response(null, { status: 204, headers: PLAIN })
    } catch (error) {
      const said = refusalOf(error)
      this.#refused(request, said)
      return problem(said)
    }
  }
}

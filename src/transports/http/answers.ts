// Answers that come later: a service says 202 (accepted) to an attempt and sends what came of it to an address of the
// application, when it has it. The attempt waits in memory. When it is not there any more (its time is over, its run has
// ended, the process has died), nobody takes the answer, and the service keeps it for the next attempt, which has the same
// key. So nothing rests on this door: what it takes it has given to an attempt that waited.
//
// Heartbeats of the attempt go to an address behind that, for as long as it waits.
//
//   expected --taken--> gone     expected --forgotten, or its time is over--> gone     expected --heartbeat--> expected
import { randomBytes } from 'node:crypto'
import { elapsedOf, type Clock } from '../../core/clock.ts'
import { fault } from '../../core/errors.ts'
import { LooseMap } from '../../core/loose-map.ts'
import { BEAT_LIMIT_BYTES } from '../../core/progress.ts'
import type { Heard } from '../../core/transport.ts'
import { admitted, PLAIN, problem, refusalOf, type Taking } from './admission.ts'
import { BEAT, readBeat, readLater } from './asked-text.ts'
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
  /** Is told that the attempt lives, and how far it is where it says so; absent: its heartbeats are not asked for. */
  readonly heard?: Heard | undefined
  /** Whether its run has given it up: what lives is told to stop. */
  readonly isGivenUp?: (() => boolean) | undefined
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
  /** Of the newest heartbeat: one that was late says nothing of how far the attempt is. */
  beat: number
  /** When that was signed, in seconds: what comes again, or from somebody who has seen it, is no sign of life. */
  signedAt: number
}

/** 256 bits: whoever knows an address was told it. */
const TOKEN_BYTES = 32
/** The form of a token. */
const TOKEN = /^[\w-]{43}$/

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

  /** Whether somebody waits for what is sent by this token. */
  protected isAwaited(token: string): boolean {
    const waiting = this.#waiting.get(token)
    return waiting !== undefined && waiting.until >= elapsedOf(this.#clock)
  }

  /** Whoever waits asks for a token before the attempt is sent: its answer may be here before the 202 is. */
  expect(awaited: Awaited): Expected {
    this.#sweep()
    const token = randomBytes(TOKEN_BYTES).toString('base64url')
    const { promise, resolve } = Promise.withResolvers<Came>()
    this.#waiting.set(token, {
      ...awaited,
      until: elapsedOf(this.#clock) + awaited.timeoutMs,
      answer: resolve,
      beat: 0,
      signedAt: 0,
    })
    return { token, came: promise, forget: () => this.#waiting.delete(token) }
  }

  /** Takes an answer. @throws ANSWER_UNAWAITED, SIGNATURE_REFUSED and what reading it throws */
  async takeBy(token: string, request: Request): Promise<void> {
    const { secrets, limitBytes } = this.#awaited(token, 'ANSWER_UNAWAITED')
    const { body, id } = await admitted(request, { ...this.#taking, bodyLimitBytes: limitBytes }, ['POST'], secrets)
    const { came, ...sent } = readLater(body)
    // Another may have come while this one was read.
    const waiting = this.#awaited(token, 'ANSWER_UNAWAITED')
    requireSame(waiting, token, { ...sent, id })
    this.#waiting.delete(token)
    waiting.answer(came)
  }

  /** Takes a heartbeat, or answers whether the attempt is wanted. @throws HEARTBEAT_UNWANTED, SIGNATURE_REFUSED and what reading it throws */
  async hear(token: string, request: Request): Promise<void> {
    const { secrets } = this.#awaited(token, 'HEARTBEAT_UNWANTED')
    const taking = { ...this.#taking, bodyLimitBytes: BEAT_LIMIT_BYTES }
    const { body, id } = await admitted(request, taking, ['POST'], secrets)
    const { beat, progress, asks, ...sent } = readBeat(body)
    const waiting = this.#awaited(token, 'HEARTBEAT_UNWANTED')
    requireSame(waiting, token, { ...sent, id })
    const isLate = beat !== undefined && beat <= waiting.beat
    const signedAt = id === null ? Infinity : Number(request.headers.get('webhook-timestamp'))
    if (!asks && !(isLate && signedAt <= waiting.signedAt)) {
      waiting.heard?.(isLate ? undefined : progress)
      waiting.beat = Math.max(waiting.beat, beat ?? 0)
      if (id !== null) waiting.signedAt = Math.max(waiting.signedAt, signedAt)
    }
    if (waiting.isGivenUp?.() === true) throw fault('HEARTBEAT_UNWANTED')
  }

  #awaited(token: string, code: 'ANSWER_UNAWAITED' | 'HEARTBEAT_UNWANTED'): Waiting {
    const waiting = this.#waiting.get(token)
    if (waiting === undefined || !this.isAwaited(token)) throw fault(code)
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
  /** Of the path. */
  readonly #segments: readonly string[]
  readonly #refused: Taking['refused']

  /** @param url where it is reached. */
  constructor(url: URL, taking: Omit<Taking, 'bodyLimitBytes'>) {
    super(taking)
    this.#refused = taking.refused
    this.#base = url.href.replace(/\/$/, '')
    this.#segments = segmentsOf(url.pathname.replace(/\/$/, ''))
  }

  /** Where the answer is to be sent. */
  addressOf({ token }: Expected): string {
    return `${this.#base}/${token}`
  }

  /** Whether a request is for an attempt that waits here. What it brings is limited where it is taken. */
  awaits(request: Request): boolean {
    if (this.size === 0) return false
    const meant = this.#meant(request)
    return meant !== null && this.isAwaited(meant.token)
  }

  /** Takes an answer, or a heartbeat. Undefined for a request that is none of these; it never rejects. */
  async take(request: Request): Promise<Response | undefined> {
    const meant = this.#meant(request)
    if (meant === null) return undefined
    const { token, isBeat } = meant
    try {
      await (isBeat ? this.hear(token, request) : this.takeBy(token, request))
      return new Response(null, { status: 204, headers: PLAIN })
    } catch (error) {
      const said = refusalOf(error)
      this.#refused(request, said)
      return problem(said)
    }
  }

  /**
   * What a request is about; null for one that is not for here. A proxy in front may have taken the beginning of the path away: the
   * rest of it is enough, since it is the token that lets anybody in. The application may have routes of its own behind such a rest,
   * `/orders` where nothing is left of `/answers`, so that what does not look like an answer there is none.
   */
  #meant({ method, url }: Request): { readonly token: string; readonly isBeat: boolean } | null {
    const segments = segmentsOf(new URL(url).pathname)
    const isBeat = segments.at(-1) === BEAT
    const at = segments.length - (isBeat ? 2 : 1)
    const token = segments[at] ?? ''
    const own = this.#segments
    if (token === '' || at > own.length) return null
    if (segments.slice(0, at).join('/') !== own.slice(own.length - at).join('/')) return null
    const isWhole = at === own.length
    return isWhole || (method === 'POST' && TOKEN.test(token)) ? { token, isBeat } : null
  }
}

const segmentsOf = (path: string): readonly string[] => path.split('/').slice(1)

interface Sent {
  readonly idempotencyKey: string
  readonly to: string | undefined
  readonly id: string | null
}

/** What is sent is about the call whose attempt has this address, and was not meant for another attempt at it. @throws SIGNATURE_REFUSED */
function requireSame({ idempotencyKey }: Waiting, token: string, { idempotencyKey: told, to = token, id }: Sent): void {
  if (told !== idempotencyKey || (id !== null && id !== told))
    throw refused('webhook-id and the idempotencyKey of the body are not those of the call')
  if (!to.includes(token)) throw refused('it was made for another address')
}

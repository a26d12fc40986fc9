// The desk of a service that nobody can call and that fetches its calls: an attempt waits in memory for somebody who asks for
// work, is handed out in the answer to that, and waits for its own answer as one that comes later does (answers.ts). In front of it
// is a line of the engine (call-limits.ts): an attempt begins only when there is room for it here, so that the time in the line is
// no time of an attempt. Put together by place.ts; what is asked comes by way of the server (server/work.ts).
//
//   in the line --room--> reserved --begun--> handed out --answer--> over
//                             |                   '--lost, or its time is over--> failed
//                             '--whoever asked has gone meanwhile--> kept for whoever asks next
import { randomBytes } from 'node:crypto'
import { elapsedOf, type Cancel, type Clock } from '../../core/clock.ts'
import { fault } from '../../core/errors.ts'
import { LooseMap } from '../../core/loose-map.ts'
import { BEAT_LIMIT_BYTES } from '../../core/progress.ts'
import type { Asked, HandedOut, Heard, KeptRoom, Room, Transport, WorkAsked, WorkDoor } from '../../core/transport.ts'
import { admitted, type Taking } from './admission.ts'
import { Awaiting, type Expected } from './answers.ts'
import { askedText, readEnd, readWork } from './asked-text.ts'
import { hearLast, valueOf, type Whom } from './meaning.ts'
import { isGivenUp } from './reason.ts'
import { refused, SKEW_SECONDS, type Secrets } from './signature.ts'

/** How a service fetches its calls. */
export interface Fetching extends Pick<Taking, 'clock' | 'read'> {
  readonly secrets: Secrets
  /** Most bytes of an answer. */
  readonly answerLimitBytes: number
  /** Requests for work that may wait at once. */
  readonly waiting: number
}

/** Where it is, for people. */
const FETCHED_ORIGIN = 'whoever fetches it'
/** Of a request for work: it says little. */
const ASKED_LIMIT_BYTES = 16_384
/** What is handed out in one answer, unless one call alone is larger. */
const HANDED_BYTES = 4_194_304
/** What has room and begins a little later goes together with the first. */
const TOGETHER_MS = 20
/** Whoever comes back within this time was not away. */
const AWAY_MS = 15_000
const RETRY_SECONDS = 1
const MARK_BYTES = 12

/** Room that is kept for an attempt. */
interface Reservation {
  /** It has not come here yet. */
  isComing: boolean
  /** Whoever waits for its answer waits no longer. */
  end: () => void
}

/** One attempt. */
interface Entry {
  readonly asked: Asked
  readonly expected: Expected
  readonly fail: (error: Error) => void
  /** Is told that it lives. */
  readonly heard: Heard | undefined
  /** By time that passes. */
  readonly until: number
  /** To whom it was handed out. */
  asker: Asker | null
}

/** Somebody who waits for calls. */
interface Asker {
  left: number
  bytes: number
  readonly address: string
  readonly entries: Entry[]
  readonly calls: string[]
  /** It is answered with what it has. */
  readonly close: () => void
}

class Desk implements Room, WorkDoor {
  readonly answerLimitBytes: number
  readonly mark: string = randomBytes(MARK_BYTES).toString('base64url')
  readonly #fetching: Fetching
  readonly #awaiting: Awaiting
  readonly #clock: Clock
  /** Requests that wait, by their ids, and those that came before, until when they could be sent again. */
  readonly #entered = new LooseMap<string, () => void>()
  readonly #seen = new LooseMap<string, number>()
  readonly #askers = new Set<Asker>()
  /** What the askers have room for. */
  #wanted = 0
  /** Attempts that room is kept for, and that have not come here yet. */
  #coming = 0
  /** Those that have begun, by their signals: who comes here has room, and who is over here is over for good. */
  readonly #begun = new WeakMap<AbortSignal, Reservation>()
  /** Attempts that nobody has room for: they were about to begin when whoever had it left. */
  readonly #kept = new Set<Entry>()
  readonly #handed = new LooseMap<string, Entry>()
  readonly #whenFree = new Set<() => void>()
  readonly #whenWanted: (() => void)[] = []
  /** When somebody asked last, by the clock and by time that passes. */
  #lastAsked: { readonly at: number; readonly elapsed: number }

  constructor(fetching: Fetching) {
    this.#fetching = fetching
    this.answerLimitBytes = fetching.answerLimitBytes
    this.#clock = fetching.clock
    this.#awaiting = new Awaiting(fetching)
    this.#lastAsked = this.#now()
  }

  #now(): { readonly at: number; readonly elapsed: number } {
    return { at: this.#clock.now(), elapsed: elapsedOf(this.#clock) }
  }

  get free(): number {
    return this.#wanted - this.#coming
  }

  reserve(): KeptRoom {
    this.#coming += 1
    const reservation: Reservation = { isComing: true, end: () => {} }
    return {
      begins: (signal) => void this.#begun.set(signal, reservation),
      over: () => {
        reservation.end()
        this.#arrived(reservation)
      },
    }
  }

  /** It takes no room any more that nobody has given it: it has come here, or is over. */
  #arrived(reservation: Reservation | undefined): void {
    if (reservation?.isComing !== true) return
    reservation.isComing = false
    this.#coming -= 1
    this.#tell()
  }

  whenFree(tell: () => void): Cancel {
    const isFirst = this.#whenFree.size === 0 && this.#askers.size === 0
    this.#whenFree.add(tell)
    if (isFirst) for (const want of this.#whenWanted) want()
    return () => this.#whenFree.delete(tell)
  }

  get unaskedSince(): number | null {
    const { at, elapsed } = this.#lastAsked
    return this.#entered.size > 0 || elapsedOf(this.#clock) - elapsed < AWAY_MS ? null : at
  }

  #tell(): void {
    if (this.free <= 0) return
    const told = [...this.#whenFree]
    this.#whenFree.clear()
    for (const tell of told) tell()
  }

  /** Makes one attempt: it has room, or is kept until there is some. */
  async ask(asked: Asked, signal: AbortSignal, told?: Heard): Promise<unknown> {
    const { operation, timeoutMs } = asked
    const heard = asked.heartbeatMs == null ? undefined : told
    const expected = this.#expected(asked, signal, heard)
    const { promise: failed, reject: fail } = Promise.withResolvers<never>()
    const until = elapsedOf(this.#clock) + timeoutMs
    const entry: Entry = { asked, expected, fail, heard, until, asker: null }
    const onAbort = (): void => {
      // Whoever wants to take back what it does has to know when it is over.
      const isAwaited = entry.asker !== null && isGivenUp(signal)
      if (!isAwaited) fail(signal.reason as Error)
    }
    const reservation = this.#begun.get(signal)
    // An attempt that was given up is waited for as long as its place is kept; nothing says so a second time.
    // Through a name, or it is made in V8's old generation (ADR 49).
    const end = (): void => fail(lateOf(signal, asked))
    if (reservation !== undefined) reservation.end = end
    signal.addEventListener('abort', onAbort)
    try {
      if (signal.aborted) throw signal.reason
      this.#hand(entry)
      this.#arrived(reservation)
      const came = await Promise.race([expected.came, failed])
      if (heard !== undefined) hearLast(came, whomOf(operation), heard)
      return valueOf(came, whomOf(operation), this.#clock.now())
    } finally {
      signal.removeEventListener('abort', onAbort)
      expected.forget()
      this.#kept.delete(entry)
      this.#handed.delete(expected.token)
      this.#arrived(reservation)
    }
  }

  #expected({ idempotencyKey, timeoutMs }: Asked, signal: AbortSignal, heard: Heard | undefined): Expected {
    const { secrets, answerLimitBytes: limitBytes } = this.#fetching
    const about = { idempotencyKey, secrets, timeoutMs, limitBytes }
    return this.#awaiting.expect({ ...about, heard, isGivenUp: () => isGivenUp(signal) })
  }

  /** Gives an attempt to whoever has waited for the longest, of those who have room. */
  #hand(entry: Entry): void {
    const [asker] = this.#askers
    if (asker === undefined) return void this.#kept.add(entry)
    const { asked, expected, until } = entry
    const wasKept = this.#kept.delete(entry)
    // Nobody could say so before.
    if (wasKept) entry.heard?.()
    // One that was kept has less time than it had.
    const leftMs = wasKept ? Math.max(1, Math.ceil(until - elapsedOf(this.#clock))) : asked.timeoutMs
    const text = askedText({ ...asked, timeoutMs: leftMs }, asker.address + expected.token, true)
    entry.asker = asker
    asker.entries.push(entry)
    asker.calls.push(text)
    asker.bytes += text.length
    asker.left -= 1
    this.#wanted -= 1
    this.#handed.set(expected.token, entry)
    if (asker.left === 0 || asker.bytes > HANDED_BYTES) return asker.close()
    if (asker.calls.length === 1) this.#closeSoon(asker)
  }

  /** What can begin at once has come by then; for the rest it is waited a moment. */
  #closeSoon(asker: Asker): void {
    setImmediate(() => {
      if (this.#coming === 0) asker.close()
      else this.#clock.after(TOGETHER_MS, asker.close)
    })
  }

  async asked(request: Request): Promise<WorkAsked> {
    const { body, id } = await this.#admitted(request, 'POST')
    return { id, ...readWork(body) }
  }

  async ended(request: Request): Promise<string> {
    const { body } = await this.#admitted(request, 'DELETE')
    return readEnd(body)
  }

  async #admitted(request: Request, method: string): Promise<{ readonly body: Uint8Array; readonly id: string }> {
    const { secrets } = this.#fetching
    const taking = { ...this.#fetching, bodyLimitBytes: ASKED_LIMIT_BYTES }
    const { body, id } = await admitted(request, taking, [method], secrets)
    if (id === null || id.length > 200) throw refused('webhook-id is none')
    return { body, id }
  }

  /** Each once: whoever saw a request could fetch what is not for him. */
  counts(id: string): boolean {
    const now = elapsedOf(this.#clock)
    // They stand in the order in which they are over.
    for (const [known, until] of this.#seen) {
      if (until >= now) break
      this.#seen.delete(known)
    }
    if (this.#seen.has(id)) return false
    this.#seen.set(id, now + 2 * SKEW_SECONDS * 1000)
    return true
  }

  enter(id: string, end: () => void): () => void {
    if (this.#entered.size >= this.#fetching.waiting)
      throw fault('OVERLOADED', {
        problem: `${this.#fetching.waiting} requests for work wait already`,
        seconds: RETRY_SECONDS,
      })
    this.#entered.set(id, end)
    return () => {
      this.#entered.delete(id)
      this.#lastAsked = this.#now()
    }
  }

  whenWanted(tell: () => void): void {
    this.#whenWanted.push(tell)
  }

  end(id: string): boolean {
    const end = this.#entered.get(id)
    end?.()
    return end !== undefined
  }

  async take({ atOnce, waitMs }: Omit<WorkAsked, 'id'>, address: string, signal: AbortSignal): Promise<HandedOut> {
    this.#lastAsked = this.#now()
    const { promise: closed, resolve } = Promise.withResolvers<void>()
    const close = (): void => {
      if (this.#askers.delete(asker)) this.#wanted -= asker.left
      resolve()
    }
    const asker: Asker = { left: atOnce, bytes: 0, address, entries: [], calls: [], close }
    if (signal.aborted) return this.#handedOut(asker)
    this.#askers.add(asker)
    this.#wanted += atOnce
    for (const entry of this.#kept) if (this.#askers.has(asker)) this.#hand(entry)
    this.#tell()
    signal.addEventListener('abort', close)
    const cancel = waitMs > 0 ? this.#clock.after(waitMs, close) : () => {}
    if (waitMs === 0) this.#closeSoon(asker)
    await closed
    cancel()
    signal.removeEventListener('abort', close)
    return this.#handedOut(asker)
  }

  #handedOut({ calls, entries }: Asker): HandedOut {
    const isMore = this.#whenFree.size > 0 || this.#kept.size > 0
    return { calls, isMore, lost: () => this.lost(entries.map(({ expected }) => expected.token)) }
  }

  answer(token: string, request: Request): Promise<void> {
    return this.#awaiting.takeBy(token, request)
  }

  hear(token: string, request: Request): Promise<void> {
    return this.#awaiting.hear(token, request)
  }

  async judged(what: 'work' | 'answer' | 'heartbeat', request: Request): Promise<Request> {
    const { secrets } = this.#fetching
    const bodyLimitBytes = { work: ASKED_LIMIT_BYTES, answer: this.answerLimitBytes, heartbeat: BEAT_LIMIT_BYTES }[what]
    const allowed = what === 'work' ? ['POST', 'DELETE'] : ['POST']
    const { body } = await admitted(request, { ...this.#fetching, bodyLimitBytes }, allowed, secrets)
    const { url, method, headers, signal } = request
    return new Request(url, { method, headers, body, signal })
  }

  lost(tokens: readonly string[]): void {
    for (const token of tokens) {
      const entry = this.#handed.get(token)
      const problem = 'the connection broke while it was handed out'
      entry?.fail(fault('REMOTE_UNREACHABLE', { ...whomOf(entry.asked.operation), problem }))
    }
  }
}

/** The way to a service that fetches its calls. */
export function fetchedTransport(fetching: Fetching): Transport {
  const desk = new Desk(fetching)
  return {
    origin: FETCHED_ORIGIN,
    hears: true,
    ask: (asked, signal, heard) => desk.ask(asked, signal, heard),
    work: { room: desk, door: desk },
  }
}

/** Its place is another's: its time is over, or nobody waits for it any more. */
function lateOf(signal: AbortSignal, { operation: call, timeoutMs }: Asked): Error {
  return signal.aborted ? (signal.reason as Error) : fault('ATTEMPT_TIMEOUT', { call, limit: `${timeoutMs}ms` })
}

const whomOf = (call: string): Whom => ({ call, url: FETCHED_ORIGIN })

// The side that nobody can call: it asks an application for calls of its services, one request at a time that waits until there are
// any, has each carried out by what carries out requests (host.ts), and sends what came of it to where the call says. What is fetched
// is answered, also while it ends. Put together with services by the door (src/http.ts).
import { randomUUID } from 'node:crypto'
import { elapsedOf, type Clock } from '../../core/clock.ts'
import { parseJson } from '../../core/json-guard.ts'
import { isRecord } from '../../core/json.ts'
import { LooseMap } from '../../core/loose-map.ts'
import { parseText } from '../../core/json-text.ts'
import { retryAfterHeaderMs } from '../../core/retry-after.ts'
import { BEAT, pathName, WORK_AT_ONCE } from './asked-text.ts'
import { signatureHeaders, type Secrets } from './signature.ts'

/** Whose calls are fetched, and from where. */
export interface FetchingWork {
  /** Where the application is served. */
  readonly at: URL
  readonly service: string
  readonly secrets: Secrets
  /** Calls that are carried out at once, at most. */
  readonly atOnce: number
  readonly clock: Clock
  /** From 0 up to 1: many that have lost one application do not come back at once. */
  readonly chance: () => number
  /** Carries out one attempt, as if it had been asked for by a request. */
  readonly carry: (request: Request) => Promise<Response>
  /** Nothing can be fetched for now, or what came of a call cannot be answered. */
  readonly troubled: (problem: string) => void
  /** It can be again. */
  readonly well: () => void
}

/** How long the application is to wait for a call, before it answers that there is none. */
const WAIT_MS = 20_000
/** And for how long longer its answer is waited for. */
const LATE_MS = 15_000
/** Trouble that lasts is told again after this time. */
const TOLD_MS = 60_000
const [PAUSE_MS, PAUSE_MOST_MS] = [500, 10_000]
/** For how long it is left alone at the most, however long it asks to be (Retry-After). */
const LEFT_ALONE_MOST_MS = 60_000
/** How long one try to send an answer may take at first: a connection that is swallowed is not to cost the attempt. */
const TRY_MS = 15_000
/** Behind the address for an answer: where it is said that the attempt lives, and heard whether it is wanted. */
const BEAT_PATH = `/${BEAT}`
/** What is asked to end is answered at once, if anybody can. */
const END_MS = 3000
/** An answer that may not be given as it is: the application is told that instead. */
const UNFIT: ReadonlySet<number> = new Set([400, 413, 415, 422])

interface Call {
  /** As it was handed out. */
  readonly told: Readonly<Record<string, unknown>>
  readonly operation: string
  readonly idempotencyKey: string
  readonly answerTo: string
  readonly timeoutMs: number
}

/** What is said to an answer. */
interface Said {
  readonly status: number
  readonly text: string
  /** For how long who said it asks to be left alone. */
  readonly leaveMs: number
  /** Nothing was, in the time that it had. */
  readonly isLate: boolean
}

export class WorkFetcher {
  readonly #work: FetchingWork
  readonly #base: string
  readonly #underWay = new Set<Promise<void>>()
  /** What tells the newest attempt at a call to stop, by keys. */
  readonly #carried = new LooseMap<string, AbortController>()
  readonly #done: Promise<void>
  #isClosing = false
  /** The trouble that was told last, while it lasts. */
  #told: { readonly problem: string; readonly at: number } | null = null
  /** The request that waits, and how to give it up. */
  #asking: { readonly id: string; readonly abort: AbortController } | null = null
  #wake: () => void = () => {}
  /** What the id of a request begins with: the node at which it counts. */
  #node = ''

  constructor(work: FetchingWork) {
    this.#work = work
    this.#base = work.at.href.replace(/\/$/, '')
    this.#done = this.#run()
  }

  /** Fetches nothing more. Resolves when what was fetched is answered. */
  async close(): Promise<void> {
    const isFirst = !this.#isClosing
    this.#isClosing = true
    this.#wake()
    const asking = this.#asking
    if (isFirst && asking !== null) {
      // What may be on its way already is not to be lost with the connection: it is asked to be answered.
      const cancel = this.#work.clock.after(END_MS, () => asking.abort.abort())
      await this.#end(asking.id).catch(() => asking.abort.abort())
      await this.#done
      cancel()
    }
    await this.#done
    while (this.#underWay.size > 0) await Promise.all(this.#underWay)
  }

  get #path(): string {
    return `/api/work/${this.#work.service}`
  }

  async #run(): Promise<void> {
    let failures = 0
    // What somebody between does not let through is lost as a whole. So behind a failure it is one call, and twice as many each time
    // that so many have come.
    let most = WORK_AT_ONCE
    while (!this.#isClosing) {
      const room = this.#work.atOnce - this.#underWay.size
      if (room <= 0) {
        await Promise.race([...this.#underWay, this.#woken()])
        continue
      }
      try {
        const began = elapsedOf(this.#work.clock)
        const calls = await this.#ask(Math.min(room, most))
        failures = 0
        if (calls.length >= most) most = Math.min(most * 2, WORK_AT_ONCE)
        if (this.#told !== null) this.#work.well()
        this.#told = null
        for (const call of calls) this.#begin(call)
        // Whoever has none at once, and does not wait for any, is about to end, or is somebody else.
        const isEarly = elapsedOf(this.#work.clock) - began < PAUSE_MS
        if (calls.length === 0 && isEarly && !this.#isClosing) await this.#rest(PAUSE_MS)
      } catch (error) {
        if (this.#isClosing) return
        most = 1
        this.#trouble(`the calls of ${this.#work.service} cannot be fetched at ${this.#base}: ${wordsOf(error)}`)
        const pause = Math.min(PAUSE_MOST_MS, PAUSE_MS * 2 ** failures++)
        const leaveMs = error instanceof Refusal ? error.leaveMs : 0
        await this.#rest(leaveMs + pause * (0.5 + this.#work.chance() / 2))
      }
    }
  }

  /** Another reason is told at once: it may be the one that somebody has to mend. */
  #trouble(problem: string): void {
    const at = elapsedOf(this.#work.clock)
    const isTold = this.#told?.problem === problem && at - this.#told.at < TOLD_MS
    if (isTold) return
    this.#told = { problem, at }
    this.#work.troubled(problem)
  }

  #begin(call: Call): void {
    const { operation, idempotencyKey: key } = call
    // Nobody wants an attempt any more at whose call another one is made: its node has died, or it was silent.
    this.#carried.get(key)?.abort()
    const stop = new AbortController()
    this.#carried.set(key, stop)
    const work = this.#carry(call, stop.signal).catch((error: unknown) => {
      this.#work.troubled(`what came of ${operation} (${key}) is not answered: ${wordsOf(error)}`)
    })
    this.#underWay.add(work)
    void work.then(() => {
      this.#underWay.delete(work)
      if (this.#carried.get(key) === stop) this.#carried.delete(key)
    })
  }

  async #ask(atOnce: number): Promise<readonly Call[]> {
    return (await this.#askOnce(atOnce, false)) ?? (await this.#askOnce(atOnce, true)) ?? []
  }

  /** Null where the request has to be made for the node that is named now: it is the first, or that node has gone. */
  async #askOnce(atOnce: number, isAgain: boolean): Promise<readonly Call[] | null> {
    const asking = { id: this.#node + newId(), abort: new AbortController() }
    this.#asking = asking
    try {
      const body = JSON.stringify({ atOnce, waitMs: WAIT_MS })
      const response = await this.#send('POST', this.#path, { id: asking.id, body }, WAIT_MS + LATE_MS, asking.abort)
      const text = await response.text()
      const isNamed = response.status === 409 && this.#isNamed(detailsIn(text))
      if (isNamed && !isAgain && !this.#isClosing) return null
      if (response.status !== 200 || isPage(text)) throw new Refusal(this.#saidBy(response, text))
      // Whether an input may be as it is, is judged for each call alone: none is to keep the others.
      const said: unknown = parseText(text)
      this.#isNamed(said)
      const given: unknown = isRecord(said) ? said['calls'] : undefined
      const all: readonly unknown[] = Array.isArray(given) ? given : []
      const calls = all.flatMap((call) => callOf(call))
      if (calls.length < all.length)
        this.#work.troubled(`${this.#base} has handed out ${all.length - calls.length} that are no calls`)
      return calls
    } catch (error) {
      // Where somebody between has given it up it waits still, and would be handed calls that nobody gets. The next one is not held up
      // by that: it comes later anyway.
      const isOver = this.#isClosing || (error instanceof Refusal && error.isFinal)
      if (!isOver) void this.#end(asking.id).catch(() => {})
      throw error
    } finally {
      this.#asking = null
    }
  }

  /** Has a request for work answered that waits: it is not to be handed calls any more. */
  #end(request: string): Promise<Response> {
    return this.#send('DELETE', this.#path, { id: newId(), body: JSON.stringify({ request }) }, END_MS)
  }

  /** Whether an answer names the node for which the next request is to be made. */
  #isNamed(said: unknown): boolean {
    const node = isRecord(said) ? said['node'] : undefined
    if (typeof node !== 'string' || !/^[\w.-]{1,120}$/.test(node)) return false
    this.#node = `${node}.`
    return true
  }

  async #carry(call: Call, signal: AbortSignal): Promise<void> {
    const { clock } = this.#work
    const until = elapsedOf(clock) + call.timeoutMs
    const body = JSON.stringify({ ...call.told, heartbeatTo: this.#base + call.answerTo + BEAT_PATH })
    const url = `http://fetched/${pathName(call.operation)}`
    const headers = { 'content-type': 'application/json' }
    const response = await this.#work.carry(new Request(url, { method: 'POST', headers, body, signal }))
    await this.#answer(call, await laterText(call, response, clock.now()), until)
  }

  /** Sends what came of a call until it is taken, or the application says that nobody waits for it. */
  async #answer(call: Call, answer: string, until: number): Promise<void> {
    const { clock } = this.#work
    let body = answer
    for (let failures = 0, isUnfit = false, tryMs = TRY_MS; ; failures++) {
      const said = await this.#answered(call, body, Math.min(tryMs, until - elapsedOf(clock)))
      const { status, text, leaveMs, isLate } = said
      // It may be large, and the line slow: sent again it would be cut off at the same place for ever.
      if (isLate) tryMs *= 2
      // Whoever carries the operation out has it by the key. Any other 404 is of somebody between, who finds no application for now.
      if (status === 204 || (status === 404 && problemIn(text)['code'] === 'ANSWER_UNAWAITED')) return
      if (UNFIT.has(status) && !isUnfit) {
        isUnfit = true
        body = refusedText(call, said, Buffer.byteLength(body))
        continue
      }
      // What was carried out is not lost for the sake of manners.
      const leave = Math.min(leaveMs, (until - elapsedOf(clock)) / 2)
      const pause = Math.max(leave, Math.min(PAUSE_MOST_MS, PAUSE_MS * 2 ** failures))
      if (elapsedOf(clock) + pause >= until || status === 401) throw new Refusal(said)
      await new Promise<void>((resolve) => void clock.after(pause, resolve))
    }
  }

  /** What is said to what is answered; a status of 0 for nothing. */
  async #answered({ idempotencyKey: id, answerTo }: Call, body: string, ms: number): Promise<Said> {
    const late = new AbortController()
    try {
      const response = await this.#send('POST', answerTo, { id, body }, Math.max(ms, 1), late)
      return this.#saidBy(response, await response.text())
    } catch {
      return { status: 0, text: '', leaveMs: 0, isLate: late.signal.aborted }
    }
  }

  #saidBy({ status, headers }: Response, text: string): Said {
    const ms = retryAfterHeaderMs(headers.get('retry-after'), this.#work.clock.now()) ?? 0
    return { status, text, leaveMs: Math.min(ms, LEFT_ALONE_MOST_MS), isLate: false }
  }

  async #send(
    method: 'POST' | 'DELETE',
    path: string,
    { id, body }: { readonly id: string; readonly body: string },
    ms: number,
    abort: AbortController = new AbortController(),
  ): Promise<Response> {
    const { secrets, clock } = this.#work
    const bytes = Buffer.from(body)
    const seconds = Math.floor(clock.now() / 1000)
    const headers = {
      'content-type': 'application/json',
      'user-agent': 'ballet',
      ...signatureHeaders(secrets, { id, seconds, body: bytes }),
    }
    const cancel = clock.after(ms, () => abort.abort())
    try {
      // A redirect is no answer.
      const how = { method, headers, body: bytes, signal: abort.signal, redirect: 'manual' } as const
      const response = await fetch(this.#base + path, how)
      // All of it is here before the time is over.
      return new Response(response.status === 204 ? null : await response.arrayBuffer(), response)
    } finally {
      cancel()
    }
  }

  /** Resolves when it is asked to end. */
  #woken(): Promise<void> {
    return new Promise((resolve) => (this.#wake = resolve))
  }

  /** For so long, or until it is asked to end. */
  #rest(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#work.clock.after(ms, resolve)
      this.#wake = () => {
        cancel()
        resolve()
      }
    })
  }
}

/** What was answered that is no answer. */
class Refusal extends Error {
  /** The application itself has refused it: it waits for nothing there. */
  readonly isFinal: boolean
  readonly leaveMs: number

  constructor({ status, text, leaveMs }: Said) {
    const words = isPage(text) ? ' with a page (HTML), which is not of the application' : saidIn(text)
    super(`${status === 0 ? 'no answer in time' : status}${words}`)
    this.leaveMs = leaveMs
    this.isFinal = status < 500 && typeof problemIn(text)['code'] === 'string'
  }
}

/** What a problem says of itself; that of somebody between may have no code. */
function saidIn(text: string): string {
  const { code, detail } = problemIn(text)
  const words = [cut(code, 100), cut(detail, 300)].filter((one) => one !== '').join(': ')
  return words === '' ? '' : ` ${words}`
}

const isPage = (text: string): boolean => /^\s*</.test(text)

const cut = (said: unknown, most: number): string => (typeof said === 'string' ? said.slice(0, most) : '')

const detailsIn = (text: string): unknown => problemIn(text)['details']

function problemIn(text: string): Readonly<Record<string, unknown>> {
  try {
    const said: unknown = parseJson(text)
    return isRecord(said) ? said : {}
  } catch {
    return {}
  }
}

/** What is sent in the place of an answer that was refused: whoever reads it is to know who did, and what would have to be changed. */
function refusedText(
  { idempotencyKey, answerTo: to }: Call,
  { status, text }: Pick<Said, 'status' | 'text'>,
  bytes: number,
): string {
  const { code } = problemIn(text)
  const who = typeof code === 'string' ? 'the application' : 'somebody between, not by the application'
  const said = saidIn(text).trim()
  const words = said === '' ? '' : ` (${said})`
  const limit = code === 'BODY_TOO_LARGE' ? ', more than the answerLimitBytes of the service there' : ''
  const detail = `its answer was refused with ${status} by ${who}${words}: it has ${bytes} bytes${limit}`
  return JSON.stringify({ idempotencyKey, to, status: 500, detail })
}

const newId = (): string => `fetch_${randomUUID()}`

function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  return error.cause instanceof Error ? `${error.message}: ${error.cause.message}` : error.message
}

/** A call as it was handed out. What is none cannot be answered either. */
function callOf(call: unknown): readonly Call[] {
  if (!isRecord(call)) return []
  const { operation, idempotencyKey, answerTo, timeoutMs } = call
  if (typeof operation !== 'string' || typeof idempotencyKey !== 'string' || typeof timeoutMs !== 'number') return []
  // A path of the application that was asked, and nothing else.
  if (typeof answerTo !== 'string' || !/^\/api\/work\/[\w-]+\/[\w.-]+$/.test(answerTo)) return []
  return [{ told: call, operation, idempotencyKey, answerTo, timeoutMs }]
}

/** What came of an attempt, as it is sent later. */
async function laterText({ idempotencyKey, answerTo: to }: Call, response: Response, nowMs: number): Promise<string> {
  const text = await response.text()
  const about = JSON.stringify({ idempotencyKey, to })
  if (response.ok) return text === '' ? about : `${about.slice(0, -1)},"answer":${text}}`
  // Whether it may be as it is, is judged by the application.
  const said: unknown = parseText(text)
  const { code, detail, progress } = isRecord(said) ? said : {}
  const ms = retryAfterHeaderMs(response.headers.get('retry-after'), nowMs) ?? 0
  const retryAfter = ms > 0 ? Math.ceil(ms / 1000) : undefined
  return JSON.stringify({ idempotencyKey, to, status: response.status, code, detail, retryAfter, progress })
}

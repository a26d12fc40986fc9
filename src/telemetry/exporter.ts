// Sends spans to a collector, a batch at a time, and again when that says so (OTLP over HTTP: 429, 502, 503, 504, and no answer).
// What waits is bounded: what comes beyond is dropped and counted, and the log says so once for each time that it begins. Nothing
// here throws, and nobody waits for it but whoever closes. Fed by Tracing.
//
//   waiting --a batch is full, or the first has waited long enough--> sending --taken--> waiting
//   sending --to be sent again--> pausing --> sending       sending --refused--> waiting (the batch is dropped)
//   any --close--> sending, once more each --all sent, or the time is over--> closed
import { elapsedOf, type Cancel, type Clock, type Random } from '../core/clock.ts'
import { toFailure } from '../core/failure.ts'
import { retryAfterHeaderMs } from '../core/retry-after.ts'
import type { Log } from '../define/definition.ts'
import { requestText, takenOf, type Taken } from './otlp.ts'
import type { Span } from './span.ts'
import type { ExportSettings } from './trace-settings.ts'

const AGAIN: ReadonlySet<number> = new Set([429, 502, 503, 504])
/** Pauses between two times that a batch is sent, when the collector does not say how long. */
const [FIRST_PAUSE_MS, LONGEST_PAUSE_MS] = [1000, 30_000] as const
/** No longer, whatever it says; and a batch that could not be sent for so long is dropped. */
const GIVEN_UP_MS = 300_000
/** Of an answer so much is read. */
const ANSWER_BYTES = 65_536

/** Why a span was dropped. */
export type DropReason = 'full' | 'refused' | 'unreachable' | 'closed' | 'behind'

/** What the exporter has done. */
export class SpanCounts {
  sent = 0
  readonly dropped: Record<DropReason, number> = { full: 0, refused: 0, unreachable: 0, closed: 0, behind: 0 }
}

export interface ExporterOptions {
  readonly settings: ExportSettings
  readonly ballet: string
  readonly clock: Clock
  readonly random: Random
  readonly log: Log
}

type Answer =
  | { readonly kind: 'taken'; readonly taken: Taken }
  | { readonly kind: 'refused'; readonly why: string }
  | { readonly kind: 'again'; readonly why: string; readonly afterMs: number | null }

export class Exporter {
  readonly counts: SpanCounts = new SpanCounts()
  readonly #options: ExporterOptions
  readonly #waiting: Span[] = []
  #sending: Promise<void> | null = null
  #timer: Cancel | null = null
  /** Ends the pause that is made. */
  #hurry: () => void = () => {}
  #request: AbortController | null = null
  #isClosing = false
  /** The time to close in is over. */
  #isLate = false
  /** Reasons of which the log has spoken since all was well. */
  readonly #told = new Set<string>()

  constructor(options: ExporterOptions) {
    this.#options = options
  }

  /** Spans that wait to be sent. */
  get size(): number {
    return this.#waiting.length
  }

  add(spans: readonly Span[]): void {
    const { queue, batch, delayMs } = this.#options.settings
    const room = this.#isClosing ? spans.length : Math.max(0, queue - this.#waiting.length)
    this.#waiting.push(...(room < spans.length ? spans.slice(0, room) : spans))
    if (room < spans.length) {
      this.drop('full', spans.length - room)
      this.#tell('full', `More than ${queue} spans wait to be sent: what comes beyond is dropped until there is room`)
    }
    if (this.#waiting.length >= batch) this.#send()
    else if (this.#waiting.length > 0) this.#timer ??= this.#options.clock.after(delayMs, () => this.#send())
  }

  drop(reason: DropReason, spans: number): void {
    this.counts.dropped[reason] += spans
  }

  /** Sends what waits, for so long at most; what is left then is dropped. */
  async close(mostMs: number): Promise<void> {
    const { clock, log } = this.#options
    this.#isClosing = true
    this.#hurry()
    const late = clock.after(mostMs, () => {
      this.#isLate = true
      this.#request?.abort()
    })
    this.#send()
    await this.#sending
    late()
    const { dropped } = this.counts
    if (dropped.closed > 0) log.warn(`${dropped.closed} spans could not be sent before the application was closed`)
  }

  #send(): void {
    this.#timer?.()
    this.#timer = null
    this.#sending ??= this.#sendAll().finally(() => (this.#sending = null))
  }

  async #sendAll(): Promise<void> {
    const { batch } = this.#options.settings
    while (this.#waiting.length > 0) {
      const spans = this.#waiting.splice(0, batch)
      if (this.#isLate) this.drop('closed', spans.length)
      else await this.#sendBatch(spans)
    }
  }

  async #sendBatch(spans: readonly Span[]): Promise<void> {
    const { settings, ballet, clock } = this.#options
    const text = requestText({ attributes: settings.resource, ballet }, spans)
    const since = elapsedOf(clock)
    for (let times = 1; ; times++) {
      const answer = await this.#post(text)
      if (answer.kind === 'taken') return this.#taken(spans.length, answer.taken)
      this.#tell(answer.kind, `Spans cannot be sent: ${answer.why}`)
      if (answer.kind === 'refused') return this.drop('refused', spans.length)
      if (this.#isClosing) return this.drop('closed', spans.length)
      if (elapsedOf(clock) - since > GIVEN_UP_MS) return this.drop('unreachable', spans.length)
      // Whoever asks for it at once, or by a clock that is behind, is not asked for ever without a pause.
      const asked = answer.afterMs ?? 0
      await this.#pause(asked < FIRST_PAUSE_MS ? Math.max(asked, this.#pauseMs(times)) : asked)
    }
  }

  #taken(spans: number, { rejected, words }: Taken): void {
    const dropped = Math.min(rejected, spans)
    this.counts.sent += spans - dropped
    this.drop('refused', dropped)
    if (words !== '' || dropped > 0)
      return this.#tell(
        'partial',
        `The collector took ${spans - dropped} of ${spans} spans: ${words || 'no reason given'}`,
      )
    const wasTold = this.#told.size > 0
    this.#told.clear()
    if (wasTold) this.#options.log.info('Spans are sent again')
  }

  async #post(text: string): Promise<Answer> {
    const { settings, ballet, clock } = this.#options
    const request = (this.#request = new AbortController())
    const limit = clock.after(settings.timeoutMs, () => request.abort())
    try {
      const answer = await fetch(settings.url, {
        method: 'POST',
        headers: { ...settings.headers, 'content-type': 'application/json', 'user-agent': `ballet/${ballet}` },
        body: text,
        redirect: 'manual',
        signal: request.signal,
      })
      const words = await beginning(answer)
      if (answer.ok) return { kind: 'taken', taken: takenOf(words) }
      const why = `the collector answered with ${answer.status}`
      if (!AGAIN.has(answer.status)) return { kind: 'refused', why }
      return { kind: 'again', why, afterMs: retryAfterHeaderMs(answer.headers.get('retry-after'), clock.now()) }
    } catch (error) {
      const why = request.signal.aborted ? 'the collector did not answer in time' : toFailure(error).message
      return { kind: 'again', why, afterMs: null }
    } finally {
      limit()
      this.#request = null
    }
  }

  /** Twice as long each time, and never the same for all who wait. */
  #pauseMs(times: number): number {
    const longest = Math.min(LONGEST_PAUSE_MS, FIRST_PAUSE_MS * 2 ** (times - 1))
    return (longest / 2) * (1 + this.#options.random.seed() / 2 ** 32)
  }

  #pause(ms: number): Promise<void> {
    return new Promise((resolve) => {
      const cancel = this.#options.clock.after(Math.min(ms, GIVEN_UP_MS), resolve)
      this.#hurry = () => {
        cancel()
        resolve()
      }
    })
  }

  #tell(about: string, words: string): void {
    if (this.#told.has(about)) return
    this.#told.add(about)
    this.#options.log.warn(words)
  }
}

/** The answer, as far as it is of use; the rest is not waited for. */
async function beginning({ body }: Response): Promise<string> {
  if (body === null) return ''
  const parts: Uint8Array[] = []
  let bytes = 0
  for await (const part of body as AsyncIterable<Uint8Array>) {
    parts.push(part)
    if ((bytes += part.byteLength) >= ANSWER_BYTES) break
  }
  return new TextDecoder().decode(Buffer.concat(parts))
}

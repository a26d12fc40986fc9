// The order in which requests come in: only some of them are begun in a round of the event loop, the others wait for the
// next ones, first come, first served. Without that a crowd decides how long a round is: whatever is read from a thousand
// connections would be begun before the engine goes on with what it has taken (pump.ts gives turns a multiple of the time
// that everything else takes, but only so much a round). What waits for a client that has gone is not begun at all. Used by
// serve.ts for every request.
import type { IncomingMessage, ServerResponse } from 'node:http'

/** Requests that are begun in one round of the event loop. */
const BEGUN = 64
/** Requests begun that an array holds on to before it is cut. */
const BEGUN_KEPT = 1024

type Begin = (incoming: IncomingMessage, outgoing: ServerResponse) => void

/** The entrance of a server. */
export class Entrance {
  readonly #begin: Begin
  readonly #waiting: (readonly [IncomingMessage, ServerResponse])[] = []
  #next = 0
  /** How many may be begun before the next round. */
  #left = BEGUN
  #isCounting = false

  constructor(begin: Begin) {
    this.#begin = begin
  }

  /** A request has been read as far as its body: it is begun now or in one of the next rounds. */
  take(incoming: IncomingMessage, outgoing: ServerResponse): void {
    this.#waiting.push([incoming, outgoing])
    this.#enter()
    if (this.#isCounting) return
    this.#isCounting = true
    setImmediate(this.#round)
  }

  readonly #round = (): void => {
    this.#left = BEGUN
    this.#isCounting = this.#enter()
    if (this.#isCounting) setImmediate(this.#round)
  }

  /** Begins as many as may be. Returns whether it began any. */
  #enter(): boolean {
    const first = this.#next
    for (; this.#left > 0 && this.#next < this.#waiting.length; this.#left--) {
      const [incoming, outgoing] = this.#waiting[this.#next++] as readonly [IncomingMessage, ServerResponse]
      if (!incoming.socket.destroyed) this.#begin(incoming, outgoing)
    }
    const isAny = this.#next > first
    if (this.#next === this.#waiting.length || this.#next > BEGUN_KEPT) {
      this.#waiting.splice(0, this.#next)
      this.#next = 0
    }
    return isAny
  }
}

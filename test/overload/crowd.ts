// The clients of the overload campaign: raw connections that are kept alive, with requests built as bytes and answers read
// as far as their status, so that one core of clients can ask for more than the other can serve. Every order is written
// down before it is sent; what came back for it is written beside it.
import { connect, type Socket } from 'node:net'

/** What a client knows of an order. */
export type Word = 'unknown' | 'accepted' | 'refused' | 'broken'

/** Requests of a connection that may be without an answer: clients of HTTP/1.1 wait for theirs. */
const OUTSTANDING = 1
const NOTE = 'x'.repeat(240)

export class Crowd {
  /** By the number of the order. */
  readonly words: Word[] = []
  readonly #port: number
  readonly #lines: Line[] = []
  #next = 0

  constructor(port: number) {
    this.#port = port
  }

  get sent(): number {
    return this.words.length
  }

  async open(connections: number): Promise<void> {
    await Promise.all(
      Array.from({ length: connections }, async () => {
        const line = new Line(this.#port, this.words)
        await line.opened
        this.#lines.push(line)
      }),
    )
  }

  /** Orders that were accepted, so far. */
  get accepted(): number {
    return this.words.filter((word) => word === 'accepted').length
  }

  /** So many connections send their next order when the one before was answered, for a time. */
  async closedLoop(ms: number, connections: number): Promise<void> {
    const until = Date.now() + ms
    await Promise.all(
      this.#lines.slice(0, connections).map(async (line) => {
        while (Date.now() < until && line.isOpen) await line.send(this.#note())
      }),
    )
  }

  /**
   * Sends so many orders a second for a time, whatever is answered.
   * @returns how many were withheld, because the connections had too many without an answer.
   */
  openLoop(perSecond: number, ms: number): Promise<number> {
    const began = Date.now()
    const over = Promise.withResolvers<number>()
    let offered = 0
    let withheld = 0
    const tick = (): void => {
      const at = Date.now() - began
      for (const due = Math.floor((at / 1000) * perSecond); offered < due; offered++) {
        const line = this.#lines[this.#next++ % this.#lines.length] as Line
        if (line.outstanding < OUTSTANDING) void line.send(this.#note())
        else withheld += 1
      }
      if (at < ms) return
      clearInterval(rhythm)
      over.resolve(withheld)
    }
    const rhythm = setInterval(tick, 2)
    return over.promise
  }

  /** Resolves when every request has its answer, or its connection is gone. */
  async answered(): Promise<void> {
    await Promise.all(this.#lines.map((line) => line.quiet()))
  }

  close(): void {
    for (const line of this.#lines) line.close()
  }

  #note(): number {
    return this.words.push('unknown') - 1
  }
}

/** The id of an order of the campaign. */
export const orderId = (order: number): string => `o-${order}`

class Line {
  readonly opened: Promise<void>
  readonly #socket: Socket
  readonly #words: Word[]
  readonly #waiting: { readonly order: number; readonly done: () => void }[] = []
  #rest = ''
  #onQuiet: (() => void) | null = null

  constructor(port: number, words: Word[]) {
    this.#words = words
    this.#socket = connect(port, '127.0.0.1')
    this.#socket.setNoDelay(true)
    this.opened = new Promise((resolve, reject) => {
      this.#socket.once('connect', resolve)
      this.#socket.once('error', reject)
    })
    this.#socket.setEncoding('latin1')
    this.#socket.on('data', (chunk: string) => this.#read(chunk))
    this.#socket.on('error', () => {})
    this.#socket.on('close', () => this.#lost())
  }

  get isOpen(): boolean {
    return !this.#socket.destroyed
  }

  get outstanding(): number {
    return this.#waiting.length
  }

  send(order: number): Promise<void> {
    const body = `{"call":"checkout","input":{"orderId":"${orderId(order)}","note":"${NOTE}"}}`
    return new Promise((done) => {
      this.#waiting.push({ order, done })
      if (this.#socket.destroyed) return this.#lost()
      this.#socket.write(
        `POST /api/runs HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
      )
    })
  }

  quiet(): Promise<void> {
    return this.#waiting.length === 0 ? Promise.resolve() : new Promise((resolve) => (this.#onQuiet = resolve))
  }

  close(): void {
    this.#socket.destroy()
  }

  #read(chunk: string): void {
    this.#rest += chunk
    for (;;) {
      const head = this.#rest.indexOf('\r\n\r\n')
      if (head < 0) return
      const length = /\r\ncontent-length: (\d+)/i.exec(this.#rest.slice(0, head))?.[1]
      const end = head + 4 + Number(length ?? 0)
      if (this.#rest.length < end) return
      this.#answer(Number(this.#rest.slice(9, 12)))
      this.#rest = this.#rest.slice(end)
    }
  }

  #answer(status: number): void {
    const request = this.#waiting.shift()
    if (request === undefined) return
    this.#words[request.order] =
      status === 200 || status === 201 ? 'accepted' : status === 429 || status === 503 ? 'refused' : 'broken'
    request.done()
    if (this.#waiting.length === 0) this.#onQuiet?.()
  }

  /** What was without an answer stays unknown. */
  #lost(): void {
    for (const { done } of this.#waiting.splice(0)) done()
    this.#onQuiet?.()
  }
}

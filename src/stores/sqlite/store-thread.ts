// The main thread's end of one thread of a store: requests of one tick cross in one message, answers settle promises. Those
// for a reader wait until it has answered the message before: a message costs more than a read, and they would wait there.
// The invariant: every request settles, also when the thread dies. A thread without requests does not keep the
// process alive. A part of a batch is no request: it crosses at once, and has no answer. Owned by SqliteStore.
import { Worker } from 'node:worker_threads'
import type { AheadPart } from '../../core/ahead.ts'
import { fault, type BalletError } from '../../core/errors.ts'
import { LooseMap } from '../../core/loose-map.ts'
import { ownProgram } from '../../core/own-files.ts'
import type { Value } from '../sql/tables.ts'
import type { Came } from './ahead.ts'
import { describe, errorOf } from './failure.ts'
import type { Answer, Request, ThreadSettings } from './messages.ts'
import { SentTexts, type Packed, type Sent } from './packed.ts'

interface Waiting {
  resolve(values: readonly Value[]): void
  reject(error: BalletError): void
}

type Body =
  | { kind: 'open' | 'close' | 'room' }
  | { kind: 'read'; statements: readonly Packed[] }
  | { kind: 'write'; statements: readonly Packed[]; urgent: boolean }
  | { kind: 'rest'; came: Came; statements: readonly Packed[]; urgent: boolean }

const program = ownProgram('stores/sqlite/worker')

export class StoreThread {
  readonly #worker: Worker
  readonly #waiting = new LooseMap<number, Waiting>()
  readonly #fatal: (error: BalletError) => void
  readonly #isReader: boolean
  readonly #texts = new SentTexts()
  #outbox: Request[] = []
  #lastId = 0
  #ended: BalletError | undefined

  /** `fatal` is called when the thread dies or finds the file in doubt, before the requests that wait are rejected. */
  constructor(settings: ThreadSettings, fatal: (error: BalletError) => void) {
    const { role } = settings
    this.#fatal = fatal
    this.#isReader = role === 'reader'
    // Options of this process (`--eval`, a debugger's port) are not meant for the thread.
    this.#worker = new Worker(program, { workerData: settings, execArgv: [], name: `ballet store ${role}` })
    this.#worker.unref()
    this.#worker.on('message', (answers: readonly Answer[]) => this.#settle(answers))
    this.#worker.on('messageerror', (error) => this.#end(describe(error)))
    this.#worker.on('error', (error) => this.#end(describe(error)))
    this.#worker.on('exit', (code) => this.#end(`exit code ${code}`))
  }

  request(body: Body): Promise<readonly Value[]> {
    if (this.#ended !== undefined) return Promise.reject(this.#ended)
    return new Promise((resolve, reject) => {
      const id = ++this.#lastId
      if (this.#waiting.size === 0) this.#worker.ref()
      this.#waiting.set(id, { resolve, reject })
      if (this.#outbox.length === 0) queueMicrotask(() => this.#flush())
      this.#outbox.push({ id, ...this.#sent(body) })
    })
  }

  /** Sends a part of a batch, behind what was asked for before, and at once: it is to be done while the rest is made. */
  ahead(of: AheadPart, rows: number, statements: readonly Packed[]): void {
    this.#outbox.push({ id: 0, kind: 'ahead', ...of, rows, statements: this.#crossing(statements) })
    this.#flush()
  }

  /** Closes the connection and ends the thread. */
  async close(): Promise<void> {
    try {
      await this.request({ kind: 'close' })
    } finally {
      this.#ended ??= fault('STORE_FAILED', { problem: 'it is closed' })
      await this.#worker.terminate()
    }
  }

  #sent(body: Body) {
    if (!('statements' in body)) return body
    return { ...body, statements: this.#crossing(body.statements) }
  }

  #crossing(statements: readonly Packed[]): readonly Sent[] {
    return statements.map((statement) => this.#texts.send(statement))
  }

  #flush(): void {
    const requests = this.#outbox
    // Whatever is not in the outbox is under way.
    if (this.#isReader && this.#waiting.size > requests.length) return
    this.#outbox = []
    if (this.#ended !== undefined || requests.length === 0) return
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#worker.postMessage(requests)
  }

  #settle(answers: readonly Answer[]): void {
    for (const answer of answers) {
      const waiting = this.#waiting.get(answer.id)
      if (waiting === undefined) continue
      this.#waiting.delete(answer.id)
      if (answer.kind === 'done') {
        waiting.resolve(answer.values)
        continue
      }
      const error = errorOf(answer.failure)
      if (answer.failure.fatal) this.#fatal(error)
      waiting.reject(error)
    }
    if (this.#waiting.size === 0) this.#worker.unref()
    else if (this.#isReader) this.#flush()
  }

  #end(how: string): void {
    if (this.#ended !== undefined) return
    this.#ended = fault('STORE_FAILED', { problem: `a thread of the store ended (${how})` })
    this.#fatal(this.#ended)
    for (const waiting of this.#waiting.values()) waiting.reject(this.#ended)
    this.#waiting.clear()
  }
}

// The smallest durable engine that does the same work: it marks what the machine allows. A row for the start of an
// order and one for each result, written with everything else of the same turn of the event loop in one commit; the
// next step begins when its row is durable. It has no replay, no ids, no queries, no retries, no timers, no schemas.
import { DatabaseSync, type StatementSync } from 'node:sqlite'
import { fullSync } from './full-sync.ts'
import { answer, type Order } from './order.ts'

interface Row {
  readonly run: number
  readonly seq: number
  readonly data: string
  readonly durable: () => void
}

const steps = ['charge', 'ship', 'notify'] as const

export class Ceiling {
  readonly #db: DatabaseSync
  readonly #insert: StatementSync
  #queue: Row[] = []
  #runs = 0

  constructor(file: string) {
    this.#db = new DatabaseSync(file)
    fullSync(this.#db)
    this.#db.exec('CREATE TABLE journal (pos INTEGER PRIMARY KEY, run INTEGER, seq INTEGER, data TEXT) STRICT')
    this.#insert = this.#db.prepare('INSERT INTO journal (run, seq, data) VALUES (?, ?, ?)')
  }

  /** Carries one order through. Resolves when its last step is durable. */
  async order(input: Order): Promise<void> {
    const run = ++this.#runs
    let seq = 0
    await this.#write(run, seq++, JSON.stringify(input))
    for (const step of steps) {
      const result = await Promise.resolve(answer())
      await this.#write(run, seq++, JSON.stringify({ step, result }))
    }
  }

  close(): void {
    this.#db.close()
  }

  #write(run: number, seq: number, data: string): Promise<void> {
    return new Promise((durable) => {
      this.#queue.push({ run, seq, data, durable })
      if (this.#queue.length === 1) setImmediate(() => this.#commit())
    })
  }

  #commit(): void {
    const rows = this.#queue
    this.#queue = []
    this.#db.exec('BEGIN')
    for (const { run, seq, data } of rows) this.#insert.run(run, seq, data)
    this.#db.exec('COMMIT')
    for (const { durable } of rows) durable()
  }
}

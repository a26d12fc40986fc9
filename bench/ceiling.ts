// The smallest durable engine that does the same work: it marks what the machine allows. A row for the start of an
// order and one for each result, written with everything else of the same turn of the event loop in one commit; the
// next step begins when its row is durable. It has no replay, no ids, no queries, no retries, no timers, no schemas.
import type { StatementSync } from 'node:sqlite'
import { answer, STEPS, type Order } from './order.ts'
import { TurnCommits } from './turn-commits.ts'

export class Ceiling {
  readonly #commits: TurnCommits
  readonly #insert: StatementSync
  #runs = 0

  constructor(file: string) {
    this.#commits = new TurnCommits(
      file,
      'CREATE TABLE journal (pos INTEGER PRIMARY KEY, run INTEGER, seq INTEGER, data TEXT) STRICT',
    )
    this.#insert = this.#commits.db.prepare('INSERT INTO journal (run, seq, data) VALUES (?, ?, ?)')
  }

  /** Carries one order through. Resolves when its last step is durable. */
  async order(input: Order): Promise<void> {
    const run = ++this.#runs
    let seq = 0
    await this.#write(run, seq++, JSON.stringify(input))
    for (const step of STEPS) {
      const result = await Promise.resolve(answer())
      await this.#write(run, seq++, JSON.stringify({ step, result }))
    }
  }

  close(): void {
    this.#commits.close()
  }

  #write(run: number, seq: number, data: string): Promise<void> {
    return this.#commits.write(() => this.#insert.run(run, seq, data))
  }
}

// The ceiling, which keeps what one would ask even the smallest engine for: an order is found by its id, with its input, its
// status and its result, and its steps by the order. The limit that the bars of the design were set by kept as much.
import type { StatementSync } from 'node:sqlite'
import { answer, STEPS, type Order, type Receipt } from './order.ts'
import { TurnCommits } from './turn-commits.ts'

const tables = `
  CREATE TABLE runs (id TEXT PRIMARY KEY, name TEXT, status INTEGER, input TEXT, output TEXT) WITHOUT ROWID;
  CREATE TABLE steps (run TEXT, seq INTEGER, name TEXT, output TEXT, PRIMARY KEY (run, seq)) WITHOUT ROWID`
export class KeptCeiling {
  readonly #commits: TurnCommits
  readonly #begin: StatementSync
  readonly #step: StatementSync
  readonly #end: StatementSync

  constructor(file: string) {
    this.#commits = new TurnCommits(file, tables)
    const { db } = this.#commits
    this.#begin = db.prepare("INSERT INTO runs VALUES (?, 'checkout', 0, ?, NULL)")
    this.#step = db.prepare('INSERT INTO steps VALUES (?, ?, ?, ?)')
    this.#end = db.prepare('UPDATE runs SET status = 1, output = ? WHERE id = ?')
  }

  /** Carries one order through. Resolves with its result when that is durable, with the last step. */
  async order(input: Order): Promise<Receipt> {
    const { orderId } = input
    const begun = JSON.stringify(input)
    await this.#commits.write(() => this.#begin.run(orderId, begun))
    let result = answer()
    for (const [seq, step] of STEPS.entries()) {
      result = await Promise.resolve(answer())
      const output = JSON.stringify(result)
      const isLast = seq === STEPS.length - 1
      await this.#commits.write(() => {
        this.#step.run(orderId, seq, step, output)
        if (isLast) this.#end.run(output, orderId)
      })
    }
    return result
  }

  close(): void {
    this.#commits.close()
  }
}

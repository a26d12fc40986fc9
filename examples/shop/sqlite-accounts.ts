// The accounts of Payment in a SQLite database of its own, as the other services have theirs.
import type { EventValue, OperationContext } from 'ballet'
import { z } from 'zod'
import type { Account, Accounts, Decision } from './accounts.ts'
import { Books } from './books.ts'
import type { Entry } from './effects.ts'
import type { Faults } from './faults.ts'
import type { LedgerRow } from './ledger.ts'

const table = `
  CREATE TABLE IF NOT EXISTS accounts (
    order_id TEXT PRIMARY KEY, charged INTEGER, refunded INTEGER NOT NULL DEFAULT 0, closed TEXT);
`
const Stored: z.ZodType<Account> = z.object({
  charged: z.number().nullable(),
  refunded: z.number().transform((refunded) => refunded === 1),
  closed: z.string().nullable(),
})

export class SqliteAccounts implements Accounts {
  readonly #books: Books

  /** @param folder where the database stands; null keeps it in memory. */
  constructor(folder: string | null, faults: Faults) {
    this.#books = new Books('payment', table, folder, faults)
  }

  get declines(): boolean {
    return this.#books.declines
  }

  once<Work extends Decision<EventValue>>(
    context: OperationContext,
    entry: Entry,
    rule: (account: Account) => Work,
  ): Promise<Work['answer']> {
    return this.#books.once(context, entry, () => {
      const decision = rule(this.#read(entry.orderId))
      if (decision.change !== undefined) this.#change(entry.orderId, decision.change)
      return decision
    })
  }

  #read(orderId: string): Account {
    const { db } = this.#books
    db.prepare('INSERT OR IGNORE INTO accounts (order_id) VALUES (?)').run(orderId)
    return Stored.parse(db.prepare('SELECT charged, refunded, closed FROM accounts WHERE order_id = ?').get(orderId))
  }

  #change(orderId: string, change: Partial<Account>): void {
    const { charged, refunded, closed } = { ...this.#read(orderId), ...change }
    this.#books.db
      .prepare('UPDATE accounts SET charged = ?, refunded = ?, closed = ? WHERE order_id = ?')
      .run(charged, refunded ? 1 : 0, closed, orderId)
  }

  async ledger(): Promise<LedgerRow[]> {
    return this.#books.ledger()
  }

  async open(): Promise<void> {
    this.#books.open()
  }

  async close(): Promise<void> {
    this.#books.close()
  }
}

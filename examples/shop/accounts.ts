// What Payment knows of the money of each order, and what it asks of whoever keeps that: a rule decides about one account, and
// what it decides happens once for the key of the call. There are two keepers, SQLite for one process (sqlite-accounts.ts) and
// PostgreSQL for several nodes (postgres-accounts.ts); the rules (services/payment.ts) are the same for both.
import type { EventValue, OperationContext } from 'ballet'
import type { Effect, Entry } from './effects.ts'
import type { LedgerRow } from './ledger.ts'

/** The money of one order. */
export interface Account {
  /** Cents; null before it was charged. */
  readonly charged: number | null
  readonly refunded: boolean
  /** Why it is not charged any more; null while it may be. */
  readonly closed: string | null
}

/** What a rule came to. */
export interface Decision<Answer> extends Effect<Answer> {
  /** What becomes of the account; without it nothing does. */
  readonly change?: Partial<Account>
}

export interface Accounts {
  /** Whether Payment was told to say no. */
  readonly declines: boolean
  /**
   * Lets a rule decide about the account of the order, and keeps what it decided, its answer and its line in the ledger together,
   * once for the key of the call. Every repeat is answered alike.
   */
  once<Work extends Decision<EventValue>>(
    context: OperationContext,
    entry: Entry,
    rule: (account: Account) => Work,
  ): Promise<Work['answer']>
  /** Oldest first. */
  ledger(): Promise<LedgerRow[]>
  /** Opens the database now instead of when it is needed first. */
  open(): Promise<void>
  close(): Promise<void>
}

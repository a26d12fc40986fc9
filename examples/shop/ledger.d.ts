import { DatabaseSync } from 'node:sqlite'
export interface LedgerRow {
  /** Milliseconds since the epoch, by the service's clock. */
  readonly t: number
  /** The order. */
  readonly run: string
  /** Of one item: `reserve#tutu`. */
  readonly step: string
  /** The idempotency key of the call. */
  readonly key: string
  /**
   * `applied`: it happened. `deduped`: it had happened, the stored answer was given again. `refused`: the service said
   * no, or had nothing to take back. `failed`: the attempt broke before anything happened.
   */
  readonly outcome: 'applied' | 'deduped' | 'refused' | 'failed'
  /** Cents. */
  readonly amount?: number | undefined
  /** The id of the event that brought it about, and of the event that it answered with. */
  readonly cause?: string | undefined
  readonly event?: string | undefined
  /** Of the engine that asked: never falls. */
  readonly epoch?: number | undefined
}
export declare const ledgerTable =
  '\n  CREATE TABLE IF NOT EXISTS ledger (\n    t REAL NOT NULL, run TEXT NOT NULL, step TEXT NOT NULL, key TEXT NOT NULL, outcome TEXT NOT NULL,\n    amount INTEGER, cause TEXT, event TEXT, epoch INTEGER);\n'
/** Appends a row, in the transaction that is open on `db`. The time is given here. */
export declare function writeLedger(db: DatabaseSync, row: Omit<LedgerRow, 't'>): void
/** The ledger of one service, oldest first. */
export declare function readLedger(db: DatabaseSync): LedgerRow[]
/** Starts the clock after the last row of a ledger that an earlier process wrote. */
export declare function continueLedger(db: DatabaseSync): void
/** Several ledgers as one, in the order of time: one JSON object a line. */
export declare function ledgerLines(ledgers: readonly (readonly LedgerRow[])[]): string
/** The ledgers of all services whose databases stand in a folder, also when the shop is not running. */
export declare function exportLedgers(folder: string): string

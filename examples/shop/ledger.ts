// The ledger of effects: one row for every attempt that reached a service, written in the same transaction as the
// effect itself, so that neither can exist without the other. It is the services' own account of what happened, and
// knows nothing of how they were called: whoever audits the shop compares it with what the clients were told.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import { timeNow, timeSeen } from './database.ts'

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

const optional = <Output>(schema: z.ZodType<Output>) => schema.nullish().transform((value) => value ?? undefined)

const Row: z.ZodType<LedgerRow> = z.object({
  t: z.number(),
  run: z.string(),
  step: z.string(),
  key: z.string(),
  outcome: z.enum(['applied', 'deduped', 'refused', 'failed']),
  amount: optional(z.number()),
  cause: optional(z.string()),
  event: optional(z.string()),
  epoch: optional(z.number()),
})

/** A row of the table of a ledger. */
export const parseRow = (row: unknown): LedgerRow => Row.parse(row)

export const ledgerTable = `
  CREATE TABLE IF NOT EXISTS ledger (
    t REAL NOT NULL, run TEXT NOT NULL, step TEXT NOT NULL, key TEXT NOT NULL, outcome TEXT NOT NULL,
    amount INTEGER, cause TEXT, event TEXT, epoch INTEGER);
`

/** Appends a row, in the transaction that is open on `db`. The time is given here. */
export function writeLedger(db: DatabaseSync, row: Omit<LedgerRow, 't'>): void {
  const { run, step, key, outcome, amount, cause, event, epoch } = row
  db.prepare('INSERT INTO ledger VALUES (?, ?, ?, ?, ?, ?, ?, ?, ?)').run(
    timeNow(),
    run,
    step,
    key,
    outcome,
    amount ?? null,
    cause ?? null,
    event ?? null,
    epoch ?? null,
  )
}

/** The ledger of one service, oldest first. */
export function readLedger(db: DatabaseSync): LedgerRow[] {
  return db.prepare('SELECT * FROM ledger ORDER BY rowid').all().map(parseRow)
}

/** Starts the clock after the last row of a ledger that an earlier process wrote. */
export function continueLedger(db: DatabaseSync): void {
  const { last } = z
    .object({ last: z.number().nullable() })
    .parse(db.prepare('SELECT max(t) AS last FROM ledger').get())
  if (last !== null) timeSeen(last)
}

/** Several ledgers as one, in the order of time: one JSON object a line. */
export function ledgerLines(ledgers: readonly (readonly LedgerRow[])[]): string {
  const rows = ledgers.flat().sort((left, right) => left.t - right.t)
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('')
}

/** The ledgers of all services whose databases stand in a folder, also when the shop is not running. */
export function exportLedgers(folder: string): string {
  if (!existsSync(folder)) return ''
  const files = readdirSync(folder).filter((name) => name.endsWith('.db'))
  const ledgers = files.map((name) => {
    // Whoever opens it after a crash puts its log in order first, and nobody else gets in meanwhile.
    const db = new DatabaseSync(join(folder, name), { readOnly: true, timeout: 5000 })
    try {
      return readLedger(db)
    } finally {
      db.close()
    }
  })
  return ledgerLines(ledgers)
}

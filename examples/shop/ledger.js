// The ledger of effects: one row for every attempt that reached a service, written in the same transaction as the
// effect itself, so that neither can exist without the other. It is the services' own account of what happened, and
// knows nothing of how they were called: whoever audits the shop compares it with what the clients were told.
import { existsSync, readdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { z } from 'zod'
import { timeNow, timeSeen } from './database.js'
const optional = (schema) => schema.nullish().transform((value) => value ?? undefined)
const Row = z.object({
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
export const ledgerTable = `
  CREATE TABLE IF NOT EXISTS ledger (
    t REAL NOT NULL, run TEXT NOT NULL, step TEXT NOT NULL, key TEXT NOT NULL, outcome TEXT NOT NULL,
    amount INTEGER, cause TEXT, event TEXT, epoch INTEGER);
`
/** Appends a row, in the transaction that is open on `db`. The time is given here. */
export function writeLedger(db, row) {
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
export function readLedger(db) {
  return db
    .prepare('SELECT * FROM ledger ORDER BY rowid')
    .all()
    .map((row) => Row.parse(row))
}
/** Starts the clock after the last row of a ledger that an earlier process wrote. */
export function continueLedger(db) {
  const { last } = z
    .object({ last: z.number().nullable() })
    .parse(db.prepare('SELECT max(t) AS last FROM ledger').get())
  if (last !== null) timeSeen(last)
}
/** Several ledgers as one, in the order of time: one JSON object a line. */
export function ledgerLines(ledgers) {
  const rows = ledgers.flat().sort((left, right) => left.t - right.t)
  return rows.map((row) => `${JSON.stringify(row)}\n`).join('')
}
/** The ledgers of all services whose databases stand in a folder, also when the shop is not running. */
export function exportLedgers(folder) {
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

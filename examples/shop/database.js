// Opens the SQLite database of one service, and reads the service's clock. What a transaction here has committed
// survives the end of the process and of the machine: WAL with synchronous=FULL. A commit happens on the main thread,
// which is what a shop of this size can afford. The clock never says the same time twice, so that a ledger sorted by
// time is sorted by what happened.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
/** Opens `<folder>/<name>.db`, or a database in memory when the folder is null, and brings its tables about. */
export function openDatabase(folder, name, schema) {
  if (folder !== null) mkdirSync(folder, { recursive: true })
  const db = new DatabaseSync(folder === null ? ':memory:' : join(folder, `${name}.db`))
  db.exec('PRAGMA busy_timeout = 5000; PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL;')
  db.exec(schema)
  return db
}
/** Runs `work` in one transaction: all of it is kept, or nothing when it throws. */
export function transaction(db, work) {
  db.exec('BEGIN IMMEDIATE')
  try {
    const result = work()
    db.exec('COMMIT')
    return result
  } catch (error) {
    db.exec('ROLLBACK')
    throw error
  }
}
let latest = 0
/** Milliseconds since the epoch, with fractions: later than every time that was read before. */
export function timeNow() {
  latest = Math.max(Date.now(), latest + 0.001)
  return latest
}
/** Lets the clock go on after a time that an earlier process wrote. */
export function timeSeen(time) {
  latest = Math.max(latest, time)
}

// The settings with which the measurements beside the engine open their files: as its own store does.
import type { DatabaseSync } from 'node:sqlite'

/** Turns on a write-ahead log that is synced at every commit, and reads back that it is. */
export function fullSync(db: DatabaseSync): void {
  db.exec('PRAGMA journal_mode = WAL; PRAGMA synchronous = FULL; PRAGMA wal_autocheckpoint = 4000')
  const { synchronous } = db.prepare('PRAGMA synchronous').get() ?? {}
  if (synchronous !== 2) throw new Error(`the file is not synced in full: ${String(synchronous)}`)
}

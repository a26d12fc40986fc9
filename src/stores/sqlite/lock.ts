// The right to be the one process that writes a store: an exclusive lock of SQLite on `<file>.lock`. The system frees
// it in the instant in which the process ends, however it ends, so that no stale lock can keep a restart out. The
// file is never removed and never opened other than through SQLite: both would break locks that are held on it.
import { chmodSync, readFileSync } from 'node:fs'
import { basename, dirname, join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { fault } from '../../core/errors.ts'
import { parseText } from '../../core/json-text.ts'
import { isRecord } from '../../core/json.ts'
import { isBusy, storeFailed } from './failure.ts'

export interface FileLock {
  release(): void
}

export const lockPath = (path: string): string => `${path}.lock`

/** Takes the lock or fails at once. @throws STORE_LOCKED, and says where its owner is when that is known. */
export function takeLock(path: string): FileLock {
  const file = lockPath(path)
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(file, { timeout: 0 })
    // Nothing is ever written under this lock, so it needs no journal file beside it.
    db.exec('PRAGMA journal_mode = MEMORY; BEGIN EXCLUSIVE')
    chmodSync(file, 0o600)
    const held = db
    return { release: () => held.close() }
  } catch (error) {
    db?.close()
    if (isBusy(error)) throw fault('STORE_LOCKED', { path, owner: ownerOf(path) }, error)
    throw storeFailed(file, error)
  }
}

/** ` (pid 123, http://...)` from the `process.json` beside the store, or nothing. */
function ownerOf(path: string): string {
  try {
    const owner: unknown = parseText(readFileSync(join(dirname(path), 'process.json'), 'utf8'))
    if (!isRecord(owner) || typeof owner.pid !== 'number') return ''
    // One folder may hold several stores; the note is about one of them.
    if (typeof owner.store === 'string' && basename(owner.store) !== basename(path)) return ''
    return typeof owner.url === 'string' ? ` (pid ${owner.pid}, ${owner.url})` : ` (pid ${owner.pid})`
  } catch {
    return ''
  }
}

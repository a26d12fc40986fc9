// What `ballet doctor` looks at in a store's file: what it is, whether it is whole, how large, how much room is left,
// and whether a process has it. Everything is read; nothing is written, and no lock is held longer than a look.
import { existsSync, statfsSync, statSync } from 'node:fs'
import { DatabaseSync } from 'node:sqlite'
import { fault, isBalletError } from '../core/errors.ts'
import { SCHEMA_VERSION } from '../core/store.ts'
import { inspect, isWithoutLog } from '../stores/sqlite/database.ts'
import { isBusy } from '../stores/sqlite/failure.ts'
import { layoutVersion } from '../stores/sqlite/layout.ts'
import { lockPath } from '../stores/sqlite/lock.ts'

/** One thing that was looked at: how it is, and what to do when it is not well. */
export interface Check {
  readonly name: string
  readonly verdict: 'ok' | 'warn' | 'wrong'
  readonly found: string
  readonly todo?: string
}

const MIB = 1024 * 1024
/** The writer empties its log at 64 MiB and less: one that has grown far past it cannot be emptied. */
const LOG_LIMIT_BYTES = 256 * MIB
const ROOM_LOW_BYTES = 1024 * MIB
const ROOM_NEEDED_BYTES = 100 * MIB
const BUSY_TIMEOUT_MS = 5000

/** All that can be said of the file at `path`, which exists. */
export function storeChecks(path: string): readonly Check[] {
  try {
    if (!inspect(path)) {
      const todo = 'It becomes a store when the application is started on it.'
      return [{ name: 'store', verdict: 'warn', found: `${path} is empty`, todo }]
    }
  } catch (error) {
    if (isWithoutLog(path, error)) return [unreadable(path)]
    const todo = isBalletError(error) ? error.hint : 'Look at its permissions.'
    return [{ name: 'store', verdict: 'wrong', found: wordsOf(error), todo }]
  }
  try {
    const db = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS })
    try {
      db.exec('PRAGMA query_only = ON; PRAGMA trusted_schema = OFF')
      return [sizeOf(path), layoutOf(db), journalModeOf(db), integrityOf(db)]
    } finally {
      db.close()
    }
  } catch (error) {
    if (isWithoutLog(path, error)) return [sizeOf(path), unreadable(path)]
    const todo = 'Restore a backup if it is damaged; look at its permissions if it cannot be opened.'
    return [sizeOf(path), { name: 'integrity', verdict: 'wrong', found: wordsOf(error), todo }]
  }
}

function unreadable(path: string): Check {
  const { message, hint } = fault('STORE_UNREADABLE', { path })
  return { name: 'store', verdict: 'wrong', found: message, todo: hint }
}

/** How much room is left where `folder` is. */
export function roomCheck(folder: string): Check {
  const { bavail, bsize, blocks } = statfsSync(folder)
  const free = bavail * bsize
  const found = `${shownBytes(free)} of ${shownBytes(blocks * bsize)} free for ${folder}`
  if (free < ROOM_NEEDED_BYTES)
    return { name: 'disk', verdict: 'wrong', found, todo: 'Make space: soon nothing can be acknowledged.' }
  return free < ROOM_LOW_BYTES
    ? { name: 'disk', verdict: 'warn', found, todo: 'Make space before it is full.' }
    : { name: 'disk', verdict: 'ok', found }
}

/** Whether some process holds the lock of a store. It is asked for no longer than it takes to see that. */
export function isLocked(path: string): boolean {
  if (!existsSync(lockPath(path))) return false
  const db = new DatabaseSync(lockPath(path), { readOnly: true, timeout: 0 })
  try {
    db.prepare('SELECT count(*) FROM sqlite_schema').get()
    return false
  } catch (error) {
    if (isBusy(error)) return true
    throw error
  } finally {
    db.close()
  }
}

function sizeOf(path: string): Check {
  const log = statSync(`${path}-wal`, { throwIfNoEntry: false })?.size ?? 0
  const found = `${path}, ${shownBytes(statSync(path).size)}${log === 0 ? '' : `, its log ${shownBytes(log)}`}`
  if (log <= LOG_LIMIT_BYTES) return { name: 'store', verdict: 'ok', found }
  const todo = 'Something that reads the file for long keeps the log from being emptied: find it and end it.'
  return { name: 'store', verdict: 'warn', found, todo }
}

function layoutOf(db: DatabaseSync): Check {
  const version = layoutVersion(db)
  const found = `layout ${version}, this version writes ${SCHEMA_VERSION}`
  if (version === SCHEMA_VERSION) return { name: 'layout', verdict: 'ok', found }
  const todo = 'It is brought up to date when the application is started with this version; make a backup first.'
  return { name: 'layout', verdict: 'warn', found, todo }
}

function journalModeOf(db: DatabaseSync): Check {
  const mode = String(Object.values(db.prepare('PRAGMA journal_mode').get() ?? {})[0])
  const found = `journal mode ${mode}`
  if (mode === 'wal') return { name: 'log', verdict: 'ok', found }
  const todo = 'Some other program has changed it; the application sets it to wal when it is started.'
  return { name: 'log', verdict: 'warn', found, todo }
}

function integrityOf(db: DatabaseSync): Check {
  const rows = db.prepare('PRAGMA quick_check(5)').all()
  const problems = rows.map((row) => String(Object.values(row)[0])).filter((text) => text !== 'ok')
  if (problems.length === 0) return { name: 'integrity', verdict: 'ok', found: 'quick_check finds nothing' }
  const todo = 'The file is damaged. Stop the application, keep a copy, and restore a backup.'
  return { name: 'integrity', verdict: 'wrong', found: problems.join('; '), todo }
}

function wordsOf(error: unknown): string {
  return error instanceof Error ? error.message : String(error)
}

/** `1.4 GB`, in units of 1,000. */
export function shownBytes(bytes: number): string {
  const units = ['B', 'kB', 'MB', 'GB', 'TB'] as const
  let value = bytes
  let unit = 0
  while (value >= 1000 && unit < units.length - 1) {
    value /= 1000
    unit++
  }
  return `${value >= 100 || unit === 0 ? Math.round(value) : Math.round(value * 10) / 10} ${units[unit]}`
}

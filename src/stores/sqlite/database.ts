// How a file becomes an open store: looked at without touching it, refused when it is not ours or newer, made whole
// under another name when it is new, migrated when it is older, and opened with settings that are read back, because
// durability rests on them. Whoever opens it for writing holds its lock (lock.ts). Called in the threads (worker.ts).
import {
  accessSync,
  chmodSync,
  closeSync,
  constants,
  existsSync,
  openSync,
  renameSync,
  rmSync,
  statSync,
  type Stats,
} from 'node:fs'
import { dirname } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { pathToFileURL } from 'node:url'
import { fault } from '../../core/errors.ts'
import { SCHEMA_VERSION } from '../../core/store.ts'
import { describe, failureOf, isSqliteError, storeFailed } from './failure.ts'
import { APPLICATION_ID, layoutVersion, migrate, pragma } from './layout.ts'
import { syncFolder } from './folder.ts'
import { isMixed, markAnew, markOf } from './mark.ts'

/** How long SQLite waits for somebody else's lock on the file (a backup, a person with a shell). */
const BUSY_TIMEOUT_MS = 5_000
export const WAL_PAGES = 4_000
const WRITER_CACHE_KIB = 32 * 1024
const READER_CACHE_KIB = 16 * 1024
const WAL_KEPT_BYTES = 64 * 1024 * 1024
/** Values of SQLite: of the pragma `synchronous`, and result codes. */
const SYNCHRONOUS_FULL = 2
const NOT_A_DATABASE = 26
const CANTOPEN = 14
const READONLY = 8

/** Refuses what is not a store of ours, without changing it or its folder. Returns whether there is a store. */
export function inspect(path: string): boolean {
  const stats = statOf(path)
  if (stats === undefined) return false
  if (!stats.isFile()) throw foreign(path, stats.isDirectory() ? 'it is a folder' : 'it is not a regular file')
  // An empty file holds nothing that could be lost.
  if (stats.size === 0) return false
  const [application, version] = withDatabase(path, (db) => [pragma(db, 'application_id'), layoutVersion(db)])
  if (application !== APPLICATION_ID) throw foreign(path, 'it is another SQLite database')
  if (version > SCHEMA_VERSION) throw fault('STORE_NEWER', { path, found: version, known: SCHEMA_VERSION })
  if (isMixed(path, () => markOfFile(path))) throw fault('STORE_MIXED', { path })
  return true
}

/** Of the file without its log, undefined when that cannot be read: what is damaged is told of when it is opened. */
export function markOfFile(path: string): number | undefined {
  try {
    return withDatabase(path, markOf, alone(path))
  } catch {
    return undefined
  }
}

/** The one connection that writes. The caller holds the lock. */
export function openWriter(path: string): DatabaseSync {
  try {
    if (!inspect(path)) create(path)
    const db = connect(path)
    try {
      // After a failed fsync and a restart the log may stand in the system's cache alone, where a later fsync does not
      // find it: it must be in the file before anything new is acknowledged on top of it.
      const isEmpty = emptyLog(db)
      migrate(db)
      markTwice(db, isEmpty)
      return db
    } catch (error) {
      db.close()
      throw error
    }
  } catch (error) {
    throw storeFailed(path, error)
  }
}

/** Of a life before, a file has neither the mark that the log begins with nor the one before that. */
function markTwice(db: DatabaseSync, isEmpty: boolean): void {
  // Whoever still reads the log has been waited for once already.
  if (markAnew(db) && isEmpty && emptyLog(db)) markAnew(db)
}

/** A connection for queries, beside a writer in this or another process, or after one that was killed. */
export function openReader(path: string): DatabaseSync {
  try {
    if (!inspect(path)) throw fault('STORE_MISSING', { path })
    const db = new DatabaseSync(path, { readOnly: true, timeout: BUSY_TIMEOUT_MS })
    try {
      db.exec(`PRAGMA query_only = ON; PRAGMA trusted_schema = OFF; PRAGMA cache_size = -${READER_CACHE_KIB}`)
      refuseOlder(path, layoutVersion(db))
      return db
    } catch (error) {
      db.close()
      throw error
    }
  } catch (error) {
    throw isWithoutLog(path, error) ? fault('STORE_UNREADABLE', { path }, error) : storeFailed(path, error)
  }
}

/**
 * Whether an error says that the file may be read, and the files of its log may be neither made nor used: its folder may only be
 * read. To open it as one that nothing can change would leave the log out, and somebody else may write it.
 */
export function isWithoutLog(path: string, error: unknown): boolean {
  return isSqliteError(error) && [CANTOPEN, READONLY].includes(error.errcode & 0xff) && mayRead(path)
}

function mayRead(path: string): boolean {
  try {
    accessSync(path, constants.R_OK)
    // Whoever has no file descriptors left has another problem. Not the file itself: to close it would let go of its locks.
    closeSync(openSync(dirname(path), 'r'))
    return true
  } catch {
    return false
  }
}

/** Closes the connection that writes, without an attempt to write when the file is `inDoubt`. */
export function closeWriter(path: string, db: DatabaseSync, inDoubt: boolean): void {
  // The last who closes a file moves its log into it, unless he may only read.
  const last = inDoubt ? bystander(path) : undefined
  try {
    if (!inDoubt) emptyLog(db)
  } finally {
    db.close()
    last?.close()
  }
}

/** Somebody else who has the file open; undefined when it cannot be opened, and then it is not there to be written either. */
function bystander(path: string): DatabaseSync | undefined {
  let db: DatabaseSync | undefined
  try {
    db = new DatabaseSync(path, { readOnly: true })
    layoutVersion(db)
    return db
  } catch {
    db?.close()
    return undefined
  }
}

/** Moves what stands in the log into the file, unless somebody reads it or the disk is full. Returns whether the log is empty. */
function emptyLog(db: DatabaseSync): boolean {
  try {
    return pragma(db, 'wal_checkpoint(TRUNCATE)') === 0
  } catch (error) {
    // Everything is durable in the log all the same.
    if (failureOf(error).fatal) throw error
    return false
  }
}

/** Moves what it can of the log into the file, without waiting for whoever reads it. The log may then begin again. */
export function moveLog(db: DatabaseSync): void {
  db.exec('PRAGMA wal_checkpoint(PASSIVE)')
}

function connect(path: string): DatabaseSync {
  const db = new DatabaseSync(path, { timeout: BUSY_TIMEOUT_MS })
  try {
    // macOS needs `fullfsync` for an fsync that reaches the disk; elsewhere it changes nothing.
    db.exec(`
      PRAGMA trusted_schema = OFF; PRAGMA temp_store = MEMORY; PRAGMA cache_size = -${WRITER_CACHE_KIB};
      PRAGMA fullfsync = ON; PRAGMA checkpoint_fullfsync = ON; PRAGMA synchronous = FULL;
      PRAGMA wal_autocheckpoint = ${WAL_PAGES}; PRAGMA journal_size_limit = ${WAL_KEPT_BYTES}`)
    const mode = Object.values(db.prepare('PRAGMA journal_mode = WAL').get() ?? {})[0]
    if (mode !== 'wal')
      throw fault('STORE_FAILED', { problem: `${path} cannot have a write-ahead log (${String(mode)})` })
    if (pragma(db, 'synchronous') !== SYNCHRONOUS_FULL)
      throw fault('STORE_FAILED', { problem: `${path} does not sync in full` })
    return db
  } catch (error) {
    db.close()
    throw error
  }
}

/** Made under another name and moved into place, so that a process killed here leaves no half of a store. */
function create(path: string): void {
  const draft = `${path}.new`
  for (const rest of [draft, `${draft}-wal`, `${draft}-shm`, `${draft}-journal`]) rmSync(rest, { force: true })
  closeSync(openSync(draft, 'wx', 0o600))
  // The mode above is cut by the umask only; this one is exact, and SQLite gives it to the files beside as well.
  chmodSync(draft, 0o600)
  const db = connect(draft)
  try {
    db.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
    migrate(db)
  } finally {
    db.close()
  }
  // A log without its file would be taken for the log of the new one; it is kept, since whoever has moved the file away may come back
  // for it: what a process that was killed had acknowledged stands in it alone.
  keepLog(`${path}-wal`)
  for (const rest of [`${path}-shm`, `${path}-journal`]) rmSync(rest, { force: true })
  renameSync(draft, path)
  syncFolder(dirname(path))
}

/** Moves a log that has something in it out of the way, under a name that nothing has: `app.db-wal.left`, `app.db-wal.left-2`. */
function keepLog(log: string): void {
  if ((statOf(log)?.size ?? 0) === 0) return rmSync(log, { force: true })
  let kept = `${log}.left`
  for (let count = 2; existsSync(kept); count++) kept = `${log}.left-${count}`
  renameSync(log, kept)
}

/** Looks into a file without writing to it or to its log. */
function withDatabase<T>(path: string, use: (db: DatabaseSync) => T, location = withItsLog(path)): T {
  const db = new DatabaseSync(location, { readOnly: true, timeout: BUSY_TIMEOUT_MS })
  try {
    return use(db)
  } catch (error) {
    if (isSqliteError(error) && error.errcode === NOT_A_DATABASE) throw foreign(path, describe(error))
    throw error
  } finally {
    db.close()
  }
}

/**
 * With a log beside it the file alone may be half of the truth: a checkpoint may have been cut short. Without one it
 * is opened as if nothing could change it, so that a foreign file gets no log as a neighbour.
 */
const withItsLog = (path: string): string | URL => (existsSync(`${path}-wal`) ? path : alone(path))

/** As if nothing could change it, and it had no log. */
function alone(path: string): URL {
  const url = pathToFileURL(path)
  url.searchParams.set('immutable', '1')
  return url
}

function refuseOlder(path: string, found: number): void {
  if (found === SCHEMA_VERSION) return
  const problem = `${path} has the layout ${found} of an older Ballet; it is migrated when it is opened for writing`
  throw fault('STORE_FAILED', { problem })
}

function foreign(path: string, problem: string): Error {
  return fault('STORE_FOREIGN', { path, problem })
}

function statOf(path: string): Stats | undefined {
  try {
    return statSync(path)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return undefined
    throw error
  }
}

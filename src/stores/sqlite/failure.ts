// What went wrong in SQLite, in the words of the catalogue, and in a form that crosses from a thread to the main one.
// The invariant: after a write that failed in a way that is `fatal` nothing about the file is certain any more (a failed
// fsync may have lost what it was to keep), so that the store must not be used again; after any other, nothing was written.
import { constants } from 'node:os'
import { fault, isBalletError, type BalletError, type Details, type ErrorCode } from '../../core/errors.ts'
import { denialOf } from './denial.ts'

export interface Failure {
  readonly code: ErrorCode
  readonly details: Details
  readonly fatal: boolean
}

/** Primary result codes of SQLite (the lowest byte of an extended one). */
const BUSY = 5
const CORRUPT = 11
const FULL = 13
const TOOBIG = 18
const CONSTRAINT = 19
const MISMATCH = 20
const RANGE = 25

/** Extended codes of the primary code IOERR: a write failed; the index of the log could not grow. */
const IOERR_WRITE = 10 | (3 << 8)
const IOERR_SHMSIZE = 10 | (19 << 8)

/** Not permitted, may only be read, cannot be opened. */
const DENIED: readonly number[] = [3, 8, 14]

/** Refused by a rule of the tables: the rows are wrong, and the file is well. */
const oursToMend: readonly number[] = [TOOBIG, CONSTRAINT, MISMATCH, RANGE]

/** What a person needs to know when a page does not hold what it should. */
const DAMAGED = '; a page of the file is damaged: `ballet doctor` says how far, and a backup mends it'

interface SqliteError extends Error {
  /** The extended result code. */
  readonly errcode: number
  readonly errstr: string
}

export function isSqliteError(error: unknown): error is SqliteError {
  return error instanceof Error && 'errcode' in error && typeof error.errcode === 'number'
}

/** Whether somebody else holds the lock that was asked for. */
export function isBusy(error: unknown): boolean {
  return isSqliteError(error) && primary(error) === BUSY
}

/** Whether there was no space left on the disk, or in what of it may be used. What did not fit was undone. */
export function isDiskFull(error: unknown): boolean {
  if (isBalletError(error)) return error.code === 'STORE_FULL'
  if (isSqliteError(error)) return primary(error) === FULL || error.errcode === IOERR_SHMSIZE
  if (!(error instanceof Error && 'code' in error && 'errno' in error)) return false
  // Node.js has no name for the error of a quota, and gives its number alone, below zero.
  return error.code === 'ENOSPC' || error.errno === -constants.errno.EDQUOT
}

/** Whether a write failed, for whatever reason but a full disk: SQLite does not tell a quota from a broken disk. */
export function isFailedWrite(error: unknown): boolean {
  return isSqliteError(error) && error.errcode === IOERR_WRITE
}

/** The failure that an error from the work on an open file stands for. */
export function failureOf(error: unknown): Failure {
  if (isBalletError(error)) return { code: error.code, details: error.details, fatal: isOfAnother(error.code) }
  if (isDiskFull(error)) return { code: 'STORE_FULL', details: { problem: describe(error) }, fatal: false }
  if (isSqliteError(error)) {
    const code = primary(error)
    const problem = describe(error) + (code === CORRUPT ? DAMAGED : '')
    if (oursToMend.includes(code)) return { code: 'INVARIANT', details: { problem }, fatal: false }
    return { code: 'STORE_FAILED', details: { problem }, fatal: code !== BUSY }
  }
  // A value that SQLite cannot hold never reached it.
  const unbindable = error instanceof TypeError && 'code' in error && error.code === 'ERR_INVALID_ARG_TYPE'
  if (unbindable) return { code: 'INVARIANT', details: { problem: error.message }, fatal: false }
  return { code: 'STORE_FAILED', details: { problem: describe(error) }, fatal: true }
}

/** Whether what is written goes into another file than the one of the path, or beside one that it is not of. */
const isOfAnother = (code: ErrorCode): boolean => code === 'STORE_REMOVED' || code === 'STORE_MIXED'

/** The error of a failure that came from a thread. */
export function errorOf(failure: Failure): BalletError {
  return fault(failure.code, failure.details)
}

/** STORE_FAILED about something that was done to a path, or STORE_FULL. */
export function storeFailed(what: string, error: unknown): BalletError {
  if (isBalletError(error)) return error
  const why = isSqliteError(error) && DENIED.includes(primary(error)) ? denialOf(what) : ''
  return fault(
    isDiskFull(error) ? 'STORE_FULL' : 'STORE_FAILED',
    { problem: `${what}: ${describe(error)}${why}` },
    error,
  )
}

export function describe(error: unknown): string {
  if (!(error instanceof Error)) return String(error)
  // The first says what happened, the second which rule of SQLite that is.
  return isSqliteError(error) && error.errstr !== error.message ? `${error.message} (${error.errstr})` : error.message
}

const primary = (error: SqliteError): number => error.errcode & 0xff

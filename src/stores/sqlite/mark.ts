// Whether the file of a store and the log beside it are of one another. SQLite takes any log that lies beside a file for its own: a
// backup that is put in the place of a file whose process was killed would get pages of the later file laid over it, and be neither,
// without a word. So whoever writes a store gives it the next mark of a row without an end whenever a log begins, and once more when
// it is opened, in a field of the header that SQLite keeps in both (`schema_version`, of which it asks only that it changes). A log
// begins with the mark that its file has, or with the next one; what copies and backups have is another: an earlier one, or a number
// that SQLite gave them. Called by database.ts, and by presence.ts of the store that runs.
//
//   opened, the log emptied: m --mark, empty the log--> n(m) --mark--> n(n(m)) --the log begins anew, mark--> n(n(n(m))) ...
import { closeSync, openSync, readSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { fault } from '../../core/errors.ts'
import { pragma } from './layout.ts'

/** What somebody changes by hand (an index) counts the mark up; a store of before there were marks has 32, and a backup of it 1. */
const BY_HAND = 24

const LOG_HEADER_BYTES = 32
const FRAME_HEADER_BYTES = 24
const FILE_HEADER_BYTES = 100
/** Where a log and its frames say what: big endian numbers of four bytes. */
const PAGE_SIZE_AT = 8
const LOG_SALTS_AT = 16
const FRAME_SALTS_AT = 8
const SALTS_BYTES = 8
const MARK_AT = 40

/** A generator of full length over 31 bits: no mark comes back before two thousand million, nor does one follow itself. */
export const markAfter = (mark: number): number => (Math.imul(mark, 1_103_515_245) + 12_345) & 0x7f_ff_ff_ff

export const markOf = (db: DatabaseSync): number => pragma(db, 'schema_version')

/** Gives the file its next mark. */
export function markAnew(db: DatabaseSync): void {
  // A Node.js before 24.12 has no such guard, and lets the field be written.
  const guard = (isOn: boolean): void => (db as Partial<Pick<DatabaseSync, 'enableDefensive'>>).enableDefensive?.(isOn)
  guard(false)
  try {
    db.exec(`PRAGMA schema_version = ${markAfter(markOf(db))}`)
  } finally {
    guard(true)
  }
}

/**
 * @param markOfFile reads the mark of the file alone, without its log; undefined when that cannot be read.
 * @throws STORE_MIXED when the log cannot be of this file.
 */
export function refuseMixed(path: string, markOfFile: () => number | undefined): void {
  const before = markOfFile()
  if (before === undefined || belongs(before, marksOfLog(`${path}-wal`))) return
  // Beside a process that writes, both may have changed between the two looks.
  const now = markOfFile()
  if (now !== undefined && !belongs(now, marksOfLog(`${path}-wal`))) throw fault('STORE_MIXED', { path })
}

/** Whether a file with this mark may have a log that has these, the first of them first. */
export function belongs(mark: number, marks: readonly number[]): boolean {
  const [first] = marks
  // What was moved into the file has a mark that the log has as well.
  if (first === undefined || marks.includes(mark)) return true
  return isLeftOf(mark, first) || isLeftOf(markAfter(mark), first)
}

/** Whether what had the one mark has the other now, with at most what somebody has changed by hand. */
export const isLeftOf = (mark: number, now: number): boolean => now >= mark && now <= mark + BY_HAND

/** The marks in what a log has that is committed; none of one that is not there. */
function marksOfLog(path: string): readonly number[] {
  let log: number | undefined
  try {
    // To open and close it lets go of no lock: those are held on the file and on the index of the log.
    log = openSync(path, 'r')
    return readMarks(log)
  } catch (error) {
    if (error instanceof Error && 'code' in error && error.code === 'ENOENT') return []
    throw error
  } finally {
    if (log !== undefined) closeSync(log)
  }
}

function readMarks(log: number): readonly number[] {
  const read = (at: number, length: number): Buffer | undefined => {
    const bytes = Buffer.alloc(length)
    return readSync(log, bytes, 0, length, at) === length ? bytes : undefined
  }
  const header = read(0, LOG_HEADER_BYTES)
  if (header === undefined) return []
  const salts = header.subarray(LOG_SALTS_AT, LOG_SALTS_AT + SALTS_BYTES)
  const frameBytes = FRAME_HEADER_BYTES + header.readUInt32BE(PAGE_SIZE_AT)
  const committed: number[] = []
  let open: number[] = []
  for (let at = LOG_HEADER_BYTES; ; at += frameBytes) {
    const frame = read(at, FRAME_HEADER_BYTES)
    // What is left of an earlier log has other salts.
    if (frame === undefined || !frame.subarray(FRAME_SALTS_AT, FRAME_SALTS_AT + SALTS_BYTES).equals(salts)) break
    const page = frame.readUInt32BE(0) === 1 ? read(at + FRAME_HEADER_BYTES, FILE_HEADER_BYTES) : undefined
    if (page !== undefined) open.push(page.readUInt32BE(MARK_AT))
    // The last frame of a transaction says how large the file is then.
    if (frame.readUInt32BE(4) === 0) continue
    committed.push(...open)
    open = []
  }
  return committed
}

// Whether the file of a store and the log beside it are of one another. SQLite takes any log that lies beside a file for its own: a
// backup that is put in the place of a file whose process was killed would get pages of the later file laid over it, and be neither,
// without a word. So whoever writes a store gives it the next mark of a row without an end whenever a log begins, and once more when
// it is opened, in a field of the header that SQLite keeps in both (`schema_version`, of which it asks only that it changes). A log
// begins with the mark that its file has, or with the next one; what copies and backups have is another: an earlier one, or a number
// that SQLite gave them. Called by database.ts, and by presence.ts of the store that runs.
//
//   opened, the log emptied: m --mark, empty the log--> n(m) --mark--> n(n(m)) --the log begins anew, mark--> n(n(n(m))) ...
import type { DatabaseSync } from 'node:sqlite'
import { failureOf, isFailedWrite } from './failure.ts'
import { pragma } from './layout.ts'
import { headerOfLog, marksOfLog } from './log-marks.ts'

/**
 * What somebody changes by hand (an index) counts the mark up, and a script of them may do that in one transaction. To take so many
 * more for the same lets one strange log of ten thousand pass; to take fewer could refuse a store that is sound.
 */
const BY_HAND = 65_536

/** A store of before there were marks has 32, and an online backup of it 1: to that one, less is taken for the same. */
const BACKED_UP = 8
const BY_HAND_THEN = 24

const NOTHING = Buffer.alloc(0)

/** A generator of full length over 31 bits: no mark comes back before two thousand million, nor does one follow itself. */
export const markAfter = (mark: number): number => (Math.imul(mark, 1_103_515_245) + 12_345) & 0x7f_ff_ff_ff

/** Without a sign, as in the header: SQLite gives one to what was counted beyond 31 bits. */
export const markOf = (db: DatabaseSync): number => pragma(db, 'schema_version') >>> 0

/**
 * Gives the file its next mark, unless there is no space for it, or somebody else writes for long: then the log begins without one of
 * its own, and whose it is can be told less surely. Returns whether it has.
 */
export function markAnew(db: DatabaseSync): boolean {
  try {
    writeNext(db)
    return true
  } catch (error) {
    // Nothing rests on a mark: what could not be written is in no doubt. A disk that is broken fails the next commit as well.
    if (failureOf(error).fatal && !isFailedWrite(error)) throw error
    return false
  }
}

function writeNext(db: DatabaseSync): void {
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
 * Whether it is sure that the log cannot be of this file.
 *
 * @param markOfFile reads the mark of the file alone, without its log; undefined when that cannot be read.
 * @param now reads the mark of both, as the connection that writes them has it, where there is one.
 */
export function isMixed(path: string, markOfFile: () => number | undefined, now?: () => number): boolean {
  const log = `${path}-wal`
  const header = headerOfLog(log)
  const mark = markOfFile()
  if (mark === undefined || belongs(mark, marksOfLog(log), now?.())) return false
  // Where somebody writes, the log may have begun anew between the two looks, and over what was being read: that says nothing.
  return markOfFile() === mark && headerOfLog(log)?.equals(header ?? NOTHING) === true
}

/** Whether a file with this mark may have a log that has these, the first of them first. Reads no more of them than it needs. */
export function belongs(mark: number, marks: Iterable<number>, now: number = mark): boolean {
  let first: number | undefined
  for (const one of marks) {
    // What was moved into the file has a mark that the log has as well.
    if (one === mark) return true
    if (first === undefined && (isLeftOf(mark, one) || isLeftOf(markAfter(mark), one))) return true
    first ??= one
  }
  return first === undefined && mark === now
}

/** Whether what had the one mark has the other now, with at most what somebody has changed by hand. */
export const isLeftOf = (mark: number, now: number): boolean =>
  now >= mark && now <= mark + (mark < BACKED_UP ? BY_HAND_THEN : BY_HAND)

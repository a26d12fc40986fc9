// Writing on a disk that may be full. A batch that does not fit is undone, and the store lives on; one that is urgent
// is tried again in the reserve, which nothing else may use from then on until it has been made again. Nothing of a
// batch that failed for want of space is found later, not even by a crash. Used by the thread that writes (worker.ts).
//
//   held --an urgent batch does not fit--> spent --there is space again--> held
import { statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { fault } from '../../core/errors.ts'
import type { Value } from '../sql/tables.ts'
import { WAL_PAGES, moveLog } from './database.ts'
import { describe, failureOf, isDiskFull, isFailedWrite } from './failure.ts'
import { layoutVersion, pragma } from './layout.ts'
import type { Packed } from './packed.ts'
import type { Reserve } from './reserve.ts'
import type { Session } from './session.ts'

/** Less than this is no room for anything new. */
const LEAST_BYTES = 1024 * 1024

export class Room {
  readonly #path: string
  readonly #db: DatabaseSync
  readonly #session: Session
  readonly #reserve: Reserve

  constructor(path: string, db: DatabaseSync, session: Session, reserve: Reserve) {
    this.#path = path
    this.#db = db
    this.#session = session
    this.#reserve = reserve
    if (reserve.isSpent) this.#holdCheckpoints()
    this.isAmple()
  }

  /** Whether there is room for more than what is urgent. Makes the reserve again when that can be. */
  isAmple(): boolean {
    const { isSpent } = this.#reserve
    const isThere = this.#reserve.make()
    if (!isSpent) return this.#reserve.free >= LEAST_BYTES
    if (!isThere) return false
    this.#db.exec(`PRAGMA wal_autocheckpoint = ${WAL_PAGES}`)
    return true
  }

  /** As Session.write. @throws STORE_FULL when it does not fit, or is not urgent and only the reserve is left. */
  write(statements: readonly Packed[], urgent: boolean): Value[] {
    if (this.#reserve.isSpent && !this.isAmple()) {
      if (!urgent) throw fault('STORE_FULL', { problem: 'what is left is kept for what is under way' })
      this.#shortenLog()
    }
    try {
      return this.#attempt(statements)
    } catch (error) {
      if (!isDiskFull(error) || !urgent || !this.#reserve.release()) throw error
    }
    this.#holdCheckpoints()
    this.#shortenLog()
    return this.#attempt(statements)
  }

  /** As Session.ahead: what is more than the memory for pages is written then. @throws STORE_FULL when a quota refuses that */
  ahead(statements: readonly Packed[]): void {
    this.#tried(() => this.#session.ahead(statements))
  }

  /** As Session.rest. False, and all is undone, where space is short: to see to that, the batch has to come as a whole. */
  rest(statements: readonly Packed[]): boolean {
    if (this.#reserve.isSpent) {
      this.#session.undo()
      return false
    }
    try {
      this.#tried(() => this.#session.rest(statements))
      return true
    } catch (error) {
      if (isDiskFull(error)) return false
      throw error
    }
  }

  #attempt(statements: readonly Packed[]): Value[] {
    return this.#tried(() => this.#session.write(statements))
  }

  /** @throws STORE_FULL when it does not fit, or is refused by a quota, and what else the work throws */
  #tried<T>(work: () => T): T {
    try {
      return work()
    } catch (error) {
      if (isDiskFull(error)) this.#overwrite()
      else if (isFailedWrite(error) && this.#reserve.isRefused())
        throw fault('STORE_FULL', { problem: `${describe(error)}, by a quota` }, error)
      throw error
    }
  }

  /**
   * When the index of the log cannot grow, the batch stands in the log all the same, and a crash would bring it back. A
   * frame that changes nothing takes its place; whether that one can be indexed does not matter.
   */
  #overwrite(): void {
    try {
      this.#db.exec(`PRAGMA user_version = ${layoutVersion(this.#db)}`)
    } catch (error) {
      if (!isDiskFull(error)) throw error
    }
  }

  /** A checkpoint in between could use up the reserve for the file, and leave nothing for the log. */
  #holdCheckpoints(): void {
    this.#db.exec('PRAGMA wal_autocheckpoint = 0')
  }

  /** Moves the log into the file if the file can grow by that: the log then begins again in the space that it has. */
  #shortenLog(): void {
    // Not through a handle: closing one would drop the locks that SQLite holds on the file.
    const { size } = statSync(this.#path)
    const growth = pragma(this.#db, 'page_count') * pragma(this.#db, 'page_size') - size
    if (growth > this.#reserve.free / 2) return
    try {
      moveLog(this.#db)
    } catch (error) {
      if (failureOf(error).fatal) throw error
    }
  }
}

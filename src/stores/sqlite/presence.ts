// Whether the file that a connection writes still is the one of its path, and has in it what it had. One that was removed, moved or
// replaced is written on as if nothing were, until the last who has it open ends, and then it is gone with everything in it; one over
// which a backup was copied becomes a mixture. So the thread that writes (worker.ts) looks behind each commit, before it is
// acknowledged; to look costs a few microseconds beside a sync. A process that has nothing to commit reads its inbox every second:
// the thread that reads looks now and then whether the file is there.
import { statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { fault } from '../../core/errors.ts'
import { markOfFile } from './database.ts'
import { failureOf } from './failure.ts'
import { isLeftOf, isMixed, markAfter, markAnew, markOf } from './mark.ts'

/** Of so many reads one is preceded by a look, which takes longer than most of them. */
const READS = 30

/** What a store is on its disk, as long as somebody has it open: numbers of what is open are not given again. */
export class Presence {
  readonly #path: string
  readonly #db: DatabaseSync | null
  /** Of the file and its log: what is durable stands in one of them. */
  readonly #expected: readonly [string, string]
  /** When something was last moved from the log into the file. */
  #changed: bigint
  /** What the file may have: its mark when it was last looked at, and those since, the newest last. */
  #marks: readonly number[] = []
  #reads = 0

  /** Of a store that has just been opened, so that its log is there. @param db writes it; null where it is only read. */
  constructor(path: string, db: DatabaseSync | null) {
    this.#path = path
    this.#db = db
    const [file, log] = this.#look()
    this.#expected = [file.identity, log.identity]
    this.#changed = file.changed
    if (db === null) return
    const mark = markOfFile(path) ?? markOf(db)
    this.#marks = [mark, markAfter(mark), markOf(db)]
  }

  /** Before one of thirty reads. @throws STORE_REMOVED */
  checkNowAndThen(): void {
    if (++this.#reads % READS === 0) this.check()
  }

  /** @throws STORE_REMOVED, and of a store that is written STORE_MIXED */
  check(): void {
    const [file, log] = this.#look()
    const isThere = file.identity === this.#expected[0] && log.identity === this.#expected[1]
    if (!isThere) throw fault('STORE_REMOVED', { path: this.#path })
    if (this.#db !== null && file.changed !== this.#changed) this.#changedFile(this.#db)
  }

  /** By what was moved into it from the log, which begins anew then, or by somebody who has copied another one over it. */
  #changedFile(db: DatabaseSync): void {
    try {
      if (!this.#isOurs(db)) throw fault('STORE_MIXED', { path: this.#path })
      if (markAnew(db)) this.#marks = [...this.#marks, markOf(db)]
    } catch (error) {
      if (failureOf(error).fatal) throw error
      // Somebody holds it for long. The commit before this stands: the next one looks again.
      return
    }
    this.#changed = this.#look()[0].changed
  }

  #isOurs(db: DatabaseSync): boolean {
    const mark = markOfFile(this.#path)
    if (mark === undefined) return true
    const now = markOf(db)
    const known = this.#marks.findLastIndex((one) => one === mark || (isLeftOf(one, mark) && isLeftOf(mark, now)))
    // What others have written, and what was in the log when it was opened, is all that there is, or stands in the log.
    const isOurs = known >= 0 || mark === now || !this.#isMixed(db)
    if (isOurs) this.#marks = [mark, ...(known < 0 ? [] : this.#marks.slice(known + 1))]
    return isOurs
  }

  #isMixed(db: DatabaseSync): boolean {
    return isMixed(
      this.#path,
      () => markOfFile(this.#path),
      () => markOf(db),
    )
  }

  #look(): readonly [Looked, Looked] {
    return [lookAt(this.#path), lookAt(`${this.#path}-wal`)]
  }
}

interface Looked {
  /** Device and number; no number of JavaScript holds every one of them. */
  readonly identity: string
  readonly changed: bigint
}

function lookAt(path: string): Looked {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stats === undefined
    ? { identity: 'none', changed: 0n }
    : { identity: `${stats.dev}:${stats.ino}`, changed: stats.mtimeNs }
}

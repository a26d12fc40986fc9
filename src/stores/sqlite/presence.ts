// Whether the file that a connection writes still is the one of its path, and has in it what it had. One that was removed, moved or
// replaced is written on as if nothing were, until the last who has it open ends, and then it is gone with everything in it; one over
// which a backup was copied becomes a mixture. So the thread that writes (worker.ts) looks behind each commit, before it is
// acknowledged; to look costs a few microseconds beside a sync.
import { statSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { fault } from '../../core/errors.ts'
import { markOfFile } from './database.ts'
import { failureOf } from './failure.ts'
import { isLeftOf, markAfter, markAnew, markOf } from './mark.ts'

/** What a store is on its disk, as long as somebody has it open: numbers of what is open are not given again. */
export class Presence {
  readonly #path: string
  readonly #db: DatabaseSync
  /** Of the file and its log: what is durable stands in one of them. */
  readonly #expected: readonly [string, string]
  /** When something was last moved from the log into the file. */
  #changed: bigint
  /** What the file may have: its mark when it was last looked at, and those since, the newest last. */
  #marks: number[]

  /** Of a store that has just been opened, so that its log is there. */
  constructor(path: string, db: DatabaseSync) {
    this.#path = path
    this.#db = db
    const [file, log] = this.#look()
    this.#expected = [file.identity, log.identity]
    this.#changed = file.changed
    const mark = markOfFile(path) ?? markOf(db)
    this.#marks = [mark, markAfter(mark), markOf(db)]
  }

  /** @throws STORE_REMOVED, STORE_MIXED */
  check(): void {
    const [file, log] = this.#look()
    const isThere = file.identity === this.#expected[0] && log.identity === this.#expected[1]
    if (!isThere) throw fault('STORE_REMOVED', { path: this.#path })
    if (file.changed !== this.#changed) this.#changedFile()
  }

  /** By what was moved into it from the log, which begins anew then, or by somebody who has copied another one over it. */
  #changedFile(): void {
    const mark = markOfFile(this.#path)
    if (mark !== undefined) this.#refuseStrange(mark)
    try {
      markAnew(this.#db)
      this.#marks.push(markOf(this.#db))
    } catch (error) {
      // On a full disk the log begins without one of its own, and whose it is can be told less surely.
      if (failureOf(error).fatal) throw error
    }
    this.#changed = this.#look()[0].changed
  }

  #refuseStrange(mark: number): void {
    const now = markOf(this.#db)
    if (mark === now) this.#marks.push(now)
    const known = this.#marks.findLastIndex((one) => one === mark || (isLeftOf(one, mark) && isLeftOf(mark, now)))
    if (known < 0) throw fault('STORE_MIXED', { path: this.#path })
    this.#marks = this.#marks.slice(known)
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

// Whether the file that a connection writes still is the one of its path. One that was removed, moved or replaced is written
// on as if nothing were, until the last who has it open ends, and then it is gone with everything in it. So the thread that
// writes (worker.ts) looks behind each commit, before it is acknowledged; to look costs a few microseconds beside a sync.
import { statSync } from 'node:fs'
import { fault } from '../../core/errors.ts'

/** The file and its log: what is durable stands in one of them. */
const partsOf = (path: string): readonly string[] => [path, `${path}-wal`]

/** What a store is on its disk, as long as somebody has it open: numbers of what is open are not given again. */
export class Presence {
  readonly #path: string
  readonly #expected: readonly string[]

  /** Of a store that has just been opened, so that its log is there. */
  constructor(path: string) {
    this.#path = path
    this.#expected = partsOf(path).map(identityOf)
  }

  /** @throws STORE_REMOVED */
  check(): void {
    const isThere = partsOf(this.#path).every((part, at) => identityOf(part) === this.#expected[at])
    if (!isThere) throw fault('STORE_REMOVED', { path: this.#path })
  }
}

/** Device and number; no number of JavaScript holds every one of them. */
function identityOf(path: string): string {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stats === undefined ? 'none' : `${stats.dev}:${stats.ino}`
}

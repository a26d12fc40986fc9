// Whether the file that a connection writes still is the one of its path. One that was removed, moved or replaced is written
// on as if nothing were, until the last who has it open ends, and then it is gone with everything in it. So the thread that
// writes (worker.ts) looks behind each commit, before it is acknowledged; to look costs a few microseconds beside a sync. A process
// that has nothing to commit reads its inbox every second: the thread that reads looks now and then.
import { statSync } from 'node:fs'
import { fault } from '../../core/errors.ts'

/** Of so many reads one is preceded by a look, which takes longer than most of them. */
const READS = 30

/** The file and its log: what is durable stands in one of them. */
const partsOf = (path: string): readonly string[] => [path, `${path}-wal`]

/** What a store is on its disk, as long as somebody has it open: numbers of what is open are not given again. */
export class Presence {
  readonly #path: string
  readonly #expected: readonly string[]
  #reads = 0

  /** Of a store that has just been opened, so that its log is there. */
  constructor(path: string) {
    this.#path = path
    this.#expected = partsOf(path).map(identityOf)
  }

  /** Before one of thirty reads. @throws STORE_REMOVED */
  checkNowAndThen(): void {
    if (++this.#reads % READS === 0) this.check()
  }

  /** @throws STORE_REMOVED */
  check(): void {
    if (!this.isThere) throw fault('STORE_REMOVED', { path: this.#path })
  }

  get isThere(): boolean {
    return partsOf(this.#path).every((part, at) => identityOf(part) === this.#expected[at])
  }
}

/** Device and number; no number of JavaScript holds every one of them. */
function identityOf(path: string): string {
  const stats = statSync(path, { bigint: true, throwIfNoEntry: false })
  return stats === undefined ? 'none' : `${stats.dev}:${stats.ino}`
}

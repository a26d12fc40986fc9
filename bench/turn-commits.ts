// One commit for all that one turn of the event loop writes, on the main thread: what the ceilings have in common.
import { DatabaseSync } from 'node:sqlite'
import { fullSync } from './full-sync.ts'

interface Written {
  readonly write: () => void
  readonly durable: () => void
}

export class TurnCommits {
  readonly db: DatabaseSync
  #queue: Written[] = []

  constructor(file: string, tables: string) {
    this.db = new DatabaseSync(file)
    fullSync(this.db)
    this.db.exec(tables)
  }

  /** Resolves when what `write` writes is durable, with all else of this turn. */
  write(write: () => void): Promise<void> {
    return new Promise((durable) => {
      this.#queue.push({ write, durable })
      if (this.#queue.length === 1) setImmediate(() => this.#commit())
    })
  }

  close(): void {
    this.db.close()
  }

  #commit(): void {
    const queue = this.#queue
    this.#queue = []
    this.db.exec('BEGIN')
    for (const { write } of queue) write()
    this.db.exec('COMMIT')
    for (const { durable } of queue) durable()
  }
}

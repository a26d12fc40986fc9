// What a stand-in keeps, over restarts: records by kind and id, with numbers of its own.
import { mkdirSync } from 'node:fs'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'

export class Records {
  readonly #db: DatabaseSync

  /** @param folder where `<name>.db` stands; null keeps it in memory. */
  constructor(folder: string | null, name: string) {
    if (folder !== null) mkdirSync(folder, { recursive: true })
    this.#db = new DatabaseSync(folder === null ? ':memory:' : join(folder, `${name}.db`))
    this.#db.exec('CREATE TABLE IF NOT EXISTS records (kind TEXT, id TEXT, body TEXT, PRIMARY KEY (kind, id))')
  }

  put<Body>(kind: string, id: string, body: Body): Body {
    this.#db.prepare('INSERT OR REPLACE INTO records VALUES (?, ?, ?)').run(kind, id, JSON.stringify(body))
    return body
  }

  get(kind: string, id: string): unknown {
    const row = this.#db.prepare('SELECT body FROM records WHERE kind = ? AND id = ?').get(kind, id)
    return row === undefined ? null : JSON.parse(String(row['body']))
  }

  /** All of a kind, in the order of their ids. */
  all(kind: string): unknown[] {
    const rows = this.#db.prepare('SELECT body FROM records WHERE kind = ? ORDER BY id').all(kind)
    return rows.map((row): unknown => JSON.parse(String(row['body'])))
  }

  remove(kind: string, id: string): void {
    this.#db.prepare('DELETE FROM records WHERE kind = ? AND id = ?').run(kind, id)
  }

  /** Counts up from 1. */
  next(kind: string): number {
    return this.put('number', kind, Number(this.get('number', kind) ?? 0) + 1)
  }

  close(): void {
    this.#db.close()
  }
}

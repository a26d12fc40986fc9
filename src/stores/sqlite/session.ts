// Runs statements on one connection: each text is prepared once, a write is one transaction that is undone as a whole
// when anything in it fails or does not touch the rows that it must. Used by the threads of a store (worker.ts), and
// by tests that need a connection in their hands.
import type { DatabaseSync, StatementSync } from 'node:sqlite'
import { fault } from '../../core/errors.ts'
import type { Statement } from '../sql/statements.ts'
import type { Value } from '../sql/tables.ts'

/** Texts vary with the conditions of a query; far more of them than this means that somebody invents them. */
const PREPARED_LIMIT = 500

export class Session {
  readonly #db: DatabaseSync
  readonly #prepared = new Map<string, StatementSync>()

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  /** The values of all rows, all statements over the same state of the file. */
  read(statements: readonly Statement[]): Value[] {
    const values: Value[] = []
    const run = (): void => statements.forEach((statement) => this.#query(statement, values))
    const [first] = statements
    // One statement that runs once is a snapshot by itself.
    if (statements.length === 1 && first?.width === first?.values.length) run()
    else this.#within('BEGIN', run)
    return values
  }

  /** The values of the rows that the statements returned. Durable when it returns; nothing happened when it throws. */
  write(statements: readonly Statement[]): Value[] {
    return this.#within('BEGIN IMMEDIATE', () => {
      const values: Value[] = []
      for (const statement of statements) {
        if (/\bRETURNING\b/.test(statement.sql)) this.#query(statement, values)
        else this.#change(statement)
      }
      return values
    })
  }

  #within<T>(begin: string, work: () => T): T {
    this.#prepare(begin).run()
    try {
      const result = work()
      this.#prepare('COMMIT').run()
      return result
    } catch (error) {
      // Some failures have ended the transaction already.
      if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
      throw error
    }
  }

  #query({ sql, width, values }: Statement, into: Value[]): void {
    const prepared = this.#prepare(sql)
    for (let offset = 0; offset < values.length; offset += width) {
      const rows = prepared.all(...values.slice(offset, offset + width)) as unknown as readonly (readonly Value[])[]
      for (const row of rows) for (const value of row) into.push(value)
    }
  }

  #change({ sql, width, values, expect }: Statement): void {
    const prepared = this.#prepare(sql)
    let changes = 0
    for (let offset = 0; offset < values.length; offset += width) {
      changes += Number(prepared.run(...values.slice(offset, offset + width)).changes)
    }
    if (expect !== undefined && changes !== expect.changes) throw fault(expect.code, expect.details)
  }

  #prepare(sql: string): StatementSync {
    const known = this.#prepared.get(sql)
    if (known !== undefined) return known
    if (this.#prepared.size >= PREPARED_LIMIT) this.#prepared.clear()
    const prepared = this.#db.prepare(sql)
    prepared.setReturnArrays(true)
    this.#prepared.set(sql, prepared)
    return prepared
  }
}

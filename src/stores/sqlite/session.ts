// Runs statements on one connection: each text is prepared once, a write is one transaction that is undone as a whole
// when anything in it fails or does not touch the rows that it must. Large payloads become blobs here, in the thread that
// writes: hashing them is work. Used by the threads of a store (worker.ts), and
// by tests that need a connection in their hands.
import { hash } from 'node:crypto'
import type { DatabaseSync, SQLInputValue, StatementSync } from 'node:sqlite'
import { fault, invariant } from '../../core/errors.ts'
import { blobTexts, isLarge, withBlobs } from '../sql/blobs.ts'
import type { Value } from '../sql/tables.ts'
import { rowsOf, type Packed } from './packed.ts'

/** Texts vary with the conditions of a query; far more of them than this means that somebody invents them. */
const PREPARED_LIMIT = 500

/**
 * SQLite plans by the value of a bound limit, and so compiles a statement that has one anew each time that it is bound, which
 * takes longer than most reads (3.53: 4.4 us in place of 1.3 for a row by an index). By a sum it does not.
 */
const BOUND_LIMIT = /\b(LIMIT \?\d+)/g

/** Of a packed one the values alone do not say it: four rows of which one of four columns varies are four values as well. */
const isOneRow = ({ same, width, values }: Packed): boolean => same === undefined && width === values.length

/** A neutral text as SQLite gets it. */
export const textOf = (sql: string): string => withBlobs(sql).replaceAll(BOUND_LIMIT, '$1 + 0')

export class Session {
  readonly #db: DatabaseSync
  readonly #prepared = new Map<string, StatementSync>()
  /** Whether there may be any: nobody else writes. */
  #hasBlobs: boolean | undefined

  constructor(db: DatabaseSync) {
    this.#db = db
  }

  /** The values of all rows, all statements over the same state of the file. */
  read(statements: readonly Packed[]): Value[] {
    const values: Value[] = []
    const run = (): void => statements.forEach((statement) => this.#query(statement, values))
    const [first] = statements
    // One statement that runs once is a snapshot by itself.
    if (statements.length === 1 && first !== undefined && isOneRow(first)) run()
    else this.#within('BEGIN', run)
    return values
  }

  /** The values of the rows that the statements returned. Durable when it returns; nothing happened when it throws. */
  write(statements: readonly Packed[]): Value[] {
    return this.#within('BEGIN IMMEDIATE', () => {
      const values: Value[] = []
      for (const statement of statements) {
        if (/\bRETURNING\b/.test(statement.sql)) this.#query(statement, values)
        else this.#change(statement)
      }
      return values
    })
  }

  /** Writes into a transaction that it leaves open, and begins where there is none: for `rest`, or `undo`. When it throws none is open. */
  ahead(statements: readonly Packed[]): void {
    try {
      if (!this.#db.isTransaction) this.#prepare('BEGIN IMMEDIATE').run()
      for (const statement of statements) this.#change(statement)
    } catch (error) {
      this.undo()
      throw error
    }
  }

  /** Writes into the transaction that is open, and ends it. Durable when it returns; nothing of it happened when it throws. */
  rest(statements: readonly Packed[]): void {
    try {
      for (const statement of statements) this.#change(statement)
      this.#prepare('COMMIT').run()
    } catch (error) {
      this.undo()
      throw error
    }
  }

  /** Undoes what is in an open transaction. Some failures have ended it already. */
  undo(): void {
    if (this.#db.isTransaction) this.#db.exec('ROLLBACK')
  }

  #within<T>(begin: string, work: () => T): T {
    this.#prepare(begin).run()
    try {
      const result = work()
      this.#prepare('COMMIT').run()
      return result
    } catch (error) {
      this.undo()
      throw error
    }
  }

  #query(statement: Packed, into: Value[]): void {
    const prepared = this.#prepare(statement.sql)
    for (const values of rowsOf(statement)) {
      const rows = prepared.all(...values) as unknown as readonly (readonly Value[])[]
      for (const row of rows) for (const value of row) into.push(value)
    }
  }

  #change(statement: Packed): void {
    const { sql, payloads, release, expect } = statement
    this.#hasBlobs ??= this.#prepare(blobTexts.any).all().length > 0
    const prepared = this.#prepare(sql)
    let changes = 0
    for (const values of rowsOf(statement)) {
      const row: SQLInputValue[] = values
      if (payloads !== undefined) this.#keepLarge(row, payloads)
      if (release !== undefined && this.#hasBlobs) this.#prepare(release).run(...row)
      changes += Number(prepared.run(...row).changes)
    }
    if (expect !== undefined && changes !== expect.changes) throw fault(expect.code, expect.details)
  }

  /** Puts the number of a blob in the place of each large payload of a row. */
  #keepLarge(row: SQLInputValue[], payloads: readonly number[]): void {
    for (let index = 0; index < payloads.length; index++) {
      const place = payloads[index] ?? 0
      const payload = row[place]
      if (isLarge(payload)) row[place] = this.#keep(row[0], payload)
    }
  }

  /** The number of the blob, as an integer of SQLite: a number of JavaScript would become a real one here. */
  #keep(shard: SQLInputValue | undefined, payload: string | Uint8Array): bigint {
    invariant(typeof shard === 'number', 'a row does not begin with its shard')
    // Text and bytes that are equal byte for byte are two payloads.
    const sha = `${typeof payload === 'string' ? 'text' : 'bytes'}:${hash('sha256', payload)}`
    const [blob] = this.#prepare(blobTexts.refer).all(shard, sha) as unknown as readonly (readonly number[])[]
    const [num, refs] = blob ?? []
    invariant(num !== undefined, 'a blob has no number')
    this.#hasBlobs = true
    if (refs === 1) this.#prepare(blobTexts.keep).run(num, payload)
    return BigInt(num)
  }

  #prepare(sql: string): StatementSync {
    const known = this.#prepared.get(sql)
    if (known !== undefined) return known
    if (this.#prepared.size >= PREPARED_LIMIT) this.#prepared.clear()
    const prepared = this.#db.prepare(textOf(sql))
    prepared.setReturnArrays(true)
    this.#prepared.set(sql, prepared)
    return prepared
  }
}

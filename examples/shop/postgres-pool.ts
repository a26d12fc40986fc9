// Connections to the PostgreSQL database of a service. The package `postgres` is loaded when there is such a database: a shop on
// SQLite needs none.
import { exactlyOnce, type Once } from 'ballet/postgres'
import type { ISql, Sql, TransactionSql } from 'postgres'

/** The pool itself, or a transaction of it. */
export type Sending = ISql

export interface Pool {
  readonly sql: Sql
  /** Work in a transaction, once for the key of a call. */
  readonly once: Once<TransactionSql>
}

const CONNECT_SECONDS = 5
/** A process that stands still in the middle of a transaction does not hold the others up for longer. */
const STATEMENT_MS = 4000

/**
 * Opens a pool and makes the tables, in the schema `shop`; beside a store that has another schema than usual, in one that is
 * called for it: `<schema>_shop`. Of the options of a URL only `schema` and `sslmode` say something here.
 */
export async function openPool(url: string, tables: string): Promise<Pool> {
  const { default: postgres } = await import('postgres')
  const [place = '', query] = url.split('?')
  const options = new URLSearchParams(query)
  const schema = options.get('schema')
  const own = schema === null ? 'shop' : `${schema}_shop`
  const sql = postgres(`${place}?sslmode=${options.get('sslmode') ?? 'prefer'}`, {
    max: 8,
    connect_timeout: CONNECT_SECONDS,
    // A connection that breaks while the package (3.4.9) asks for the types of arrays, which it does first of all, ends the process:
    // it waits for the answer where nobody hears of an error.
    fetch_types: false,
    onnotice: () => {},
    connection: {
      search_path: own,
      statement_timeout: STATEMENT_MS,
      idle_in_transaction_session_timeout: STATEMENT_MS,
    },
  })
  const late = setTimeout(() => void sql.end({ timeout: 0 }), CONNECT_SECONDS * 1000)
  try {
    // In one message, which is one transaction. Whoever comes first makes them, the others wait; IF NOT EXISTS alone fails for one
    // of two that come at once.
    await sql.unsafe(`
      SELECT pg_advisory_xact_lock(hashtext('${own.replaceAll("'", "''")}'));
      CREATE SCHEMA IF NOT EXISTS "${own.replaceAll('"', '""')}";
      ${tables}`)
    return { sql, once: exactlyOnce(sql) }
  } catch (error) {
    await sql.end({ timeout: 0 })
    throw error
  } finally {
    clearTimeout(late)
  }
}

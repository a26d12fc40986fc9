// The libraries by which an application may use PostgreSQL, each on the server of the tests, as Ballet is handed them.
import { sql as drizzleSql } from 'drizzle-orm'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { drizzle as drizzleJs } from 'drizzle-orm/postgres-js'
import { CompiledQuery, Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import postgresJs from 'postgres'
import { exactlyOnce, type Once } from '../../src/postgres.ts'
import { serverUrl } from './subject.ts'

/** Runs `work` in a transaction, which is rolled back when that throws. */
export type Within = (work: (tx: object) => Promise<unknown>) => Promise<unknown>

/** A way to have transactions, and what is none: a connection or pool outside. */
export interface Library {
  readonly within: Within
  readonly outside: object
  /** Work that gets a function by which its transaction sends. */
  readonly once: Once<(text: string) => Promise<unknown>>
}

/** Of the schema in which an application has its tables, and of a database where that is not the usual one. */
type Opening = (schema?: string, database?: string) => Promise<Library & { readonly close: () => Promise<unknown> }>

const optionsOf = (schema: string): string => `-c search_path=${schema}`

async function urlOf(database: string | undefined): Promise<string> {
  const url = new URL(await serverUrl())
  if (database !== undefined) url.pathname = `/${database}`
  return url.href
}

async function pgPool(schema = 'public', database?: string): Promise<pg.Pool> {
  return new pg.Pool({ connectionString: await urlOf(database), max: 3, options: optionsOf(schema) })
}

async function postgresSql(schema = 'public', database?: string) {
  return postgresJs(await urlOf(database), { max: 3, onnotice: () => undefined, connection: { search_path: schema } })
}

/** The work of a test, which sends texts, as work of a library. */
const sending =
  <Tx extends object>(once: Once<Tx>, send: (tx: Tx, text: string) => Promise<unknown>): Library['once'] =>
  (context, work) =>
    once(context, async (tx) => work(async (text) => send(tx, text)))

const openPostgres: Opening = async (schema, database) => {
  const sql = await postgresSql(schema, database)
  return {
    within: (work) => sql.begin(async (tx) => work(tx)),
    outside: sql,
    once: sending(exactlyOnce(sql), (tx, text) => tx.unsafe(text)),
    close: () => sql.end(),
  }
}

const openPg: Opening = async (schema, database) => {
  const pool = await pgPool(schema, database)
  return {
    within: within(pool),
    outside: pool,
    once: sending(exactlyOnce(pool), (tx, text) => tx.query(text)),
    close: () => pool.end(),
  }
}

const openDrizzlePg: Opening = async (schema, database) => {
  const pool = await pgPool(schema, database)
  const db = drizzlePg(pool)
  return {
    within: (work) => db.transaction(async (tx) => work(tx)),
    outside: db,
    once: sending(exactlyOnce<Parameters<Parameters<typeof db.transaction>[0]>[0]>(db), (tx, text) =>
      tx.execute(drizzleSql.raw(text)),
    ),
    close: () => pool.end(),
  }
}

const openDrizzlePostgres: Opening = async (schema, database) => {
  const sql = await postgresSql(schema, database)
  const db = drizzleJs(sql)
  return {
    within: (work) => db.transaction(async (tx) => work(tx)),
    outside: db,
    once: sending(exactlyOnce<Parameters<Parameters<typeof db.transaction>[0]>[0]>(db), (tx, text) =>
      tx.execute(drizzleSql.raw(text)),
    ),
    close: () => sql.end(),
  }
}

const openKysely: Opening = async (schema, database) => {
  const db = new Kysely<object>({ dialect: new PostgresDialect({ pool: await pgPool(schema, database) }) })
  return {
    within: (work) => db.transaction().execute(async (tx) => work(tx)),
    outside: db,
    once: sending(exactlyOnce(db), (tx, text) => tx.executeQuery(CompiledQuery.raw(text))),
    close: () => db.destroy(),
  }
}

export const libraries: readonly (readonly [name: string, open: Opening])[] = [
  ['postgres', openPostgres],
  ['pg', openPg],
  ['Drizzle on pg', openDrizzlePg],
  ['Drizzle on postgres', openDrizzlePostgres],
  ['Kysely', openKysely],
]

const within =
  (pool: pg.Pool): Within =>
  async (work) => {
    const client = await pool.connect()
    try {
      await client.query('BEGIN')
      await work(client)
      await client.query('COMMIT')
    } catch (error) {
      await client.query('ROLLBACK')
      throw error
    } finally {
      client.release()
    }
  }

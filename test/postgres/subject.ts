// The server of this run of the tests, and schemas on it: each test has one of its own, which is dropped behind it.
import { randomUUID } from 'node:crypto'
import { connect } from 'node:net'
import { text } from 'node:stream/consumers'
import postgresJs, { type Sql } from 'postgres'
import { afterAll, inject } from 'vitest'

let asked: Promise<string> | undefined
const connections: Sql[] = []

afterAll(async () => {
  for (const sql of connections.splice(0)) await sql.end()
})

/** The URL of a database that tests may use, without options. */
export function serverUrl(): Promise<string> {
  asked ??= text(connect({ port: inject('postgresDoor'), host: '127.0.0.1' })).then((url) => {
    if (url.startsWith('!')) throw new Error(url)
    return url
  })
  return asked
}

/** A connection of the test's own, closed behind the file. */
export async function connection(): Promise<Sql> {
  const [known] = connections
  if (known !== undefined) return known
  const sql = postgresJs(await serverUrl(), { max: 3, onnotice: () => undefined })
  connections.push(sql)
  return sql
}

export interface Place {
  readonly schema: string
  /** With options for more: `&pool=2`. */
  readonly url: (more?: string) => string
  readonly drop: () => Promise<void>
}

/** A schema that does not exist yet. */
export async function newPlace(): Promise<Place> {
  const server = await serverUrl()
  const schema = `t_${randomUUID().replaceAll('-', '')}`
  return {
    schema,
    // One shard, unless a test wants more: a node that stands by is one of its own.
    url: (more = '') => `${server}?schema=${schema}${more.includes('shards=') ? '' : '&shards=1'}${more}`,
    drop: async () => {
      const sql = await connection()
      for (let isThere = true; isThere;) {
        // The second is that of Payment of the shop, if one was on this store.
        isThere = await sql.unsafe(`DROP SCHEMA IF EXISTS ${schema}, ${schema}_shop CASCADE`).then(
          () => false,
          (error: unknown) => {
            // A node that the test has not closed yet locks the tables in another order.
            if (isDeadlock(error)) return true
            throw error
          },
        )
      }
    },
  }
}

/** Makes schemas that are dropped with all else that a test closes at its end. */
export const placesFor = (closing: { push(close: () => Promise<unknown>): unknown }) => async (): Promise<Place> => {
  const place = await newPlace()
  closing.push(() => place.drop())
  return place
}

const isDeadlock = (error: unknown): boolean => error instanceof postgresJs.PostgresError && error.code === '40P01'

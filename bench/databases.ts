// Databases for the turns of measurements on PostgreSQL: each turn has a new one, on one server, and drops it afterwards.
import { randomUUID } from 'node:crypto'
import postgres from 'postgres'
import { PostgresServer } from '../test/postgres/server.ts'

export interface Databases {
  /** Of the server, for what it says of itself. */
  readonly version: string
  /** The process of the server, where it is one of ours. */
  readonly server: number | undefined
  make(): Promise<{ readonly url: string; drop(): Promise<void> }>
  close(): Promise<void>
}

/** @param store `postgres` for a server of its own, else the URL of one on which databases may be made */
export async function openDatabases(store: string): Promise<Databases> {
  const own = store === 'postgres' ? await PostgresServer.start() : undefined
  const url = own?.url() ?? store
  const sql = postgres(url, { max: 1, onnotice: () => {} })
  try {
    const [row] = await sql<[{ readonly version: string }]>`SELECT current_setting('server_version') AS version`
    return {
      version: row.version,
      server: own?.pid,
      make: async () => {
        const name = `bench_${randomUUID().replaceAll('-', '')}`
        await sql`CREATE DATABASE ${sql(name)}`
        const made = new URL(url)
        made.pathname = `/${name}`
        return {
          url: made.href,
          drop: async () => void (await sql`DROP DATABASE IF EXISTS ${sql(name)} WITH (FORCE)`),
        }
      },
      close: async () => {
        await sql.end()
        await own?.stop()
      },
    }
  } catch (error) {
    await sql.end()
    await own?.stop()
    throw error
  }
}

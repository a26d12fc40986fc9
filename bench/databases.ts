// Databases for the turns of measurements on PostgreSQL: each turn has a new one, on one server, and drops it afterwards.
import { randomUUID } from 'node:crypto'
import { tmpdir } from 'node:os'
import postgres from 'postgres'
import { PostgresServer } from '../test/postgres/server.ts'
import type { About } from './host.ts'
import { isInMemory } from './in-memory.ts'

export interface Databases {
  /** Of the server: its version, where its data is, and what it is set to that makes a commit durable. */
  readonly about: About
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
    const [about] = await sql<[About]>`SELECT current_setting('server_version') AS postgresql,
      current_setting('fsync') AS fsync, current_setting('synchronous_commit') AS synchronous_commit,
      current_setting('full_page_writes') AS full_page_writes, current_setting('shared_buffers') AS shared_buffers`
    const inMemory = own !== undefined && isInMemory(tmpdir())
    const disk = { disk: 'in memory: nothing here was synced; TMPDIR names another folder' }
    return {
      about: inMemory ? { ...about, ...disk } : about,
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

// A backup that was put back into another database, while a node goes on with the one of before: its row is in the backup, with a
// lease that runs. A node that is started on the restored one would pass on to it what is asked, and acknowledge what is done
// where nobody looks any more. Both are nodes of one machine here, with one secret.
import { pipeline } from 'node:stream/promises'
import { randomUUID } from 'node:crypto'
import postgresJs, { type Sql } from 'postgres'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, open, signal, workflow } from '../../src/index.ts'
import { serve } from '../../src/server.ts'
import { keptLog } from '../support/applications.ts'
import { connection, serverUrl } from './subject.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const SECRET = 'the secret of these nodes'
const Go = signal('go', z.string())
const input = z.object({ id: z.string() })
const waits = workflow('waits', { input, key: 'id', output: z.string(), signals: [Go] }, async (run) => {
  return (await run.receive(Go)).data
})
const definition = ballet({ name: 'shop', services: [], workflows: [waits] })

async function databaseOf(): Promise<string> {
  const sql = await connection()
  const name = `d_${randomUUID().replaceAll('-', '')}`
  await sql.unsafe(`CREATE DATABASE ${name}`)
  closing.push(() => sql.unsafe(`DROP DATABASE ${name} WITH (FORCE)`))
  const url = new URL(await serverUrl())
  url.pathname = `/${name}`
  return url.href
}

async function nodeOn(database: string, options: string) {
  const log = keptLog()
  const ready = Promise.withResolvers<Awaited<ReturnType<typeof open>>>()
  const serving = await serve(ready.promise, { port: 0, nodeSecret: SECRET, log })
  closing.push(() => serving.close())
  const app = await open(definition, { store: database + options, address: serving.url, log, graceMs: 0 })
  closing.push(() => app.close())
  ready.resolve(app)
  const ask = async (path: string, body?: object): Promise<{ status: number; body: unknown }> => {
    const post = { method: 'POST', headers: { 'content-type': 'application/json' }, body: JSON.stringify(body) }
    const answer = await fetch(serving.url + path, body === undefined ? {} : post)
    return { status: answer.status, body: await answer.json() }
  }
  return { app, ask, log }
}

function sqlOf(database: string): Sql {
  const sql = postgresJs(database, { max: 1, onnotice: () => undefined })
  closing.push(() => sql.end())
  return sql
}

/** All rows of the one, in the other. */
async function putBack(from: string, to: string, options: string): Promise<void> {
  const made = await open(definition, { store: to + options, graceMs: 0, log: keptLog() })
  await made.close()
  const [source, target] = [sqlOf(from), sqlOf(to)]
  const tables = await source`SELECT tablename AS name FROM pg_tables WHERE schemaname = 'ballet'`
  for (const { name } of tables) {
    await target.unsafe(`TRUNCATE ballet.${name}`)
    const rows = await source.unsafe(`COPY ballet.${name} TO STDOUT`).readable()
    await pipeline(rows, await target.unsafe(`COPY ballet.${name} FROM STDIN`).writable())
  }
}

/** What only the owner of a store with one shard can do. In one of several it lies in an inbox until somebody owns the shard. */
const ofOwner: readonly (readonly [string, object])[] = [
  ['/api/runs', { call: 'waits', input: { id: '3' } }],
  ['/api/runs/waits:2/signals/go', { data: 'here' }],
  ['/api/runs/waits:2/cancel', {}],
]

test.each([
  [1, ofOwner],
  [4, []],
])(
  'a node on a restored database passes nothing on to one that goes on with the database of before (%s shards)',
  async (shards, asked) => {
    const [before, restored] = [await databaseOf(), await databaseOf()]
    const options = `?shards=${shards}&lease=600`
    const old = await nodeOn(before, options)
    for (const id of ['1', '2']) await old.app.start(waits({ id }))
    await putBack(before, restored, options)
    const fresh = await nodeOn(restored, options)

    // What ends there has not ended here.
    await old.app.signal('waits:1', Go('there'))
    expect(await old.app.result('waits:1')).toBe('there')
    expect(await fresh.ask('/api/runs/waits:1?wait=100ms')).toMatchObject({ status: 200, body: { status: 'running' } })
    for (const [path, body] of asked) {
      const refused = { status: 503, body: { code: 'OWNER_UNREACHABLE' } }
      expect(await fresh.ask(path, body)).toMatchObject(refused)
    }
    expect((await old.app.runs()).items).toMatchObject([
      { id: 'waits:2', status: 'running' },
      { id: 'waits:1', status: 'completed' },
    ])
    expect(old.log.lines.join('\n')).toContain('the store of this node knows no node')
  },
)

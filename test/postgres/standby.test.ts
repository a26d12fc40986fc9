// A server that was the primary before a fail-over, and is back as a standby: it is not the store, until it is promoted.
import postgresJs from 'postgres'
import { afterAll, beforeAll, expect, test } from 'vitest'
import { systemClock } from '../../src/engine/clock.ts'
import { probe } from '../../src/stores/postgres/probe.ts'
import { postgres } from '../../src/stores/postgres/postgres-store.ts'
import { PostgresServer } from './server.ts'
import { newPlace, serverUrl } from './subject.ts'

let standby: PostgresServer
beforeAll(async () => {
  standby = await PostgresServer.start()
  await standby.down()
  standby.standBy()
  await standby.up()
})
afterAll(() => standby.stop())

const place = '?schema=stood&shards=1'

test('of several hosts the one that is a primary has the store, though a standby stands before it', async () => {
  const { schema, drop } = await newPlace()
  const both = (await serverUrl()).replace('@', `@127.0.0.1:${standby.port},`)
  const store = postgres({ url: `${both}?schema=${schema}&shards=1`, clock: systemClock })
  await store.open()
  expect(await store.acquire(0, 'one')).toMatchObject({ shard: 0 })
  await store.close()
  expect((await probe(both, systemClock)).isStandby).toBe(false)
  await drop()
})

test('a standby alone is looked at, and is said to be one; as a store it is refused as not to be had now', async () => {
  expect(await probe(standby.url(place), systemClock)).toMatchObject({ isStandby: true, layout: 0 })
  const store = postgres({ url: standby.url(place), clock: systemClock })
  await expect(store.open()).rejects.toMatchObject({
    code: 'STORE_UNREACHABLE',
    details: { problem: '127.0.0.1 is a standby, which takes no writes' },
  })
  await store.close()
})

async function promote(): Promise<void> {
  const sql = postgresJs(standby.url(), { max: 1, fetch_types: false, onnotice: () => undefined })
  await sql`SELECT pg_promote()`
  await sql.end()
}

test('a store that is open waits until its server, which came back as a standby, is promoted', async () => {
  const store = postgres({ url: standby.url(place), clock: systemClock })
  await expect(store.open()).rejects.toMatchObject({ code: 'STORE_UNREACHABLE' })
  await promote()
  await store.open()
  expect(await store.acquire(0, 'one')).toMatchObject({ shard: 0 })
  await standby.down()
  standby.standBy()
  await standby.up()
  const acquired = store.acquire(0, 'two')
  await promote()
  expect(await acquired).toMatchObject({ shard: 0 })
  await store.close()
})

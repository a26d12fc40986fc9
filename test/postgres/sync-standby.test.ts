// A server that waits for a synchronous standby which is away: nothing is acknowledged that it does not have, whatever ends
// the session of a commit that waits for it. Such a session is shown to wait in `SyncRep`.
import postgresJs, { type Sql } from 'postgres'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import type { Clock } from '../../src/core/clock.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { ballet, event, signal, workflow, type Application } from '../../src/index.ts'
import { postgres } from '../../src/stores/postgres/postgres-store.ts'
import { SHARD, aTurn, anItem, batchAfter } from '../../src/testing/store-rows.ts'
import { openForTest } from '../support/applications.ts'
import { PostgresServer } from './server.ts'

let server: PostgresServer
let sql: Sql
const closing: (() => unknown)[] = []
beforeEach(async () => {
  server = await PostgresServer.start()
  closing.push(() => server.stop())
  sql = connection()
})
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

function connection(): Sql {
  const made = postgresJs(server.url(), { max: 1, onnotice: () => undefined })
  closing.push(() => made.end({ timeout: 1 }))
  return made
}

/** Has the server wait for a standby of this name from now on, or for none. */
async function standby(name: string | null): Promise<void> {
  const setting = 'synchronous_standby_names'
  await sql.unsafe(name === null ? `ALTER SYSTEM RESET ${setting}` : `ALTER SYSTEM SET ${setting} = '${name}'`)
  await sql`SELECT pg_reload_conf()`
}

/** The sessions that have committed a transaction, and wait for the standby. */
async function waiting(): Promise<readonly number[]> {
  const rows = await sql`SELECT pid FROM pg_stat_activity WHERE wait_event = 'SyncRep' AND query = 'COMMIT'`
  return rows.map((row) => Number(row['pid']))
}

async function someoneWaits(): Promise<void> {
  while ((await waiting()).length === 0);
}

test('F9: a standby is away while a batch is committed: its session is left alone, and the batch is there when the standby has it', async () => {
  const store = postgres({ url: server.url('?schema=own&shards=1&deadline=1'), clock: systemClock })
  closing.push(() => store.close())
  await store.open()
  let tenure = await store.acquire(SHARD, 'one')
  await standby('nobody')
  const next = () => batchAfter(tenure, { journal: [aTurn(tenure.head + 1, 1, tenure.head)] })
  // The setting takes its moment.
  const attempt = () => store.commit(next()).then(() => null, String)
  for (; (await attempt()) === null; tenure = { ...tenure, head: tenure.head + 1 });
  const held = await waiting()
  expect(held).toHaveLength(1)
  await expect(store.commit(next())).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN' })
  expect(await waiting()).toEqual(held)
  expect(await store.tenure(SHARD)).toEqual(tenure)

  // Whatever ends it makes the batch one that can be read, and no more.
  await sql`SELECT pg_terminate_backend(${held[0] ?? 0})`
  while ((await store.tenure(SHARD)).head === tenure.head);
  await expect(store.settle?.(SHARD)).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN' })
  await standby(null)
  expect(await store.settle?.(SHARD)).toEqual({ ...tenure, head: tenure.head + 1 })
})

test.each([1, 4])(
  'posts that are cut off while the standby is away leave a few sessions at the server, and not one each (%s shards)',
  async (shards) => {
    const store = postgres({
      url: server.url(`?schema=own&shards=${shards}&deadline=1&patience=1`),
      clock: systemClock,
    })
    closing.push(() => store.close())
    await store.open()
    await standby('nobody')
    // The setting takes its moment.
    let posted = 0
    const post = () => store.post(SHARD, [anItem(`item ${posted}`)]).then(() => void posted++)
    for (let isHeld = false; !isHeld;)
      isHeld = await post().then(
        () => false,
        () => true,
      )
    while ((await waiting()).length < 4) await expect(post()).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN' })
    for (let time = 0; time < 4; time++)
      await expect(post()).rejects.toMatchObject({
        code: 'STORE_UNREACHABLE',
        details: { problem: '4 commits wait for a synchronous standby, which is away' },
      })
    expect(await waiting()).toHaveLength(4)
    await standby(null)
    while ((await waiting()).length > 0);
    const before = posted
    await post()
    expect(posted).toBe(before + 1)
    // Those that were cut off are there as well: what became of them was not known.
    expect(await store.inbox(SHARD, 'default', 100)).toHaveLength(posted + 4)
  },
)

test.each(['', '&prepare=false'])(
  'F9: somebody cancels a commit that waits for a standby, which the server answers as if it had that: it is not acknowledged%s',
  async (more) => {
    await sql`ALTER ROLE ballet SET client_min_messages = error`
    const store = postgres({ url: server.url(`?schema=own&shards=2&deadline=30${more}`), clock: systemClock })
    closing.push(() => store.close())
    await store.open()
    let tenure = await store.acquire(SHARD, 'one')
    await standby('nobody')
    const next = () => batchAfter(tenure, { journal: [aTurn(tenure.head + 1, 1, tenure.head)] })
    let committed = store.commit(next())
    const hangs = () => Promise.race([committed.then(() => false), someoneWaits().then(() => true)])
    // The setting takes its moment.
    for (; !(await hangs()); committed = store.commit(next())) tenure = { ...tenure, head: tenure.head + 1 }
    const outcome = committed.then(
      () => 'acknowledged',
      (error: unknown) => error,
    )
    for (const pid of await waiting()) await sql`SELECT pg_cancel_backend(${pid})`
    expect(await outcome).toMatchObject({ code: 'COMMIT_UNKNOWN' })
    await standby(null)
    expect(await store.settle?.(SHARD)).toEqual({ ...tenure, head: tenure.head + 1 })
  },
)

const Go = signal('go', z.null())
const waits = workflow('waits', { input: z.null(), output: z.null(), signals: [Go] }, async (run) => {
  await run.receive(Go)
  return null
})

test.each([1, 4])(
  'a server that ends while a commit waits for a standby, and is up again without it: the start is acknowledged when the standby has it (%s shards)',
  async (shards) => {
    const app = await openForTest(ballet({ name: 'shop', services: [], workflows: [waits] }), {
      store: server.url(`?schema=own&shards=${shards}&deadline=10`),
    })
    closing.push(() => app.close())
    await standby('nobody')
    const asked: Promise<unknown>[] = []
    // The setting takes its moment.
    for (let count = 0; (await waiting()).length === 0; count++)
      await Promise.race([asked[asked.push(app.start(waits(null), { id: `r${count}` })) - 1], someoneWaits()])
    await server.down('SIGQUIT')
    await server.up()
    sql = connection()
    const acknowledged = Promise.all(asked).then(() => 'acknowledged')
    expect(await Promise.race([acknowledged, someoneWaits().then(() => 'waits')])).toBe('waits')
    await standby(null)
    expect(await acknowledged).toBe('acknowledged')
  },
)

const Told = event('told', z.object({ id: z.string() }), { key: 'id' })
const shop = (version: string) => ballet({ name: 'shop', version, services: [], workflows: [waits], events: [Told] })

test.each([1, 4])(
  'an application that is told to end while the standby is away ends, and says that it does not know (%s shards)',
  async (shards) => {
    const app = await openForTest(shop('1'), {
      store: server.url(`?schema=own&shards=${shards}&deadline=1&patience=600`),
    })
    await standby('nobody')
    // The setting takes its moment.
    const asked: Promise<unknown>[] = []
    for (let count = 0; (await waiting()).length === 0; count++)
      await Promise.race([asked[asked.push(app.start(waits(null), { id: `r${count}` })) - 1], someoneWaits()])
    const last = asked.at(-1)?.then(
      () => 'acknowledged',
      (error: unknown) => error,
    )
    await app.close()
    expect(await last).toMatchObject({ code: 'STORE_UNREACHABLE' })
    expect(await waiting()).not.toHaveLength(0)
  },
)

test.each<[string, (app: Application, id: string) => Promise<{ readonly created: boolean }>]>([
  ['start', (app, id) => app.start(waits(null), { id })],
  ['event', (app, id) => app.publish(Told({ id }), { id })],
])(
  'a %s that can be read, since the wait for a standby was ended, is not acknowledged by another node',
  async (_, ask) => {
    const url = server.url('?schema=own&shards=2&deadline=1&lease=60')
    const owner = await openForTest(shop('2'), { store: url })
    // Of an older version, it owns no shard.
    const other = await openForTest(shop('1'), { store: url })
    await standby('nobody')
    // The setting takes its moment.
    const asked: Promise<{ readonly created: boolean }>[] = []
    while ((await waiting()).length === 0)
      await Promise.race([asked[asked.push(ask(owner, `r${asked.length}`)) - 1], someoneWaits()])
    const id = `r${asked.length - 1}`
    const isRead = async () =>
      [...(await other.runs()).items, ...(await other.events()).items].some((one) => one.id === id)
    while (!(await isRead())) for (const pid of await waiting()) await sql`SELECT pg_terminate_backend(${pid})`
    await expect(ask(other, id)).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN' })
    await standby(null)
    expect(await asked.at(-1)).toMatchObject({ created: true })
    expect(await ask(other, id)).toMatchObject({ created: false })
  },
)

test.each([1, 4])(
  'a standby that is away when a node has lived for a minute after a crash: the node goes on, and notes that when it is back (%s shards)',
  async (shards) => {
    const url = server.url(`?schema=own&shards=${shards}&deadline=1&patience=1`)
    const dead = postgres({ url, clock: systemClock })
    await dead.open()
    for (let shard = 0; shard < shards; shard++) await dead.acquire(shard, 'dead')
    await dead.close()
    // Minutes, and the time after which it is noted again, pass when the test lets them.
    const minutes = new Set<() => void>()
    const noting = Promise.withResolvers<() => void>()
    const clock: Clock = {
      ...systemClock,
      after: (ms, callback) => {
        if (ms === 20_000) noting.resolve(callback)
        else if (ms !== 60_000) return systemClock.after(ms, callback)
        else minutes.add(callback)
        return () => minutes.delete(callback)
      },
    }
    const app = await openForTest(ballet({ name: 'shop', services: [], workflows: [waits] }), { store: url, clock })
    closing.push(() => app.close())
    await standby('nobody')
    const crashes = async (): Promise<readonly unknown[]> => sql`SELECT FROM own.shards WHERE crashes > 0`
    expect(await crashes()).toHaveLength(shards)
    // The setting takes its moment.
    const other = connection()
    const away = new AbortController()
    const writing = (async () => {
      for (let count = 0; !away.signal.aborted; count++) await other.unsafe(`CREATE TABLE own.seen${count} ()`)
    })()
    while ((await sql`SELECT FROM pg_stat_activity WHERE wait_event = 'SyncRep'`).length === 0);
    away.abort()
    const due = [...minutes]
    for (const pass of due) pass()
    const ended = app.stopped.then((error) => error ?? 'closed')
    const again = await Promise.race([noting.promise, ended])
    expect(again).toBeTypeOf('function')
    await standby(null)
    await writing
    if (typeof again === 'function') again()
    while ((await crashes()).length > 0);
    expect(app.standing.role).toBe('owner')
  },
)

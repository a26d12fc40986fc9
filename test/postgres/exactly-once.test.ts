// Work in the application's own database, by each library that it may use: it happens once, whatever becomes of attempts.
import { sql as drizzleSql } from 'drizzle-orm'
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { drizzle } from 'drizzle-orm/postgres-js'
import { CompiledQuery, Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import postgres from 'postgres'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, memory, operation, service, workflow, type OperationContext } from '../../src/index.ts'
import { exactlyOnce, type Once } from '../../src/postgres.ts'
import { MemoryData } from '../../src/stores/memory/memory-data.ts'
import { gate, openForTest, until } from '../support/applications.ts'
import { endingAt } from './ending-at.ts'
import { libraries } from './libraries.ts'
import { connection, newPlace, serverUrl } from './subject.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

type Opened = Awaited<ReturnType<(typeof libraries)[number][1]>>
type Opening = (typeof libraries)[number][1]

interface Shop extends Opened {
  /** What was done, in its order. */
  readonly deeds: () => Promise<readonly string[]>
  readonly schema: string
}

/** A schema of the application, with a table of its own. */
async function shopOf(open: Opening): Promise<Shop> {
  const { schema, drop } = await newPlace()
  const sql = await connection()
  await sql.unsafe(`CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.deeds (id serial, what text NOT NULL)`)
  const library = await open(schema)
  closing.push(drop, () => library.close())
  const deeds = async (): Promise<readonly string[]> => {
    const rows = await sql.unsafe<{ what: string }[]>(`SELECT what FROM ${schema}.deeds ORDER BY id`)
    return rows.map(({ what }) => what)
  }
  return { ...library, deeds, schema }
}

const call = (idempotencyKey: string, undoes: string | null = null) => ({ idempotencyKey, undoes })
type Send = (text: string) => Promise<unknown>
const doing = (what: string) => async (send: Send) => {
  await send(`INSERT INTO deeds (what) VALUES ('${what}')`)
  return { did: what }
}
/** By postgres, for what is the same with each. */
const [, openPostgres] = libraries[0] as (typeof libraries)[number]

test.each(libraries)('%s: a repeat is answered, and what fails is done again', async (_name, open) => {
  const { once, deeds } = await shopOf(open)
  const broken = once(call('k1'), async (send) => {
    await doing('a')(send)
    throw new RangeError('in the middle')
  })
  await expect(broken).rejects.toThrow('in the middle')
  expect(await deeds()).toEqual([])
  expect(await once(call('k1'), doing('a'))).toEqual({ did: 'a' })
  expect(await once(call('k1'), doing('b'))).toEqual({ did: 'a' })
  expect(await once(call('k2'), async () => undefined)).toBeUndefined()
  expect(await once(call('k2'), doing('c'))).toBeUndefined()
  expect(await once(call("it's \\ \u{1F69A}"), async () => null)).toBeNull()
  expect(await deeds()).toEqual(['a'])
})

test.each(libraries)('%s: work that ends its transaction by itself does not count as done', async (_name, open) => {
  const { once, deeds } = await shopOf(open)
  const ending = (what: string, end: string) =>
    once(call(end), async (send) => {
      await doing(what)(send)
      await send(end)
    })
  await expect(ending('a', 'ROLLBACK')).rejects.toMatchObject({ code: 'TX_ENDED' })
  expect(await deeds()).toEqual([])
  expect(await once(call('ROLLBACK'), doing('b'))).toEqual({ did: 'b' })
  await expect(ending('c', 'COMMIT')).rejects.toMatchObject({ code: 'TX_ENDED' })
  await expect(ending('d', 'COMMIT AND CHAIN')).rejects.toMatchObject({ code: 'TX_ENDED' })
  // How far it had come nobody knows.
  await expect(once(call('COMMIT'), doing('e'))).rejects.toMatchObject({ code: 'TX_ENDED' })
  expect(await deeds()).toEqual(['b', 'c', 'd'])
})

test.each(libraries)(
  '%s: two attempts at once are one, and the second gets the answer of the first',
  async (_name, open) => {
    const { once, deeds } = await shopOf(open)
    const [entered, go] = [gate(), gate()]
    const first = once(call('k'), async (send) => {
      const did = await doing('first')(send)
      entered.open()
      await go.promise
      return did
    })
    await entered.promise
    const second = once(call('k'), doing('second'))
    go.open()
    expect([await first, await second]).toEqual([{ did: 'first' }, { did: 'first' }])
    expect(await deeds()).toEqual(['first'])
  },
)

test('what was taken back before it came is refused for good; what was done is taken back once', async () => {
  const { once, deeds } = await shopOf(openPostgres)
  await once(call('undo-1', 'k1'), doing('nothing to take back'))
  await expect(once(call('k1'), doing('late'))).rejects.toMatchObject({ name: 'TerminalError' })
  await once(call('k2'), doing('done'))
  await once(call('undo-2', 'k2'), doing('taken back'))
  await once(call('undo-2', 'k2'), doing('taken back again'))
  await expect(once(call('k2'), doing('again'))).rejects.toMatchObject({ name: 'TerminalError' })
  expect(await deeds()).toEqual(['nothing to take back', 'done', 'taken back'])
})

test('the table is made once, by many at the same time; another value than JSON is refused, and nothing is done', async () => {
  const { once, deeds } = await shopOf(openPostgres)
  await Promise.all(Array.from({ length: 8 }, (_, at) => once(call(`k${at}`), doing('x'))))
  expect(await deeds()).toHaveLength(8)
  await expect(once(call('bad'), async (send) => (await doing('y')(send), 7n))).rejects.toMatchObject({
    code: 'VALUE_NOT_JSON',
  })
  expect(await deeds()).toHaveLength(8)
  for (const none of [{}, { connect: () => {} }, { transaction: 7 }])
    expect(() => exactlyOnce(none as never)).toThrow(/no database of a library/)
})

test('a workflow does work in a transaction: the process ends between its commit and the answer, and it was done once', async () => {
  const { once, deeds } = await shopOf(openPostgres)
  const data = new MemoryData()
  let life = 1
  const lost = gate()
  /** In its first life the process ends when the work is committed. */
  const ending: typeof once = async (context, work) => {
    const result = await once(context, work)
    if (life > 1) return result
    lost.open()
    return new Promise(() => {})
  }
  const stock = service('stock', {
    release: operation({
      input: z.string(),
      run: async (what, context: OperationContext) => void (await once(context, doing(`release ${what}`))),
    }),
  })
  const flow = workflow('flow', { input: z.string(), output: z.json() }, async (run, what) => {
    const { did } = await run.tx('reserve', ending, doing(`reserve ${what}`), {
      undo: () => stock.release(what),
    })
    await run.sleep('1d')
    return did
  })
  const definition = ballet({ services: [stock], workflows: [flow] })
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(flow('tutu'), { id: 'f' })
  await lost.promise
  await first.close()
  life = 2
  const second = await openForTest(definition, { store: memory(data) })
  await until(second, null, async () => (await second.run('f'))?.waits[0]?.kind === 'timer')
  expect(await deeds()).toEqual(['reserve tutu'])
  await second.cancel('f')
  expect(await second.settled('f', 60_000)).toMatchObject({ status: 'cancelled' })
  expect(await deeds()).toEqual(['reserve tutu', 'release tutu'])
})

type Postgres = ReturnType<typeof postgres>
type ByPostgres = Once<{ unsafe: (text: string) => Promise<unknown> }>
const byPostgres: readonly (readonly [name: string, open: (sql: Postgres) => ByPostgres])[] = [
  ['postgres', (sql) => exactlyOnce(sql)],
  [
    'Drizzle on postgres',
    (sql) => {
      const once = exactlyOnce(drizzle(sql))
      return (context, work) =>
        once(context, (tx) => work({ unsafe: async (text) => tx.execute(drizzleSql.raw(text)) }))
    },
  ],
]

test.each(byPostgres)(
  '%s: a connection that ends in the middle of the work fails the attempt, and not the process',
  async (_name, open) => {
    const { deeds, schema } = await shopOf(openPostgres)
    const door = await endingAt(await serverUrl(), 'and then')
    closing.push(door.close)
    const sql = postgres(door.url, { max: 1, connection: { search_path: schema } })
    closing.push(() => sql.end({ timeout: 0 }))
    const once = open(sql)
    const broken = once(call('k'), async (tx) => {
      await tx.unsafe("INSERT INTO deeds (what) VALUES ('a')")
      await tx.unsafe('SELECT 1 AS "and then"')
    })
    await expect(broken).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' })
    await once(call('k'), async (tx) => void (await tx.unsafe("INSERT INTO deeds (what) VALUES ('b')")))
    expect(await deeds()).toEqual(['b'])
  },
)

test.each(byPostgres)(
  '%s: work that fails of a connection of its own fails the attempt, and leaves nothing open',
  async (_name, open) => {
    const { deeds, schema } = await shopOf(openPostgres)
    const door = await endingAt(await serverUrl(), 'and then')
    const other = postgres(door.url, { max: 1 })
    const sql = postgres(await serverUrl(), { max: 2, connection: { search_path: schema } })
    closing.push(
      door.close,
      () => other.end({ timeout: 0 }),
      () => sql.end({ timeout: 0 }),
    )
    const once = open(sql)
    const broken = once(call('k'), async (tx) => {
      await tx.unsafe("INSERT INTO deeds (what) VALUES ('a')")
      await other.unsafe('SELECT 1 AS "and then"')
    })
    await expect(broken).rejects.toMatchObject({ code: 'CONNECTION_CLOSED' })
    await once(call('k'), async (tx) => void (await tx.unsafe("INSERT INTO deeds (what) VALUES ('b')")))
    expect(await deeds()).toEqual(['b'])
  },
)

test.each(byPostgres)(
  '%s: work that ends after its connection, one way or the other, is not heard any more',
  async (_name, open) => {
    const { deeds, schema } = await shopOf(openPostgres)
    const sql = postgres(await serverUrl(), { max: 1, connection: { search_path: schema } })
    closing.push(() => sql.end({ timeout: 0 }))
    const once = open(sql)
    const ends: (() => void)[] = [
      () => undefined,
      () => {
        throw new RangeError('too late')
      },
    ]
    for (const end of ends) {
      const [going, begun] = [gate(), Promise.withResolvers<unknown>()]
      const broken = once(call('k'), async (tx) => {
        begun.resolve(await tx.unsafe("INSERT INTO deeds (what) VALUES ('a') RETURNING pg_backend_pid() AS pid"))
        await going.promise
        end()
      })
      const told = broken.catch((error: unknown) => error)
      const [row] = (await begun.promise) as { pid: number }[]
      const admin = await connection()
      await admin`SELECT pg_terminate_backend(${Number(row?.pid)})`
      expect(await told).toMatchObject({ code: 'CONNECTION_CLOSED' })
      going.open()
    }
    await once(call('k'), async (tx) => void (await tx.unsafe("INSERT INTO deeds (what) VALUES ('b')")))
    expect(await deeds()).toEqual(['b'])
  },
)

test('a client of a pool of pg whose connection ends while the work waits for something else fails the attempt alone', async () => {
  const { deeds, schema } = await shopOf(openPostgres)
  const pool = new pg.Pool({ connectionString: await serverUrl(), options: `-c search_path=${schema}` })
  pool.on('error', () => undefined)
  closing.push(() => pool.end())
  const once = exactlyOnce(pool)
  const broken = once(call('k'), async (tx) => {
    await tx.query("INSERT INTO deeds (what) VALUES ('a')")
    const { rows } = await tx.query<{ pid: number }>('SELECT pg_backend_pid() AS pid')
    const ended = new Promise((resolve) => tx.once('end', resolve))
    await pool.query('SELECT pg_terminate_backend($1)', [rows[0]?.pid])
    await ended
    await tx.query('SELECT 1')
  })
  await expect(broken).rejects.toThrow('Client')
  await once(call('k'), async (tx) => void (await tx.query("INSERT INTO deeds (what) VALUES ('b')")))
  expect(await deeds()).toEqual(['b'])
})

type OncePid = Once<(text: string) => Promise<{ readonly rows: readonly unknown[] }>>
const overPg: readonly (readonly [name: string, open: (pool: pg.Pool) => OncePid])[] = [
  [
    'Drizzle',
    (pool) => {
      const once = exactlyOnce(drizzlePg(pool))
      return (context, work) => once(context, (tx) => work(async (text) => tx.execute(drizzleSql.raw(text))))
    },
  ],
  [
    'Kysely',
    (pool) => {
      const once = exactlyOnce(new Kysely<unknown>({ dialect: new PostgresDialect({ pool }) }))
      return (context, work) => once(context, (tx) => work(async (text) => tx.executeQuery(CompiledQuery.raw(text))))
    },
  ],
]

test.each(overPg)(
  '%s on a pool of pg that listens to its clients: a connection that ends while the work waits fails the attempt alone',
  async (_name, open) => {
    const { deeds, schema } = await shopOf(openPostgres)
    const pool = new pg.Pool({ connectionString: await serverUrl(), options: `-c search_path=${schema}` })
    pool.on('error', () => undefined)
    const ended = Promise.withResolvers<void>()
    // The first is what the guide says.
    pool.on('connect', (client) => client.on('error', () => {}))
    pool.on('connect', (client) => client.once('end', ended.resolve))
    closing.push(() => pool.end())
    const once = open(pool)
    const admin = await connection()
    const broken = once(call('k'), async (send) => {
      await send("INSERT INTO deeds (what) VALUES ('a')")
      const [row] = (await send('SELECT pg_backend_pid() AS pid')).rows as { pid: number }[]
      await admin`SELECT pg_terminate_backend(${Number(row?.pid)})`
      await ended.promise
      await send('SELECT 1')
    })
    await expect(broken).rejects.toThrow(/Client|query/)
    await once(call('k'), async (send) => void (await send("INSERT INTO deeds (what) VALUES ('b')")))
    expect(await deeds()).toEqual(['b'])
  },
)

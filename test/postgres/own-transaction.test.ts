// Starts, events and signals within a transaction of the application's own, by each library that has one: they come when it
// commits, and never when it does not.
import { drizzle as drizzlePg } from 'drizzle-orm/node-postgres'
import { drizzle as drizzleJs } from 'drizzle-orm/postgres-js'
import { Kysely, PostgresDialect } from 'kysely'
import pg from 'pg'
import postgresJs from 'postgres'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, event, operation, service, signal, workflow, type Application } from '../../src/index.ts'
import { openForTest, until } from '../support/applications.ts'
import { newPlace, serverUrl } from './subject.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const Order = z.object({ orderId: z.string(), note: z.string() })
const Ordered = event('ordered', Order, { key: 'orderId' })
const Go = signal('go', z.string())
const desk = service('desk', {
  greet: operation({ input: Order, output: z.string(), run: ({ note }) => `hello ${note}` }),
})
desk.on(Ordered, (order) => desk.greet(order))
const waiter = workflow('waiter', { input: Order, key: 'orderId', output: z.string(), signals: [Go] }, async (run) => {
  return (await run.receive(Go)).data
})
const definition = ballet({ name: 'shop', services: [desk], workflows: [waiter] })

/** Runs `work` in a transaction, which is rolled back when that throws. */
type Within = (work: (tx: object) => Promise<unknown>) => Promise<unknown>

/** A way to have transactions, and what is none: a connection or pool outside. */
interface Library {
  readonly within: Within
  readonly outside: object
}

const libraries: Readonly<Record<string, () => Promise<Library>>> = {
  postgres: async () => {
    const sql = postgresJs(await serverUrl(), { max: 2 })
    closing.push(() => sql.end())
    return { within: (work) => sql.begin(async (tx) => work(tx)), outside: sql }
  },
  pg: async () => {
    const pool = await pgPool()
    return { within: within(pool), outside: pool }
  },
  'Drizzle on pg': async () => {
    const db = drizzlePg(await pgPool())
    return { within: (work) => db.transaction(async (tx) => work(tx)), outside: db }
  },
  'Drizzle on postgres': async () => {
    const sql = postgresJs(await serverUrl(), { max: 2 })
    closing.push(() => sql.end())
    const db = drizzleJs(sql)
    return { within: (work) => db.transaction(async (tx) => work(tx)), outside: db }
  },
  Kysely: async () => {
    const db = new Kysely<object>({ dialect: new PostgresDialect({ pool: await pgPool() }) })
    return { within: (work) => db.transaction().execute(async (tx) => work(tx)), outside: db }
  },
}

async function pgPool(): Promise<pg.Pool> {
  const pool = new pg.Pool({ connectionString: await serverUrl(), max: 2 })
  closing.push(() => (pool.ended ? undefined : pool.end()))
  return pool
}

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

async function openPlace(): Promise<{ readonly app: Application; readonly schema: string }> {
  const place = await newPlace()
  closing.push(() => place.drop())
  const app = await openForTest(definition, { store: place.url() })
  closing.push(() => app.close())
  return { app, schema: place.schema }
}
const openOnPlace = async (): Promise<Application> => (await openPlace()).app

const note = `it's "quoted" \\ and ümläutet \u{1F69A}`

test.each(Object.entries(libraries))(
  '%s: what a transaction asks for comes when it commits',
  async (_name, library) => {
    const app = await openOnPlace()
    const { within: inTransaction } = await library()
    await inTransaction(async (tx) => {
      expect(await app.start(waiter({ orderId: '1', note }), { tx })).toEqual({ id: 'waiter:1' })
      await app.publish(Ordered({ orderId: '2', note }), { id: 'e-1', tx })
    })
    const started = await until(app, null, async () => (await app.run('waiter:1')) ?? undefined)
    expect(started.input).toEqual({ orderId: '1', note })
    await inTransaction((tx) => app.signal('waiter:1', Go(note), { id: 's-1', tx }))
    expect(await app.result('waiter:1')).toBe(note)
    const events = await until(app, null, async () => {
      const { items } = await app.events({ key: 'orderId:2' })
      return items.length > 0 && items
    })
    expect(events).toMatchObject([{ id: 'e-1', source: 'shop', data: { orderId: '2', note } }])
    const reaction = await until(app, null, async () => {
      const run = (await app.runs({ kind: 'reaction' })).items[0]
      return run?.status === 'completed' && run
    })
    expect(reaction.output).toBe(`hello ${note}`)
    // Whoever repeats a transaction repeats what it asked for.
    await inTransaction((tx) => app.publish(Ordered({ orderId: '2', note }), { id: 'e-1', tx }))
    await app.publish(Ordered({ orderId: '3', note: '' }))
    expect((await app.events()).items).toHaveLength(2)
  },
)

test.each(Object.entries(libraries))(
  '%s: it does not come when the transaction is rolled back',
  async (_name, library) => {
    const app = await openOnPlace()
    const { within: inTransaction, outside } = await library()
    const aborted = inTransaction(async (tx) => {
      await app.start(waiter({ orderId: '1', note }), { tx })
      await app.publish(Ordered({ orderId: '1', note }), { tx })
      throw new RangeError('changed its mind')
    })
    await expect(aborted).rejects.toThrow('changed its mind')
    // Whoever asks is answered after what lay in the inbox.
    expect(await app.run('waiter:1')).toBeNull()
    await app.publish(Ordered({ orderId: '2', note: 'the only one' }))
    expect((await app.events()).items.map(({ data }) => data)).toEqual([{ orderId: '2', note: 'the only one' }])
    await expect(app.publish(Ordered({ orderId: '1', note }), { tx: outside })).rejects.toMatchObject({
      code: 'TX_INVALID',
    })
  },
)

test('what is wrong is refused before the transaction has it', async () => {
  const app = await openOnPlace()
  const pool = await pgPool()
  await within(pool)(async (tx) => {
    const bad = waiter({ orderId: 7, note } as unknown as z.infer<typeof Order>)
    await expect(app.start(bad, { tx })).rejects.toMatchObject({ code: 'INPUT_INVALID' })
    await expect(app.start(waiter({ orderId: '1', note }), { tx, at: 'soon' })).rejects.toMatchObject({
      code: 'TIME_INVALID',
    })
    const past = { tx, deadline: '2001-01-01T00:00:00Z' }
    await expect(app.start(waiter({ orderId: '1', note }), past)).rejects.toMatchObject({ code: 'TIME_INVALID' })
    await expect(app.signal('waiter:1', Go('x'), { tx })).rejects.toMatchObject({ code: 'RUN_UNKNOWN' })
    const other = { type: 'other', data: {}, kind: 'event' } as unknown as ReturnType<typeof Ordered>
    await expect(app.publish(other, { tx })).rejects.toMatchObject({ code: 'EVENT_UNKNOWN' })
    for (const none of [{}, new Map(), () => {}])
      await expect(app.start(waiter({ orderId: '1', note }), { tx: none })).rejects.toMatchObject({
        code: 'TX_INVALID',
      })
  })
  await app.start(waiter({ orderId: '1', note }))
  await app.publish(Ordered({ orderId: '1', note }), { id: 'e' })
  await within(pool)(async (tx) => {
    const clash = app.start(waiter({ orderId: '1', note: 'another' }), { tx })
    await expect(clash).rejects.toMatchObject({ code: 'RUN_CONFLICT' })
    const other = app.publish(Ordered({ orderId: '1', note: 'another' }), { id: 'e', tx })
    await expect(other).rejects.toMatchObject({ code: 'EVENT_CONFLICT' })
    // It is no conflict with what is the same.
    expect(await app.start(waiter({ orderId: '1', note }), { tx })).toEqual({ id: 'waiter:1' })
  })
  expect((await app.runs({ name: 'waiter' })).items).toHaveLength(1)
})

test('a transaction on another database is told so, whether there is a store or none', async () => {
  const { app, schema } = await openPlace()
  const pool = await pgPool()
  const client = await pool.connect()
  closing.push(() => client.release())
  // As it would be there: the store of another id, or no such table.
  for (const change of [`UPDATE ${schema}.store SET id = 'another'`, `ALTER TABLE ${schema}.inbox RENAME TO outbox`]) {
    await client.query('BEGIN')
    await client.query(change)
    // An event without an id, because the change keeps the store itself from being read.
    const published = app.publish(Ordered({ orderId: '1', note }), { tx: client })
    await expect(published).rejects.toMatchObject({ code: 'TX_FOREIGN' })
    await client.query('ROLLBACK')
  }
})

test('a store in a file is in no database of the application', async () => {
  const app = await openForTest(definition)
  const pool = await pgPool()
  await within(pool)(async (tx) => {
    await expect(app.start(waiter({ orderId: '1', note }), { tx })).rejects.toMatchObject({ code: 'TX_UNSUPPORTED' })
  })
})

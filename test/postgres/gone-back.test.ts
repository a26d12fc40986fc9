// A database that goes back under nodes that live: a stand-by that had not received everything has become the first. A node whose
// shard is behind what it has written there gives it up at its next renewal, and goes on from what is there; services answer the
// calls that are made anew as before.
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { systemClock } from '../../src/engine/clock.ts'
import { ballet, event, operation, service, signal, workflow } from '../../src/index.ts'
import { postgres } from '../../src/stores/postgres/postgres-store.ts'
import { gate, keptLog, openForTest, until } from '../support/applications.ts'
import { connection, newPlace, type Place } from './subject.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** All of a schema as it is now; the function puts it back, in one transaction, with the numbers that its inbox gives next. */
async function backUp({ schema }: Place): Promise<() => Promise<void>> {
  const sql = await connection()
  const rows = await sql.unsafe(
    `SELECT relname FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind = 'r'`,
    [schema],
  )
  const tables = rows.map(({ relname }) => String(relname))
  await sql.unsafe(`CREATE SCHEMA ${schema}_copy`)
  const [given] = await sql.unsafe(`SELECT last_value, is_called FROM ${schema}.inbox_id_seq`)
  closing.push(() => sql.unsafe(`DROP SCHEMA ${schema}_copy CASCADE`))
  await sql.begin('ISOLATION LEVEL REPEATABLE READ', async (tx) => {
    for (const table of tables)
      await tx.unsafe(`CREATE TABLE ${schema}_copy.${table} AS SELECT * FROM ${schema}.${table}`)
  })
  return async () => {
    await sql.begin(async (tx) => {
      await tx.unsafe(`TRUNCATE ${tables.map((table) => `${schema}.${table}`).join(', ')}`)
      for (const table of tables)
        await tx.unsafe(`INSERT INTO ${schema}.${table} OVERRIDING SYSTEM VALUE SELECT * FROM ${schema}_copy.${table}`)
      await tx.unsafe(`SELECT setval('${schema}.inbox_id_seq', ${given?.['last_value']}, ${given?.['is_called']})`)
    })
  }
}

test.each(['&shards=1&lease=3', '&shards=4&lease=3'])(
  'a run that had ended, and has not where the database has gone back to, is carried on by the node that lives: %s',
  async (more) => {
    const place = await newPlace()
    closing.push(() => place.drop())
    const [begun, goes] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()]
    const asked: string[] = []
    const bank = service('bank', {
      charge: operation({
        input: z.string(),
        run: async (_order, { idempotencyKey }) => {
          asked.push(idempotencyKey)
          begun.resolve()
          await goes.promise
        },
      }),
    })
    const order = workflow('order', { input: z.string(), output: z.null() }, async (run, id) => {
      await run.call(bank.charge(id))
      return null
    })
    const app = await openForTest(ballet({ services: [bank], workflows: [order] }), {
      store: place.url(more),
    })
    await app.start(order('a'), { id: 'a' })
    await begun.promise
    const putBack = await backUp(place)
    goes.resolve()
    await app.result('a')
    await putBack()
    await until(app, null, async () => asked.length > 1 && (await app.run('a'))?.status === 'completed')
    expect(new Set(asked).size).toBe(1)
  },
)

test('a start and an event that a node elsewhere was asked for, in a database that has gone back meanwhile: that is said, and nobody is blamed', async () => {
  const place = await newPlace()
  closing.push(() => place.drop())
  const url = place.url('&shards=4&lease=3&pool=4')
  const Told = event('told', z.object({ orderId: z.string() }), { key: 'orderId' })
  const flow = workflow('flow', { input: z.string(), output: z.string() }, async (_, text) => text)
  const definition = (version: string) =>
    ballet({ name: 'shop', version, services: [], workflows: [flow], events: [Told] })
  // What lies in an inbox is read when the test says so.
  const reads = gate()
  let isHeld = false
  const real = postgres({ url, clock: systemClock })
  const held = new Proxy(real, {
    get: (target, name) => {
      const value: unknown = Reflect.get(target, name, target)
      if (typeof value !== 'function') return value
      return async (...args: unknown[]) => {
        if (name === 'inbox' && isHeld) await reads.promise
        return (value as (...given: unknown[]) => unknown).apply(target, args)
      }
    },
  })
  await openForTest(definition('2'), { store: held })
  const old = await openForTest(definition('1'), { store: url })
  const sql = await connection()
  const lying = async (): Promise<number> => {
    const [row] = await sql.unsafe(
      `SELECT count(*)::int AS rows FROM ${place.schema}.inbox WHERE kind IN ('start', 'event')`,
    )
    return Number(row?.['rows'])
  }
  const putBack = await backUp(place)
  isHeld = true
  const asked = [old.start(flow('a'), { id: 'a' }), old.publish(Told({ orderId: 'o' }), { id: 'e' })]
  const answers = Promise.allSettled(asked)
  while ((await lying()) < 2) await new Promise((resolve) => setImmediate(resolve))
  await putBack()
  isHeld = false
  reads.open()
  const gone = {
    status: 'rejected',
    reason: expect.objectContaining({ code: 'STORE_WENT_BACK', family: 'retry' }) as unknown,
  }
  expect(await answers).toEqual([gone, gone])
  expect(await old.start(flow('a'), { id: 'a' })).toEqual({ id: 'a', created: true })
  expect(await old.publish(Told({ orderId: 'o' }), { id: 'e' })).toMatchObject({ created: true })
})

test('a signal of a node elsewhere is answered in a database that has gone back, and gives numbers of its inbox again', async () => {
  const place = await newPlace()
  closing.push(() => place.drop())
  const store = place.url('&shards=2&lease=2&pool=4')
  const Go = signal('go', z.number())
  const hears = workflow('hears', { input: z.null(), output: z.number(), signals: [Go] }, async (run) => {
    let last = 0
    while (last >= 0) last = (await run.receive(Go)).data
    return last
  })
  const definition = (version: string) => ballet({ name: 'shop', version, services: [], workflows: [hears] })
  const owner = await openForTest(definition('2'), { store })
  const old = await openForTest(definition('1'), { store })
  await owner.start(hears(null), { id: 'h' })
  const putBack = await backUp(place)
  await Promise.all(Array.from({ length: 200 }, (_, n) => old.signal('h', Go(n), { id: `s${n}` })))
  // The last of their answers has been read.
  await old.signal('h', Go(0), { id: 'last' })
  await putBack()
  for (const n of [1, 2, -1]) expect(await old.signal('h', Go(n), { id: `t${n}` })).toMatchObject({ created: true })
  expect(await old.result('h')).toBe(-1)
})

test.each(['&shards=1&lease=3', '&shards=4&lease=3'])(
  'a backup from before a node had its shards, put back under it: the node says that the store has gone back, and nothing of who was silent: %s',
  async (more) => {
    const place = await newPlace()
    closing.push(() => place.drop())
    const flow = workflow('flow', { input: z.string(), output: z.string() }, async (_, text) => text)
    const shop = ballet({ name: 'shop', services: [], workflows: [flow] })
    const store = place.url(more)
    await (await openForTest(shop, { store })).close()
    const putBack = await backUp(place)
    const log = keptLog()
    const app = await openForTest(shop, { store, log })
    await app.start(flow('a'), { id: 'a' })
    await app.result('a')
    await putBack()
    // Not after commits: a node that has just given its shard up refuses to be watched.
    let isNew = false
    while (!isNew) {
      await new Promise((resolve) => setImmediate(resolve))
      isNew = await app.start(flow('a'), { id: 'a' }).then(
        ({ created }) => created,
        () => false,
      )
    }
    await app.result('a')
    const said = log.lines.filter((line) => /^error The store has gone back: .* than this node had/.test(line))
    expect(said).toHaveLength(1)
    expect(log.lines.filter((line) => line.includes('silent for'))).toEqual([])
  },
)

// A database that goes back under nodes that live: a stand-by that had not received everything has become the first. A node whose
// shard is behind what it has written there gives it up at its next renewal, and goes on from what is there; services answer the
// calls that are made anew as before.
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, operation, service, workflow } from '../../src/index.ts'
import { openForTest, until } from '../support/applications.ts'
import { connection, newPlace, type Place } from './subject.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** All of a schema as it is now; the function puts it back, in one transaction. */
async function backUp({ schema }: Place): Promise<() => Promise<void>> {
  const sql = await connection()
  const rows = await sql.unsafe(
    `SELECT relname FROM pg_class WHERE relnamespace = $1::regnamespace AND relkind = 'r'`,
    [schema],
  )
  const tables = rows.map(({ relname }) => String(relname))
  await sql.unsafe(`CREATE SCHEMA ${schema}_copy`)
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

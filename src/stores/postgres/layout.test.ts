// A schema of an older layout is brought to this one by the first process that opens it, and what it holds stays.
import { afterEach, expect, test } from 'vitest'
import { connection, placesFor, type Place } from '../../../test/postgres/subject.ts'
import { SCHEMA_VERSION, type Store } from '../../core/store.ts'
import { systemClock } from '../../engine/clock.ts'
import { aRun, batchAfter, commitFirst, NS, SHARD } from '../../testing/store-rows.ts'
import { postgres } from './postgres-store.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const place = placesFor(closing)

function store(url: string): Store {
  const made = postgres({ url, clock: systemClock })
  closing.push(() => made.close())
  return made
}

/** As an older version has left it. */
async function toLayout4({ schema }: Place): Promise<void> {
  const sql = await connection()
  await sql.unsafe(
    `DROP INDEX ${schema}.runs_reason; DROP TABLE ${schema}.applications; UPDATE ${schema}.store SET schema = 4`,
  )
}

test('a store of layout 4 has the index of reasons when it was opened, belongs to nobody, and has the runs that it had', async () => {
  const at = await place()
  const before = store(at.url())
  await before.open()
  const stuck = aRun(1, { status: 'stuck', reason: 'threw' })
  await commitFirst(before, { runs: [stuck] })
  await before.close()
  await toLayout4(at)
  const after = store(at.url())
  expect((await after.open()).schema).toBe(SCHEMA_VERSION)
  expect(await after.runs(SHARD, { ns: NS, status: ['stuck'], reason: 'threw', limit: 10 })).toEqual([stuck])
  const sql = await connection()
  const indexes = await sql.unsafe(
    `SELECT FROM pg_indexes WHERE schemaname = '${at.schema}' AND indexname = 'runs_reason'`,
  )
  expect(indexes).toHaveLength(1)
  expect(await after.belongsTo(NS, 'shop', null)).toBe('shop')
})

test('a migration is not ended by a node whose batch waits for it', async () => {
  const at = await place()
  const node = store(at.url('&deadline=1'))
  await node.open()
  const tenure = await commitFirst(node, { runs: [aRun(1)] })
  await toLayout4(at)
  const sql = await connection()
  let opening: Promise<unknown> | undefined
  await sql.begin(async (tx) => {
    // Whoever makes the index waits for this one, as a large table would have it take its time, and batches wait for that.
    await tx.unsafe(`UPDATE ${at.schema}.runs SET phase = 'held'`)
    opening = store(at.url()).open()
    opening.catch(() => undefined)
    const waiting = `SELECT FROM pg_locks WHERE relation = '${at.schema}.runs'::regclass AND NOT granted`
    while ((await sql.unsafe(waiting)).length === 0);
    const batch = batchAfter({ ...tenure, head: 1 }, { runs: [aRun(2)] })
    await expect(node.commit(batch)).rejects.toMatchObject({ code: 'COMMIT_UNKNOWN' })
  })
  expect(await opening).toMatchObject({ schema: SCHEMA_VERSION })
})

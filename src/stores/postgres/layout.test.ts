// A schema of an older layout is brought to this one by the first process that opens it, and what it holds stays.
import { expect, test } from 'vitest'
import { connection, newPlace } from '../../../test/postgres/subject.ts'
import { SCHEMA_VERSION } from '../../core/store.ts'
import { systemClock } from '../../engine/clock.ts'
import { aRun, commitFirst, NS, SHARD } from '../../testing/store-rows.ts'
import { postgres } from './postgres-store.ts'

test('a store of layout 4 has the index of reasons when it was opened, belongs to nobody, and has the runs that it had', async () => {
  const { schema, url, drop } = await newPlace()
  const before = postgres({ url: url(''), clock: systemClock })
  await before.open()
  const stuck = aRun(1, { status: 'stuck', reason: 'threw' })
  await commitFirst(before, { runs: [stuck] })
  await before.close()
  const sql = await connection()
  await sql.unsafe(
    `DROP INDEX ${schema}.runs_reason; DROP TABLE ${schema}.applications; UPDATE ${schema}.store SET schema = 4`,
  )
  const after = postgres({ url: url(''), clock: systemClock })
  expect((await after.open()).schema).toBe(SCHEMA_VERSION)
  expect(await after.runs(SHARD, { ns: NS, status: ['stuck'], reason: 'threw', limit: 10 })).toEqual([stuck])
  const indexes = await sql.unsafe(
    `SELECT FROM pg_indexes WHERE schemaname = '${schema}' AND indexname = 'runs_reason'`,
  )
  expect(indexes).toHaveLength(1)
  expect(await after.belongsTo(NS, 'shop', null)).toBe('shop')
  await after.close()
  await drop()
})

// The plans that the server keeps for the sessions of a store, read from such a session while its tables grow.
import { afterEach, expect, test } from 'vitest'
import { connection, newPlace } from '../../../test/postgres/subject.ts'
import { systemClock } from '../../engine/clock.ts'
import { NS } from '../../testing/store-rows.ts'
import { inboxQuery, runQuery } from '../sql/queries.ts'
import type { Statement } from '../sql/statements.ts'
import { readAddress } from './address.ts'
import { loadDriver } from './driver.ts'
import { openLink, type Link } from './link.ts'
import { postgres } from './postgres-store.ts'
import { Texts } from './texts.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** A session of a store in a schema whose rows nobody counts. */
async function session(): Promise<{ readonly link: Link; readonly schema: string }> {
  const { schema, url, drop } = await newPlace()
  closing.push(drop)
  const store = postgres({ url: url(), clock: systemClock })
  closing.push(() => store.close())
  await store.open()
  const sql = await connection()
  for (const table of ['runs', 'inbox'])
    await sql.unsafe(`ALTER TABLE ${schema}.${table} SET (autovacuum_enabled = off)`)
  const link = await openLink(await loadDriver(), readAddress(url()), systemClock)
  closing.push(() => link.close())
  return { link, schema }
}

/** Sends a query so many times, and reads the plan by which the session then answers it. */
async function planOf(link: Link, schema: string, query: Statement, times: number): Promise<string> {
  const [step] = new Texts(schema).steps(query)
  if (step === undefined) throw new Error('a query has one step')
  for (let count = 0; count < times; count++) await link.send(step)
  const text = 'SELECT name, custom_plans, statement FROM pg_prepared_statements'
  const known = await link.send({ text, parameters: [] })
  const [name, ownPlans] = known.rows.find((row) => row.at(-1) === step.text) ?? []
  expect(ownPlans, 'plans that were made for one execution').toBe(0)
  const given = step.parameters.map((parameter) => `'${parameter}'`).join(', ')
  const { rows } = await link.send({ text: `EXPLAIN EXECUTE "${String(name)}"(${given})`, parameters: [] })
  return rows.join('\n')
}

test('a table has grown since its first row was looked for: the plan is made anew, with nobody counting rows', async () => {
  const { link, schema } = await session()
  await planOf(link, schema, runQuery(0, 1), 1)
  const sql = await connection()
  await sql.unsafe(`INSERT INTO ${schema}.runs (shard, num, ns, id, kind, name, call, version, status, root, generation, input, created, since)
    SELECT 0, num, 'default', num, 'workflow', 'flow', 'flow', '1', 'completed', 'run:' || num, 0, '{}'::bytea, 0, 0
    FROM generate_series(1, 20000) AS num`)
  expect(await planOf(link, schema, runQuery(0, 1), 100)).toContain('Index Scan using runs_pkey')
})

test('an inbox is read in the order of its index, which marks what has gone, however often', async () => {
  const { link, schema } = await session()
  const sql = await connection()
  const put = `INSERT INTO ${schema}.inbox (shard, ns, slot, kind, target, data, at)
    SELECT 0, 'default', 0, 'signal', 'a', '{}'::bytea, 0 FROM generate_series(1, 5000)`
  for (const size of ['empty', 'full', 'gone']) {
    if (size === 'full') await sql.unsafe(put)
    if (size === 'gone') await sql.unsafe(`DELETE FROM ${schema}.inbox`)
    const plan = await planOf(link, schema, inboxQuery(0, NS, 500), 70)
    expect(plan, size).toContain('Index Scan using inbox_pkey')
    expect(plan, size).not.toContain('Bitmap')
  }
})

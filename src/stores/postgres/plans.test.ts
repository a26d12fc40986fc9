// The plans by which a session of a store is answered, while its tables grow and nobody counts their rows.
import { afterEach, expect, test } from 'vitest'
import { connection, newPlace } from '../../../test/postgres/subject.ts'
import { systemClock } from '../../engine/clock.ts'
import { NS, aTimer } from '../../testing/store-rows.ts'
import * as queries from '../sql/queries.ts'
import type { Statement } from '../sql/statements.ts'
import { readAddress } from './address.ts'
import { loadDriver } from './driver.ts'
import { openLink, type Link } from './link.ts'
import { postgres } from './postgres-store.ts'
import { Texts } from './texts.ts'

const SHARDS = 4
const ROWS = 20_000
/** In an order of three steps: what a list of ten needs of an index and of its table, and no more. */
const MOST_PAGES = 60

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

interface Subject {
  readonly schema: string
  readonly link: Link
  readonly run: (text: string) => Promise<unknown>
}

/** A session of a store whose rows nobody counts. */
async function session(): Promise<Subject> {
  const { schema, url, drop } = await newPlace()
  closing.push(drop)
  const store = postgres({ url: url(`&shards=${SHARDS}`), clock: systemClock })
  closing.push(() => store.close())
  await store.open()
  const sql = await connection()
  const run = async (text: string): Promise<unknown> => sql.unsafe(text.replaceAll('{s}', schema))
  for (const table of ['runs', 'claims', 'journal', 'events', 'timers', 'inbox', 'flows'])
    await run(`ALTER TABLE {s}.${table} SET (autovacuum_enabled = off)`)
  const link = await openLink(await loadDriver(), readAddress(url()), systemClock)
  closing.push(() => link.close())
  return { schema, link, run }
}

/** Sends a query so many times, and reads the plan by which the session then answers it. */
async function planOf({ link, schema }: Subject, query: Statement, times: number): Promise<string> {
  const [step] = new Texts(schema).steps(query)
  if (step === undefined) throw new Error('a query has one step')
  for (let count = 0; count < times; count++) await link.send(step)
  const text = 'SELECT name, custom_plans, statement FROM pg_prepared_statements'
  const known = await link.send({ text, parameters: [] })
  const [name, ownPlans] = known.rows.find((row) => row.at(-1) === step.text) ?? []
  expect(ownPlans, 'plans that were made for one execution').toBe(0)
  const given = step.parameters.map((parameter) => (parameter === null ? 'NULL' : `'${parameter}'`)).join(', ')
  const explain = `EXPLAIN (ANALYZE, BUFFERS) EXECUTE "${String(name)}"(${given})`
  const { rows } = await link.send({ text: explain, parameters: [] })
  return rows.join('\n')
}

/** Pages that were read. */
function pagesOf(plan: string): number {
  const [, hit = '0', read = '0'] = /Buffers: shared(?: hit=(\d+))?(?: read=(\d+))?/.exec(plan) ?? []
  return Number(hit) + Number(read)
}

/** Orders that have ended, but for the last hundred in each shard; each with its journal, its events and its flow. */
async function fill({ run }: Subject): Promise<void> {
  const orders = `generate_series(1, ${ROWS}) AS num`
  const shard = `num % ${SHARDS}`
  const isOpen = `num > ${ROWS - 100 * SHARDS}`
  await run(`INSERT INTO {s}.runs (shard, num, ns, id, kind, name, call, version, key, status, root, generation, input, created, since, ended, parent)
    SELECT ${shard}, num, '${NS}', 'o:' || num, 'workflow', 'flow', 'flow', '1', 'id:' || num,
      CASE WHEN ${isOpen} THEN 'running' ELSE 'completed' END, 'run:' || num, 0, 'x', num, 0, CASE WHEN NOT ${isOpen} THEN num END,
      CASE WHEN num % 10 = 0 THEN num - ${SHARDS} END FROM ${orders}`)
  await run(`INSERT INTO {s}.runs (shard, num, ns, id, kind, name, call, version, key, status, reason, root, generation, input, created, since)
    SELECT 0, ${ROWS} + num, '${NS}', 's:' || num, 'workflow', 'flow', 'flow', '1', 'id:s' || num, 'stuck',
      CASE WHEN num % 2000 = 0 THEN 'threw' ELSE 'call' END, 'run:s' || num, 0, 'x', num, 0 FROM ${orders}`)
  await run(`INSERT INTO {s}.claims (shard, ns, space, id, num, hash, until)
    SELECT ${shard}, '${NS}', 'run', 'o:' || num, num, 'h', CASE WHEN num % 50 = 0 THEN num END FROM ${orders}`)
  await run(`INSERT INTO {s}.journal (shard, pos, run, seq, kind, at, data)
    SELECT ${shard}, num * 4 + seq, num, seq, 'turn', num, 'x' FROM ${orders}, generate_series(0, 3) AS seq`)
  await run(`INSERT INTO {s}.events (shard, pos, ns, type, key, source, id, data, root, published, at)
    SELECT ${shard}, num * 3 + nth, '${NS}', 'type.' || nth, 'id:' || num, 'shop', num || '.' || nth, 'x', 'run:' || num, 1, num
    FROM ${orders}, generate_series(0, 2) AS nth`)
  await run(`INSERT INTO {s}.timers (shard, due, run, op) SELECT ${shard}, num, num, 'sleep#0' FROM ${orders}`)
  await run(`INSERT INTO {s}.flows (shard, ns, name, key, standing, state, detail, pos, began, changed)
    SELECT ${shard}, '${NS}', 'orders', 'id:' || num, CASE WHEN num % 500 = 0 THEN 'overdue' ELSE 'complete' END, '', '', num, num, num
    FROM ${orders}`)
}

/** What the engine and people ask of a store, of the orders in its first shard. */
const asked: Readonly<Record<string, Statement>> = {
  names: queries.claimsQuery(0, NS, 'run', ['o:4', 'o:8']),
  run: queries.runQuery(0, 4),
  'runs, the newest': queries.runsQuery(0, { ns: NS, limit: 10 }),
  'runs of a name': queries.runsQuery(0, { ns: NS, limit: 10, name: 'flow', before: 9000 }),
  'runs of a key': queries.runsQuery(0, { ns: NS, limit: 10, key: 'id:4', after: 1 }),
  'runs of a root': queries.runsQuery(0, { ns: NS, limit: 10, root: 'run:4' }),
  children: queries.runsQuery(0, { ns: NS, limit: 10, parent: 8 }),
  'open runs': queries.runsQuery(0, { ns: NS, limit: 10, status: ['running', 'stuck'], after: 0 }),
  'names of open runs': queries.runNamesQuery(0, { ns: NS, limit: 10, status: ['running'] }),
  'how many runs are stuck': queries.runCountsQuery(0, NS, 'stuck', 10),
  'the name of one run': queries.runNamesQuery(0, { ns: NS, limit: 1, after: 3, before: 5 }),
  'runs that are stuck for one reason, among those for another': queries.runsQuery(0, {
    ns: NS,
    limit: 10,
    status: ['stuck'],
    reason: 'threw',
  }),
  'completed runs': queries.runsQuery(0, { ns: NS, limit: 10, status: ['completed'], before: 9000 }),
  journal: queries.journalQuery(0, 4, -1, 10),
  'events from a position': queries.eventsQuery(0, { ns: NS, limit: 10, after: 5 }),
  'events of a key': queries.eventsQuery(0, { ns: NS, limit: 10, key: 'id:4', types: ['type.0', 'type.1'], after: 1 }),
  'events of a type': queries.eventsQuery(0, { ns: NS, limit: 10, types: ['type.1'] }),
  'events of types': queries.eventsQuery(0, { ns: NS, limit: 10, types: ['type.0', 'type.1'] }),
  'events of a root': queries.eventsQuery(0, { ns: NS, limit: 10, root: 'run:4' }),
  timers: queries.timersQuery(0, 0, ROWS, 10),
  'timers behind one': queries.timersQuery(0, 0, ROWS, 10, aTimer(800, 800, 'a')),
  inbox: queries.inboxQuery(0, NS, 500),
  'ids of an inbox': queries.inboxIdsQuery(0, NS, 500),
  'flows of keys': queries.flowsOfQuery(0, NS, 'orders', ['id:4', 'id:8']),
  flows: queries.flowsQuery(0, { ns: NS, name: 'orders', limit: 10 }),
  'flows that are overdue': queries.flowsQuery(0, { ns: NS, name: 'orders', standing: 'overdue', limit: 10 }),
  'the next choreography': queries.choreographyQuery(0, NS, ''),
  suspects: queries.suspectsQuery(0),
  'aged runs': queries.agedQuery(0, NS, 0, 10),
  'aged events': queries.agedEventsQuery(0, NS, 0, 10),
  'aged names': queries.agedClaimsQuery(0, NS, ROWS, 10),
}

test('every question to a store that has grown reads a few pages, though nobody has counted its rows', async () => {
  const subject = await session()
  await fill(subject)
  const pages = new Map<string, number>()
  for (const [what, query] of Object.entries(asked)) pages.set(what, pagesOf(await planOf(subject, query, 1)))
  expect([...pages].filter(([, count]) => count === 0 || count > MOST_PAGES)).toEqual([])
})

test('a table that has grown since its first row was looked for: the plan is made anew', async () => {
  const subject = await session()
  await planOf(subject, queries.runQuery(0, 4), 1)
  await fill(subject)
  expect(await planOf(subject, queries.runQuery(0, 4), 100)).toContain('Index Scan using runs_pkey')
})

test('an inbox through which much has gone is read in the order of its index, which marks what has gone', async () => {
  const subject = await session()
  const put = `INSERT INTO {s}.inbox (shard, ns, slot, kind, target, data, at)
    SELECT 0, '${NS}', 0, 'signal', 'a', '{}'::bytea, 0 FROM generate_series(1, 5000)`
  for (const work of ['', put, 'DELETE FROM {s}.inbox']) {
    if (work !== '') await subject.run(work)
    const plan = await planOf(subject, queries.inboxQuery(0, NS, 500), 70)
    expect(plan).toContain('Index Scan using inbox_pkey')
    expect(plan).not.toContain('Bitmap')
  }
})

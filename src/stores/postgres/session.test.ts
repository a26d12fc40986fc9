// What a store is to the server: its sessions, its schema and who may write it, the plans of its queries, and batches in
// which one row is changed twice.
import { afterEach, expect, test } from 'vitest'
import { connection, placesFor, serverUrl } from '../../../test/postgres/subject.ts'
import { SCHEMA_VERSION, type Batch, type Store } from '../../core/store.ts'
import { systemClock } from '../../engine/clock.ts'
import {
  NOON,
  NS,
  SHARD,
  aChange,
  aClaim,
  aRun,
  aTimer,
  aTurn,
  anEvent,
  anItem,
  batchAfter,
  commitAfter,
  commitFirst,
} from '../../testing/store-rows.ts'
import {
  agedClaimsQuery,
  agedEventsQuery,
  agedQuery,
  claimsQuery,
  eventsQuery,
  inboxQuery,
  journalQuery,
  runQuery,
  runsQuery,
  suspectsQuery,
  timersQuery,
} from '../sql/queries.ts'
import { batchStatements, type Statement } from '../sql/statements.ts'
import { readAddress } from './address.ts'
import { loadDriver } from './driver.ts'
import { openLink } from './link.ts'
import { postgres } from './postgres-store.ts'
import { probe } from './probe.ts'
import { Texts } from './texts.ts'

const closing: (() => Promise<unknown>)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const place = placesFor(closing)

function store(url: string, readOnly = false): Store {
  const made = postgres({ url, clock: systemClock, readOnly })
  closing.push(() => made.close())
  return made
}

async function opened(url: string, readOnly = false): Promise<Store> {
  const made = store(url, readOnly)
  await made.open()
  return made
}

test('a session writes in transactions that say so, and nowhere else', async () => {
  const { url, schema } = await place()
  await opened(url())
  const link = await openLink(await loadDriver(), readAddress(url()), systemClock)
  closing.push(() => link.close())
  const stray = { text: `UPDATE ${schema}.shards SET head = $1 WHERE id = 0`, parameters: ['7'] }
  await expect(link.send(stray)).rejects.toMatchObject({ code: '25006' })
})

test('a session does not have its plans compiled, whatever they seem to cost', async () => {
  const { url } = await place()
  const link = await openLink(await loadDriver(), readAddress(url()), systemClock)
  closing.push(() => link.close())
  const { rows } = await link.send({ text: `SELECT current_setting('jit')`, parameters: [] })
  expect(rows).toEqual([['off']])
})

test.each(['', '&prepare=false'])('what a role has set does not weaken a commit (%s)', async (options) => {
  const { schema, url } = await place()
  const sql = await connection()
  const role = `r_${schema}`
  await sql.unsafe(`CREATE ROLE ${role} LOGIN SUPERUSER PASSWORD 'p'`)
  closing.push(async () => sql.unsafe(`DROP ROLE ${role}`))
  await sql.unsafe(`ALTER ROLE ${role} SET synchronous_commit = off;
    ALTER ROLE ${role} SET default_transaction_isolation = 'repeatable read'`)
  // The trigger notes how the transaction of a commit is.
  const own = await opened(url(options).replace(/\/\/[^@]*@/, `//${role}:p@`))
  await sql.unsafe(`CREATE TABLE ${schema}.seen (sync text, isolation text);
    CREATE FUNCTION ${schema}.note() RETURNS trigger LANGUAGE plpgsql AS $$ BEGIN
      INSERT INTO ${schema}.seen VALUES (current_setting('synchronous_commit'), current_setting('transaction_isolation'));
      RETURN NULL; END $$;
    CREATE TRIGGER note AFTER UPDATE ON ${schema}.shards FOR EACH STATEMENT EXECUTE FUNCTION ${schema}.note()`)
  await commitFirst(own, { journal: [aTurn(1, 1, 0)] })
  const seen = await sql.unsafe(`SELECT DISTINCT sync, isolation FROM ${schema}.seen`)
  expect([...seen]).toEqual([{ sync: 'on', isolation: 'read committed' }])
  await own.close()
  await sql.unsafe(`REASSIGN OWNED BY ${role} TO CURRENT_USER`)
})

test('many who open a new store at once make it once', async () => {
  const { url } = await place()
  const infos = await Promise.all(Array.from({ length: 8 }, async () => store(url('&pool=2')).open()))
  expect(new Set(infos.map(({ id }) => id)).size).toBe(1)
})

test('a role that owns an empty schema makes the store in it, also where it may make none', async () => {
  const { url, schema } = await place()
  const sql = await connection()
  const role = `r_${schema}`
  await sql.unsafe(`CREATE ROLE ${role} LOGIN PASSWORD 'p'; CREATE SCHEMA ${schema} AUTHORIZATION ${role}`)
  closing.push(async () => sql.unsafe(`REASSIGN OWNED BY ${role} TO CURRENT_USER; DROP ROLE ${role}`))
  const own = await opened(url().replace(/\/\/[^@]*@/, `//${role}:p@`))
  await commitFirst(own, { runs: [aRun(1)] })
  expect(await own.run(SHARD, 1)).toEqual(aRun(1))
})

test('a schema that is something else is refused and left; so is one of a newer Ballet', async () => {
  const { url, schema } = await place()
  const sql = await connection()
  await sql.unsafe(`CREATE SCHEMA ${schema}; CREATE TABLE ${schema}.runs (a int)`)
  await expect(store(url()).open()).rejects.toMatchObject({ code: 'STORE_FOREIGN' })
  expect((await sql`SELECT count(*)::int AS n FROM pg_tables WHERE schemaname = ${schema}`)[0]).toEqual({ n: 1 })
  await sql.unsafe(`DROP TABLE ${schema}.runs`)
  await opened(url())
  await sql.unsafe(`UPDATE ${schema}.store SET schema = 99`)
  await expect(store(url()).open()).rejects.toMatchObject({ code: 'STORE_NEWER' })
})

test('a store that is not there cannot be read; one that is can, and not be written', async () => {
  const { url } = await place()
  await expect(store(url(), true).open()).rejects.toMatchObject({ code: 'STORE_MISSING' })
  await commitFirst(await opened(url()), { runs: [aRun(1)] })
  const reader = await opened(url(), true)
  expect(await reader.run(SHARD, 1)).toEqual(aRun(1))
  await expect(reader.post(SHARD, [anItem('a')])).rejects.toMatchObject({ code: 'STORE_READ_ONLY' })
  await expect(reader.acquire(SHARD, 'a')).rejects.toMatchObject({ code: 'STORE_READ_ONLY' })
})

test('a database that does not exist, or a wrong user, is refused with the words of the server', async () => {
  const server = await serverUrl()
  const failure = store(server.replace(/\/[^/]*$/, '/none_such')).open()
  await expect(failure).rejects.toMatchObject({ code: 'STORE_REFUSED', message: expect.stringContaining('none_such') })
})

test('of several changes of one row in a batch the last one holds', async () => {
  const { url } = await place()
  const own = await opened(url())
  const stuck = aChange(1, { status: 'stuck', reason: 'call', output: null, ended: null })
  const continued = [1, 2].map((generation) => ({ num: 1, generation, since: generation, input: `${generation}` }))
  const until = [5, 9].map((time) => ({ ns: NS, space: 'run' as const, id: 'a', until: time }))
  await commitFirst(own, {
    runs: [aRun(1)],
    changes: [stuck, aChange(1)],
    continued,
    claims: [aClaim('a', 1)],
    claimsUntil: until,
  })
  expect(await own.run(SHARD, 1)).toEqual({ ...aRun(1), ...continued[1], ...aChange(1) })
  expect(await own.claims(SHARD, NS, 'run', ['a'])).toEqual([aClaim('a', 1, { until: 9 })])
})

test('batches that do not wait for each other are written in their order, and none behind one that was refused', async () => {
  const { url } = await place()
  const own = await opened(url())
  const tenure = await own.acquire(SHARD, 'one')
  const behind = (head: number) => batchAfter({ ...tenure, head }, { journal: [aTurn(head + 1, 1, head)] })
  await Promise.all(Array.from({ length: 50 }, (_, head) => own.commit(behind(head))))
  expect((await own.journal(SHARD, 1, -1, 100)).map((row) => row.pos)).toEqual(
    Array.from({ length: 50 }, (_, at) => at + 1),
  )
  const refused = { ...behind(50), drained: [99] }
  const results = await Promise.allSettled([own.commit(refused), own.commit(behind(51)), own.commit(behind(52))])
  const codes = results.map((one) => (one.status === 'rejected' ? (one.reason as { code: string }).code : 'written'))
  expect(codes).toEqual(['INBOX_GONE', 'SHARD_FENCED', 'SHARD_FENCED'])
  expect(await own.tenure(SHARD)).toEqual({ ...tenure, head: 50 })
})

test('a batch of payloads that no message could hold goes out in several statements, and holds altogether', async () => {
  const { url } = await place()
  const own = await opened(url('&deadline=30'))
  const data = 'é"\\\u0000'.repeat(500_000)
  const journal = Array.from({ length: 12 }, (_, index) => aTurn(index + 1, 1, index, { data }))
  await commitFirst(own, { journal })
  const rows = await own.journal(SHARD, 1, -1, 100)
  expect(rows.every((row) => row.data === data)).toBe(true)
  expect(rows.length).toBe(12)
})

test('an item that was written first and committed last is not lost: what is present is read', async () => {
  const { url, schema } = await place()
  const own = await opened(url())
  const sql = await connection()
  const insert = `INSERT INTO ${schema}.inbox (shard, ns, slot, kind, target, data, at)
    VALUES (0, 'default', 0, 'signal', 'slow', '{}'::bytea, 0)`
  let tenure = await own.acquire(SHARD, 'one')
  await sql.begin(async (tx) => {
    await tx.unsafe(insert)
    await own.post(SHARD, [anItem('fast')])
    const rows = await own.inbox(SHARD, NS, 10)
    expect(rows.map(({ target }) => target)).toEqual(['fast'])
    tenure = await commitAfter(own, tenure, { drained: rows.map(({ id }) => id), head: tenure.head + 1 })
  })
  expect((await own.inbox(SHARD, NS, 10)).map(({ target }) => target)).toEqual(['slow'])
})

/** A batch of two rows of everything that has a condition. */
const everyKind: Partial<Batch> = {
  drained: [1, 2],
  changes: [aChange(1), aChange(2)],
  continued: [1, 2].map((num) => ({ num, generation: 1, since: 1, input: '1' })),
  timersGone: [aTimer(1, 1, 'a'), aTimer(2, 1, 'b')],
  suspectsGone: [1, 2],
  forgotten: [1, 2],
  journalGone: [1, 2].map((run) => ({ run, before: 5 })),
  eventsGone: [1, 2],
  claimsUntil: ['a', 'b'].map((id) => ({ ns: NS, space: 'run', id, until: 1 })),
  claimsGone: ['a', 'b'].map((id) => ({ ns: NS, space: 'run', id })),
}

test('every query and every part of a batch finds its index, whatever is in the tables', async () => {
  const { url, schema } = await place()
  await opened(url())
  const sql = await connection()
  const texts = new Texts(schema)
  const status = ['running', 'stuck'] as const
  const queries: readonly Statement[] = [
    claimsQuery(0, NS, 'run', ['a', 'b']),
    runQuery(0, 1),
    runsQuery(0, { ns: NS, limit: 10 }),
    runsQuery(0, { ns: NS, limit: 10, name: 'a', before: 5 }),
    runsQuery(0, { ns: NS, limit: 10, key: 'a:b', after: 5 }),
    runsQuery(0, { ns: NS, limit: 10, root: 'run:a' }),
    runsQuery(0, { ns: NS, limit: 10, parent: 1 }),
    runsQuery(0, { ns: NS, limit: 10, status: ['running'], after: 0 }),
    runsQuery(0, { ns: NS, limit: 10, status, after: 0 }),
    journalQuery(0, 1, -1, 10),
    eventsQuery(0, { ns: NS, limit: 10, after: 5 }),
    eventsQuery(0, { ns: NS, limit: 10, key: 'a:b', types: ['x', 'y'], published: true, after: 5 }),
    eventsQuery(0, { ns: NS, limit: 10, types: ['x'] }),
    eventsQuery(0, { ns: NS, limit: 10, root: 'run:a' }),
    timersQuery(0, 0, 10, 10),
    timersQuery(0, 0, 10, 10, aTimer(5, 1, 'a')),
    inboxQuery(0, NS, 10),
    suspectsQuery(0),
    agedQuery(0, NS, 0, 10),
    agedEventsQuery(0, NS, 0, 10),
    agedClaimsQuery(0, NS, NOON, 10),
    ...batchStatements(batchAfter({ shard: SHARD, epoch: 1, head: 0, crashes: 0 }, everyKind)),
  ]
  await sql.begin(async (tx) => {
    // As in a session of the store.
    await tx`SET LOCAL enable_seqscan = off`
    await tx`SET LOCAL enable_nestloop = off`
    for (const query of queries) {
      for (const { text, parameters } of texts.steps(query)) {
        const rows = await tx.unsafe(`EXPLAIN ${text}`, [...parameters])
        const plan = rows.map((row) => String(row['QUERY PLAN'])).join('\n')
        expect(plan).toMatch(/Index (Only )?Scan|Bitmap Index Scan/)
        expect(plan).toMatch(/Index Cond/)
        expect(plan).not.toMatch(/Seq Scan|Nested Loop/)
      }
    }
  })
})

test('a probe says what it found, and writes nothing', async () => {
  const { url } = await place()
  expect(await probe(url(), systemClock)).toMatchObject({ layout: 0, isStandby: false, fsync: true })
  await opened(url())
  expect(await probe(url(), systemClock)).toMatchObject({
    layout: SCHEMA_VERSION,
    server: expect.stringMatching(/^\d+/),
  })
})

test('a probe says by how much the clock of this machine is ahead', async () => {
  const { url } = await place()
  const hourAhead = { ...systemClock, now: () => systemClock.now() + 3_600_000 }
  expect((await probe(url(), hourAhead)).aheadMs / 3_600_000).toBeCloseTo(1, 1)
})

test('events and payloads of every kind are read with the settings of any role', async () => {
  const { url } = await place()
  const own = await opened(url())
  const data = new Uint8Array([0xff, 0, 1])
  await commitFirst(own, { events: [anEvent(1, { data }), anEvent(2, { data: '\\x41' })] })
  const events = await own.events(SHARD, { ns: NS, limit: 10 })
  expect(events.map((event) => event.data)).toEqual([data, '\\x41'])
})

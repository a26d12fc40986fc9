// What comes ahead of a batch: it is there with its commit, and never without.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { countsOf, type AheadKind } from '../../core/ahead.ts'
import type { Batch, Store, Tenure } from '../../core/store.ts'
import { aClaim, aRun, aTurn, anEvent, batchAfter, NS, SHARD } from '../../testing/store-rows.ts'
import { openWriter } from './database.ts'
import { failureOf } from './failure.ts'
import { pragma } from './layout.ts'
import { pack } from './packed.ts'
import { Session } from './session.ts'
import { aheadStatements, batchStatements, restStatements } from '../sql/statements.ts'
import { sqlite } from './sqlite-store.ts'

type AheadRows = Pick<Batch, AheadKind>

let folder: string
let file: string
let store: Store
let tenure: Tenure

beforeEach(async () => {
  folder = mkdtempSync(join(tmpdir(), 'ballet-ahead-'))
  file = join(folder, 'store.db')
  store = sqlite({ file })
  await store.open()
  tenure = await store.acquire(SHARD, 'test')
})

afterEach(async () => {
  await store.close()
  rmSync(folder, { recursive: true })
})

const NOTHING: AheadRows = { runs: [], changes: [], claims: [], journal: [], events: [] }

/** Rows from position 1 on. */
const rows: AheadRows = {
  ...NOTHING,
  runs: [aRun(1)],
  claims: [aClaim('run-1', 1)],
  journal: [aTurn(2, 1, 0), aTurn(3, 1, 1)],
  events: [anEvent(4)],
}

const first: AheadRows = { ...rows, journal: rows.journal.slice(0, 1), events: [] }

/** The batch of all rows, of which `given` came ahead in so many parts. */
function batchWith(given: AheadRows, parts: number, batch = 7): Batch {
  return { ...batchAfter(tenure, { ...rows, head: tenure.head + 4 }), ahead: { batch, parts, rows: countsOf(given) } }
}

/** How many rows there are, as somebody else sees the file. */
function stored(): number {
  const db = new DatabaseSync(file, { readOnly: true })
  try {
    const tables = ['runs', 'claims', 'journal', 'events']
    const counts = tables.map((table) => Number(db.prepare(`SELECT count(*) AS n FROM ${table}`).get()?.['n']))
    return counts.reduce((sum, count) => sum + count, 0)
  } finally {
    db.close()
  }
}

test('what came ahead is there with its commit, and not before', async () => {
  store.takeAhead?.(SHARD, { batch: 7, part: 0 }, first)
  await store.info()
  expect(stored()).toBe(0)
  await store.commit(batchWith(first, 1))
  expect(stored()).toBe(5)
  expect(await store.journal(SHARD, 1, -1, 10)).toEqual(rows.journal)
})

test('without a commit it never was, also where the store is closed', async () => {
  store.takeAhead?.(SHARD, { batch: 7, part: 0 }, rows)
  await store.close()
  expect(stored()).toBe(0)
})

test.each<[what: string, between: () => Promise<unknown>]>([
  ['a post', () => store.post(SHARD, [{ ns: NS, slot: 0, kind: 'start', target: 'x', data: '{}', at: 1 }])],
  ['a look at the tenure', () => store.tenure(SHARD)],
  ['a question for room', () => store.hasRoom()],
  [
    'a part of another batch',
    async () => store.takeAhead?.(SHARD, { batch: 8, part: 0 }, { ...NOTHING, runs: [aRun(9)] }),
  ],
  ['a part of its own that has no place', async () => store.takeAhead?.(SHARD, { batch: 7, part: 2 }, NOTHING)],
])('%s in between: the commit writes all of it, once', async (_what, between) => {
  store.takeAhead?.(SHARD, { batch: 7, part: 0 }, first)
  await between()
  await store.commit(batchWith(first, 1))
  expect(stored()).toBe(5)
  expect((await store.tenure(SHARD)).head).toBe(tenure.head + 4)
})

test('a commit that names parts which never came writes all of it', async () => {
  await store.commit(batchWith(first, 1))
  expect(stored()).toBe(5)
})

test('what cannot be written ahead is refused with its commit, and nothing of it is there', async () => {
  await store.commit(batchAfter(tenure, { runs: [aRun(1)], head: 1 }))
  const again = { ...NOTHING, runs: [aRun(1), aRun(2)] }
  store.takeAhead?.(SHARD, { batch: 7, part: 0 }, again)
  const batch = { ...batchAfter({ ...tenure, head: 1 }, { ...again, head: 2 }), base: 0 }
  await expect(store.commit({ ...batch, ahead: { batch: 7, parts: 1, rows: countsOf(again) } })).rejects.toThrow(
    expect.objectContaining({ code: 'SHARD_FENCED' }),
  )
  expect(stored()).toBe(1)
})

test('who has lost the shard writes nothing of what came ahead', async () => {
  store.takeAhead?.(SHARD, { batch: 7, part: 0 }, first)
  await store.acquire(SHARD, 'other')
  await expect(store.commit(batchWith(first, 1))).rejects.toThrow(expect.objectContaining({ code: 'SHARD_FENCED' }))
  expect(stored()).toBe(0)
})

test('payloads that become blobs come ahead as well', async () => {
  const large = 'x'.repeat(200_000)
  const given = { ...NOTHING, runs: [aRun(1, { input: large })], journal: [aTurn(2, 1, 0, { data: large })] }
  for (const isCommitted of [false, true]) {
    store.takeAhead?.(SHARD, { batch: 7, part: 0 }, given)
    if (!isCommitted) await store.hasRoom()
  }
  const batch = batchAfter(tenure, { ...given, head: 2 })
  await store.commit({ ...batch, ahead: { batch: 7, parts: 1, rows: countsOf(given) } })
  expect((await store.run(SHARD, 1))?.input).toBe(large)
  expect(await store.journal(SHARD, 1, -1, 10)).toEqual(given.journal)
})

test('a rest that does not fit on the disk undoes what came ahead of it', () => {
  const db = openWriter(join(folder, 'small.db'))
  try {
    const session = new Session(db)
    const fresh = { shard: SHARD, epoch: 0, head: 0, crashes: 0 }
    db.exec(`PRAGMA max_page_count = ${pragma(db, 'page_count') + 40}`)
    const journal = [aTurn(1, 1, 0), aTurn(2, 1, 1, { data: 'x'.repeat(400_000) })]
    const batch = batchAfter(fresh, { journal })
    const ahead = { batch: 7, parts: 1, rows: countsOf({ ...NOTHING, journal: journal.slice(0, 1) }) }
    session.ahead(7, 0, aheadStatements(SHARD, { ...NOTHING, journal: journal.slice(0, 1) }).map(pack))
    let error: unknown
    try {
      session.rest(7, 1, restStatements(batch, ahead).map(pack))
    } catch (caught) {
      error = caught
    }
    expect(failureOf(error)).toMatchObject({ code: 'STORE_FULL', fatal: false })
    session.write(batchStatements(batchAfter(fresh, { journal: journal.slice(0, 1) })))
    expect(session.read([{ sql: 'SELECT count(*) FROM journal WHERE 1 = ?1', width: 1, values: [1] }])).toEqual([1])
  } finally {
    db.close()
  }
})

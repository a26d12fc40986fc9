// What comes ahead of a batch: it is there with its commit, and never without.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { countsOf, NO_ROWS, type AheadKind } from '../../core/ahead.ts'
import type { Batch, Store, Tenure } from '../../core/store.ts'
import { aChange, aClaim, aRun, aTurn, anEvent, batchAfter, NS, SHARD } from '../../testing/store-rows.ts'
import { CameAhead } from './ahead.ts'
import { openWriter } from './database.ts'
import { failureOf } from './failure.ts'
import { pragma } from './layout.ts'
import { pack } from './packed.ts'
import { Reserve } from './reserve.ts'
import { Room } from './room.ts'
import { Session } from './session.ts'
import { aheadStatements, restStatements } from '../sql/statements.ts'
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

/** Rows from position 1 on. */
const rows: AheadRows = {
  ...NO_ROWS,
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

const IOERR_FSYNC = 10 | (4 << 8)
const journalRows = { sql: 'SELECT count(*) FROM journal WHERE 1 = ?1', width: 1, values: [1] }

function aheadOf(db: DatabaseSync, session: Session): CameAhead {
  const path = join(folder, 'room.db')
  return new CameAhead(session, new Room(path, db, session, new Reserve(path)))
}

function thrownBy(work: () => void): unknown {
  try {
    work()
  } catch (error) {
    return error
  }
  return undefined
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
  ['a namespace that is taken', () => store.belongsTo('other', 'app', null)],
])('%s in between: the commit writes all of it, once', async (_what, between) => {
  store.takeAhead?.(SHARD, { batch: 7, part: 0 }, first)
  await between()
  await store.commit(batchWith(first, 1))
  expect(stored()).toBe(5)
  expect((await store.tenure(SHARD)).head).toBe(tenure.head + 4)
})

test.each<[what: string, came: () => void]>([
  ['parts that never came', () => {}],
  ['more rows than came', () => store.takeAhead?.(SHARD, { batch: 7, part: 0 }, { ...first, claims: [] })],
  [
    'a batch of which another took the place',
    () => {
      store.takeAhead?.(SHARD, { batch: 7, part: 0 }, first)
      store.takeAhead?.(SHARD, { batch: 8, part: 0 }, NO_ROWS)
    },
  ],
])('a commit that names %s is refused, and nothing is written', async (_what, came) => {
  came()
  await expect(store.commit(batchWith(first, 1))).rejects.toThrow(expect.objectContaining({ code: 'INVARIANT' }))
  expect(stored()).toBe(0)
})

test('what was asked for behind a commit comes behind it, also where what came ahead was undone', async () => {
  store.takeAhead?.(SHARD, { batch: 7, part: 0 }, first)
  const undone = store.tenure(SHARD)
  const behind = batchAfter({ ...tenure, head: tenure.head + 4 }, { journal: [aTurn(5, 1, 2)], head: 5 })
  const commits = [store.commit(batchWith(first, 1)), store.commit(behind)]
  const closed = store.close()
  expect((await undone).head).toBe(tenure.head)
  await Promise.all([...commits, closed])
  expect(stored()).toBe(6)
})

test('what cannot be written ahead is refused with its commit, and nothing of it is there', async () => {
  await store.commit(batchAfter(tenure, { runs: [aRun(1)], head: 1 }))
  const again = { ...NO_ROWS, runs: [aRun(1), aRun(2)] }
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
  const given = { ...NO_ROWS, runs: [aRun(1, { input: large })], journal: [aTurn(2, 1, 0, { data: large })] }
  for (const isCommitted of [false, true]) {
    store.takeAhead?.(SHARD, { batch: 7, part: 0 }, given)
    if (!isCommitted) await store.hasRoom()
  }
  const batch = batchAfter(tenure, { ...given, head: 2 })
  await store.commit({ ...batch, ahead: { batch: 7, parts: 1, rows: countsOf(given) } })
  expect((await store.run(SHARD, 1))?.input).toBe(large)
  expect(await store.journal(SHARD, 1, -1, 10)).toEqual(given.journal)
})

test('what leaves the file in doubt while rows come ahead is told; a row that is wrong is not, the batch meets it again', () => {
  const db = openWriter(join(folder, 'other.db'))
  try {
    const session = new Session(db)
    const ahead = aheadOf(db, session)
    ahead.take(1, 0, 1, aheadStatements(SHARD, { ...NO_ROWS, changes: [aChange(99)] }).map(pack))
    expect(db.isTransaction).toBe(false)
    session.ahead = () => {
      throw Object.assign(new Error('disk I/O error'), { errcode: IOERR_FSYNC, errstr: 'disk I/O error' })
    }
    const part = aheadStatements(SHARD, { ...NO_ROWS, runs: [aRun(1)] }).map(pack)
    expect(() => ahead.take(2, 0, 1, part)).toThrow('disk I/O error')
  } finally {
    db.close()
  }
})

test('a batch whose rest does not fit on the disk leaves nothing, and one that fits afterwards is whole', () => {
  const db = openWriter(join(folder, 'small.db'))
  try {
    const session = new Session(db)
    const ahead = aheadOf(db, session)
    db.exec(`PRAGMA max_page_count = ${pragma(db, 'page_count') + 40}`)
    const fresh = { shard: SHARD, epoch: 0, head: 0, crashes: 0 }
    const small = { ...NO_ROWS, journal: [aTurn(1, 1, 0)] }
    const write = (last: string): void => {
      const batch = batchAfter(fresh, { journal: [...small.journal, aTurn(2, 1, 1, { data: last })], head: 2 })
      ahead.take(7, 0, 1, aheadStatements(SHARD, small).map(pack))
      const rest = restStatements(batch, { batch: 7, parts: 1, rows: countsOf(small) })
      ahead.write({ batch: 7, parts: 1, rows: 1 }, rest.map(pack), false)
    }
    expect(failureOf(thrownBy(() => write('x'.repeat(400_000))))).toMatchObject({ code: 'STORE_FULL', fatal: false })
    expect(session.read([journalRows])).toEqual([0])
    write('x')
    expect(session.read([journalRows])).toEqual([2])
  } finally {
    db.close()
  }
})

test('a batch that is given up leaves no transaction behind', () => {
  const db = openWriter(join(folder, 'late.db'))
  try {
    const ahead = aheadOf(db, new Session(db))
    ahead.take(1, 0, 1, aheadStatements(SHARD, { ...NO_ROWS, runs: [aRun(1)] }).map(pack))
    expect(db.isTransaction).toBe(true)
    ahead.take(2, 0, 0, aheadStatements(SHARD, NO_ROWS).map(pack))
    expect(db.isTransaction).toBe(false)
  } finally {
    db.close()
  }
})

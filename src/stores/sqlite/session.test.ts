import { closeSync, mkdtempSync, openSync, rmSync, writeSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { JournalRow } from '../../core/store.ts'
import { aRun, aTurn, batchAfter } from '../../testing/store-rows.ts'
import { batchStatements, type Statement } from '../sql/statements.ts'
import { openWriter } from './database.ts'
import { failureOf, type Failure } from './failure.ts'
import { pragma } from './layout.ts'
import { pack } from './packed.ts'
import { Session } from './session.ts'

let folder: string
let db: DatabaseSync
let session: Session

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ballet-session-'))
  db = openWriter(join(folder, 'store.db'))
  session = new Session(db)
})

afterEach(() => {
  db.close()
  rmSync(folder, { recursive: true })
})

const fresh = { shard: 0, epoch: 0, head: 0, crashes: 0 }
const count: Statement = { sql: 'SELECT count(*) FROM journal WHERE 1 = ?1', width: 1, values: [1] }

function failure(work: () => unknown): Failure | undefined {
  try {
    work()
    return undefined
  } catch (error) {
    return failureOf(error)
  }
}

test('a full disk fails the batch with nothing written, and the next one that fits holds', () => {
  db.exec(`PRAGMA max_page_count = ${pragma(db, 'page_count') + 20}`)
  const large = batchAfter(fresh, { journal: [aTurn(1, 1, 0), aTurn(2, 1, 1, { data: 'x'.repeat(1_000_000) })] })
  const failed = failure(() => session.write(batchStatements(large)))
  expect(failed).toMatchObject({ code: 'STORE_FULL', fatal: false })
  expect(failed?.details.problem).toContain('full')
  expect(session.read([count])).toEqual([0])
  session.write(batchStatements(batchAfter(fresh, { journal: [aTurn(1, 1, 0)] })))
  expect(session.read([count])).toEqual([1])
})

test.each([
  ['a time that is no whole number', { at: 1.5 }],
  ['a text that is missing', { kind: null }],
  ['a payload that is undefined', { data: undefined }],
])('%s breaks an invariant and undoes its batch', (_what, wrong) => {
  const row = { ...aTurn(2, 1, 1), ...wrong } as JournalRow
  // Straight to the tables: TypeScript and toValues would not let it come so far.
  const values = [0, row.pos, row.run, row.seq, row.kind, row.at, row.data]
  const statements = batchStatements(batchAfter(fresh, { head: 2, journal: [aTurn(1, 1, 0)] }))
  const withWrong = statements.map((one) =>
    one.sql.includes('INTO journal') ? { ...one, values: [...one.values, ...values] } : one,
  )
  expect(failure(() => session.write(withWrong))).toMatchObject({ code: 'INVARIANT', fatal: false })
  expect(session.read([count])).toEqual([0])
  expect(db.isTransaction).toBe(false)
})

test('a change that touches too few rows undoes the batch', () => {
  const batch = batchAfter(fresh, { runs: [aRun(1)], drained: [1] })
  expect(failure(() => session.write(batchStatements(batch)))).toMatchObject({ code: 'INBOX_GONE', fatal: false })
  expect(session.read([{ ...count, sql: count.sql.replace('journal', 'runs') }])).toEqual([0])
})

test('a file that is damaged is in doubt', () => {
  const found = db.prepare("SELECT rootpage FROM sqlite_schema WHERE name = 'journal'").get()
  const page = pragma(db, 'page_size')
  db.close()
  const file = openSync(join(folder, 'store.db'), 'r+')
  writeSync(file, Buffer.alloc(page, 0xff), 0, page, (Number(found?.rootpage) - 1) * page)
  closeSync(file)
  db = openWriter(join(folder, 'store.db'))
  session = new Session(db)
  const failed = failure(() => session.write(batchStatements(batchAfter(fresh, { journal: [aTurn(1, 1, 0)] }))))
  expect(failed).toMatchObject({ code: 'STORE_FAILED', fatal: true })
})

test('many different texts do not pile up', () => {
  for (let index = 0; index < 1_200; index++) {
    session.read([{ sql: `SELECT ${index} WHERE 1 = ?1`, width: 1, values: [1] }])
  }
  expect(session.read([count])).toEqual([0])
})

test('what is asked of many rows is asked of one state of the file, also when it crosses with as many values as one row has', () => {
  db.function('inside', () => (db.isTransaction ? 1 : 0))
  const sql = 'SELECT inside() WHERE ?1 >= 0 AND ?2 >= 0 AND ?3 >= 0 AND ?4 >= 0'
  const many = pack({ sql, width: 4, values: [1, 2, 3, 4].flatMap((last) => [0, 0, 0, last]) })
  expect(many.values).toHaveLength(4)
  expect(session.read([many])).toEqual([1, 1, 1, 1])
  expect(session.read([{ sql, width: 4, values: [0, 0, 0, 1] }])).toEqual([0])
})

// What a SQLite file holds of large payloads: one blob for equal ones, exactly as many references as are counted, and
// nothing that no row refers to. That rows come back as they were is in the conformance suite.
import { mkdtempSync, rmSync } from 'node:fs'
import type { DatabaseSync } from 'node:sqlite'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import type { Batch, JournalRow } from '../../core/store.ts'
import { aChange, aRun, aTurn, anEvent, anItem, batchAfter } from '../../testing/store-rows.ts'
import { INLINE_BYTES } from '../sql/blobs.ts'
import { batchStatements, postStatements } from '../sql/statements.ts'
import { openWriter } from './database.ts'
import { Session } from './session.ts'

let folder: string
let db: DatabaseSync
let session: Session
let head = 0

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ballet-blobs-'))
  db = openWriter(join(folder, 'store.db'))
  session = new Session(db)
  head = 0
})

afterEach(() => {
  db.close()
  rmSync(folder, { recursive: true })
})

function commit(part: Partial<Batch>): void {
  const batch = batchAfter({ shard: 0, epoch: 0, head, crashes: 0 }, part)
  session.write(batchStatements(batch))
  head = batch.head
}

const count = (sql: string): number => Number(Object.values(db.prepare(sql).get() ?? {})[0])

const references = [
  ['runs', 'input'],
  ['runs', 'output'],
  ['runs', 'error'],
  ['journal', 'data'],
  ['events', 'data'],
  ['inbox', 'data'],
].map(([table, column]) => `SELECT ${column} AS num FROM ${table} WHERE typeof(${column}) = 'integer'`)

/** References by blob, as the rows hold them, as they are counted, and the blobs that have data. */
function accounts(): { readonly held: unknown; readonly counted: unknown; readonly kept: unknown } {
  const held = db.prepare(`SELECT num, count(*) AS refs FROM (${references.join(' UNION ALL ')}) GROUP BY num`).all()
  const counted = db.prepare('SELECT num, refs FROM blobs ORDER BY num').all()
  return { held, counted, kept: db.prepare('SELECT num FROM blob_data ORDER BY num').all() }
}

function expectBalanced(): void {
  const { held, counted, kept } = accounts()
  expect(counted).toEqual(held)
  expect(kept).toEqual((held as { num: number }[]).map(({ num }) => ({ num })))
}

const large = (letter: string): string => letter.repeat(INLINE_BYTES + 1)

test.each<[string, string | Uint8Array, boolean]>([
  ['as many bytes of ASCII', 'x'.repeat(INLINE_BYTES), false],
  ['one more', 'x'.repeat(INLINE_BYTES + 1), true],
  ['as many bytes in characters of two', 'é'.repeat(INLINE_BYTES / 2), false],
  ['two more', 'é'.repeat(INLINE_BYTES / 2 + 1), true],
  ['as many bytes', new Uint8Array(INLINE_BYTES), false],
  ['one byte more', new Uint8Array(INLINE_BYTES + 1), true],
])('%s as stay inline are a blob: %#', (_what, data, isBlob) => {
  commit({ journal: [aTurn(1, 1, 0, { data })] })
  expect(count('SELECT count(*) FROM blob_data')).toBe(isBlob ? 1 : 0)
  expectBalanced()
})

test('equal payloads are one blob, and it is written once', () => {
  const data = 'x'.repeat(4_000_000)
  commit({ runs: [aRun(1, { input: data })], events: [anEvent(2, { data })] })
  db.exec('PRAGMA wal_checkpoint(TRUNCATE)')
  const pages = count('PRAGMA page_count')
  commit({ journal: [aTurn(3, 1, 0, { data }), aTurn(4, 1, 1, { data: new TextEncoder().encode(data) })] })
  expect(count('SELECT count(*) FROM blobs')).toBe(2)
  commit({ journal: [aTurn(5, 1, 2, { data })], changes: [aChange(1, { output: data })] })
  expect(count(`SELECT refs FROM blobs WHERE sha LIKE 'text:%'`)).toBe(5)
  // The bytes came, and the text did not come again.
  expect(count('PRAGMA page_count') - pages).toBeLessThan(1_100)
  expectBalanced()
})

test('the last row that refers to a blob takes it along, also in a session that has not kept any', () => {
  const input = large('a')
  commit({ runs: [aRun(1, { input }), aRun(2, { input })], journal: [aTurn(3, 1, 0, { data: input })] })
  session = new Session(db)
  commit({ forgotten: [1] })
  expect(count('SELECT refs FROM blobs')).toBe(1)
  commit({ forgotten: [2] })
  expect(accounts()).toEqual({ held: [], counted: [], kept: [] })
})

test('a batch that fails leaves no blob behind', () => {
  expect(() => commit({ runs: [aRun(1, { input: large('a') })], drained: [7] })).toThrow('consumed twice')
  expect(accounts()).toEqual({ held: [], counted: [], kept: [] })
})

test('whatever rows come, change and go, every reference is counted and nothing is left over', () => {
  const letters = ['a', 'b', 'c']
  // A fixed walk through all the ways in which rows come, change and go, with payloads that meet again and again.
  let step = 0
  const payload = (): string => ((step += 7) % 4 === 0 ? 'small' : large(letters[step % 3] ?? 'a'))
  const runs: number[] = []
  const events: number[] = []
  for (let round = 0; round < 60; round++) {
    const base = head
    const journal: JournalRow[] = runs
      .slice(0, 3)
      .map((run, at) => aTurn(base + 3 + at, run, base, { data: payload() }))
    const gone = round % 3 === 2 ? runs.splice(round % 2, 1) : []
    const eventsGone = round % 4 === 3 ? events.splice(0, 1) : []
    const inbox = session.read([{ sql: 'SELECT id FROM inbox WHERE 1 = ?1', width: 1, values: [1] }])
    const [changed, continued] = runs
    commit({
      runs: [aRun(base + 1, { input: payload(), error: payload() })],
      events: [anEvent(base + 2, { data: payload() })],
      journal,
      changes: changed === undefined ? [] : [aChange(changed, { output: payload(), error: payload() })],
      continued: continued === undefined ? [] : [{ num: continued, generation: round, since: 0, input: payload() }],
      drained: inbox.map(Number),
      posts: [anItem('post', { data: payload() })],
      forgotten: gone,
      eventsGone,
    })
    session.write(postStatements(0, [anItem('outside', { data: payload() })]))
    runs.push(base + 1)
    events.push(base + 2)
    expectBalanced()
  }
  expect(count('SELECT count(*) FROM blobs')).toBe(3)
  const inbox = session.read([{ sql: 'SELECT id FROM inbox WHERE 1 = ?1', width: 1, values: [1] }])
  commit({ forgotten: runs, eventsGone: events, drained: inbox.map(Number) })
  expect(accounts()).toEqual({ held: [], counted: [], kept: [] })
})

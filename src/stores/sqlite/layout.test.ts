import { DatabaseSync } from 'node:sqlite'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, describe, expect, test } from 'vitest'
import { SCHEMA_VERSION, type Batch } from '../../core/store.ts'
import type { EventQuery, RunQuery } from '../../core/store-queries.ts'
import { aChange, aTimer, batchAfter } from '../../testing/store-rows.ts'
import {
  agedClaimsQuery,
  agedEventsQuery,
  agedQuery,
  choreographyQuery,
  claimsQuery,
  eventsQuery,
  shardsOfQuery,
  flowsOfQuery,
  flowsQuery,
  inboxQuery,
  journalQuery,
  runCountsQuery,
  runNamesQuery,
  runsQuery,
  suspectsQuery,
  timersQuery,
} from '../sql/queries.ts'
import { batchStatements, type Statement } from '../sql/statements.ts'
import {
  agedEventsTable,
  agedTable,
  changesTable,
  claimsTable,
  claimsUntil,
  continuedTable,
  eventsTable,
  flowsTable,
  inboxTable,
  journalTable,
  runsTable,
  suspectsTable,
  timersTable,
} from '../sql/tables.ts'
import { openReader, openWriter } from './database.ts'
import { APPLICATION_ID, layoutVersion, migrate, migrations, pragma, type Migration } from './layout.ts'
import { textOf } from './session.ts'

let folder: string
let file: string
const opened: DatabaseSync[] = []

function keep(db: DatabaseSync): DatabaseSync {
  opened.push(db)
  return db
}

beforeEach(() => {
  folder = mkdtempSync(join(tmpdir(), 'ballet-layout-'))
  file = join(folder, 'store.db')
})

afterEach(() => {
  for (const db of opened.splice(0)) if (db.isOpen) db.close()
  rmSync(folder, { recursive: true })
})

test('commits are synced in full, through a write-ahead log', () => {
  const db = keep(openWriter(file))
  expect(pragma(db, 'synchronous')).toBe(2)
  expect(pragma(db, 'fullfsync')).toBe(1)
  expect(pragma(db, 'wal_autocheckpoint')).toBe(4_000)
  expect(Object.values(db.prepare('PRAGMA journal_mode').get() ?? {})).toEqual(['wal'])
  expect(pragma(db, 'application_id')).toBe(APPLICATION_ID)
})

test('the columns of the file are those of the rows', () => {
  const db = keep(openWriter(file))
  const whole = [runsTable, claimsTable, journalTable, eventsTable, timersTable, inboxTable, suspectsTable, flowsTable]
  for (const table of whole) {
    const inFile = db.prepare(`SELECT name FROM pragma_table_info('${table.name}')`).all()
    const names = inFile.map((row) => String(row.name)).toSorted()
    expect(names).toEqual(['shard', ...table.columns.map((column) => column.name)].toSorted())
  }
  for (const part of [changesTable, continuedTable, agedTable, claimsUntil, agedEventsTable]) {
    const table = whole.find(({ name }) => name === part.name)
    expect(table?.columns).toEqual(expect.arrayContaining([...part.columns]))
  }
})

describe('migrations', () => {
  const next: Migration = {
    version: SCHEMA_VERSION + 1,
    up: (db) => db.exec('ALTER TABLE shards ADD COLUMN addr TEXT'),
  }
  const failing: Migration = {
    version: SCHEMA_VERSION + 2,
    up: (db) => db.exec('UPDATE shards SET head = 99; CREATE TABLE extra (a); CREATE TABLE extra (a)'),
  }

  test('a file of version 0 is brought to the present one, and what it held is kept', () => {
    const old = keep(new DatabaseSync(file))
    old.exec(`PRAGMA application_id = ${APPLICATION_ID}; CREATE TABLE earlier (a TEXT)`)
    old.exec("INSERT INTO earlier VALUES ('kept')")
    old.close()
    const db = keep(openWriter(file))
    expect(layoutVersion(db)).toBe(migrations.length)
    expect(db.prepare('SELECT schema, incarnation FROM store').get()).toMatchObject({
      schema: SCHEMA_VERSION,
      incarnation: 1,
    })
    expect(db.prepare('SELECT a FROM earlier').get()).toMatchObject({ a: 'kept' })
  })

  test('a file of layout 4 has the index of reasons when it was opened', () => {
    const old = keep(new DatabaseSync(file))
    old.exec(`PRAGMA application_id = ${APPLICATION_ID}`)
    migrate(old, migrations.slice(0, 4))
    const index = "SELECT name FROM sqlite_schema WHERE name = 'runs_reason'"
    expect([layoutVersion(old), old.prepare(index).all()]).toEqual([4, []])
    old.close()
    const db = keep(openWriter(file))
    expect([layoutVersion(db), db.prepare(index).all()]).toMatchObject([5, [{ name: 'runs_reason' }]])
  })

  test('only what is missing runs, one version after the other', () => {
    const db = keep(openWriter(file))
    db.exec('UPDATE shards SET head = 7')
    migrate(db, [...migrations, next])
    migrate(db, [...migrations, next])
    expect(layoutVersion(db)).toBe(next.version)
    expect(db.prepare('SELECT schema FROM store').get()).toMatchObject({ schema: next.version })
    expect(db.prepare('SELECT head, addr FROM shards').get()).toMatchObject({ head: 7, addr: null })
  })

  test('F15: a migration of the store that fails: the layout before it is left, whole', () => {
    const db = keep(openWriter(file))
    expect(() => migrate(db, [...migrations, next, failing])).toThrow('extra already exists')
    expect(layoutVersion(db)).toBe(next.version)
    expect(db.prepare('SELECT head FROM shards').get()).toMatchObject({ head: 0 })
    expect(db.prepare("SELECT count(*) AS n FROM sqlite_schema WHERE name = 'extra'").get()).toMatchObject({ n: 0 })
  })

  test('a gap in the list is a bug of ours', () => {
    const db = keep(openWriter(file))
    expect(() => migrate(db, [failing])).toThrow(
      `there is no migration from layout ${SCHEMA_VERSION} to ${SCHEMA_VERSION + 2}`,
    )
  })

  test('a reader refuses an older layout, and says how it is migrated', () => {
    const old = keep(new DatabaseSync(file))
    old.exec(`PRAGMA application_id = ${APPLICATION_ID}; CREATE TABLE earlier (a TEXT)`)
    old.close()
    expect(() => openReader(file)).toThrow('has the layout 0 of an older Ballet')
  })
})

describe('plans', () => {
  const plan = (db: DatabaseSync, { sql, values }: Statement): string[] =>
    db
      .prepare(`EXPLAIN QUERY PLAN ${textOf(sql)}`)
      .all(...values)
      .map((row) => String(row.detail))
      // How a payload that is a blob is found, for each column that may hold one.
      .filter((detail) => !detail.startsWith('CORRELATED') && !detail.startsWith('SEARCH blob_data USING INTEGER'))

  const runs = (query: Partial<RunQuery>): Statement => runsQuery(0, { ns: 'default', limit: 10, ...query })
  const events = (query: Partial<EventQuery>): Statement => eventsQuery(0, { ns: 'default', limit: 10, ...query })

  test.each<[string, Statement]>([
    ['SCAN runs', runs({})],
    ['SEARCH runs USING INTEGER PRIMARY KEY (rowid<?)', runs({ before: 9 })],
    ['SEARCH runs USING INTEGER PRIMARY KEY (rowid>?)', runs({ after: 9, kind: 'workflow' })],
    [
      'SEARCH runs USING INTEGER PRIMARY KEY (rowid>? AND rowid<?)',
      runNamesQuery(0, { ns: 'default', limit: 1, after: 3, before: 5 }),
    ],
    ['SEARCH runs USING INDEX runs_status (status=? AND ns=? AND rowid<?)', runs({ status: ['stuck'], before: 9 })],
    ['SEARCH runs USING INDEX runs_status (status=? AND ns=?)', runs({ status: ['failed'], name: 'checkout' })],
    // No more are read than are counted: what is made to group them is no larger.
    [
      'CO-ROUTINE part; SEARCH runs USING INDEX runs_status (status=? AND ns=?); SCAN part; USE TEMP B-TREE FOR GROUP BY',
      runCountsQuery(0, 'default', 'stuck', 10),
    ],
    // Of many that are stuck for another reason none is read.
    ['SEARCH runs USING INDEX runs_reason (reason=? AND ns=?)', runs({ status: ['stuck'], reason: 'threw' })],
    [
      'SEARCH runs USING INDEX runs_reason (reason=? AND ns=? AND rowid<?)',
      runs({ status: ['stuck'], reason: 'threw', name: 'checkout', before: 9 }),
    ],
    ['SEARCH runs USING INDEX runs_name (name=? AND ns=? AND rowid<?)', runs({ name: 'checkout', before: 9 })],
    ['SEARCH runs USING INDEX runs_key (key=? AND ns=?)', runs({ key: 'a:1', name: 'x', status: ['running'] })],
    ['SEARCH runs USING INDEX runs_root (root=? AND ns=? AND rowid>?)', runs({ root: 'run:1', after: 0 })],
    ['SEARCH runs USING INDEX runs_parent (parent=?)', runs({ parent: 1, status: ['running'] })],
    ['SCAN events', events({})],
    ['SEARCH events USING INTEGER PRIMARY KEY (rowid>?)', events({ published: true, after: 9 })],
    [
      'SEARCH events USING INDEX events_key (key=? AND ns=? AND rowid>?)',
      events({ key: 'a:1', types: ['A'], after: 9 }),
    ],
    // Once for all types, and not once for each: of a rare one it would walk all that is left of the key.
    [
      'SEARCH events USING INDEX events_key (key=? AND ns=? AND rowid>?)',
      events({ key: 'a:1', types: ['A', 'B', 'C'], after: 9 }),
    ],
    ['SEARCH events USING INDEX events_root (root=? AND ns=?)', events({ root: 'run:1', types: ['A', 'B'] })],
    ['SEARCH events USING INDEX events_type (type=? AND ns=? AND rowid>?)', events({ types: ['A'], after: 9 })],
    ['SEARCH events USING INDEX events_root (root=? AND ns=?)', events({ root: 'run:1' })],
    [
      'SCAN shards; SEARCH runs USING INDEX runs_key (key=? AND ns=?); SEARCH events USING INDEX events_key (key=? AND ns=?)',
      shardsOfQuery('default', { key: 'a:1' }),
    ],
    ['SEARCH journal USING INDEX journal_run (shard=? AND run=? AND seq>?)', journalQuery(0, 1, -1, 10)],
    ['SEARCH timers USING PRIMARY KEY (shard=? AND due>? AND due<?)', timersQuery(0, 1, 2, 10)],
    [
      'SEARCH timers USING PRIMARY KEY (shard=? AND (due,run,op)>(?,?,?) AND due<?)',
      timersQuery(0, 1, 2, 10, aTimer(1, 1, 'a')),
    ],
    ['SCAN inbox', inboxQuery(0, 'default', 10)],
    ['SEARCH claims USING PRIMARY KEY (shard=? AND ns=? AND space=? AND id=?)', claimsQuery(0, 'a', 'run', ['1'])],
    [
      'SEARCH flows USING PRIMARY KEY (shard=? AND ns=? AND name=? AND key=?)',
      flowsOfQuery(0, 'default', 'fulfilment', ['a:1']),
    ],
    [
      'SEARCH flows USING PRIMARY KEY (shard=? AND ns=? AND name=? AND key>?)',
      flowsQuery(0, { ns: 'default', name: 'fulfilment', limit: 10 }),
    ],
    [
      'SEARCH flows USING INDEX flows_standing (standing=? AND name=? AND ns=? AND key>?)',
      flowsQuery(0, { ns: 'default', name: 'fulfilment', standing: 'overdue', after: 'a:1', limit: 10 }),
    ],
    ['SEARCH flows USING PRIMARY KEY (shard=? AND ns=? AND name>?)', choreographyQuery(0, 'default', 'fulfilment')],
    ['SEARCH suspects USING PRIMARY KEY (shard=?)', suspectsQuery(0)],
    ['SEARCH runs USING INTEGER PRIMARY KEY (rowid>?)', agedQuery(0, 'default', 9, 10)],
    ['SEARCH events USING INTEGER PRIMARY KEY (rowid>?)', agedEventsQuery(0, 'default', 9, 10)],
    ['SEARCH claims USING INDEX claims_until (ns=? AND until<?)', agedClaimsQuery(0, 'default', 9, 10)],
  ])('%s', (expected, statement) => {
    openWriter(file).close()
    // Read in order from one index, so that the limit stops the reading.
    expect(plan(keep(openReader(file)), statement).join('; ')).toBe(expected)
  })

  test('what is forgotten is found by an index in every table', () => {
    const db = keep(openWriter(file))
    const fresh = { shard: 0, epoch: 0, head: 0, crashes: 0 }
    const gone = {
      forgotten: [1],
      journalGone: [{ run: 1, before: 5 }],
      eventsGone: [1],
      suspectsGone: [1],
      claimsGone: [{ ns: 'a', space: 'run', id: '1' }],
    }
    const batch = batchAfter(fresh, { ...(gone as Partial<Batch>), timers: [aTimer(1, 1, 'a')] })
    const deletes = batchStatements(batch).filter(({ sql }) => sql.startsWith('DELETE'))
    expect(
      deletes.map((statement) => plan(db, { ...statement, values: statement.values.slice(0, statement.width) })),
    ).toEqual([
      ['SEARCH suspects USING PRIMARY KEY (shard=? AND run=?)'],
      ['SEARCH claims USING PRIMARY KEY (shard=? AND ns=? AND space=? AND id=?)'],
      ['SEARCH suspects USING PRIMARY KEY (shard=? AND run=?)'],
      ['SEARCH timers USING COVERING INDEX timers_run (run=? AND shard=?)'],
      ['SEARCH journal USING INDEX journal_run (shard=? AND run=?)'],
      ['SEARCH runs USING INTEGER PRIMARY KEY (rowid=?)'],
      ['SEARCH journal USING INDEX journal_run (shard=? AND run=? AND seq<?)'],
      ['SEARCH events USING INTEGER PRIMARY KEY (rowid=?)'],
    ])
  })

  test('what a row held of blobs is found by its place, and the blobs by their numbers', () => {
    const db = keep(openWriter(file))
    const parts: Partial<Batch> = {
      changes: [aChange(1)],
      continued: [{ num: 1, generation: 1, since: 1, input: '1' }],
      drained: [1],
      forgotten: [1],
      journalGone: [{ run: 1, before: 5 }],
      eventsGone: [1],
    }
    const statements = batchStatements(batchAfter({ shard: 0, epoch: 0, head: 0, crashes: 0 }, parts))
    const releases = statements.flatMap(({ release, width, values }) =>
      release === undefined ? [] : [{ sql: release, width, values: values.slice(0, width) }],
    )
    expect(releases).toHaveLength(7)
    for (const release of releases) {
      const steps = plan(db, release)
      expect(steps).toContain('SEARCH blobs USING INTEGER PRIMARY KEY (rowid=?)')
      expect(steps.filter((step) => step.startsWith('SCAN') && !/SCAN (gone|held)$/.test(step))).toEqual([])
    }
  })

  test('several statuses or types are read from their index each, up to the limit, and merged', () => {
    openWriter(file).close()
    const db = keep(openReader(file))
    const details = plan(db, runs({ status: ['running', 'stuck'], after: 9 }))
    const search = 'SEARCH runs USING INDEX runs_status (status=? AND ns=? AND rowid>?)'
    expect(details.filter((detail) => detail.startsWith('SEARCH'))).toEqual([search, search])
    expect(details[0]).toBe('MERGE (UNION ALL)')
    const types = plan(db, events({ types: ['A', 'B', 'C'], after: 9 }))
    expect(types.filter((detail) => detail.includes('USING INDEX events_type'))).toHaveLength(3)
  })
})

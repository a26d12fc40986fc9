// What a store writes, as SQL text and flat values: pure functions from the contract to a list of statements that
// are to run in one transaction, in this order, and all be undone when one of them does not do what it expects.
// Parameters are numbered (`?1`), so that another dialect can replace the sign alone. Who runs the statements (a
// thread, a connection) is not known here. Called by SqlStore.
import type { Details, ErrorCode } from '../../core/errors.ts'
import type { Batch, InboxItem } from '../../core/store.ts'
import { toValues } from './rows.ts'
import {
  changesTable,
  claimsTable,
  eventsTable,
  inboxItems,
  journalTable,
  runsTable,
  timersTable,
  type Column,
  type Table,
  type Value,
} from './tables.ts'

/** One text, run once for every `width` values. */
export interface Statement {
  readonly sql: string
  readonly width: number
  readonly values: readonly Value[]
  /** How many rows it must touch in all; otherwise the transaction is undone and fails with `code`. */
  readonly expect?: Expectation
}

export interface Expectation {
  readonly changes: number
  readonly code: ErrorCode
  readonly details: Details
}

/** The shard is ?1 everywhere, the columns of a table follow from ?2. */
const assignments = (columns: readonly Column[]): string[] =>
  columns.map((column, index) => `${column.name} = ?${index + 2}`)

function insert<Row>(table: Table<Row>): string {
  const names = ['shard', ...table.columns.map((column) => column.name)]
  const marks = names.map((_, index) => `?${index + 1}`)
  return `INSERT INTO ${table.name} (${names.join(', ')}) VALUES (${marks.join(', ')})`
}

const changeText = `UPDATE runs SET ${assignments(changesTable.columns.slice(0, -1)).join(', ')}
  WHERE shard = ?1 AND num = ?${changesTable.columns.length + 1}`

const texts = {
  fence: 'UPDATE shards SET head = ?4 WHERE id = ?1 AND epoch = ?2 AND head = ?3',
  acquire: 'UPDATE shards SET epoch = epoch + 1, owner = ?2 WHERE id = ?1 RETURNING epoch, head',
  drain: 'DELETE FROM inbox WHERE shard = ?1 AND id = ?2',
  run: insert(runsTable),
  change: changeText,
  claim: `${insert(claimsTable)} ON CONFLICT DO NOTHING`,
  journal: insert(journalTable),
  event: insert(eventsTable),
  timer: `${insert(timersTable)} ON CONFLICT DO NOTHING`,
  timerGone: `DELETE FROM timers WHERE ${['shard = ?1', ...assignments(timersTable.columns)].join(' AND ')}`,
  post: insert(inboxItems),
} as const

/** The fence comes first: a batch that missed it must not have touched anything. */
export function batchStatements(batch: Batch): Statement[] {
  const { shard } = batch
  const all = [
    fence(batch),
    drain(batch),
    over(texts.run, runsTable, shard, batch.runs),
    change(batch),
    over(texts.claim, claimsTable, shard, batch.claims),
    over(texts.journal, journalTable, shard, batch.journal),
    over(texts.event, eventsTable, shard, batch.events),
    // A timer that is set and gone in one batch is gone.
    over(texts.timer, timersTable, shard, batch.timers),
    over(texts.timerGone, timersTable, shard, batch.timersGone),
    over(texts.post, inboxItems, shard, batch.posts),
  ]
  return all.filter((statement) => statement.values.length > 0)
}

/** Answers with the new epoch and the head. */
export function acquireStatement(shard: number, owner: string): Statement {
  return { sql: texts.acquire, width: 2, values: [shard, owner] }
}

export function postStatement(shard: number, items: readonly InboxItem[]): Statement {
  return over(texts.post, inboxItems, shard, items)
}

function over<Row extends object>(sql: string, table: Table<Row>, shard: number, rows: readonly Row[]): Statement {
  return { sql, width: table.columns.length + 1, values: toValues(table, shard, rows) }
}

function fence({ shard, epoch, base, head }: Batch): Statement {
  return {
    sql: texts.fence,
    width: 4,
    values: [shard, epoch, base, head],
    expect: { changes: 1, code: 'SHARD_FENCED', details: { shard } },
  }
}

function drain({ shard, drained }: Batch): Statement {
  const expect: Expectation = { changes: drained.length, code: 'INBOX_GONE', details: {} }
  return { sql: texts.drain, width: 2, values: drained.flatMap((id) => [shard, id]), expect }
}

function change({ shard, changes }: Batch): Statement {
  const details = { problem: 'a change names a run that the store does not have' }
  const expect: Expectation = { changes: changes.length, code: 'INVARIANT', details }
  return { ...over(texts.change, changesTable, shard, changes), expect }
}

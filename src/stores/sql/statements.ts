// What a store writes, as SQL text and flat values: pure functions from the contract to a list of statements that
// are to run in one transaction, in this order, and all be undone when one of them does not do what it expects.
// Parameters are numbered (`?1`), so that another dialect can replace the sign alone. Who runs the statements (a
// thread, a connection) is not known here. Called by SqlStore.
import { rowsBehind, type Ahead, type AheadKind } from '../../core/ahead.ts'
import type { Details, ErrorCode } from '../../core/errors.ts'
import { shardOfSlot } from '../../core/placement.ts'
import type { Batch, FlowRow, InboxItem } from '../../core/store.ts'
import { releaseText } from './blobs.ts'
import { toValues } from './rows.ts'
import {
  changesTable,
  claimNames,
  claimsTable,
  claimsUntil,
  continuedTable,
  eventsTable,
  flowNames,
  flowsGoneTable,
  flowsTable,
  inboxItems,
  inboxTable,
  journalBefore,
  journalTable,
  runsTable,
  suspectsTable,
  timersTable,
  type Column,
  type Table,
  type Value,
} from './tables.ts'

/** One text, run once for every `width` values. */
export interface Statement {
  readonly sql: string
  /** A database that takes all rows at once has a text of its own for these. */
  readonly kind?: StatementKind | undefined
  readonly width: number
  readonly values: readonly Value[]
  /** Which of the `width` values may be large payloads, to be kept as blobs. */
  readonly payloads?: readonly number[] | undefined
  /** A text for the same values, to be run before it for what it takes away, if there are blobs. */
  readonly release?: string | undefined
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

/** Sets all columns but the last, which is the run's number. */
function update<Row>({ name, columns }: Table<Row>): string {
  return `UPDATE ${name} SET ${assignments(columns.slice(0, -1)).join(', ')} WHERE shard = ?1 AND num = ?${columns.length + 1}`
}

/** What a batch is made of. */
type BatchKind =
  | 'fence'
  | 'drain'
  | 'run'
  | 'change'
  | 'continued'
  | 'claim'
  | 'journal'
  | 'event'
  | 'timer'
  | 'timerGone'
  | 'post'
  | 'suspect'
  | 'suspectGone'
  | 'forgottenRun'
  | 'forgottenJournal'
  | 'forgottenTimers'
  | 'journalGone'
  | 'eventGone'
  | 'claimUntil'
  | 'claimGone'
  | 'flow'
  | 'flowNew'
  | 'flowGone'

export type StatementKind = BatchKind | 'claims' | 'flows'

const where = <Row>({ columns }: Table<Row>): string => ['shard = ?1', ...assignments(columns)].join(' AND ')

/** Sets what a row has beside its name. */
function replaced<Row, Name>({ columns }: Table<Row>, { columns: names }: Table<Name>): string {
  const others = columns.slice(names.length)
  return others.map(({ name }) => `${name} = excluded.${name}`).join(', ')
}

/** Milliseconds by the clock of the machine: later than any take-over, also than those that a backup knows nothing of. */
const NOW = "CAST(unixepoch('subsec') * 1000 AS INTEGER)"

const texts: Readonly<Record<BatchKind | 'acquire' | 'release' | 'steady', string>> = {
  fence: 'UPDATE shards SET head = ?4 WHERE id = ?1 AND epoch = ?2 AND head = ?3',
  acquire: `UPDATE shards SET epoch = max(epoch + 1, ${NOW}), owner = ?2,
    crashes = CASE WHEN owner IS NULL THEN crashes ELSE abs(crashes) + 1 END WHERE id = ?1 RETURNING epoch, head, crashes`,
  release: 'UPDATE shards SET owner = NULL, crashes = ?3 WHERE id = ?1 AND epoch = ?2',
  steady: 'UPDATE shards SET crashes = 0 WHERE id = ?1 AND epoch = ?2',
  drain: 'DELETE FROM inbox WHERE shard = ?1 AND id = ?2',
  run: insert(runsTable),
  change: update(changesTable),
  continued: update(continuedTable),
  claim: `${insert(claimsTable)} ON CONFLICT DO NOTHING`,
  journal: insert(journalTable),
  event: insert(eventsTable),
  timer: `${insert(timersTable)} ON CONFLICT DO NOTHING`,
  timerGone: `DELETE FROM timers WHERE ${where(timersTable)}`,
  post: insert(inboxItems),
  suspect: `${insert(suspectsTable)} ON CONFLICT (shard, run) DO UPDATE SET what = excluded.what, deaths = excluded.deaths`,
  flow: `${insert(flowsTable)} ON CONFLICT (shard, ns, name, key) DO UPDATE SET ${replaced(flowsTable, flowNames)}`,
  flowNew: `${insert(flowsTable)} ON CONFLICT DO NOTHING`,
  flowGone: `DELETE FROM flows WHERE ${where(flowsGoneTable)}`,
  suspectGone: 'DELETE FROM suspects WHERE shard = ?1 AND run = ?2',
  forgottenRun: 'DELETE FROM runs WHERE shard = ?1 AND num = ?2',
  forgottenJournal: 'DELETE FROM journal WHERE shard = ?1 AND run = ?2',
  forgottenTimers: 'DELETE FROM timers WHERE shard = ?1 AND run = ?2',
  journalGone: 'DELETE FROM journal WHERE shard = ?1 AND run = ?2 AND seq < ?3',
  eventGone: 'DELETE FROM events WHERE shard = ?1 AND pos = ?2',
  claimUntil: `UPDATE claims SET until = ?5 WHERE ${where(claimNames)}`,
  claimGone: `DELETE FROM claims WHERE ${where(claimNames)}`,
}

/** By the parameters of the statement that name the row or rows. */
const releases = {
  drain: releaseText(inboxTable, 'shard = ?1 AND id = ?2'),
  change: releaseText(changesTable, `shard = ?1 AND num = ?${changesTable.columns.length + 1}`),
  continued: releaseText(continuedTable, `shard = ?1 AND num = ?${continuedTable.columns.length + 1}`),
  forgottenJournal: releaseText(journalTable, 'shard = ?1 AND run = ?2'),
  forgottenRun: releaseText(runsTable, 'shard = ?1 AND num = ?2'),
  journalGone: releaseText(journalTable, 'shard = ?1 AND run = ?2 AND seq < ?3'),
  eventGone: releaseText(eventsTable, 'shard = ?1 AND pos = ?2'),
} as const

/** @param shards of the store: what is posted goes to the shard of its slot. */
export function batchStatements(batch: Batch, shards = 1): Statement[] {
  return groupStatements([batch], shards)
}

/**
 * The statements of batches of several shards, which hold altogether or not at all. The fences come first: a batch that
 * missed it must not have touched anything. Names are free before they are taken, and what is forgotten goes last.
 */
export function groupStatements(batches: readonly Batch[], shards: number): Statement[] {
  const rows = <Name extends keyof Batch>(name: Name): readonly Rows<Batch[Name]>[] =>
    batches.map((batch) => ({ shard: batch.shard, rows: batch[name] }))
  return [
    fence(batches),
    ...drain(batches),
    ...each('suspectGone', rows('suspectsGone')),
    ...over('claimGone', claimNames, rows('claimsGone')),
    ...over('run', runsTable, rows('runs')),
    ...change('change', releases.change, changesTable, rows('changes')),
    ...change('continued', releases.continued, continuedTable, rows('continued')),
    ...over('claim', claimsTable, rows('claims')),
    ...over('claimUntil', claimsUntil, rows('claimsUntil')),
    ...over('journal', journalTable, rows('journal')),
    ...over('event', eventsTable, rows('events')),
    // A timer that is set and gone in one batch is gone.
    ...over('timer', timersTable, rows('timers')),
    ...over('timerGone', timersTable, rows('timersGone')),
    ...over('post', inboxItems, postsOf(batches, shards)),
    ...over('suspect', suspectsTable, rows('suspects')),
    ...over('flow', flowsTable, rows('flows')),
    ...newFlows(rows('flowsNew')),
    ...over('flowGone', flowsGoneTable, rows('flowsGone')),
    ...each('suspectGone', rows('forgotten')),
    ...each('forgottenTimers', rows('forgotten')),
    ...each('forgottenJournal', rows('forgotten'), releases.forgottenJournal),
    ...each('forgottenRun', rows('forgotten'), releases.forgottenRun),
    ...over('journalGone', journalBefore, rows('journalGone')).map((gone) => ({
      ...gone,
      release: releases.journalGone,
    })),
    ...each('eventGone', rows('eventsGone'), releases.eventGone),
  ]
}

/** Of rows that come ahead of their batch. */
export function aheadStatements(shard: number, rows: Pick<Batch, AheadKind>): Statement[] {
  const of = <Name extends AheadKind>(name: Name): readonly Rows<Pick<Batch, AheadKind>[Name]>[] => [
    { shard, rows: rows[name] },
  ]
  return [
    ...over('run', runsTable, of('runs')),
    ...change('change', releases.change, changesTable, of('changes')),
    ...over('claim', claimsTable, of('claims')),
    ...over('journal', journalTable, of('journal')),
    ...over('event', eventsTable, of('events')),
  ]
}

const ORDER: readonly (StatementKind | undefined)[] = ['run', 'change', 'claim', 'journal', 'event']

/** The statements of several parts of a batch as those of one: kind after kind, and of each kind the first part first. */
export function inOrder<Of extends Pick<Statement, 'kind'>>(statements: readonly Of[]): Of[] {
  return statements.toSorted((one, other) => ORDER.indexOf(one.kind) - ORDER.indexOf(other.kind))
}

/** What is left of a batch whose first rows came ahead: it has no others than such. */
export function restStatements(batch: Batch, ahead: Ahead): Statement[] {
  return [fence([batch]), ...aheadStatements(batch.shard, rowsBehind(batch, ahead.rows))]
}

/** Rows of one shard. */
interface Rows<Of> {
  readonly shard: number
  readonly rows: Of
}

/** What batches put into inboxes, in their order: each into that of the shard to which its slot belongs. */
function postsOf(batches: readonly Batch[], shards: number): readonly Rows<readonly InboxItem[]>[] {
  return batches.flatMap(({ posts }) => posts.map((post) => ({ shard: shardOfSlot(post.slot, shards), rows: [post] })))
}

/** A namespace belongs to an application from now on, unless it belongs to another than the one of `before`. */
export function belongsStatement(ns: string, app: string, before: string): Statement {
  const sql = `INSERT INTO applications (ns, name) VALUES (?1, ?2)
    ON CONFLICT (ns) DO UPDATE SET name = excluded.name WHERE applications.name = ?3`
  return { sql, width: 3, values: [ns, app, before] }
}

/** Answers with the new epoch, the head and the crashes. */
export function acquireStatement(shard: number, owner: string): Statement {
  return { sql: texts.acquire, width: 2, values: [shard, owner] }
}

export function releaseStatement(shard: number, epoch: number, crashes: number): Statement {
  return { sql: texts.release, width: 3, values: [shard, epoch, 0 - crashes] }
}

export function steadyStatement(shard: number, epoch: number): Statement {
  return { sql: texts.steady, width: 2, values: [shard, epoch] }
}

export function postStatements(shard: number, items: readonly InboxItem[]): readonly Statement[] {
  return postsStatements([{ shard, items }])
}

/** What is put into the inbox of a shard. */
export interface ShardItems {
  readonly shard: number
  readonly items: readonly InboxItem[]
}

export function postsStatements(all: readonly ShardItems[]): readonly Statement[] {
  const parts = all.map(({ shard, items }) => ({ shard, rows: items }))
  return over('post', inboxItems, parts)
}

/** What a batch does not have costs nothing. */
const none: readonly Statement[] = []

function over<Row extends object>(
  kind: BatchKind,
  table: Table<Row>,
  parts: readonly Rows<readonly Row[]>[],
): readonly Statement[] {
  const given = parts.filter(({ rows }) => rows.length > 0)
  if (given.length === 0) return none
  const values = given.map(({ shard, rows }) => toValues(table, shard, rows))
  const [first = []] = values
  return [
    {
      sql: texts[kind],
      kind,
      width: table.columns.length + 1,
      values: values.length === 1 ? first : values.flat(),
      payloads: table.payloads,
    },
  ]
}

/** Once for every number. */
function each(kind: BatchKind, parts: readonly Rows<readonly number[]>[], release?: string): readonly Statement[] {
  const values = parts.flatMap(({ shard, rows }) => rows.flatMap((number) => [shard, number]))
  return values.length === 0 ? none : [{ sql: texts[kind], kind, width: 2, values, release }]
}

/** Of several shards one statement, which has to find each of them as its batch left it. */
function fence(batches: readonly Batch[]): Statement {
  const [first] = batches
  return {
    sql: texts.fence,
    kind: 'fence',
    width: 4,
    values: batches.flatMap(({ shard, epoch, base, head }) => [shard, epoch, base, head]),
    expect: { changes: batches.length, code: 'SHARD_FENCED', details: { shard: first?.shard ?? 0 } },
  }
}

function drain(batches: readonly Batch[]): readonly Statement[] {
  const parts = batches.map(({ shard, drained }) => ({ shard, rows: drained }))
  const changes = parts.reduce((sum, { rows }) => sum + rows.length, 0)
  const expect: Expectation = { changes, code: 'INBOX_GONE', details: {} }
  return each('drain', parts, releases.drain).map((statement) => ({ ...statement, expect }))
}

/** Rows of flows, of which none may be there. */
function newFlows(parts: readonly Rows<readonly FlowRow[]>[]): readonly Statement[] {
  const changes = parts.reduce((sum, { rows }) => sum + rows.length, 0)
  const expect: Expectation = { changes, code: 'FLOW_THERE', details: {} }
  return over('flowNew', flowsTable, parts).map((statement) => ({ ...statement, expect }))
}

/** An update of runs, which must all be there. */
function change<Row extends object>(
  kind: BatchKind,
  release: string,
  table: Table<Row>,
  parts: readonly Rows<readonly Row[]>[],
): readonly Statement[] {
  const details = { problem: 'a change names a run that the store does not have' }
  const changes = parts.reduce((sum, { rows }) => sum + rows.length, 0)
  const expect: Expectation = { changes, code: 'INVARIANT', details }
  return over(kind, table, parts).map((statement) => ({ ...statement, release, expect }))
}

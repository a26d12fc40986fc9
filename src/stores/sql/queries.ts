// What a store reads, as SQL text and flat values: pure functions from the queries of the contract. Every query names
// its columns in the order of tables.ts, reads in the order of a position or an id, and is bounded by a limit. The
// texts are made so that each finds its index: layout.test.ts holds the plans of SQLite against that. They are neutral:
// `payload(runs.input)` stands for a payload wherever it is kept, and each store writes that in its own way.
import type { Claim, Kin, TimerRow } from '../../core/store.ts'
import type { EventQuery, FlowQuery, RunQuery, RunStatus } from '../../core/store-queries.ts'
import type { Statement } from './statements.ts'
import {
  agedEventsTable,
  agedTable,
  claimsTable,
  eventsTable,
  flowNamesTable,
  flowsTable,
  inboxIdsTable,
  inboxTable,
  journalTable,
  runNamesTable,
  runsTable,
  suspectsTable,
  timersTable,
  type Table,
  type Value,
} from './tables.ts'

const columns = <Row>({ name, columns: all }: Table<Row>): string =>
  all
    .map((column) => (column.type === 'payload' ? `payload(${name}.${column.name}) AS ${column.name}` : column.name))
    .join(', ')

/** Conditions with their parameters, numbered as they come. */
class Conditions {
  readonly #terms: string[] = []
  readonly #values: Value[] = []
  #branches: readonly string[] = []

  /** `?` in the term stands for the next parameter. */
  add(term: string, ...values: readonly Value[]): void {
    let used = 0
    this.#terms.push(term.replaceAll('?', () => this.#parameter(values[used++] ?? null)))
  }

  addIfGiven(term: string, value: Value | undefined): void {
    if (value !== undefined) this.add(term, value)
  }

  /**
   * One of several. Each becomes a query of its own, and the answers are merged: an index is in the order of
   * positions within one value only, and sorting all that match would cost what the limit is to spare.
   */
  addOneOf(alternatives: readonly (readonly [term: string, value: Value])[]): void {
    const [only] = alternatives
    if (only === undefined) this.#terms.push('1 = 0')
    else if (alternatives.length === 1) this.add(...only)
    else this.#branches = alternatives.map(([term, value]) => term.replace('?', () => this.#parameter(value)))
  }

  /** One of several, where another condition has its rows in the order that is asked for: they are walked once, up to the limit. */
  addAmong(column: string, values: readonly Value[]): void {
    if (values.length === 0) this.#terms.push('1 = 0')
    else this.add(`${column} IN (${values.map(() => '?').join(', ')})`, ...values)
  }

  select<Row>(table: Table<Row>, order: string, limit: number): Statement {
    const end = `ORDER BY ${order} LIMIT ${this.#parameter(limit)}`
    const from = `SELECT ${columns(table)} FROM ${table.name} WHERE ${this.#terms.join(' AND ')}`
    const parts = this.#branches.map((branch) => `SELECT * FROM (${from} AND ${branch} ${end}) AS part`)
    const sql = parts.length === 0 ? `${from} ${end}` : `${parts.join(' UNION ALL ')} ${end}`
    return { sql, width: this.#values.length, values: this.#values }
  }

  #parameter(value: Value): string {
    return `?${this.#values.push(value)}`
  }
}

/** Answers with one row: id, incarnation, schema, slots, number of shards. */
export const infoQuery: Statement = {
  sql: 'SELECT id, incarnation, schema, slots, (SELECT count(*) FROM shards) FROM store WHERE 1 = ?1',
  width: 1,
  values: [1],
}

/** Answers with the name of the application that a namespace belongs to, if it belongs to one. */
export function belongsQuery(ns: string): Statement {
  return { sql: 'SELECT name FROM applications WHERE ns = ?1', width: 1, values: [ns] }
}

/** Answers with the namespaces that belong to an application. */
export function namespacesQuery(limit: number): Statement {
  return { sql: 'SELECT ns FROM applications ORDER BY ns LIMIT ?1', width: 1, values: [limit] }
}

/** Answers with epoch, head and crashes. */
export function tenureQuery(shard: number): Statement {
  return { sql: 'SELECT epoch, head, crashes FROM shards WHERE id = ?1', width: 1, values: [shard] }
}

/** Runs once an id: answers with the claims that exist, in any order. */
export function claimsQuery(shard: number, ns: string, space: Claim['space'], ids: readonly string[]): Statement {
  const sql = `SELECT ${columns(claimsTable)} FROM claims WHERE shard = ?1 AND ns = ?2 AND space = ?3 AND id = ?4`
  return { sql, kind: 'claims', width: 4, values: ids.flatMap((id) => [shard, ns, space, id]) }
}

export function runQuery(shard: number, num: number): Statement {
  const sql = `SELECT ${columns(runsTable)} FROM runs WHERE shard = ?1 AND num = ?2`
  return { sql, width: 2, values: [shard, num] }
}

export function runsQuery(shard: number, query: RunQuery): Statement {
  return selectRuns(runsTable, shard, query)
}

export function runNamesQuery(shard: number, query: RunQuery): Statement {
  return selectRuns(runNamesTable, shard, query)
}

/** Answers with one row for all that stand alike, of the newest of a status. */
export function runCountsQuery(shard: number, ns: string, status: RunStatus, limit: number): Statement {
  const alike = 'kind, name, phase, reason'
  // The condition of the partial index, word by word.
  const open = status === 'completed' ? '' : "AND status <> 'completed'"
  const newest = `SELECT ${alike} FROM runs WHERE shard = ?1 AND ns = ?2 AND status = ?3 ${open} ORDER BY num DESC LIMIT ?4`
  const sql = `SELECT ${alike}, count(*) AS runs FROM (${newest}) AS part GROUP BY ${alike}`
  return { sql, width: 4, values: [shard, ns, status, limit] }
}

function selectRuns<Row>(table: Table<Row>, shard: number, query: RunQuery): Statement {
  const { before, after, status } = query
  const where = new Conditions()
  where.add('shard = ?', shard)
  where.add('ns = ?', query.ns)
  where.addIfGiven('key = ?', query.key)
  where.addIfGiven('root = ?', query.root)
  where.addIfGiven('parent = ?', query.parent)
  where.addIfGiven('name = ?', query.name)
  where.addIfGiven('kind = ?', query.kind)
  where.addIfGiven('reason = ?', query.reason)
  if (status !== undefined) {
    // The condition of the partial index, word by word: a parameter would not lead to it.
    const term = (one: RunStatus): string =>
      one === 'completed' ? 'status = ?' : "status = ? AND status <> 'completed'"
    where.addOneOf([...new Set(status)].map((one) => [term(one), one]))
  }
  where.addIfGiven('num < ?', before)
  where.addIfGiven('num > ?', after)
  const oldestFirst = after !== undefined && before === undefined
  return where.select(table, oldestFirst ? 'num' : 'num DESC', query.limit)
}

export function journalQuery(shard: number, run: number, after: number, limit: number): Statement {
  const where = new Conditions()
  where.add('shard = ? AND run = ? AND seq > ?', shard, run, after)
  return where.select(journalTable, 'seq', limit)
}

export function eventsQuery(shard: number, query: EventQuery): Statement {
  const where = new Conditions()
  where.add('shard = ?', shard)
  where.add('ns = ?', query.ns)
  where.addIfGiven('key = ?', query.key)
  where.addIfGiven('root = ?', query.root)
  const types = query.types === undefined ? null : [...new Set(query.types)]
  // Of a key with many events each type by itself would walk all that are left, page after page.
  const isOfOne = query.key !== undefined || query.root !== undefined
  if (types !== null && isOfOne) where.addAmong('type', types)
  if (types !== null && !isOfOne) where.addOneOf(types.map((type) => ['type = ?', type]))
  if (query.published !== undefined) where.add('published = ?', query.published ? 1 : 0)
  where.addIfGiven('pos > ?', query.after)
  return where.select(eventsTable, 'pos', query.limit)
}

/** Answers with numbers of shards. */
export function shardsOfQuery(ns: string, of: Kin): Statement {
  const [column, value] = 'key' in of ? (['key', of.key] as const) : (['root', of.root] as const)
  const holds = (table: string): string =>
    `EXISTS (SELECT 1 FROM ${table} WHERE shard = shards.id AND ns = ?1 AND ${column} = ?2)`
  const sql = `SELECT id FROM shards WHERE ${holds('runs')} OR ${holds('events')} ORDER BY id`
  return { sql, width: 2, values: [ns, value] }
}

export function timersQuery(shard: number, from: number, to: number, limit: number, after?: TimerRow): Statement {
  const where = new Conditions()
  where.add('shard = ? AND due < ?', shard, to)
  // Each alone is the beginning of a range in the index.
  if (after === undefined || after.due < from) where.add('due >= ?', from)
  else where.add('(due, run, op) > (?, ?, ?)', after.due, after.run, after.op)
  return where.select(timersTable, 'due, run, op', limit)
}

export function inboxQuery(shard: number, ns: string, limit: number, after?: number): Statement {
  return selectInbox(inboxTable, shard, ns, limit, after)
}

export function inboxIdsQuery(shard: number, ns: string | null, limit: number): Statement {
  return selectInbox(inboxIdsTable, shard, ns, limit)
}

function selectInbox<Row>(
  table: Table<Row>,
  shard: number,
  ns: string | null,
  limit: number,
  after?: number,
): Statement {
  const where = new Conditions()
  where.add('shard = ?', shard)
  if (ns !== null) where.add('ns = ?', ns)
  where.addIfGiven('id > ?', after)
  return where.select(table, 'id', limit)
}

/** Runs once a key: answers with the flows that exist, in any order. */
export function flowsOfQuery(shard: number, ns: string, name: string, keys: readonly string[]): Statement {
  const sql = `SELECT ${columns(flowsTable)} FROM flows WHERE shard = ?1 AND ns = ?2 AND name = ?3 AND key = ?4`
  return { sql, kind: 'flows', width: 4, values: keys.flatMap((key) => [shard, ns, name, key]) }
}

/** Answers with the first name after another. */
export function choreographyQuery(shard: number, ns: string, after: string): Statement {
  const where = new Conditions()
  where.add('shard = ? AND ns = ? AND name > ?', shard, ns, after)
  return where.select(flowNamesTable, 'name', 1)
}

export function flowsQuery(shard: number, { ns, name, standing, after = '', limit }: FlowQuery): Statement {
  const where = new Conditions()
  where.add('shard = ? AND ns = ? AND name = ? AND key > ?', shard, ns, name, after)
  // The condition of the partial index, word by word.
  if (standing !== undefined && standing !== 'complete') where.add("standing <> 'complete'")
  where.addIfGiven('standing = ?', standing)
  return where.select(flowsTable, 'key', limit)
}

export function suspectsQuery(shard: number): Statement {
  const sql = `SELECT ${columns(suspectsTable)} FROM suspects WHERE shard = ?1 ORDER BY run`
  return { sql, width: 1, values: [shard] }
}

export function agedQuery(shard: number, ns: string, after: number, limit: number): Statement {
  const where = new Conditions()
  where.add('shard = ? AND ns = ? AND num > ?', shard, ns, after)
  return where.select(agedTable, 'num', limit)
}

export function agedEventsQuery(shard: number, ns: string, after: number, limit: number): Statement {
  const where = new Conditions()
  where.add('shard = ? AND ns = ? AND pos > ?', shard, ns, after)
  return where.select(agedEventsTable, 'pos', limit)
}

export function agedClaimsQuery(shard: number, ns: string, now: number, limit: number): Statement {
  const where = new Conditions()
  where.add('shard = ? AND ns = ? AND until <= ?', shard, ns, now)
  return where.select(claimsTable, 'until, space, id', limit)
}

// The statements of a store in PostgreSQL's words. Neutral texts (queries, the few statements of one row) are rewritten:
// parameters, the schema, payloads. Whatever may have many rows has a text of its own that takes each column as an array,
// so that a batch is a dozen statements, however many rows it has. A statement that must touch an exact number of rows
// divides by zero when it does not: in a pipeline nothing else stops what was sent behind it.
import type { Statement, StatementKind } from '../sql/statements.ts'
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
  journalBefore,
  journalTable,
  runsTable,
  suspectsTable,
  timersTable,
  type Column,
  type Table,
  type Value,
} from '../sql/tables.ts'
import { columnLiteral, scalarLiteral } from './literals.ts'

/** A text with its parameters, as they go to the server. */
export interface Step {
  readonly text: string
  readonly parameters: readonly (string | null)[]
}

export const sizeOf = ({ parameters }: Step): number => parameters.reduce((sum, one) => sum + (one?.length ?? 0), 0)

/** What is sent in one statement; more rows go into another one. */
const CHUNK_VALUES = 60_000
const CHUNK_BYTES = 8 * 1024 * 1024
/** Texts vary with the conditions of a query; far more of them than this means that somebody invents them. */
const TEXTS_LIMIT = 500

const types = { integer: 'bigint', text: 'text', flag: 'smallint', payload: 'bytea' } as const

/** The arrays of a table's rows, as rows called `given`. */
function given(columns: readonly Column[]): string {
  const all = [{ name: 'shard', type: 'integer' } as const, ...columns]
  const marks = all.map(({ type }, index) => `$${index + 1}::${types[type]}[]`)
  return `unnest(${marks.join(', ')}) AS given (${all.map(({ name }) => name).join(', ')})`
}

const number = (name: string): Column => ({ field: name, name, type: 'integer' })
const same = (names: readonly string[]): string => names.map((name) => `kept.${name} = given.${name}`).join(' AND ')
const namesOf = (columns: readonly Column[]): string[] => columns.map(({ name }) => name)

function insert<Row>({ name, columns }: Table<Row>): string {
  return `INSERT INTO ${name} (shard, ${namesOf(columns).join(', ')}) SELECT * FROM ${given(columns)}`
}

/** Whether the rows of a statement are of one shard. */
type Over = 'one' | 'several'

/**
 * The rows of a table that the arrays name, as far as an index finds them: by itself, whatever the planner thinks of a
 * table that was empty when it made its plan. A join then only pairs the few that were found with what is given.
 */
function found(over: Over, columns: readonly Column[], keys: readonly string[]): string {
  const shard =
    over === 'one' ? 'kept.shard = ($1::bigint[])[1]::int' : 'kept.shard = ANY ($1::int[]) AND kept.shard = given.shard'
  const terms = columns.flatMap(({ name, type }, index) =>
    keys.includes(name) ? [`kept.${name} = ANY ($${index + 2}::${types[type]}[])`] : [],
  )
  return [shard, ...terms].join(' AND ')
}

/**
 * As `found`, for rows of several shards that each have a name of their own. An index is asked once for each: of two arrays
 * it would be asked for every shard with every number. A row has its place for as long as this may ask, because nobody
 * writes rows of a shard beside whoever has passed its fence.
 */
function placed(table: string, columns: readonly Column[], keys: readonly string[]): string {
  const lists = columns.flatMap(({ name, type }, index) =>
    keys.includes(name) ? [`$${index + 2}::${types[type]}[]`] : [],
  )
  const names = columns.flatMap(({ name }) => (keys.includes(name) ? [name] : []))
  const which = ['shard', ...names].map((name) => `one.${name} = named.${name}`).join(' AND ')
  return `kept.ctid = ANY (ARRAY(SELECT place.ctid
    FROM unnest($1::bigint[], ${lists.join(', ')}) AS named (shard, ${names.join(', ')}),
    LATERAL (SELECT one.ctid FROM ${table} AS one WHERE ${which} LIMIT 1) AS place)) AND kept.shard = given.shard`
}

/** By the columns that are the name of a row in its shard. */
function remove(over: Over, table: string, columns: readonly Column[]): string {
  const keys = namesOf(columns)
  if (columns.length === 1 && over === 'one') return `DELETE FROM ${table} AS kept WHERE ${found(over, columns, keys)}`
  const which = over === 'one' ? found(over, columns, keys) : placed(table, columns, keys)
  return `DELETE FROM ${table} AS kept USING ${given(columns)} WHERE ${which} AND ${same(keys)}`
}

/** By columns that many rows have in common. */
function removeAll(over: Over, table: string, columns: readonly Column[], more = ''): string {
  const keys = namesOf(more === '' ? columns : columns.slice(0, -1))
  if (columns.length === 1 && over === 'one') return remove(over, table, columns)
  const which = found(over, columns, keys)
  return `DELETE FROM ${table} AS kept USING ${given(columns)} WHERE ${which} AND ${same(keys)}${more}`
}

function update<Row>(over: Over, { name, columns }: Table<Row>, keys: readonly string[]): string {
  const set = namesOf(columns).flatMap((one) => (keys.includes(one) ? [] : [`${one} = given.${one}`]))
  const which = over === 'one' ? found(over, columns, keys) : placed(name, columns, keys)
  return `UPDATE ${name} AS kept SET ${set.join(', ')} FROM ${given(columns)} WHERE ${which} AND ${same(keys)}`
}

/** Of `width` + 1 parameters the last is how many rows it has to be. */
function exactly(text: string, width: number): string {
  return `WITH done AS (${text} RETURNING 1) SELECT 1 / (count(*) = $${width + 1}::bigint)::int FROM done`
}

const replaced = namesOf(flowsTable.columns.slice(flowNames.columns.length))
  .map((name) => `${name} = excluded.${name}`)
  .join(', ')

const fences: Readonly<Record<Over, string>> = {
  one: 'UPDATE shards SET head = $4 WHERE id = $1 AND epoch = $2 AND head = $3',
  several: `UPDATE shards AS kept SET head = given.head
    FROM unnest($1::bigint[], $2::bigint[], $3::bigint[], $4::bigint[]) AS given (id, epoch, base, head)
    WHERE kept.id = ANY ($1::int[]) AND kept.id = given.id AND kept.epoch = given.epoch AND kept.head = given.base`,
}

type ManyTexts = Readonly<Partial<Record<StatementKind, string>>>

const textsOver = (over: Over): ManyTexts => ({
  claims: `SELECT ${namesOf(claimsTable.columns).join(', ')} FROM claims AS kept
    WHERE ${found('one', claimNames.columns, ['ns', 'space', 'id'])}`,
  fence: exactly(fences[over], 4),
  drain: exactly(remove(over, 'inbox', [number('id')]), 2),
  run: insert(runsTable),
  change: exactly(update(over, changesTable, ['num']), changesTable.columns.length + 1),
  continued: exactly(update(over, continuedTable, ['num']), continuedTable.columns.length + 1),
  claim: `${insert(claimsTable)} ON CONFLICT DO NOTHING`,
  journal: insert(journalTable),
  event: insert(eventsTable),
  timer: `${insert(timersTable)} ON CONFLICT DO NOTHING`,
  timerGone: remove(over, 'timers', timersTable.columns),
  post: insert(inboxItems),
  suspect: `${insert(suspectsTable)} ON CONFLICT (shard, run) DO UPDATE SET what = excluded.what, deaths = excluded.deaths`,
  suspectGone: remove(over, 'suspects', [number('run')]),
  forgottenRun: remove(over, 'runs', [number('num')]),
  forgottenJournal: removeAll(over, 'journal', [number('run')]),
  forgottenTimers: removeAll(over, 'timers', [number('run')]),
  journalGone: removeAll(over, 'journal', journalBefore.columns, ' AND kept.seq < given.before'),
  eventGone: remove(over, 'events', [number('pos')]),
  claimUntil: update(over, claimsUntil, ['ns', 'space', 'id']),
  claimGone: remove(over, 'claims', claimNames.columns),
  flows: `SELECT ${namesOf(flowsTable.columns).join(', ')} FROM flows AS kept
    WHERE ${found('one', flowNames.columns, ['ns', 'name', 'key'])}`,
  flow: `${insert(flowsTable)} ON CONFLICT (shard, ns, name, key) DO UPDATE SET ${replaced}`,
  flowNew: exactly(`${insert(flowsTable)} ON CONFLICT DO NOTHING`, flowsTable.columns.length + 1),
  flowGone: remove(over, 'flows', flowsGoneTable.columns),
})

const manyTexts: Readonly<Record<Over, ManyTexts>> = { one: textsOver('one'), several: textsOver('several') }

/** What is found by an array of shards and one of numbers: an index may be asked for each number in each shard. */
const ACROSS: ReadonlySet<StatementKind> = new Set(['forgottenJournal', 'forgottenTimers', 'journalGone'])
/** Rows times shards that it is asked for in one statement, at the most. */
const MOST_LOOKS = 4096

const tables = 'store|applications|shards|runs|claims|journal|events|timers|inbox|suspects|flows'
const tableNames = new RegExp(`\\b(FROM|UPDATE|INTO) (${tables})\\b`, 'g')

/** The texts of one schema. */
export class Texts {
  readonly #schema: string
  readonly #known = new Map<string, string>()

  constructor(schema: string) {
    this.#schema = schema
  }

  /** The steps of a statement: one, unless it has more rows than go into one. */
  steps(statement: Statement): Step[] {
    const { kind, sql, width, values, expect } = statement
    const shards = kind === undefined ? 1 : shardsIn(statement)
    if (kind !== undefined && ACROSS.has(kind) && shards > 1 && shards * (values.length / width) > MOST_LOOKS)
      return byShard(statement).flatMap((one) => this.steps(one))
    const many = kind === undefined ? undefined : manyTexts[shards === 1 ? 'one' : 'several'][kind]
    if (many !== undefined && (kind !== 'fence' || shards > 1)) {
      return chunks(statement).map((chunk) => ({
        text: this.of(many),
        parameters: [...arrays(chunk, statement), ...(expect === undefined ? [] : [String(chunk.length / width)])],
      }))
    }
    const text = this.of(many ?? sql)
    const steps: Step[] = []
    for (let offset = 0; offset < values.length; offset += width) {
      const row = values.slice(offset, offset + width).map(scalarLiteral)
      steps.push({ text, parameters: expect === undefined ? row : [...row, String(expect.changes)] })
    }
    return steps
  }

  /** A neutral text as this schema's. */
  of(neutral: string): string {
    const known = this.#known.get(neutral)
    if (known !== undefined) return known
    if (this.#known.size >= TEXTS_LIMIT) this.#known.clear()
    const text = neutral
      .replaceAll(/\?(\d+)/g, '$$$1')
      .replaceAll(/\bpayload\((\w+\.\w+)\)/g, '$1')
      .replaceAll(tableNames, `$1 ${this.#schema}.$2`)
    this.#known.set(neutral, text)
    return text
  }
}

/** How many shards it has rows of, as far as they stand together. */
function shardsIn({ values, width }: Statement): number {
  let [count, last] = [1, values[0]]
  for (let offset = width; offset < values.length; offset += width) {
    if (values[offset] === last) continue
    last = values[offset]
    count += 1
  }
  return count
}

/** A statement for each run of rows of one shard. */
function byShard(statement: Statement): readonly Statement[] {
  const { values, width } = statement
  const parts: Statement[] = []
  let begin = 0
  for (let offset = width; offset <= values.length; offset += width) {
    if (offset < values.length && values[offset] === values[begin]) continue
    parts.push({ ...statement, values: values.slice(begin, offset) })
    begin = offset
  }
  return parts
}

function arrays(values: readonly Value[], { width, payloads }: Statement): string[] {
  return Array.from({ length: width }, (_, column) =>
    columnLiteral(values, column, width, payloads?.includes(column) ?? false),
  )
}

/** The rows in parts that a server takes in one message. */
function chunks({ values, width, payloads }: Statement): readonly (readonly Value[])[] {
  const parts: (readonly Value[])[] = []
  let begin = 0
  let bytes = 0
  for (let offset = 0; offset < values.length; offset += width) {
    let more = 0
    for (const place of payloads ?? []) {
      const payload = values[offset + place]
      if (typeof payload === 'string' || payload instanceof Uint8Array) more += payload.length
    }
    if (offset > begin && (bytes + more > CHUNK_BYTES || offset - begin >= CHUNK_VALUES)) {
      parts.push(values.slice(begin, offset))
      begin = offset
      bytes = 0
    }
    bytes += more
  }
  parts.push(begin === 0 ? values : values.slice(begin))
  return parts
}

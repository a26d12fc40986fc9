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

/**
 * The rows of a table that the arrays name, as far as an index finds them: by itself, whatever the planner thinks of a
 * table that was empty when it made its plan. A join then only pairs the few that were found with what is given.
 */
function found(columns: readonly Column[], keys: readonly string[]): string {
  const terms = columns.flatMap(({ name, type }, index) =>
    keys.includes(name) ? [`kept.${name} = ANY ($${index + 2}::${types[type]}[])`] : [],
  )
  return ['kept.shard = ($1::bigint[])[1]::int', ...terms].join(' AND ')
}

/** By one column, or by several: then each pair of a row that is there with one that is given is looked at. */
function remove(table: string, columns: readonly Column[], more = ''): string {
  const keys = namesOf(more === '' ? columns : columns.slice(0, -1))
  if (columns.length === 1) return `DELETE FROM ${table} AS kept WHERE ${found(columns, keys)}`
  const pairs = `${same(keys)}${more}`
  return `DELETE FROM ${table} AS kept USING ${given(columns)} WHERE ${found(columns, keys)} AND ${pairs}`
}

function update<Row>({ name, columns }: Table<Row>, keys: readonly string[]): string {
  const set = namesOf(columns).flatMap((one) => (keys.includes(one) ? [] : [`${one} = given.${one}`]))
  const which = `${found(columns, keys)} AND ${same(keys)}`
  return `UPDATE ${name} AS kept SET ${set.join(', ')} FROM ${given(columns)} WHERE ${which}`
}

/** Of `width` + 1 parameters the last is how many rows it has to be. */
function exactly(text: string, width: number): string {
  return `WITH done AS (${text} RETURNING 1) SELECT 1 / (count(*) = $${width + 1}::bigint)::int FROM done`
}

const replaced = namesOf(flowsTable.columns.slice(flowNames.columns.length))
  .map((name) => `${name} = excluded.${name}`)
  .join(', ')

const manyTexts: Partial<Record<StatementKind, string>> = {
  claims: `SELECT ${namesOf(claimsTable.columns).join(', ')} FROM claims AS kept
    WHERE ${found(claimNames.columns, ['ns', 'space', 'id'])}`,
  fence: exactly('UPDATE shards SET head = $4 WHERE id = $1 AND epoch = $2 AND head = $3', 4),
  drain: exactly(remove('inbox', [number('id')]), 2),
  run: insert(runsTable),
  change: exactly(update(changesTable, ['num']), changesTable.columns.length + 1),
  continued: exactly(update(continuedTable, ['num']), continuedTable.columns.length + 1),
  claim: `${insert(claimsTable)} ON CONFLICT DO NOTHING`,
  journal: insert(journalTable),
  event: insert(eventsTable),
  timer: `${insert(timersTable)} ON CONFLICT DO NOTHING`,
  timerGone: remove('timers', timersTable.columns),
  post: insert(inboxItems),
  suspect: `${insert(suspectsTable)} ON CONFLICT (shard, run) DO UPDATE SET what = excluded.what, deaths = excluded.deaths`,
  suspectGone: remove('suspects', [number('run')]),
  forgottenRun: remove('runs', [number('num')]),
  forgottenJournal: remove('journal', [number('run')]),
  forgottenTimers: remove('timers', [number('run')]),
  journalGone: remove('journal', journalBefore.columns, ' AND kept.seq < given.before'),
  eventGone: remove('events', [number('pos')]),
  claimUntil: update(claimsUntil, ['ns', 'space', 'id']),
  claimGone: remove('claims', claimNames.columns),
  flows: `SELECT ${namesOf(flowsTable.columns).join(', ')} FROM flows AS kept
    WHERE ${found(flowNames.columns, ['ns', 'name', 'key'])}`,
  flow: `${insert(flowsTable)} ON CONFLICT (shard, ns, name, key) DO UPDATE SET ${replaced}`,
  flowGone: remove('flows', flowNames.columns),
}

const tables = 'store|shards|runs|claims|journal|events|timers|inbox|suspects|flows'
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
    const many = kind === 'fence' || kind === undefined ? undefined : manyTexts[kind]
    if (many !== undefined) {
      return chunks(statement).map((chunk) => ({
        text: this.of(many),
        parameters: [...arrays(chunk, statement), ...(expect === undefined ? [] : [String(chunk.length / width)])],
      }))
    }
    const text = this.of((kind === undefined ? undefined : manyTexts[kind]) ?? sql)
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

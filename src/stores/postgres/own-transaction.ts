// Inbox rows by a transaction of the application's own, whichever library it is of. There is one text without parameters,
// because that is what they all can send; every value in it is hexadecimal, so that there is nothing to quote. The row is
// written only where the store of this id is: a table of the same name in another database is not ours.
import { fault, isBalletError } from '../../core/errors.ts'
import { isRecord } from '../../core/json.ts'
import type { InboxItem } from '../../core/store.ts'
import { payloadBytes } from './literals.ts'

/** Sends one text, and answers with the rows that it returned. */
type Send = (text: string) => Promise<readonly unknown[]>

/** SQLSTATE of a table or schema that is not there, or not to be seen. */
const ABSENT: ReadonlySet<string> = new Set(['42P01', '3F000', '42501'])

export interface Place {
  readonly schema: string
  /** Of the store, in words. */
  readonly name: string
  /** Of the store, in its own table. */
  readonly id: string
}

/** @throws TX_INVALID, TX_FOREIGN, and what the transaction throws */
export async function postIn(tx: object, place: Place, shard: number, items: readonly InboxItem[]): Promise<void> {
  const send = senderOf(tx)
  const foreign = (cause?: unknown): Error => fault('TX_FOREIGN', { store: place.name }, cause)
  let rows: readonly unknown[]
  try {
    rows = await send(textOf(place, shard, items))
  } catch (error) {
    const code = isRecord(error)
      ? (error['code'] ?? (isRecord(error['cause']) ? error['cause']['code'] : undefined))
      : ''
    throw typeof code === 'string' && ABSENT.has(code) && !isBalletError(error) ? foreign(error) : error
  }
  if (rows.length !== items.length) throw foreign()
}

function textOf({ schema, id }: Place, shard: number, items: readonly InboxItem[]): string {
  const rows = items.map(
    ({ ns, slot, kind, target, data, at }, index) =>
      `(${index}, ${slot}, ${text(ns)}, ${text(kind)}, ${text(target)}, ${bytes(payloadBytes(data))}, ${at}::bigint)`,
  )
  return `INSERT INTO ${schema}.inbox (shard, ns, slot, kind, target, data, at)
    SELECT ${shard}, ns, slot, kind, target, data, at
    FROM (VALUES ${rows.join(', ')}) AS given (nth, slot, ns, kind, target, data, at)
    WHERE EXISTS (SELECT FROM ${schema}.store WHERE id = ${text(id)}) ORDER BY nth RETURNING 1`
}

const bytes = (value: Uint8Array): string => `decode('${Buffer.from(value).toString('hex')}', 'hex')`
const text = (value: string): string => `convert_from(${bytes(Buffer.from(value))}, 'UTF8')`

type Method = (text: unknown) => Promise<unknown>

/** @throws TX_INVALID */
function senderOf(tx: object): Send {
  const method = (name: string): Method | undefined => {
    const found: unknown = Reflect.get(tx, name)
    return typeof found === 'function' ? (given) => Reflect.apply(found, tx, [given]) as Promise<unknown> : undefined
  }
  const invalid = (problem: string): Error => fault('TX_INVALID', { problem })
  const outside = invalid('a connection or a pool, and no transaction')
  const known = (send: Method): Send => {
    return async (given) => rowsOf(await send(given))
  }
  // postgres: the sql of `sql.begin(async (sql) => ...)` has save points, and the one outside begins transactions.
  const unsafe = method('unsafe')
  if (unsafe !== undefined) {
    if (method('savepoint') === undefined) throw outside
    return known(unsafe)
  }
  // Kysely: says itself what it is.
  const executeQuery = method('executeQuery')
  if (executeQuery !== undefined) {
    if (Reflect.get(tx, 'isTransaction') !== true) throw outside
    return known((given) => executeQuery(rawQuery(String(given))))
  }
  // Drizzle: a transaction can be rolled back, a database cannot.
  const execute = method('execute')
  if (execute !== undefined) {
    if (method('rollback') === undefined) throw outside
    return known(execute)
  }
  // pg: a pool counts its clients, and lends another one for each query.
  const query = method('query')
  if (query !== undefined) {
    if (typeof Reflect.get(tx, 'totalCount') === 'number') throw outside
    return known(query)
  }
  throw invalid('no transaction of a library that is known here')
}

/** What Kysely's `CompiledQuery.raw` makes. */
function rawQuery(given: string): object {
  const query = { kind: 'RawNode', sqlFragments: [given], parameters: [] }
  return { sql: given, query, parameters: [], queryId: { queryId: `ballet-${given.length}` } }
}

/** Some answer with the rows themselves, others have them in `rows`. */
function rowsOf(result: unknown): readonly unknown[] {
  if (Array.isArray(result)) return result
  const rows = isRecord(result) ? result['rows'] : undefined
  return Array.isArray(rows) ? rows : []
}

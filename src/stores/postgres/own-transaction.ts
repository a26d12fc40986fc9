// Inbox rows by a transaction of the application's own. They are written only where the store of this id is, since a table of the
// same name in another database is not ours, and only within a transaction that goes on, since nothing would take them back
// with the rest otherwise. A connection whose transaction is over, and on which somebody else has begun one, cannot be told.
import { fault, isBalletError } from '../../core/errors.ts'
import { isRecord } from '../../core/json.ts'
import type { InboxItem } from '../../core/store.ts'
import { bytesText, preparingSenderOf, senderOf, textText } from './libraries.ts'
import { payloadBytes } from './literals.ts'

/** A setting that lasts until the end of its transaction: a statement behind it finds it there, and nowhere else. */
const MARK = 'ballet.tx'
const MARKED = 'open'
/**
 * Whether a statement that is sent alone, as a plain text, is in a transaction that was begun before it: otherwise its own has
 * begun with it, at the same time. With parameters it is sent in parts that have a time each, and this says nothing.
 */
const IS_WITHIN = 'now() <> statement_timestamp()'
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
    const [item, ...more] = items
    const prepare = item === undefined || more.length > 0 ? undefined : preparingSenderOf(tx)
    if (item !== undefined && prepare !== undefined) {
      const insert = (): Promise<readonly unknown[]> => prepare(preparedText(place), parametersOf(place, shard, item))
      rows = await insert()
      // Nothing was written before it in this transaction, if it is in one. One after the other: where the transaction is
      // over, 3.4.9 answers neither of two statements at once that it has not prepared.
      if (rows.length === 0) {
        await prepare(`SELECT set_config('${MARK}', $1::text, true)`, [MARKED])
        rows = await insert()
      }
    } else {
      rows = await send(textOf(place, shard, items))
    }
    if (rows.length === items.length) return
    // Nothing was written, because the store of this id is not there, or because nothing could roll it back.
    const [found] = await send(`SELECT 1 FROM ${place.schema}.store WHERE id = ${textText(place.id)}`)
    if (found !== undefined)
      throw fault('TX_INVALID', { problem: 'a connection that is in no transaction, or in none any more' })
  } catch (error) {
    const code = isRecord(error)
      ? (error['code'] ?? (isRecord(error['cause']) ? error['cause']['code'] : undefined))
      : ''
    throw typeof code === 'string' && ABSENT.has(code) && !isBalletError(error) ? foreign(error) : error
  }
  throw foreign()
}

/** One row with parameters: for the server a third of the work of the text, which it would read and plan each time. */
function preparedText({ schema }: Place): string {
  return `INSERT INTO ${schema}.inbox (shard, ns, slot, kind, target, data, at)
    SELECT $1::int, $2::text, $3::int, $4::text, $5::text, $6::bytea, $7::bigint
    WHERE (pg_current_xact_id_if_assigned() IS NOT NULL OR current_setting('${MARK}', true) = '${MARKED}')
      AND EXISTS (SELECT FROM ${schema}.store WHERE id = $8::text) RETURNING 1`
}

function parametersOf({ id }: Place, shard: number, { ns, slot, kind, target, data, at }: InboxItem): unknown[] {
  return [shard, ns, slot, kind, target, payloadBytes(data), at, id]
}

function textOf({ schema, id }: Place, shard: number, items: readonly InboxItem[]): string {
  const rows = items.map(
    ({ ns, slot, kind, target, data, at }, index) =>
      `(${index}, ${slot}, ${textText(ns)}, ${textText(kind)}, ${textText(target)}, ${bytesText(payloadBytes(data))}, ${at}::bigint)`,
  )
  return `INSERT INTO ${schema}.inbox (shard, ns, slot, kind, target, data, at)
    SELECT ${shard}, ns, slot, kind, target, data, at
    FROM (VALUES ${rows.join(', ')}) AS given (nth, slot, ns, kind, target, data, at)
    WHERE ${IS_WITHIN} AND EXISTS (SELECT FROM ${schema}.store WHERE id = ${textText(id)}) ORDER BY nth RETURNING 1`
}

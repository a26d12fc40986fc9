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
/**
 * A setting that lasts as long, and goes back with a save point: by what the last of what was put there is known, as `name:hash;` each.
 * The inbox itself cannot be asked: who may write it may not read it.
 */
const SAID = 'ballet.said'
const SAID_NOW = `coalesce(current_setting('${SAID}', true), '')`
const SAID_LENGTH = 4000
/** Nothing of this name with another hash was said. @param entry the expression of a text */
const isNoOther = (entry: string): string =>
  `(strpos(${SAID_NOW}, ${entry}) > 0 OR strpos(${SAID_NOW}, split_part(${entry}, ':', 1) || ':') = 0)`
const saying = (entry: string): string => `set_config('${SAID}', right(${SAID_NOW} || ${entry}, ${SAID_LENGTH}), true)`
const entryOf = ([name, hash]: Said): string => `${name}:${hash};`

/** SQLSTATE of a table or schema that is not there, or not to be seen. */
const ABSENT: ReadonlySet<string> = new Set(['42P01', '3F000', '42501'])

/** By what something is known among all that one transaction puts there, and what tells it from others of that name: letters and digits. */
export type Said = readonly [name: string, hash: string]

export interface Place {
  readonly schema: string
  /** Of the store, in words. */
  readonly name: string
  /** Of the store, in its own table. */
  readonly id: string
}

/**
 * @returns false, and nothing is written, where this transaction has put another one of that name there
 * @throws TX_INVALID, TX_FOREIGN, and what the transaction throws
 */
export async function postIn(tx: object, place: Place, shard: number, item: InboxItem, said: Said): Promise<boolean> {
  const send = senderOf(tx)
  const foreign = (cause?: unknown): Error => fault('TX_FOREIGN', { store: place.name }, cause)
  let rows: readonly unknown[]
  try {
    const prepare = preparingSenderOf(tx)
    if (prepare !== undefined) {
      const parameters = parametersOf(place, shard, item, said)
      const insert = (): Promise<readonly unknown[]> => prepare(preparedText(place), parameters)
      rows = await insert()
      // Nothing was written before it in this transaction, if it is in one. One after the other: where the transaction is
      // over, 3.4.9 answers neither of two statements at once that it has not prepared.
      if (rows.length === 0) {
        await prepare(`SELECT set_config('${MARK}', $1::text, true)`, [MARKED])
        rows = await insert()
      }
    } else {
      rows = await send(textOf(place, shard, item, said))
    }
    if (rows.length === 1) return true
    // Nothing was written, because the store of this id is not there, because nothing could roll it back, or because of another.
    const [found] = await send(`SELECT ${SAID_NOW} AS said FROM ${place.schema}.store WHERE id = ${textText(place.id)}`)
    if (isRecord(found) && String(found['said']).includes(`${said[0]}:`)) return false
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
      AND EXISTS (SELECT FROM ${schema}.store WHERE id = $8::text) AND ${isNoOther('$9::text')} RETURNING ${saying('$9::text')}`
}

function parametersOf(
  { id }: Place,
  shard: number,
  { ns, slot, kind, target, data, at }: InboxItem,
  said: Said,
): unknown[] {
  return [shard, ns, slot, kind, target, payloadBytes(data), at, id, entryOf(said)]
}

function textOf({ schema, id }: Place, shard: number, item: InboxItem, said: Said): string {
  const { ns, slot, kind, target, data, at } = item
  const entry = textText(entryOf(said))
  return `INSERT INTO ${schema}.inbox (shard, ns, slot, kind, target, data, at)
    SELECT ${shard}, ${textText(ns)}, ${slot}, ${textText(kind)}, ${textText(target)}, ${bytesText(payloadBytes(data))}, ${at}::bigint
    WHERE ${IS_WITHIN} AND EXISTS (SELECT FROM ${schema}.store WHERE id = ${textText(id)}) AND ${isNoOther(entry)}
    RETURNING ${saying(entry)}`
}

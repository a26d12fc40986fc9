// Work in the application's own database that happens exactly once: a row in the table `ballet_tx` of that database has the
// key of the call, and is committed with what the work wrote. Whoever comes again with the key is answered from the row;
// whoever comes at the same time waits for it, because the key is unique. An undo leaves its mark in the row of what it
// takes back before it looks, so that a call that comes later does nothing any more.
//
//   no row            the row and the work, in one transaction
//   a row, begun      refused: the work has committed by itself, and whether it was all of it nobody knows
//   a row, answered   its answer, and no work
//   a row, undone     refused, for good
import { fault, TerminalError } from '../../core/errors.ts'
import { parseText } from '../../core/json-text.ts'
import { toWholeText } from '../../core/json-losses.ts'
import { isRecord } from '../../core/json.ts'
import { beginnerOf, senderOf, textText, type Send } from './libraries.ts'

/** What is asked of the context of a call: that of an operation or a step has it. */
export interface OnceContext {
  readonly idempotencyKey: string
  /** The key of the call that this one takes back, or null. */
  readonly undoes: string | null
}

/** Does the work once for the key of the call, in a transaction, and answers every repeat alike. */
export type Once<Tx> = <Result>(context: OnceContext, work: (tx: Tx) => Promise<Result>) => Promise<Result>

const TABLE = 'ballet_tx'
/** The output of work that has begun, which is no JSON: nobody sees it unless the work commits by itself. */
const BEGUN = ''
/** The transaction, and null where what was written is committed already. */
const TRANSACTION = 'pg_current_xact_id_if_assigned()::text'
/** SQLSTATE: somebody else has just made it. */
const MADE: ReadonlySet<unknown> = new Set(['42P07', '23505', '42710'])

/**
 * The database of the application, by the library that it uses, with each way of calling it: the compiler finds out from the last
 * one what the work gets.
 */
interface Begins<Tx> {
  /** `sql` of postgres. */
  begin(work: (tx: Tx) => Promise<unknown>): Promise<unknown>
  begin(options: string, work: (tx: Tx) => Promise<unknown>): Promise<unknown>
}
interface Transacts<Tx> {
  /** Drizzle. */
  transaction(work: (tx: Tx) => Promise<unknown>): Promise<unknown>
}
interface Builds<Tx> {
  /** Kysely. */
  transaction(): { execute(work: (tx: Tx) => Promise<unknown>): Promise<unknown> }
}
interface Lends<Tx> {
  /** A pool of pg. */
  connect(): Promise<Tx>
  connect(lent: (error: Error | undefined, client: Tx | undefined, release: (broken?: unknown) => void) => void): void
  readonly totalCount: number
}

/**
 * Makes the effect of a call on a PostgreSQL database happen exactly once, whichever attempt does it.
 *
 * `db` is `sql` of postgres, a pool of pg, or the database of Drizzle or Kysely; the work gets a transaction of it. What it
 * answers is kept as JSON in the table `ballet_tx`, which is made in the first schema of the search path at the first use.
 * Its rows may go when no run can ask again: after the retention of runs.
 *
 * @throws TX_INVALID for what is no such database; a TerminalError for a call that was taken back before it came;
 * TX_ENDED for work that ends its transaction by itself; VALUE_NOT_JSON; and what the database throws, so that the attempt
 * fails and is made again.
 * @example
 * const once = exactlyOnce(sql)
 * const charge = operation({
 *   input: Order,
 *   output: Receipt,
 *   run: (order, context) => once(context, async (tx) => {
 *     await tx`INSERT INTO charges (order_id) VALUES (${order.orderId})`
 *     return { receipt: order.orderId }
 *   }),
 * })
 */
export function exactlyOnce<Tx extends object>(db: Builds<Tx>): Once<Tx>
export function exactlyOnce<Tx extends object>(db: Begins<Tx> | Transacts<Tx> | Lends<Tx>): Once<Tx>
export function exactlyOnce(db: object): Once<never> {
  const begin = beginnerOf(db)
  let made: Promise<void> | undefined
  return async (context, work) => {
    made ??= makeTable(begin).catch((error: unknown) => {
      made = undefined
      throw error
    })
    await made
    const result = await begin(async (tx, isOver) => ({ is: await settle(tx, context, { work, isOver }) }))
    return (result as { readonly is: never }).is
  }
}

async function makeTable(begin: ReturnType<typeof beginnerOf>): Promise<void> {
  const isThere = async (tx: object): Promise<unknown> => {
    const [row] = await senderOf(tx)(`SELECT to_regclass('${TABLE}') IS NOT NULL AS there`)
    return isRecord(row) && row['there'] === true
  }
  if ((await begin(isThere)) === true) return
  const text = `CREATE TABLE ${TABLE} (key text PRIMARY KEY, output text, undone boolean NOT NULL DEFAULT false,
    at timestamptz NOT NULL DEFAULT now())`
  await begin(async (tx) => senderOf(tx)(text)).catch((error: unknown) => {
    const cause = isRecord(error) ? error['cause'] : undefined
    if (![error, cause].some((one) => isRecord(one) && MADE.has(one['code']))) throw error
  })
}

async function settle(
  tx: object,
  { idempotencyKey, undoes }: OnceContext,
  { work, isOver }: { readonly work: (tx: never) => Promise<unknown>; readonly isOver: () => boolean },
): Promise<unknown> {
  const send = senderOf(tx)
  const key = textText(idempotencyKey)
  if (undoes !== null)
    await send(`INSERT INTO ${TABLE} (key, undone) VALUES (${textText(undoes)}, true)
      ON CONFLICT (key) DO UPDATE SET undone = true`)
  const [taken] = await send(`INSERT INTO ${TABLE} (key, output) VALUES (${key}, '${BEGUN}')
    ON CONFLICT DO NOTHING RETURNING ${TRANSACTION} AS transaction`)
  if (!isRecord(taken)) return answerOf(send, key)
  const result = await work(tx as never)
  // The connection may be that of another transaction by now.
  if (isOver()) return undefined
  const output = toWholeText(result, 'what was done in the transaction')
  const within = textText(String(taken['transaction']))
  const kept = await send(`UPDATE ${TABLE} SET output = ${output === undefined ? 'NULL' : textText(output)}
    WHERE key = ${key} AND ${TRANSACTION} = ${within} RETURNING 1 AS kept`)
  // Work that ended its transaction has taken the row back, or committed before it was done.
  if (kept.length !== 1) throw fault('TX_ENDED')
  return output === undefined ? undefined : parseText(output)
}

async function answerOf(send: Send, key: string): Promise<unknown> {
  const [row] = await send(`SELECT output, undone FROM ${TABLE} WHERE key = ${key}`)
  const { output = null, undone = true } = isRecord(row) ? row : {}
  if (undone === true) throw new TerminalError('it was taken back, and is not done any more')
  if (output === BEGUN) throw fault('TX_ENDED')
  return typeof output === 'string' ? parseText(output) : undefined
}

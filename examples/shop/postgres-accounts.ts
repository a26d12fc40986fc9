// The accounts of Payment in PostgreSQL, for a shop on several nodes, in a schema of their own. `exactlyOnce` does what a
// service has to do for a key: its row in `ballet_tx`, the account and the line in the ledger are committed together, and
// whoever asks again, at whichever node, is answered from that row. A process may die at any point of it.
//
// Here remains what that does not know: an engine that was replaced is refused, and attempts that changed nothing
// (repeats, refusals) have their line in the ledger too, each written by itself.
import { TerminalError, type EventValue, type OperationContext } from 'ballet'
import { z } from 'zod'
import type { Account, Accounts, Decision } from './accounts.ts'
import { fenceOf, lineOf, REPLACED, type Entry, type Line } from './effects.ts'
import type { Faults } from './faults.ts'
import { parseRow, type LedgerRow } from './ledger.ts'
import { openPool, type Pool, type Sending } from './postgres-pool.ts'

/** The time of the database, which is the same for all nodes, as the ledger has it. */
const NOW = 'extract(epoch FROM clock_timestamp())::float8 * 1000'
const tables = `
  CREATE TABLE IF NOT EXISTS accounts (
    order_id text PRIMARY KEY, charged integer, refunded boolean NOT NULL DEFAULT false, closed text);
  CREATE TABLE IF NOT EXISTS ledger (
    id bigint GENERATED ALWAYS AS IDENTITY PRIMARY KEY, t float8 NOT NULL DEFAULT ${NOW}, run text NOT NULL,
    step text NOT NULL, key text NOT NULL, outcome text NOT NULL, amount integer, cause text, event text, epoch bigint);
  CREATE TABLE IF NOT EXISTS fences (
    store text, shard integer, incarnation integer NOT NULL, epoch bigint NOT NULL, PRIMARY KEY (store, shard));
`
const Stored: z.ZodType<Account> = z.object({
  charged: z.number().nullable(),
  refunded: z.boolean(),
  closed: z.string().nullable(),
})

/**
 * A connection that carries nothing any more says so to nobody. After so long its pool is given up, and the next attempt has
 * another one; the key of the call sees to it that this makes no difference.
 */
const DEADLINE_MS = 5000

export class PostgresAccounts implements Accounts {
  readonly #url: string
  readonly #faults: Faults
  #opening: Promise<Pool> | undefined

  /** @param url of the database, or of the store of Ballet in it: the accounts have a schema of their own beside it. */
  constructor(url: string, faults: Faults) {
    this.#url = url
    this.#faults = faults
  }

  get declines(): boolean {
    return this.#faults.declines('payment')
  }

  once<Work extends Decision<EventValue>>(
    context: OperationContext,
    entry: Entry,
    rule: (account: Account) => Work,
  ): Promise<Work['answer']> {
    const line = lineOf(context, entry)
    const attempt = { service: 'payment', operation: entry.operation, signal: context.signal } as const
    return this.#faults.attempt(
      attempt,
      () => this.#within((pool) => settle(pool, context, line, rule)),
      () => this.#within(({ sql }) => write(sql, { ...line, outcome: 'failed' })),
    )
  }

  async ledger(): Promise<LedgerRow[]> {
    return this.#within(async ({ sql }) => {
      const rows =
        await sql`SELECT t, run, step, key, outcome, amount, cause, event, epoch::float8 AS epoch FROM ledger ORDER BY t, id`
      return rows.map(parseRow)
    })
  }

  async open(): Promise<void> {
    await this.#within(async () => {})
  }

  async close(): Promise<void> {
    const opening = this.#opening
    this.#opening = undefined
    await opening?.then(({ sql }) => sql.end({ timeout: 1 }))
  }

  async #within<Result>(work: (pool: Pool) => Promise<Result>): Promise<Result> {
    const opening = (this.#opening ??= openPool(this.#url, tables))
    const giveUp = (): void => {
      if (this.#opening === opening) this.#opening = undefined
    }
    const pool = await opening.catch((error: unknown) => {
      giveUp()
      throw error
    })
    const late = setTimeout(() => {
      giveUp()
      void pool.sql.end({ timeout: 0 })
    }, DEADLINE_MS)
    try {
      return await work(pool)
    } finally {
      clearTimeout(late)
    }
  }
}

/** One attempt. What it is answered is committed. @throws TerminalError for one that is too late. */
async function settle<Work extends Decision<EventValue>>(
  { sql, once }: Pool,
  context: OperationContext,
  line: Line,
  rule: (account: Account) => Work,
): Promise<Work['answer']> {
  try {
    const t = await passFence(sql, context)
    let isRepeat = true
    const answer = await once(context, async (tx) => {
      isRepeat = false
      const account = await read(tx, line.run)
      // Once more, where it holds until this is committed: the process may have stood still since, and may from here on too. It is
      // now that this happens, as far as another engine and another call about the order can tell, whenever the rest is written.
      const happens = await passFence(tx, context)
      const { outcome, answer: given, amount, change } = rule(account)
      if (change !== undefined) await keep(tx, line.run, { ...account, ...change })
      // The event of an answer has the key of its call as its id.
      await write(tx, { ...line, outcome, amount, event: line.key }, happens)
      return given
    })
    // It came when it passed the fence: the answer may have been on its way to the customer ever since.
    if (isRepeat) await write(sql, { ...line, outcome: 'deduped' }, t)
    return answer
  } catch (error) {
    if (error instanceof TerminalError) await write(sql, { ...line, outcome: 'refused' })
    throw error
  }
}

/** Remembers the newest engine of a shard, and gives the time at which it asked. @throws TerminalError for an older one. */
async function passFence(sql: Sending, context: OperationContext): Promise<number> {
  const { store, shard, incarnation, epoch } = fenceOf(context)
  const [passed] = await sql<{ t: number }[]>`
    INSERT INTO fences AS seen (store, shard, incarnation, epoch) VALUES (${store}, ${shard}, ${incarnation}, ${epoch})
    ON CONFLICT (store, shard) DO UPDATE SET incarnation = excluded.incarnation, epoch = excluded.epoch
    WHERE (seen.incarnation, seen.epoch) <= (excluded.incarnation, excluded.epoch)
    RETURNING ${sql.unsafe(NOW)} AS t`
  if (passed === undefined) throw new TerminalError(REPLACED)
  return passed.t
}

/** The account of an order, which is the transaction's own from here on: also one that nobody has asked for before. */
async function read(tx: Sending, orderId: string): Promise<Account> {
  await tx`INSERT INTO accounts (order_id) VALUES (${orderId}) ON CONFLICT DO NOTHING`
  const [row] = await tx`SELECT charged, refunded, closed FROM accounts WHERE order_id = ${orderId} FOR UPDATE`
  return Stored.parse(row)
}

async function keep(tx: Sending, orderId: string, { charged, refunded, closed }: Account): Promise<void> {
  await tx`UPDATE accounts SET charged = ${charged}, refunded = ${refunded}, closed = ${closed} WHERE order_id = ${orderId}`
}

async function write(sql: Sending, row: Omit<LedgerRow, 't'>, t: number | null = null): Promise<void> {
  const { run, step, key, outcome, amount = null, cause = null, event = null, epoch = null } = row
  await sql`INSERT INTO ledger (t, run, step, key, outcome, amount, cause, event, epoch)
    VALUES (coalesce(${t}::float8, ${sql.unsafe(NOW)}), ${run}, ${step}, ${key}, ${outcome}, ${amount}, ${cause}, ${event}, ${epoch})`
}

// An application with tables of its own on PostgreSQL, and the engine beside them: its transaction writes an order, takes the
// goods from the stock and books the payment; and besides it publishes an event, or writes what an outbox of its own would
// hold, or nothing, or writes the event where nobody reads it. Nobody reacts to the event, so what the engine does with it is to take it and to keep it.
import postgres, { type TransactionSql } from 'postgres'
import { open } from 'ballet'
import { definition, Notified } from '../checkout.ts'
import { closedLoopFor } from '../closed-loop-for.ts'
import { host } from '../host.ts'
import { newOrder, type Order } from '../order.ts'

interface Settings {
  readonly url: string
  readonly connections: number
  readonly seconds: number
}

/** What a transaction does besides its own. */
export type Kind = 'plain' | 'outbox' | 'publish' | 'unread'

type Rest = Parameters<TransactionSql['unsafe']> extends [string, ...infer More] ? More : never

const log = { info: () => {}, warn: () => {}, error: (message: string) => console.error(message) }
/** Goods in the stock: so many that two transactions seldom want the same. */
const GOODS = 10_000

await host(async ({ url, connections, seconds }: Settings) => {
  const app = await open(definition, { store: url, log })
  const sql = postgres(url, { max: connections })
  await sql`CREATE TABLE orders (id text PRIMARY KEY, placed jsonb NOT NULL, at timestamptz NOT NULL DEFAULT now())`
  await sql`CREATE TABLE stock (sku int PRIMARY KEY, left_over int NOT NULL)`
  await sql`CREATE TABLE payments (order_id text PRIMARY KEY REFERENCES orders, cents int NOT NULL)`
  await sql`CREATE TABLE outbox (id bigserial PRIMARY KEY, type text NOT NULL, data bytea NOT NULL)`
  await sql`INSERT INTO stock SELECT sku, 1000000 FROM generate_series(1, ${GOODS}) AS sku`

  // What `publish` sends, into a table that is as the inbox, and that nobody reads.
  await sql`CREATE TABLE ballet.inbox_unread (LIKE ballet.inbox INCLUDING ALL)`
  const publishUnread = async (order: Order, tx: TransactionSql): Promise<void> => {
    const unsafe = (text: string, ...more: Rest): Promise<unknown> =>
      tx.unsafe(text.replace('.inbox ', '.inbox_unread '), ...more)
    await app.publish(Notified(order), { tx: { unsafe, savepoint: () => {} } })
  }

  const transaction = (kind: Kind): Promise<unknown> => {
    const order = newOrder()
    return sql.begin(async (tx) => {
      await tx`INSERT INTO orders (id, placed) VALUES (${order.orderId}, ${sql.json({ ...order })})`
      await tx`UPDATE stock SET left_over = left_over - 2 WHERE sku = ${1 + Math.floor(Math.random() * GOODS)}`
      await tx`INSERT INTO payments (order_id, cents) VALUES (${order.orderId}, ${5850})`
      if (kind === 'publish') await app.publish(Notified(order), { tx })
      if (kind === 'unread') await publishUnread(order, tx)
      if (kind === 'outbox')
        await tx`INSERT INTO outbox (type, data) VALUES (${Notified.type}, ${Buffer.from(JSON.stringify(order))})`
    })
  }
  /** Until the engine has taken all that was published: it shall not work while the other kind is measured. */
  const settled = async (): Promise<void> => {
    for (;;) {
      const [row] = await sql<{ left: number }[]>`SELECT count(*)::int AS left FROM ballet.inbox`
      if (row?.left === 0) return
      await new Promise((resolve) => setTimeout(resolve, 50))
    }
  }

  return {
    about: { connections, goods: GOODS },
    ask: async (q) => {
      const [question, grain] = String(q).split('@')
      ;(globalThis as any).__grain = Number(grain ?? 20)
      const ask = { inFlight: connections, seconds, orders: 0, mostSeconds: seconds }
      const drove = await closedLoopFor(ask, () => transaction(question as Kind))
      await settled()
      return drove
    },
    close: async () => {
      await sql.end()
      await app.close()
    },
  }
})

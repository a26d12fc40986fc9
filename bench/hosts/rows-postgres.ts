// The plain way on PostgreSQL: every row is a transaction, on the connections of a pool. Four rows an order: it begins,
// and three steps.
import postgres from 'postgres'
import { host } from '../host.ts'
import { answer, type Order } from '../order.ts'

const steps = ['charge', 'ship', 'notify'] as const

await host(async ({ url, connections }: { readonly url: string; readonly connections: number }) => {
  const sql = postgres(url, { max: connections })
  await sql`CREATE TABLE journal (pos bigserial PRIMARY KEY, run bigint, seq int, data text)`
  let runs = 0
  const write = (run: number, seq: number, data: string): Promise<unknown> =>
    sql`INSERT INTO journal (run, seq, data) VALUES (${run}, ${seq}, ${data})`
  return {
    about: {
      system: 'rows one by one',
      settings: `${connections} connections`,
      durability: 'PostgreSQL, its defaults',
    },
    order: async (order: Order) => {
      const run = ++runs
      let seq = 0
      await write(run, seq++, JSON.stringify(order))
      for (const step of steps) await write(run, seq++, JSON.stringify({ step, result: answer() }))
    },
    close: () => sql.end(),
  }
})

// The ceiling on PostgreSQL: the same as on SQLite (../ceiling.ts), with what has gathered written by one statement over one
// connection, which is one commit. Two statements are under way at a time, so that the server has the next one as soon as
// it has ended one; what comes meanwhile gathers.
import postgres from 'postgres'
import { host } from '../host.ts'
import { answer, type Order } from '../order.ts'

interface Row {
  readonly run: number
  readonly seq: number
  readonly data: string
  readonly durable: () => void
}

const steps = ['charge', 'ship', 'notify'] as const
const UNDER_WAY = 2

await host(async ({ url }: { readonly url: string }) => {
  const sql = postgres(url, { max: 1 })
  await sql`CREATE TABLE journal (pos bigserial PRIMARY KEY, run bigint, seq int, data text)`
  let queue: Row[] = []
  let underWay = 0
  let soon = false
  let runs = 0

  const flush = async (): Promise<void> => {
    soon = false
    if (queue.length === 0 || underWay === UNDER_WAY) return
    const rows = queue
    queue = []
    underWay += 1
    await sql`INSERT INTO journal (run, seq, data) SELECT * FROM unnest(
      ${rows.map(({ run }) => run)}::bigint[], ${rows.map(({ seq }) => seq)}::int[], ${rows.map(({ data }) => data)}::text[])`
    underWay -= 1
    for (const { durable } of rows) durable()
    gather()
  }
  const gather = (): void => {
    if (soon) return
    soon = true
    setImmediate(() => void flush())
  }
  const write = (run: number, seq: number, data: string): Promise<void> =>
    new Promise((durable) => {
      queue.push({ run, seq, data, durable })
      gather()
    })

  return {
    about: {
      system: 'ceiling',
      settings: `one connection, one statement for what has gathered, ${UNDER_WAY} under way`,
      durability: 'PostgreSQL, its defaults',
    },
    order: async (order: Order) => {
      const run = ++runs
      let seq = 0
      await write(run, seq++, JSON.stringify(order))
      for (const step of steps) {
        const result = await Promise.resolve(answer())
        await write(run, seq++, JSON.stringify({ step, result }))
      }
    },
    close: () => sql.end(),
  }
})

// What is forgotten in a store of many shards: a name is not free while something that follows from it is there, in
// whichever shard that is.
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { Placement } from '../../src/core/placement.ts'
import { SLOT_COUNT } from '../../src/core/store.ts'
import { ballet, event, operation, service, workflow } from '../../src/index.ts'
import { gate, openForTest } from '../support/applications.ts'
import { connection, newPlace } from './subject.ts'

const SHARDS = 8
const place = new Placement({ slots: SLOT_COUNT, shards: SHARDS })
const shardOf = (name: string): number => place.shardOf(name)

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const Order = z.object({ orderId: z.string(), to: z.string() })
const Placed = event('placed', Order, { key: 'orderId' })
const Told = event('told', z.object({ to: z.string() }), { key: 'to' })

async function opened() {
  const held = gate()
  const desk = service('desk', {
    hang: operation({ input: z.string(), output: z.null(), timeout: '1h', run: () => held.promise.then(() => null) }),
  })
  const tells = workflow('tells', { input: Order, key: 'orderId', output: z.null() }, async (run, { to }) => {
    run.emit(Told({ to }))
    return null
  })
  const plain = workflow('plain', { input: z.null(), output: z.null() }, async () => null)
  desk.on(Placed, (order) => tells(order))
  desk.on(Told, ({ to }) => desk.hang(to))
  const { url, schema, drop } = await newPlace()
  closing.push(drop)
  const app = await openForTest(ballet({ services: [desk], workflows: [tells, plain] }), {
    store: url(`&shards=${SHARDS}&lease=2`),
    retention: { runs: '1s', dedupe: '1s' },
  })
  closing.push(() => {
    held.open()
    return app.close()
  })
  const sql = await connection()
  const untilOf = async (id: string): Promise<number | null | undefined> => {
    const rows = await sql.unsafe<{ until: string | null }[]>(
      `SELECT until FROM ${schema}.claims WHERE space = 'run' AND id = $1`,
      [id],
    )
    const [row] = rows
    return row === undefined ? undefined : row.until === null ? null : Number(row.until)
  }
  return { app, calls: { tells, plain }, untilOf }
}

/** An id of a run, and a key that belongs to another shard. */
const [HERE, THERE] = ['1', 'elsewhere'] as const

test(
  'the name of a run is kept while a reaction to its event is open in another shard',
  { timeout: 60_000 },
  async () => {
    expect(shardOf(`tells:${HERE}`)).not.toBe(shardOf(THERE))
    const { app, calls, untilOf } = await opened()
    await app.start(calls.tells({ orderId: HERE, to: THERE }), { id: 'origin' })
    await app.result('origin')
    const soon = Date.now() + 3_600_000
    // Its time is up, and it is looked at again in a day.
    let kept = await untilOf('origin')
    while (kept !== undefined && (kept === null || kept < soon)) kept = await untilOf('origin')
    expect(kept).toBeGreaterThan(soon)
    await expect(app.start(calls.tells({ orderId: HERE, to: 'another' }), { id: 'origin' })).rejects.toMatchObject({
      code: 'RUN_CONFLICT',
    })
  },
)

test('so is a run of a graph that began elsewhere, with its row', { timeout: 60_000 }, async () => {
  const { app, calls } = await opened()
  await app.publish(Placed({ orderId: HERE, to: THERE }))
  const statusOf = async (id: string): Promise<string> => (await app.run(id).catch(() => null))?.status ?? 'gone'
  while ((await statusOf(`tells:${HERE}`)) !== 'completed');
  // Runs that end after it, in its shard, are forgotten in two sweeps, one after the other.
  const ids = Array.from({ length: 100 }, (_, n) => `plain-${n}`).filter(
    (id) => shardOf(id) === shardOf(`tells:${HERE}`),
  )
  for (const id of ids.slice(0, 2)) {
    await app.start(calls.plain(null), { id })
    await app.result(id)
    while ((await statusOf(id)) !== 'gone');
  }
  expect(await statusOf(`tells:${HERE}`)).toBe('completed')
})

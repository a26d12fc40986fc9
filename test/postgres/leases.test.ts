// The leases of a store, on a real server: who may take a shard and when, what a renewal answers, and that one which comes
// at the same time as a take-over is either before it or finds it. The lease of a node that is gone is made to be over by
// moving its end, so that nothing waits.
import postgresJs from 'postgres'
import { afterEach, expect, test } from 'vitest'
import type { Leases, NodeInfo } from '../../src/core/lease.ts'
import type { Tenure } from '../../src/core/store.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { postgres } from '../../src/stores/postgres/postgres-store.ts'
import { aTurn, batchAfter } from '../../src/testing/store-rows.ts'
import { gate } from '../support/applications.ts'
import { connection, placesFor, serverUrl, type Place } from './subject.ts'

const SHARD = 0
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const node = (id: string): NodeInfo => ({ id, app: 'shop', version: '1', ballet: '0', address: `http://${id}:1` })

const place = placesFor(closing)

async function storeOn({ url }: Place, more?: string) {
  const store = postgres({ url: url(more), clock: systemClock })
  closing.push(() => store.close())
  await store.open()
  return store
}

/** The lease of a node has been over for a second. */
async function expire({ schema }: Place, id: string): Promise<void> {
  const sql = await connection()
  await sql.unsafe(
    `UPDATE ${schema}.nodes SET until = (extract(epoch FROM clock_timestamp()) * 1000)::bigint - 1000 WHERE id = $1`,
    [id],
  )
}

/** The tenure of a node that gets the shard. */
async function taken(leases: Leases, id: string): Promise<Tenure> {
  const tenure = await leases.take(SHARD, id, 'shop')
  if (tenure === null) throw new Error(`${id} did not get it`)
  return tenure
}

test('a shard is taken by the first node, renewed by it, and given back', async () => {
  const at = await place()
  const store = await storeOn(at)
  const { leases } = store
  await leases.join(node('one'))
  expect(await leases.look(SHARD)).toMatchObject({ owner: null, isFree: true })
  const tenure = await taken(leases, 'one')
  expect(tenure).toEqual({ shard: SHARD, epoch: tenure.epoch, head: 0, crashes: 0 })
  expect(await leases.look(SHARD)).toMatchObject({ owner: { id: 'one', address: 'http://one:1' }, isFree: false })
  expect(await leases.renew('one')).toEqual([{ shard: SHARD, epoch: tenure.epoch, head: 0 }])
  await store.release(SHARD, tenure.epoch)
  expect(await leases.look(SHARD)).toMatchObject({ owner: null, isFree: true })
  expect(await leases.renew('one')).toEqual([])
})

test.each([
  ['prepared', ''],
  ['not prepared', '&prepare=false'],
])(
  'another node waits while the lease runs, and then takes the shard; the renewal of the first says so: %s',
  async (_, more) => {
    const at = await place()
    const [one, two] = [await storeOn(at, more), await storeOn(at, more)]
    await one.leases.join(node('one'))
    await two.leases.join(node('two'))
    const first = await taken(one.leases, 'one')
    expect(await two.leases.take(SHARD, 'two', 'shop')).toBeNull()
    await expire(at, 'one')
    expect(await two.leases.look(SHARD)).toMatchObject({ owner: { id: 'one' }, isFree: true })
    const second = await taken(two.leases, 'two')
    expect(second).toEqual({ shard: SHARD, epoch: second.epoch, head: 0, crashes: 1 })
    expect(second.epoch).toBeGreaterThan(first.epoch)
    expect(await one.leases.renew('one')).toEqual([])
    const late = batchAfter(first, { head: 1, journal: [aTurn(1, 1, 0)] })
    await expect(one.commit(late)).rejects.toMatchObject({ code: 'SHARD_FENCED' })
    // The first may join again, and then waits like any other.
    await one.leases.join(node('one'))
    expect(await one.leases.take(SHARD, 'one', 'shop')).toBeNull()
    expect(await two.leases.renew('two')).toEqual([{ shard: SHARD, epoch: second.epoch, head: second.head }])
  },
)

test('a lease that is over, and that nobody took, is renewed', async () => {
  const at = await place()
  const { leases } = await storeOn(at)
  await leases.join(node('one'))
  const { epoch } = await taken(leases, 'one')
  await expire(at, 'one')
  expect(await leases.renew('one')).toEqual([{ shard: SHARD, epoch, head: 0 }])
  expect(await leases.look(SHARD)).toMatchObject({ isFree: false })
})

test('two that take at once: one has it', async () => {
  const at = await place()
  const stores = await Promise.all([storeOn(at), storeOn(at), storeOn(at)])
  for (const [index, { leases }] of stores.entries()) await leases.join(node(`n${index}`))
  let before = 0
  for (let round = 1; round <= 10; round++) {
    const answers = await Promise.all(stores.map(({ leases }, index) => leases.take(SHARD, `n${index}`, 'shop')))
    const winners = answers.flatMap((tenure, index) => (tenure === null ? [] : [{ tenure, id: `n${index}` }]))
    expect(winners.length).toBe(1)
    const [winner] = winners
    expect(winner?.tenure.epoch).toBeGreaterThan(before)
    before = winner?.tenure.epoch ?? Number.NaN
    if (winner !== undefined) await expire(at, winner.id)
    // Whoever had it may take it again, so it goes.
    if (winner !== undefined) await stores[0]?.leases.leave(winner.id)
    for (const [index, { leases }] of stores.entries()) await leases.join(node(`n${index}`))
    await stores[0]?.release(SHARD, before)
  }
})

test('a renewal waits for a take-over that is under way, and then says that the shard is gone', async () => {
  const at = await place()
  const [one, two] = [await storeOn(at), await storeOn(at)]
  await one.leases.join(node('one'))
  await two.leases.join(node('two'))
  const { epoch } = await taken(one.leases, 'one')
  await expire(at, 'one')
  const sql = await connection()
  const held = Promise.withResolvers<void>()
  const locked = Promise.withResolvers<void>()
  // Somebody holds the row of the node, so that the take-over waits when it marks it.
  const holding = sql.begin(async (tx) => {
    await tx.unsafe(`SELECT 1 FROM ${at.schema}.nodes WHERE id = 'one' FOR UPDATE`)
    locked.resolve()
    await held.promise
  })
  await locked.promise
  const taking = two.leases.take(SHARD, 'two', 'shop')
  const blocked = async (count: number): Promise<void> => {
    for (;;) {
      const [row] = await sql.unsafe(
        `SELECT count(*)::int AS n FROM pg_stat_activity WHERE wait_event_type = 'Lock' AND query LIKE '%"${at.schema}".nodes%'`,
      )
      if (row?.['n'] >= count) return
    }
  }
  await blocked(1)
  const renewing = one.leases.renew('one')
  await blocked(2)
  held.resolve()
  await holding
  expect((await taking)?.epoch).toBeGreaterThan(epoch)
  expect(await renewing).toEqual([])
})

test('a node that leaves is gone at once, one that crashed is shown as gone, and both are forgotten in the end', async () => {
  const at = await place()
  const [one, two] = [await storeOn(at), await storeOn(at)]
  await one.leases.join(node('one'))
  await two.leases.join(node('two'))
  const { epoch } = await taken(one.leases, 'one')
  expect(await two.leases.nodes()).toMatchObject([
    { id: 'one', isAlive: true },
    { id: 'two', isAlive: true },
  ])
  expect(await two.leases.leases()).toMatchObject([{ shard: SHARD, node: 'one', epoch, head: 0 }])
  await expire(at, 'one')
  expect(await two.leases.nodes()).toMatchObject([{ id: 'one', isAlive: false }, { id: 'two' }])
  await two.leases.take(SHARD, 'two', 'shop')
  await (await connection()).unsafe(`UPDATE ${at.schema}.nodes SET beat = 0 WHERE id = 'one'`)
  await two.leases.join(node('three'))
  expect((await two.leases.nodes()).map(({ id }) => id)).toEqual(['two', 'three'])
  await two.leases.leave('two')
  expect(await one.leases.look(SHARD)).toMatchObject({ owner: null, isFree: true })
})

test('a process without a lease, of an earlier version, is taken over from at once', async () => {
  const at = await place()
  const store = await storeOn(at)
  const { epoch } = await store.acquire(SHARD, 'old')
  await store.leases.join(node('one'))
  expect(await store.leases.look(SHARD)).toMatchObject({ owner: null, isFree: true })
  const next = await taken(store.leases, 'one')
  expect(next).toEqual({ shard: SHARD, epoch: next.epoch, head: 0, crashes: 1 })
  expect(next.epoch).toBeGreaterThan(epoch)
})

test('who takes over ends a session of a dead node that holds the shard, also where its role waits for no lock that long', async () => {
  const at = await place()
  const sql = await connection()
  const role = `r_${at.schema}`
  await sql.unsafe(`CREATE ROLE ${role} LOGIN SUPERUSER PASSWORD 'p'; ALTER ROLE ${role} SET lock_timeout = '50ms'`)
  closing.push(() => sql.unsafe(`REASSIGN OWNED BY ${role} TO CURRENT_USER; DROP ROLE ${role}`))
  const { leases } = await storeOn({ ...at, url: (more) => at.url(more).replace(/\/\/[^@]*@/, `//${role}:p@`) })
  await leases.join(node('one'))
  const dead = postgresJs(await serverUrl(), { max: 1, connection: { application_name: 'ballet' } })
  closing.push(() => dead.end({ timeout: 0 }))
  const held = gate()
  const holding = dead.begin(async (tx) => {
    await tx.unsafe(`SELECT FROM ${at.schema}.shards FOR UPDATE`)
    held.open()
    await new Promise(() => {})
  })
  const ended = holding.catch(() => 'ended')
  await held.promise
  expect(await taken(leases, 'one')).toMatchObject({ shard: SHARD, head: 0 })
  expect(await ended).toBe('ended')
})

test('a renewal waits for no batch: it answers while another holds the row of the shard', async () => {
  const at = await place()
  const { leases } = await storeOn(at, '&deadline=3600&lease=3600')
  await leases.join(node('one'))
  const { epoch } = await taken(leases, 'one')
  const sql = await connection()
  const renewed = await sql.begin(async (tx) => {
    await tx.unsafe(`UPDATE ${at.schema}.shards SET head = head + 1`)
    return leases.renew('one')
  })
  expect(renewed).toEqual([{ shard: SHARD, epoch, head: 0 }])
})

test('what is said twice does no more: a node joins, takes and leaves again', async () => {
  const at = await place()
  const { leases } = await storeOn(at)
  await leases.join(node('one'))
  await leases.join({ ...node('one'), address: 'http://moved:2' })
  expect(await leases.nodes()).toMatchObject([{ id: 'one', address: 'http://moved:2', isAlive: true }])
  const first = await taken(leases, 'one')
  // The answer was lost: whoever takes what is its own already has it anew, and nobody has crashed.
  const anew = await taken(leases, 'one')
  expect([first.crashes, anew.crashes]).toEqual([0, 0])
  expect(anew.epoch).toBeGreaterThan(first.epoch)
  await leases.leave('one')
  await leases.leave('one')
  expect(await leases.nodes()).toEqual([])
})

type Opened = Awaited<ReturnType<typeof storeOn>>

test.each([
  ['by lease', (store: Opened) => taken(store.leases, 'one')],
  ['without', (store: Opened) => store.acquire(SHARD, 'one')],
] as const)(
  'a store that was put back from a backup is taken with a later epoch than any before: %s',
  async (_, take) => {
    const at = await place()
    const store = await storeOn(at)
    await store.leases.join(node('one'))
    const old = await take(store)
    await store.release(SHARD, old.epoch)
    const before = await take(store)
    await store.release(SHARD, before.epoch)
    await (await connection()).unsafe(`UPDATE ${at.schema}.shards SET epoch = ${old.epoch}`)
    expect((await take(store)).epoch).toBeGreaterThan(before.epoch)
  },
)

// A shard that takes up its runs: what lies in its inbox waits until all of them are known, whoever tells of it. A run that is
// not known yet would be taken for one that has ended, and what was acknowledged for it would be gone.
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { SLOT_COUNT } from '../../src/core/store.ts'
import { Placement } from '../../src/core/placement.ts'
import { ballet, choreography, event, signal, workflow, type Application } from '../../src/index.ts'
import { openForTest } from '../support/applications.ts'
import { connection, newPlace, type Place } from './subject.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const Go = signal('go', z.string())
const Begun = event('begun', z.object({ customerId: z.string() }), { key: 'customerId' })
const waiter = workflow(
  'waiter',
  { input: z.object({ customerId: z.string() }), key: 'customerId', output: z.string(), signals: [Go] },
  async (run) => (await run.receive(Go)).data,
)
// Its monitor reads the flows before anything else is taken up.
const followed = choreography('followed', { key: 'customerId' }, Begun)
const definition = ballet({ name: 'shop', services: [], workflows: [waiter], choreographies: [followed] })

/** Keeps whoever reads the flows waiting, which is the first thing that a shard does. */
async function hold({ schema }: Place): Promise<() => Promise<void>> {
  const held = Promise.withResolvers<void>()
  const over = Promise.withResolvers<void>()
  const sql = await connection()
  const done = sql.begin(async (tx) => {
    await tx.unsafe(`LOCK TABLE ${schema}.flows IN ACCESS EXCLUSIVE MODE`)
    held.resolve()
    await over.promise
  })
  await held.promise
  const go = async (): Promise<void> => {
    over.resolve()
    await done
  }
  closing.push(go)
  return go
}

test.each([1, 8])('a signal that comes while its shard of %i takes up its runs is not lost', async (shards) => {
  const place = await newPlace()
  closing.push(() => place.drop())
  const open = (): Promise<Application> =>
    openForTest(definition, { store: place.url(`&shards=${shards}&lease=2&pool=4`) })
  const sql = await connection()
  const app = await open()
  const standby = shards === 1 ? await open() : app
  const run = (await app.start(waiter({ customerId: 'c' }))).id
  const shard = new Placement({ slots: SLOT_COUNT, shards }).shardOf(run)
  const [{ epoch } = { epoch: 0 }] = await sql.unsafe<{ epoch: number }[]>(
    `SELECT epoch::float8 AS epoch FROM ${place.schema}.shards WHERE id = ${shard}`,
  )
  const go = await hold(place)
  // As another node would that found its lease over, and let it go again.
  const taken = shards === 1 ? app.close() : Promise.resolve()
  if (shards > 1)
    await sql.unsafe(
      `UPDATE ${place.schema}.shards SET epoch = epoch + 1, owner = NULL, node = NULL WHERE id = ${shard}`,
    )
  const isTaken = `SELECT FROM ${place.schema}.shards WHERE id = ${shard} AND owner IS NOT NULL AND epoch > ${epoch}`
  await taken
  while ((await sql.unsafe(isTaken)).length === 0);
  // It is being taken up. A question after a run that does not exist reads the inbox, and so does what is posted.
  const before = standby.run('waiter:nobody').catch(() => null)
  await sql.unsafe(
    `INSERT INTO ${place.schema}.inbox (shard, ns, slot, kind, target, data, at)
      VALUES (${shard}, 'default', 0, 'signal', '${run}', convert_to('${JSON.stringify({ run, name: 'go', data: 'x', id: 's' })}', 'UTF8'), 0)`,
  )
  const after = standby.run('waiter:nobody')
  if (shards > 1) standby.hints.take({ shards: [shard], expected: [], watch: [], ended: [], from: null })
  // Time enough for whoever would take it.
  for (let look = 0; look < 200; look++) await sql.unsafe(`SELECT count(*) FROM ${place.schema}.inbox`)
  await go()
  await Promise.all([before, after])
  while (standby.standing.role !== 'owner') await standby.run(run)
  while ((await sql.unsafe(`SELECT FROM ${place.schema}.inbox`)).length > 0);
  const turns = (await standby.journal(run))?.items.map(({ delivered }) => delivered)
  expect(turns).toContainEqual(expect.objectContaining({ kind: 'signal', id: 's' }))
  expect(await standby.result(run)).toBe('x')
})

test('a question after a run whose shard was taken away meanwhile is answered all the same', async () => {
  const place = await newPlace()
  closing.push(() => place.drop())
  const app = await openForTest(definition, { store: place.url('&shards=8&lease=2&pool=4') })
  const shard = new Placement({ slots: SLOT_COUNT, shards: 8 }).shardOf('waiter:c')
  const sql = await connection()
  const start = JSON.stringify({ call: 'waiter', input: { customerId: 'c' }, id: 'waiter:c' })
  // What lies there is taken for the question, and its commit is how this node hears that the shard is another's.
  await sql.unsafe(
    `WITH gone AS (UPDATE ${place.schema}.shards SET epoch = epoch + 1, owner = NULL, node = NULL WHERE id = ${shard})
      INSERT INTO ${place.schema}.inbox (shard, ns, slot, kind, target, data, at)
      VALUES (${shard}, 'default', 0, 'start', 'waiter:c', convert_to('${start}', 'UTF8'), 0)`,
  )
  expect(await app.run('waiter:c')).toMatchObject({ id: 'waiter:c' })
})

test.each([1, 8])(
  'a node keeps its lease while it takes up the first runs of its %i shards, however long that takes',
  async (shards) => {
    const place = await newPlace()
    closing.push(() => place.drop())
    const store = place.url(`&shards=${shards}&lease=1&pool=4`)
    const before = await openForTest(definition, { store })
    await before.close()
    const go = await hold(place)
    const opening = openForTest(definition, { store })
    const sql = await connection()
    const areFree = `SELECT FROM ${place.schema}.shards WHERE owner IS NULL`
    while ((await sql.unsafe(areFree)).length > 0);
    // Each renewal is a beat. Four take longer than a lease.
    const beats = new Set<unknown>()
    while (beats.size < 4)
      for (const { beat } of await sql.unsafe(`SELECT beat FROM ${place.schema}.nodes WHERE until IS NOT NULL`))
        beats.add(beat)
    await go()
    expect((await (await opening).start(waiter({ customerId: 'c' }))).created).toBe(true)
  },
)

// How nodes of one process stand to their store: one that stands by says so and takes over, one that was replaced drops
// what it had and stands by in its turn, and none begins an effect while its lease may be over.
import { once } from 'node:events'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, open, operation, service, type Application } from '../../src/index.ts'
import { handler } from '../../src/server/handler.ts'
import { silentLog } from '../../src/engine/log.ts'
import { connection, placesFor, type Place } from './subject.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

const place = placesFor(closing)

/** A desk that notes what it is asked for, as soon as it is. */
async function desk(
  { url }: Place,
  note: (id: string) => void = () => undefined,
  name = 'desk',
  namespace?: string,
): Promise<Application> {
  const own = service('desk', {
    stamp: operation({ input: z.string(), output: z.string(), run: (text) => (note(text), text) }),
  })
  const app = await open(ballet({ name, version: '1', services: [own] }), {
    store: url('&lease=1'),
    namespace,
    log: silentLog,
    graceMs: 0,
  })
  closing.push(() => app.close())
  return app
}

const stamp = (app: Application, text: string): Promise<{ readonly id: string }> =>
  app.startNamed({ call: 'desk.stamp', input: text, id: `stamp-${text}` })

async function becomes(app: Application, role: Application['standing']['role']): Promise<void> {
  while (app.standing.role !== role) await once(app.standing.over, 'abort')
}

test('a node that stands by says who owns the store, answers questions, and takes over when it is given back', async () => {
  const at = await place()
  const one = await desk(at)
  await stamp(one, 'a')
  const two = await desk(at)
  expect(one.standing).toMatchObject({ role: 'owner', owner: { id: one.standing.node } })
  expect(two.standing).toMatchObject({ role: 'standby', owner: { id: one.standing.node } })
  await expect(stamp(two, 'b')).rejects.toMatchObject({ code: 'NODE_STANDBY' })
  await expect(two.result('stamp-a')).rejects.toMatchObject({ code: 'NODE_STANDBY' })
  expect(await two.run('stamp-a')).toMatchObject({ id: 'stamp-a' })
  expect(await two.run('stamp-b')).toBeNull()
  await one.close()
  await becomes(two, 'owner')
  expect((await two.nodes()).nodes).toMatchObject([{ id: two.standing.node, state: 'owner', self: true }])
  await stamp(two, 'b')
  expect(await two.result('stamp-b')).toBe('b')
})

test('F10: the lease of a node is taken: it stops at once, stands by, and takes over in its turn', async () => {
  const at = await place()
  const one = await desk(at)
  const two = await desk(at)
  const sql = await connection()
  // As if it had not been heard of: its lease is over, and the other is quicker than its next renewal, sooner or later.
  const wasOwner = becomes(two, 'owner').then(() => true)
  const expire = async (): Promise<boolean> => {
    await sql.unsafe(`UPDATE ${at.schema}.nodes SET until = 1 WHERE id = $1`, [one.standing.node])
    return false
  }
  while (!(await Promise.race([wasOwner, expire()])));
  await becomes(one, 'standby')
  await expect(stamp(one, 'a')).rejects.toMatchObject({ code: 'NODE_STANDBY' })
  await stamp(two, 'a')
  expect(await two.result('stamp-a')).toBe('a')
  await two.close()
  await becomes(one, 'owner')
  await stamp(one, 'b')
  expect(await one.result('stamp-b')).toBe('b')
})

test('F8: a node that cannot renew its lease: it begins no effect, and when it can again it does', async () => {
  const at = await place()
  let isHeld = false
  const begun: { readonly text: string; readonly whileHeld: boolean }[] = []
  const one = await desk(at, (text) => begun.push({ text, whileHeld: isHeld }))
  const sql = await connection()
  const release = Promise.withResolvers<void>()
  const locked = Promise.withResolvers<void>()
  const holding = sql.begin(async (tx) => {
    await tx.unsafe(`SELECT FROM ${at.schema}.nodes FOR UPDATE`)
    isHeld = true
    locked.resolve()
    await release.promise
  })
  await locked.promise
  const isOver = async (): Promise<boolean> => {
    const [row] = await sql.unsafe(
      `SELECT until < (extract(epoch FROM clock_timestamp()) * 1000)::bigint AS over FROM ${at.schema}.nodes`,
    )
    return row?.['over'] === true
  }
  while (!(await isOver()));
  expect(one.standing).toMatchObject({ role: 'owner', isSure: false })
  const ready = await handler(one, { token: null })(new Request('http://localhost/readyz'))
  expect(await ready.json()).toMatchObject({ status: 503, code: 'LEASE_UNCONFIRMED' })
  await stamp(one, 'a')
  expect(await one.run('stamp-a')).toMatchObject({ status: 'running' })
  isHeld = false
  release.resolve()
  await holding
  expect(await one.result('stamp-a')).toBe('a')
  expect(begun).toEqual([{ text: 'a', whileHeld: false }])
  expect(one.standing).toMatchObject({ role: 'owner', isSure: true })
})

test('another namespace on the store of one that runs is refused: who owns a shard would leave what is for the other lying', async () => {
  const at = await place()
  await desk(at, undefined, 'desk', 'first')
  for (const other of ['second', undefined])
    await expect(desk(at, undefined, 'desk', other)).rejects.toMatchObject({
      code: 'STORE_LOCKED',
      message: expect.stringContaining('the application "desk/first"'),
    })
})

test('another application on the store of one that runs is refused', async () => {
  const at = await place()
  const one = await desk(at)
  await expect(desk(at, undefined, 'counter')).rejects.toMatchObject({
    code: 'STORE_LOCKED',
    message: expect.stringContaining('the application "desk"'),
  })
  expect((await one.nodes()).nodes).toHaveLength(1)
})

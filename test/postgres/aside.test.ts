// What people do to what lies aside where several nodes share a store: any node takes it, and the owner of the shard does it, once.
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import type { Codec } from '../../src/core/codec.ts'
import { Placement } from '../../src/core/placement.ts'
import type { CallValue } from '../../src/core/values.ts'
import { ballet, event, service, workflow, type Application } from '../../src/index.ts'
import { keptLog, openForTest, until } from '../support/applications.ts'
import { connection, newPlace } from './subject.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function newStore(): Promise<string> {
  const place = await newPlace()
  closing.push(() => place.drop())
  return place.url('&shards=8&lease=2&pool=4')
}

const call = (input: number): CallValue =>
  ({ kind: 'call', target: 'workflow', name: 'flow', input }) as unknown as CallValue

/** Two nodes, of which the newer one has all shards and refuses what the older one has taken in transactions. */
async function withStarts(ids: readonly string[]) {
  const store = await newStore()
  const definition = (version: string, most: number) => {
    const input = z.number().max(most)
    const flow = workflow('flow', { input, output: z.number() }, async (_, n) => n)
    return ballet({ name: 'shop', version, services: [], workflows: [flow] })
  }
  const log = keptLog()
  const owner = await openForTest(definition('2', 1), { store, log })
  const old = await openForTest(definition('1', 9), { store })
  const sql = await connection()
  await sql.begin(async (tx) => {
    for (const id of ids) await old.start(call(2), { id, tx })
  })
  // What lies in the inbox has been looked at when a negative answer is given.
  for (const id of ids) expect(await old.run(id)).toBeNull()
  const items = new Map((await old.asides()).items.map(({ id, item }) => [id, item]))
  expect(items.size).toBe(ids.length)
  return { store, owner, old, log, definition, itemOf: (id: string) => items.get(id) ?? '' }
}

test('a node that owns nothing lists, shows, tries and drops, and the owner of the shard does it and says so', async () => {
  const { owner, old, log, itemOf } = await withStarts(['two', 'three'])
  const item = itemOf('two')
  // The one that refuses it knows why; the other one would take it.
  expect(await owner.aside(item)).toMatchObject({ id: 'two', cause: { code: 'INPUT_INVALID' } })
  expect(await old.aside(item)).toMatchObject({ id: 'two', cause: null, content: { call: 'flow', input: 2 } })
  const tried = await old.retryAside(item, { by: 'ann' })
  expect(tried).toMatchObject({ item, outcome: 'aside', changed: true, cause: { code: 'INPUT_INVALID' } })
  const dropped = await old.dropAside(item, { by: 'ann', why: 'twice' })
  expect(dropped).toMatchObject({ outcome: 'dropped', changed: true, dropped: { by: 'ann', why: 'twice' } })
  expect(log.lines.filter((line) => line.startsWith(`warn ann dropped ${item}`))).toHaveLength(1)
  expect(await owner.dropAside(item, { by: 'bob' })).toEqual({ ...dropped, changed: false })
  expect(await old.dropAside(item, { by: 'bob' })).toEqual({ ...dropped, changed: false })
  await expect(old.retryAside(item)).rejects.toMatchObject({ code: 'ASIDE_DROPPED' })
  expect((await old.asides()).items.map(({ id }) => id)).toEqual(['three'])
  // Neither the receipt nor the answers wait for anybody.
  expect((await old.nodes()).shards.reduce((sum, { waiting }) => sum + waiting, 0)).toBe(1)
})

test('of two who drop the same at two nodes, and one who tries it again, one drops it, and it is never begun', async () => {
  const ids = ['a', 'b', 'c', 'd']
  const { owner, old, itemOf } = await withStarts(ids)
  const outcomes = ids.map(async (id) => {
    const item = itemOf(id)
    // One that is being tried again is not there for whoever drops it in that moment.
    const drop = (node: Application) => node.dropAside(item).catch(() => node.dropAside(item))
    const tried = owner.retryAside(item).catch((error: { readonly code: string }) => error)
    const [one, other] = await Promise.all([drop(owner), drop(old)])
    await tried
    return [one.changed, other.changed].toSorted((a, b) => Number(a) - Number(b))
  })
  expect(await Promise.all(outcomes)).toEqual(ids.map(() => [false, true]))
  for (const id of ids) expect(await old.run(id)).toBeNull()
  expect((await old.asides()).items).toEqual([])
})

test('all that match are dropped, in whichever shards they lie, and what stays is taken by a version that takes it', async () => {
  const ids = Array.from({ length: 12 }, (_, n) => `run-${n}`)
  const { owner, old, store, definition } = await withStarts(ids)
  const rehearsed = await old.actOnAsides({ action: 'drop', kind: 'start', limit: 11, rehearse: true })
  expect(rehearsed).toMatchObject({ matched: 11, changed: 0, more: true })
  const acted = await old.actOnAsides({ action: 'drop', kind: 'start', limit: 11, by: 'ann' })
  expect(acted).toMatchObject({ matched: 11, changed: 11, outcomes: { dropped: 11 }, more: true, refused: [] })
  await owner.close()
  await old.close()
  const next = await openForTest(definition('3', 9), { store })
  const runs = await until(next, null, async () => {
    const { items } = await next.runs({ status: ['completed'] })
    return items.length > 0 && items
  })
  expect(runs).toHaveLength(1)
  expect((await next.asides()).items).toEqual([])
})

const Made = event('made', z.object({ id: z.string(), orderId: z.string() }), { key: 'id' })
const Order = z.object({ orderId: z.string() })
const flow = workflow('flow', { input: Order, output: z.null(), key: 'orderId' }, async () => null)
const desk = service('desk', {})
desk.on(Made, ({ orderId }) => flow({ orderId }))
const desks = ballet({ name: 'shop', services: [desk], workflows: [flow], events: [Made] })
const place = new Placement({ slots: 16_384, shards: 8 })
const orderId = ['1', '2', '3', '4'].find((id) => place.shardOf(`flow:${id}`) !== place.shardOf('id:a')) ?? ''

/** A reaction whose workflow lies aside, since what asks for it cannot be read while the key is away. */
async function withBegin() {
  const key = { isAway: true }
  const codec: Codec = {
    encode: (text) => text,
    decode: (payload) => {
      if (key.isAway && String(payload).includes('"from":')) throw new Error('the key is away')
      return String(payload)
    },
  }
  const log = keptLog()
  const store = await newStore()
  const app = await openForTest(desks, { store, codec, log })
  await app.publish(Made({ id: 'a', orderId }), { id: 'e' })
  const item = await until(app, null, async () => {
    // A look at what is not there waits for what lies before it.
    await app.run(`flow:${orderId}`)
    return (await app.asides()).items.find(({ kind }) => kind === 'begin')?.item
  })
  const [reaction] = (await app.runs({ kind: 'reaction' })).items
  return { app, key, log, item, store, reaction: reaction?.id ?? '' }
}

test('a reaction whose workflow is dropped is stuck, and asks for it anew when it is retried', async () => {
  const { app, key, item, reaction } = await withBegin()
  key.isAway = false
  expect(await app.dropAside(item, { by: 'ann' })).toMatchObject({ outcome: 'dropped', changed: true })
  const stuck = await until(app, null, async () => {
    const run = await app.run(reaction)
    return run?.status === 'stuck' && run
  })
  expect(stuck).toMatchObject({
    reason: 'threw',
    error: { code: 'ASIDE_DROPPED', message: expect.stringContaining('was dropped by ann.') as string },
  })
  await app.retry(reaction)
  const run = await until(app, null, async () => {
    const found = await app.run(`flow:${orderId}`)
    return found?.status === 'completed' && found
  })
  expect(run.root).toBe('event:shop:e')
})

test('where it cannot be read which reaction waits, that is said when it is dropped, and the reaction asks again when its shard is owned anew', async () => {
  const { app, key, log, item, reaction, store } = await withBegin()
  expect(await app.dropAside(item)).toMatchObject({ outcome: 'dropped', changed: true })
  expect(log.lines).toContainEqual(expect.stringContaining('Which reaction waits for'))
  expect(await app.run(reaction)).toMatchObject({ status: 'running' })
  await app.close()
  key.isAway = false
  const next = await openForTest(desks, { store })
  const run = await until(next, null, async () => {
    const found = await next.run(`flow:${orderId}`)
    return found?.status === 'completed' && found
  })
  expect(run.root).toBe('event:shop:e')
  expect(await until(next, null, async () => (await next.run(reaction))?.status === 'completed')).toBe(true)
})

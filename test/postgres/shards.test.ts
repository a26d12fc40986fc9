// One process that owns all eight shards of a store: what is asked finds its shard, and what runs of different shards say to
// each other arrives, once and in order. Lists and graphs are of all shards.
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { startShop, styles } from '../../examples/shop/testing.ts'
import type { Codec } from '../../src/core/codec.ts'
import { Placement } from '../../src/core/placement.ts'
import { SLOT_COUNT } from '../../src/core/store.ts'
import { ballet, event, operation, service, signal, workflow, type Application } from '../../src/index.ts'
import { readsOf } from '../../src/cli/store-reads.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { OfflineReplay } from '../../src/engine/offline-replay.ts'
import { postgres } from '../../src/stores/postgres/postgres-store.ts'
import { openForTest, until } from '../support/applications.ts'
import { newPlace } from './subject.ts'

const SHARDS = 8
const place = new Placement({ slots: SLOT_COUNT, shards: SHARDS })
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

async function newStore(): Promise<string> {
  const found = await newPlace()
  closing.push(() => found.drop())
  return found.url(`&shards=${SHARDS}`)
}

/** Keys in as many shards, one after the other. */
function spread(field: string, count: number): readonly string[] {
  const values: string[] = []
  for (let at = 0; values.length < count; at++) {
    const isNext = place.shardOf(`${field}:${at}`) === values.length % SHARDS
    if (isNext) values.push(String(at))
  }
  return values
}

const Told = z.object({ orderId: z.string(), customerId: z.string() })
const Placed = event('placed', Told, { key: 'orderId' })
const Owed = event('owed', z.object({ customerId: z.string(), nth: z.number() }), { key: 'customerId' })
const Noted = event('noted', z.object({ customerId: z.string(), of: z.string() }), { key: 'customerId' })
const Go = signal('go', z.object({ by: z.string() }))

const desk = service('desk', {
  /** Its outcome is of another key than the run that calls it. */
  note: operation({
    input: Told,
    outcomes: [Noted],
    run: (told) => Noted({ customerId: told.customerId, of: told.orderId }),
  }),
})
/** Of a customer. */
const account = workflow(
  'account',
  { input: z.object({ customerId: z.string() }), output: z.json(), key: 'customerId', signals: [Go] },
  async (run) => {
    const heard: number[] = []
    while (heard.length < 3) heard.push((await run.receive(Owed)).data.nth)
    return { heard, by: (await run.receive(Go)).data.by }
  },
)
/** The name of an event that others may say as well. */
const named = (customerId: string) => ({ id: `owed:${customerId}`, source: 'billing' })
/** Of an order: tells its customer, whose key is in another shard. */
const order = workflow('order', { input: Told, output: z.json(), key: 'orderId' }, async (run, told) => {
  for (const nth of [1, 2]) run.emit(Owed({ customerId: told.customerId, nth }))
  run.emit(Owed({ customerId: told.customerId, nth: 3 }), named(told.customerId))
  await run.call(desk.note(told))
  const child = run.start(greeting(told))
  return { child: await child.result() }
})
const greeting = workflow(
  'greeting',
  { input: Told, output: z.json(), key: 'customerId' },
  async (run, { customerId }) => {
    return run.step('hello', () => `hello ${customerId}`)
  },
)
/** Waits for events of a key that is not where the run is. */
const deaf = workflow('deaf', { input: Told, output: z.json(), key: 'customerId' }, async (run) => {
  return (await run.receive(Owed)).data.nth
})
const customers = service('customers', {})
customers.on(Placed, ({ customerId }) => account({ customerId }))
const definition = ballet({
  name: 'shop',
  services: [desk, customers],
  workflows: [order, account, greeting, deaf],
  events: [Owed],
})
const openOn = async (store: string): Promise<Application> => openForTest(definition, { store })

test('an order and its customer in different shards: events, outcomes, reactions and signals find each other, once and in order', async () => {
  const app = await openOn(await newStore())
  const pairs = spread('orderId', 2 * SHARDS).map((orderId, at) => ({ orderId, customerId: `c${at}` }))
  const crossing = pairs.filter(
    (one) => place.shardOf(`orderId:${one.orderId}`) !== place.shardOf(`customerId:${one.customerId}`),
  )
  expect(crossing.length).toBeGreaterThan(SHARDS)
  await Promise.all(pairs.map((told) => app.publish(Placed(told), { id: `e-${told.orderId}` })))
  // The account is there when its reaction has ended: what comes before that is not for it.
  for (const { customerId } of pairs)
    await until(app, null, async () => (await app.run(`account:${customerId}`)) !== null)
  await Promise.all(pairs.map((told) => app.start(order(told))))
  for (const { orderId, customerId } of pairs) {
    expect(await app.result(`order:${orderId}`)).toEqual({ child: `hello ${customerId}` })
    await app.signal(`account:${customerId}`, Go({ by: orderId }), { id: 's' })
    expect(await app.result(`account:${customerId}`)).toEqual({ heard: [1, 2, 3], by: orderId })
    const again = await app.publish(Owed({ customerId, nth: 3 }), named(customerId))
    expect(again).toMatchObject({ ...named(customerId), created: false })
    const { events } = await app.key('customerId', customerId)
    expect(events.map(({ type }) => type).toSorted()).toEqual(['noted', 'owed', 'owed', 'owed'])
    const noted = events.find(({ type }) => type === 'noted')
    expect(noted).toMatchObject({ correlationid: `run:order:${orderId}`, causationid: `run:order:${orderId}` })
    const { items } = await app.runs({ kind: 'reaction', key: `orderId:${orderId}` })
    expect(items).toMatchObject([{ status: 'completed', output: { run: `account:${customerId}` } }])
    expect(await app.run(`account:${customerId}`)).toMatchObject({
      root: `event:shop:e-${orderId}`,
      cause: `run:${items[0]?.id}`,
    })
  }
})

test('a workflow that a reaction asks of another shard, with another input under its id: the reaction is stuck, and can be retried', async () => {
  const app = await openOn(await newStore())
  const [orderId = ''] = spread('orderId', 1)
  const customerId = [...Array(100).keys()].map(String).find((id) => place.shardOf(`customerId:${id}`) !== 0) ?? ''
  await app.startNamed({ call: 'account', input: { customerId, more: 1 } })
  await app.publish(Placed({ orderId, customerId }), { id: 'e' })
  const stuck = await until(app, null, async () => {
    const run = (await app.runs({ status: ['stuck'] })).items[0]
    return run ?? false
  })
  expect(stuck).toMatchObject({ kind: 'reaction', reason: 'conflict', error: { code: 'RUN_CONFLICT' } })
  await app.retry(stuck.id)
  expect(await app.run(stuck.id)).toMatchObject({ status: expect.stringMatching(/running|stuck/) })
})

test('a run that waits for events of a key in another shard is told so', async () => {
  const app = await openOn(await newStore())
  const customerId = 'c'
  const id =
    spread('orderId', SHARDS)
      .map((at) => `x:${at}`)
      .find((one) => place.shardOf(one) !== place.shardOf('customerId:c')) ?? ''
  await app.startNamed({ call: 'deaf', input: { orderId: 'o', customerId }, id })
  const run = await until(app, null, async () => {
    const found = await app.run(id)
    return found?.status === 'stuck' && found
  })
  expect(run).toMatchObject({ reason: 'threw', error: { code: 'EVENTS_ELSEWHERE' } })
})

test('lists, keys and graphs are of all shards, page by page', async () => {
  const app = await openOn(await newStore())
  const keys = spread('orderId', 3 * SHARDS)
  for (const orderId of keys) await app.start(greeting({ orderId, customerId: orderId }), { id: `g-${orderId}` })
  for (const orderId of keys) await app.result(`g-${orderId}`)
  const seen: string[] = []
  for (let cursor: string | undefined; ;) {
    const page = await app.runs({ name: 'greeting', limit: 5, cursor })
    seen.push(...page.items.map(({ id }) => id))
    expect(page.items.length).toBeLessThanOrEqual(5)
    if ((cursor = page.cursor) === undefined) break
  }
  expect(seen.length).toBe(keys.length)
  expect(new Set(seen)).toEqual(new Set(keys.map((orderId) => `g-${orderId}`)))
  const created = await Promise.all(seen.map(async (id) => (await app.run(id))?.created ?? ''))
  expect(created).toEqual(created.toSorted().toReversed())
  for (const customerId of keys) await app.publish(Owed({ customerId, nth: 1 }), { id: `o-${customerId}` })
  const events: string[] = []
  for (let cursor: string | undefined; ;) {
    const page = await app.events({ types: ['owed'], limit: 7, cursor })
    events.push(...page.items.map(({ id }) => id))
    if ((cursor = page.cursor) === undefined) break
  }
  expect(events.toSorted()).toEqual(keys.map((customerId) => `o-${customerId}`).toSorted())
  // A key of which there is something in two shards, and one of which there is nothing.
  const [orderId = ''] = keys
  const elsewhere = keys.slice(1).map((other) => `g-also-${other}`)
  for (const id of elsewhere) await app.start(greeting({ orderId, customerId: orderId }), { id })
  const { runs } = await app.key('customerId', orderId)
  expect(new Set(runs.map(({ id }) => id))).toEqual(new Set([`g-${orderId}`, ...elsewhere]))
  expect(await app.key('customerId', 'nobody')).toMatchObject({ runs: [], events: [] })
  await expect(app.runs({ cursor: 'x' })).rejects.toMatchObject({ code: 'QUERY_INVALID' })
  for (const id of seen.slice(0, 8)) await expect(app.cancel(id)).rejects.toMatchObject({ code: 'RUN_ENDED' })
})

test('what begins in a shard that has given nothing to a page is not on later pages', async () => {
  const app = await openOn(await newStore())
  const [first = '', second = '', third = ''] = spread('orderId', 3)
  const begin = async (orderId: string): Promise<void> => {
    await app.start(greeting({ orderId, customerId: orderId }), { id: `g:${orderId}` })
    await app.result(`g:${orderId}`)
  }
  // Nothing in the third shard, and in the first only what is older than all of the page.
  for (const orderId of [first, second]) await begin(orderId)
  const again = [...Array(100).keys()].map((n) => `x${n}`).filter((n) => place.shardOf(n) === place.shardOf(second))
  for (const orderId of again.slice(0, 2)) await begin(orderId)
  const page = await app.runs({ name: 'greeting', limit: 2 })
  expect(page.items.length).toBe(2)
  const late = [...Array(100).keys()].map((n) => `y${n}`).find((n) => place.shardOf(n) === place.shardOf(first)) ?? ''
  for (const orderId of [third, late]) await begin(orderId)
  const rest = await app.runs({ name: 'greeting', limit: 5, cursor: page.cursor })
  expect(rest.items.map(({ id }) => id)).toEqual([`g:${second}`, `g:${first}`])
})

test('an offline replay, and the fields of keys, are of all shards', async () => {
  const store = await newStore()
  const app = await openOn(store)
  const keys = spread('orderId', SHARDS)
  for (const orderId of keys) await app.start(greeting({ orderId, customerId: orderId }), { id: `g:${orderId}` })
  for (const orderId of keys) await app.result(`g:${orderId}`)
  await app.start(account({ customerId: 'open' }))
  const reader = postgres({ url: store, clock: systemClock, readOnly: true })
  closing.push(() => reader.close())
  await reader.open()
  const found: string[] = []
  const replay = new OfflineReplay({ definition, reader })
  for await (const run of replay.all(100)) {
    expect(run).toMatchObject({ verdict: 'ok' })
    found.push(run.id)
  }
  expect(found.toSorted()).toEqual([...keys.map((key) => `g:${key}`), 'account:open'].toSorted())
  // The open ones, and the newest of those that have ended.
  let count = 0
  for await (const run of replay.all(3)) count += Number(run.verdict === 'ok')
  expect(count).toBe(4)
  for (const id of found) expect(await replay.one(id)).toMatchObject({ id, verdict: 'ok' })
  expect(await (await readsOf(reader)).fields()).toEqual(['customerId'])
})

test('the same again: a start, an event and a signal that come twice are there once, after a restart too', async () => {
  const store = await newStore()
  const first = await openOn(store)
  const told = { orderId: '1', customerId: '7' }
  expect(await first.start(account({ customerId: '7' }))).toEqual({ id: 'account:7', created: true })
  expect(await first.publish(Owed({ customerId: '7', nth: 1 }), { id: 'e' })).toMatchObject({ created: true })
  await first.close()
  const app = await openOn(store)
  expect(app.recovered).toMatchObject({ runs: 1, stuck: 0 })
  expect(await app.start(account({ customerId: '7' }))).toEqual({ id: 'account:7', created: false })
  expect(await app.publish(Owed({ customerId: '7', nth: 1 }), { id: 'e' })).toMatchObject({ created: false })
  await app.start(order(told))
  await app.signal('account:7', Go({ by: 'x' }))
  expect(await app.result('account:7')).toEqual({ heard: [1, 1, 2], by: 'x' })
  expect((await app.nodes()).shards.length).toBe(SHARDS)
})

test('an event for another shard that cannot be written there stops the application, and is there when it can be', async () => {
  const store = await newStore()
  const refused = new Error('the key is away')
  let isAway = true
  const codec: Codec = {
    encode: (text, { row }) => {
      if (isAway && row === 'event') throw refused
      return text
    },
    decode: (payload) => String(payload),
  }
  const first = await openForTest(definition, { store, codec })
  const orderId = spread('orderId', 1)[0] ?? ''
  const customerId = [...Array(100).keys()].map(String).find((id) => place.shardOf(`customerId:${id}`) !== 0) ?? ''
  await first.start(order({ orderId, customerId }))
  expect(await first.stopped).toBe(refused)
  await first.close()
  isAway = false
  const app = await openForTest(definition, { store, codec })
  await app.result(`order:${orderId}`)
  const nths = async () => {
    const { events } = await app.key('customerId', customerId)
    const heard = events.filter(({ type }) => type === 'owed').map(({ data }) => (data as { nth: number }).nth)
    return heard.length >= 3 && heard
  }
  expect(await until(app, null, nths)).toEqual([1, 2, 3])
})

test.each(styles)('orders of the shop over eight shards, %s', async (style) => {
  const shop = await startShop({ place: { store: await newStore(), folder: null } })
  closing.push(() => shop.close())
  const ids = await Promise.all(
    Array.from({ length: 24 }, (_, at) => shop.order(at % 3 === 0 ? 'shipping-fails' : 'ok', style)),
  )
  for (const [at, id] of ids.entries())
    expect(await shop.over(id)).toMatchObject({ status: at % 3 === 0 ? 'refunded' : 'confirmed' })
  expect(new Set(ids.map((id) => place.shardOf(`orderId:${id}`))).size).toBeGreaterThan(3)
})

// Several nodes that each own a part of the shards of one store: any of them takes any request, a node that comes gets its
// part, one that goes leaves it to the others, and one of an older version owns nothing and goes on answering.
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { startShop, styles, type RunningShop } from '../../examples/shop/testing.ts'
import { ballet, event, operation, service, signal, workflow, type Application } from '../../src/index.ts'
import { openForTest } from '../support/applications.ts'
import { connection, newPlace } from './subject.ts'

const SHARDS = 16
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

interface Store {
  readonly url: string
  readonly schema: string
}

async function newStore(): Promise<Store> {
  const found = await newPlace()
  closing.push(() => found.drop())
  return { url: found.url(`&shards=${SHARDS}&lease=1`), schema: found.schema }
}

const Told = z.object({ orderId: z.string(), customerId: z.string() })
const Placed = event('placed', Told, { key: 'orderId' })
const Go = signal('go', z.string())
const desk = service('desk', {
  greet: operation({ input: Told, output: z.string(), run: ({ customerId }) => `hello ${customerId}` }),
})
const waiter = workflow(
  'waiter',
  { input: Told, key: 'customerId', output: z.string(), signals: [Go] },
  async (run) => {
    return (await run.receive(Go)).data
  },
)
desk.on(Placed, (told) => waiter(told))
const definitionOf = (version: string) => ballet({ name: 'shop', version, services: [desk], workflows: [waiter] })
const openNode = (url: string, version = '1'): Promise<Application> =>
  openForTest(definitionOf(version), { store: url })

/** How many shards each node has, once all are owned and it holds of them. */
async function owned(
  app: Application,
  holds: (counts: ReadonlyMap<string, number>) => boolean,
): Promise<ReadonlyMap<string, number>> {
  for (;;) {
    const { shards } = await app.nodes()
    const counts = new Map<string, number>()
    for (const { owner } of shards) counts.set(owner ?? '', (counts.get(owner ?? '') ?? 0) + 1)
    if (!counts.has('') && holds(counts)) return counts
  }
}

const idOf = (app: Application): string => app.standing.node

test('a second and a third node get their part, each takes whatever is asked, and what one leaves goes to the others', async () => {
  const { url } = await newStore()
  const first = await openNode(url)
  const runs = Array.from({ length: 24 }, (_, at) => ({ orderId: `o${at}`, customerId: `c${at}` }))
  for (const told of runs.slice(0, 8)) await first.start(waiter(told))
  const second = await openNode(url)
  const third = await openNode(url)
  const counts = await owned(first, ({ size }) => size === 3)
  expect([...counts.values()].reduce((sum, count) => sum + count, 0)).toBe(SHARDS)
  const nodes = [first, second, third]
  const node = (at: number): Application => nodes[at % 3] ?? first
  const started = await Promise.all(runs.slice(0, 16).map((told, at) => node(at).start(waiter(told))))
  expect(started).toEqual(runs.slice(0, 16).map((_, at) => ({ id: `waiter:c${at}`, created: at >= 8 })))
  const published = await Promise.all(
    runs.slice(16).map((told, at) => node(at).publish(Placed(told), { id: `e${at + 16}` })),
  )
  expect(published.map(({ id, created }) => [id, created])).toEqual(
    runs.slice(16).map((_, at) => [`e${at + 16}`, true]),
  )
  await expect(second.start(waiter({ orderId: 'other', customerId: 'c0' }))).rejects.toMatchObject({
    code: 'RUN_CONFLICT',
  })
  for (const [at, one] of nodes.entries()) {
    expect(await one.publish(Placed(runs[20] as (typeof runs)[0]), { id: 'e20' })).toMatchObject({ created: false })
    expect(await one.run('waiter:nobody')).toBeNull()
    await expect(one.signal('waiter:nobody', Go('x'))).rejects.toMatchObject({ code: 'RUN_UNKNOWN' })
    await expect(one.signal(`waiter:c${at}`, { kind: 'signal', type: 'og', data: 'x' })).rejects.toMatchObject({
      code: 'SIGNAL_UNKNOWN',
    })
  }
  // What a reaction begins elsewhere comes on its own time.
  for (const { customerId } of runs) while ((await third.run(`waiter:${customerId}`)) === null);
  for (const [at, { customerId }] of runs.entries())
    await nodes[(at + 1) % 3]?.signal(`waiter:${customerId}`, Go(customerId), { id: 's' })
  for (const [at, { customerId }] of runs.entries())
    expect(await nodes[(at + 2) % 3]?.result(`waiter:${customerId}`)).toBe(customerId)
  expect((await third.runs({ name: 'waiter', limit: 100 })).items.length).toBe(24)
  await third.start(waiter({ orderId: 'last', customerId: 'last' }))
  await second.close()
  await third.close()
  expect([...(await owned(first, ({ size }) => size === 1)).keys()]).toEqual([idOf(first)])
  await first.signal('waiter:last', Go('done'))
  expect(await first.result('waiter:last')).toBe('done')
})

test('a node of a newer version takes all shards; the older one owns none, and goes on answering', async () => {
  const { url } = await newStore()
  const old = await openNode(url, '1.9')
  await old.start(waiter({ orderId: 'o', customerId: 'c' }))
  const next = await openNode(url, '1.10')
  expect([...(await owned(old, (counts) => !counts.has(idOf(old)))).keys()]).toEqual([idOf(next)])
  expect(await old.start(waiter({ orderId: 'o2', customerId: 'c2' }))).toMatchObject({ created: true })
  await old.signal('waiter:c', Go('go'))
  expect(await old.result('waiter:c')).toBe('go')
  expect(await old.cancel('waiter:c2', { by: 'me' })).toMatchObject({ action: 'cancel' })
  await expect(next.result('waiter:c2')).rejects.toMatchObject({ code: 'RUN_CANCELLED' })
  await expect(old.retry('waiter:c2')).rejects.toMatchObject({ code: 'RUN_ENDED' })
  // When there is none of the newer version any more, the older one is the newest.
  await next.close()
  await owned(old, (counts) => counts.size === 1 && counts.has(idOf(old)))
})

test('shards that were taken away are given up, and the rest goes on: nothing is lost, and what was fenced is asked elsewhere', async () => {
  const { url, schema } = await newStore()
  const app = await openNode(url)
  await app.start(waiter({ orderId: 'o', customerId: 'c' }))
  const sql = await connection()
  // As another node would that found its lease over: the epochs are others, and the node is marked.
  await sql.unsafe(`UPDATE ${schema}.shards SET epoch = epoch + 1, owner = NULL, node = NULL WHERE id % 2 = 0`)
  const runs = Array.from({ length: 2 * SHARDS }, (_, at) => ({ orderId: `o${at}`, customerId: `x${at}` }))
  const started = await Promise.all(runs.map((told) => app.start(waiter(told))))
  expect(started.map(({ id }) => id)).toEqual(runs.map(({ customerId }) => `waiter:${customerId}`))
  await app.signal('waiter:c', Go('go'))
  expect(await app.result('waiter:c')).toBe('go')
  for (const { customerId } of runs) await app.signal(`waiter:${customerId}`, Go(customerId))
  for (const { customerId } of runs) expect(await app.result(`waiter:${customerId}`)).toBe(customerId)
})

test('a node whose lease was over for a moment gives up what it had, and gets its part again: no shard is left to nobody', async () => {
  const { url, schema } = await newStore()
  const [one, two] = [await openNode(url), await openNode(url)]
  await owned(one, ({ size }) => size === 2)
  const sql = await connection()
  for (let time = 0; time < 3; time++) {
    const before = (await one.nodes()).shards.filter(({ owner }) => owner === idOf(one))
    await sql.unsafe(`UPDATE ${schema}.nodes SET until = NULL WHERE id = '${idOf(one)}'`)
    for (;;) {
      const { shards } = await two.nodes()
      if (before.every(({ shard, epoch }) => (shards[shard]?.epoch ?? 0) > epoch)) break
    }
    await owned(two, ({ size }) => size === 2)
  }
  await one.start(waiter({ orderId: 'o', customerId: 'c' }))
  await two.signal('waiter:c', Go('go'))
  expect(await one.result('waiter:c')).toBe('go')
})

test.each(styles)('orders of the shop over two nodes, %s, asked for at either', async (style) => {
  const { url } = await newStore()
  const shops: RunningShop[] = []
  for (let node = 0; node < 2; node++) {
    const shop = await startShop({ place: { store: url, folder: null } })
    closing.push(() => shop.close())
    shops.push(shop)
  }
  await owned(shops[0]?.app as Application, ({ size }) => size === 2)
  const ids = await Promise.all(
    Array.from({ length: 12 }, (_, at) => (shops[at % 2] as RunningShop).order('ok', style)),
  )
  for (const [at, id] of ids.entries())
    expect(await (shops[(at + 1) % 2] as RunningShop).over(id)).toMatchObject({ status: 'confirmed' })
})

// What a node of an older version took, and one of a newer version carries out: what was acknowledged is not refused behind the
// back of whoever asked.
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import type { Codec } from '../../src/core/codec.ts'
import type { CallValue } from '../../src/core/values.ts'
import {
  ballet,
  event,
  operation,
  service,
  signal,
  workflow,
  type Application,
  type ApplicationDefinition,
} from '../../src/index.ts'
import { keptLog, openForTest, until } from '../support/applications.ts'
import { connection, newPlace } from './subject.ts'

const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** The older one owns no shard. */
async function nodesOf(
  definition: (version: '1' | '2') => ApplicationDefinition,
): Promise<{ readonly old: Application; readonly owner: Application; readonly store: string }> {
  const place = await newPlace()
  closing.push(() => place.drop())
  const store = place.url('&shards=8&lease=2&pool=4')
  const owner = await openForTest(definition('2'), { store })
  return { owner, old: await openForTest(definition('1'), { store }), store }
}

const Grown = { 1: signal('told', z.object({ n: z.number() })), 2: signal('told', z.object({ n: z.number().max(1) })) }
const Other = signal('other', z.string())
/** Hears what it is told until somebody says so. */
const waiting = (version: '1' | '2') =>
  workflow('waiting', { input: z.null(), output: z.json(), signals: [Grown[version], Other] }, async (run) => {
    const heard: (string | { n: number })[] = []
    for (;;) {
      const one = await run.receive([Grown[version], Other])
      heard.push(one.data)
      if (one.type === 'other') return heard
    }
  })

test('a signal that an older node took is delivered as it was judged there, when the schema of the newer one refuses it', async () => {
  const { old, owner } = await nodesOf((version) =>
    ballet({ name: 'shop', version, services: [], workflows: [waiting(version)] }),
  )
  await owner.startNamed({ call: 'waiting', input: null, id: 'w' })
  await expect(owner.signalNamed({ run: 'w', name: 'told', data: { n: 2 } })).rejects.toMatchObject({
    code: 'INPUT_INVALID',
  })
  expect(await old.signal('w', Grown[1]({ n: 2 }), { id: 's' })).toEqual({ id: 's', created: true })
  await owner.signal('w', Other('over'))
  expect(await owner.result('w')).toEqual([{ n: 2 }, 'over'])
})

test('a signal that the newer version does not know waits with its run, and is there for whoever looks', async () => {
  const { old, owner } = await nodesOf((version) =>
    ballet({
      name: 'shop',
      version,
      services: [],
      workflows: [
        workflow(
          'waiting',
          { input: z.null(), output: z.json(), signals: version === '1' ? [Grown[1], Other] : [Other] },
          async (run) => (await run.receive(Other)).data,
        ),
      ],
    }),
  )
  await owner.startNamed({ call: 'waiting', input: null, id: 'w' })
  await old.signal('w', Grown[1]({ n: 2 }), { id: 's' })
  await owner.signal('w', Other('over'))
  expect(await owner.result('w')).toBe('over')
  const journal = (await owner.journal('w'))?.items ?? []
  expect(journal).toContainEqual(
    expect.objectContaining({
      delivered: expect.objectContaining({ kind: 'signal', name: 'told', id: 's', payload: { n: 2 } }),
    }),
  )
})

test('a start without an id that the newer version refuses is not answered as if it had been taken', async () => {
  const { old, owner } = await nodesOf((version) => {
    const input = version === '1' ? z.number() : z.number().max(1)
    return ballet({
      name: 'shop',
      version,
      services: [],
      workflows: [workflow('flow', { input, output: z.number() }, async (_, n) => n)],
    })
  })
  await expect(old.startNamed({ call: 'flow', input: 2 })).rejects.toMatchObject({ code: 'OWNER_REFUSED' })
  const { id } = await old.startNamed({ call: 'flow', input: 1 })
  expect(await owner.result(id)).toBe(1)
})

test('a row of an inbox that cannot be decoded is set aside: answers do not wait for it, and it is taken when it can be', async () => {
  const place = await newPlace()
  closing.push(() => place.drop())
  const store = place.url('&shards=8&lease=2&pool=4')
  let isAway = true
  const codec: Codec = {
    encode: (text) => text,
    decode: (payload, { row, id }) => {
      if (isAway && row === 'turn' && id === 'kept') throw new Error('the key is away')
      return String(payload)
    },
  }
  const flow = workflow('flow', { input: z.null(), output: z.string() }, async () => 'done')
  const definition = (version: string) => ballet({ name: 'shop', version, services: [], workflows: [flow] })
  const owner = await openForTest(definition('2'), { store, codec })
  const old = await openForTest(definition('1'), { store })
  // It was taken, and neither refused nor begun; this is not said after half a minute only.
  expect(await old.start(flow(null), { id: 'kept' })).toEqual({ id: 'kept', created: true })
  expect(await old.run('kept')).toBeNull()
  const shard = (await owner.nodes()).shards.find(({ waiting: count }) => count > 0)
  expect(shard).toMatchObject({ waiting: 1 })
  // Whoever has the key can say what it is.
  const lying = { kind: 'start', version: null, again: 'by itself', rows: 1, since: expect.any(String) as string }
  expect((await owner.nodes()).aside).toEqual([{ ...lying, name: null, ids: ['kept'] }])
  expect((await old.nodes()).aside).toEqual([{ ...lying, name: 'flow', ids: ['kept'] }])
  await owner.close()
  isAway = false
  const next = await openForTest(definition('2'), { store, codec })
  expect(await until(next, null, async () => (await next.run('kept'))?.output)).toBe('done')
  expect((await next.nodes()).shards.filter(({ waiting: count }) => count > 0)).toEqual([])
})

test('a start of a transaction that a newer version refuses is set aside, and begins with a version that takes it', async () => {
  const place = await newPlace()
  closing.push(() => place.drop())
  const store = place.url('&shards=8&lease=2&pool=4')
  const definition = (version: string, most: number) => {
    const input = z.number().max(most)
    return ballet({
      name: 'shop',
      version,
      services: [],
      workflows: [workflow('flow', { input, output: z.number() }, async (_, n) => n)],
    })
  }
  const owner = await openForTest(definition('2', 1), { store })
  const old = await openForTest(definition('1', 9), { store })
  const sql = await connection()
  const call = { kind: 'call', target: 'workflow', name: 'flow', input: 2 } as unknown as CallValue
  await sql.begin(async (tx) => {
    await old.start(call, { id: 'two', tx })
  })
  // What lies in the inbox has been looked at when a negative answer is given.
  expect(await old.run('two')).toBeNull()
  // Another start under that name is another one: it is refused, and not taken for the one that was set aside.
  const another = old.startNamed({ call: 'flow', input: 3, id: 'two' })
  await expect(another).rejects.toMatchObject({ code: 'OWNER_REFUSED' })
  await owner.close()
  await old.close()
  const next = await openForTest(definition('3', 9), { store })
  expect(await until(next, null, async () => (await next.run('two'))?.output)).toBe(2)
})

test('an event of a transaction whose type has left the code lies aside, until a version has the type again: there it is an event to which nobody reacts', async () => {
  const place = await newPlace()
  closing.push(() => place.drop())
  const store = place.url('&shards=8&lease=2&pool=4')
  const Gone = event('gone', z.object({ id: z.string() }), { key: 'id' })
  const definition = (version: string, has: boolean) =>
    ballet({ name: 'shop', version, services: [], events: has ? [Gone] : [] })
  const owner = await openForTest(definition('2', false), { store })
  const old = await openForTest(definition('1', true), { store })
  const sql = await connection()
  await sql.begin(async (tx) => {
    await old.publish(Gone({ id: 'a' }), { id: 'e', tx })
  })
  const waitingAt = async (node: Application) => (await node.nodes()).shards.reduce((sum, { waiting: n }) => sum + n, 0)
  // What lies in the inbox of that shard has been looked at when a negative answer is given.
  expect(await old.run('nobody:a')).toBeNull()
  await owner.close()
  await old.close()
  const log = keptLog()
  const without = await openForTest(definition('3', false), { store, log })
  expect(await without.run('nobody:a')).toBeNull()
  expect(log.lines).toEqual([
    expect.stringContaining('What came for gone (event) cannot be taken and is set aside until'),
  ])
  expect(await waitingAt(without)).toBe(1)
  const aside = { kind: 'event', name: 'gone', version: null, again: 'owned anew', rows: 1, ids: ['e'] }
  expect((await without.nodes()).aside).toEqual([{ ...aside, since: expect.any(String) as string }])
  await without.close()
  const last = await openForTest(definition('4', true), { store })
  const events = await until(last, null, async () => {
    const { items } = await last.events()
    return items.length > 0 && items
  })
  expect(events).toMatchObject([{ id: 'e', type: 'gone' }])
  expect(await waitingAt(last)).toBe(0)
  expect((await last.nodes()).aside).toEqual([])
})

const Happened = event('happened', z.object({ k: z.string() }), { key: 'k' })
const tooLong = (): string => 'x'.repeat(40_000_000)

test.each<[string, string, z.ZodType, string?]>([
  ['a schema that is asynchronous', 'SCHEMA_ASYNC', z.number().refine(async () => true)],
  ['a schema that makes what is no JSON', 'VALUE_NOT_JSON', z.number().transform(BigInt)],
  ['a schema that makes too much', 'PAYLOAD_TOO_LARGE', z.number().transform(tooLong)],
  ['an id that reactions have now', 'ID_INVALID', z.number(), 'desk:happened:1'],
])(
  'a start of a transaction that a newer version refuses for %s is set aside, and begins with a version that takes it',
  async (_, code, input, id = 'one') => {
    const place = await newPlace()
    closing.push(() => place.drop())
    const store = place.url('&shards=8&lease=2&pool=4')
    const definition = (version: string, schema: z.ZodType<number>, reacts: boolean) => {
      const desk = service('desk', { act: operation({ input: z.json(), run: () => undefined }) })
      if (reacts) desk.on(Happened, (happened) => desk.act(happened))
      const flow = workflow('flow', { input: schema, output: z.null() }, async () => null)
      return ballet({ name: 'shop', version, services: [desk], workflows: [flow] })
    }
    const owner = await openForTest(definition('2', input as z.ZodType<number>, id !== 'one'), { store })
    const old = await openForTest(definition('1', z.number(), false), { store })
    const sql = await connection()
    const call = { kind: 'call', target: 'workflow', name: 'flow', input: 2 } as unknown as CallValue
    await sql.begin(async (tx) => {
      await old.start(call, { id, tx })
    })
    // What lies in the inbox has been looked at when a negative answer is given.
    expect(await old.run(id)).toBeNull()
    expect((await owner.asides()).items).toMatchObject([{ kind: 'start', id, cause: { code } }])
    await owner.close()
    await old.close()
    const next = await openForTest(definition('3', z.number(), false), { store })
    expect(await until(next, null, async () => (await next.run(id))?.status === 'completed')).toBe(true)
  },
)

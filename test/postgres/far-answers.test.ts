// A signal and a flow that is to be conducted, at a node that does not own the shard: the owner answers, so that it is the same there.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { fault } from '../../src/core/errors.ts'
import type { Batch } from '../../src/core/store.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { ballet, choreography, event, operation, seq, service, signal, workflow } from '../../src/index.ts'
import { postgres } from '../../src/stores/postgres/postgres-store.ts'
import { gate, openForTest, until } from '../support/applications.ts'
import { libraries } from './libraries.ts'
import { nodesOf, placeForTest } from './two-versions.ts'

const Told = signal('told', z.string())
const hearing = workflow('hearing', { input: z.null(), output: z.json(), signals: [Told] }, async (run) => {
  const heard: string[] = []
  while (heard.at(-1) !== 'over') heard.push((await run.receive(Told)).data)
  return heard
})
const deaf = workflow('deaf', { input: z.null(), output: z.json(), signals: [Told] }, async (run) => {
  await run.sleep('1h')
  return (await run.receive(Told)).data
})
const again = workflow('again', { input: z.number(), output: z.json(), signals: [Told] }, async (run, n) => {
  const { data } = await run.receive(Told)
  return data === 'over' ? n : run.continueAs(n + 1)
})
const shop = (version: string) => ballet({ name: 'shop', version, services: [], workflows: [hearing, deaf, again] })

test('a signal that a run had already is told so at any node', async () => {
  const { old, owner } = await nodesOf(shop)
  await owner.start(hearing(null), { id: 'h' })
  expect(await owner.signal('h', Told('first'), { id: 's1' })).toEqual({ id: 's1', created: true })
  expect(await old.signal('h', Told('first'), { id: 's1' })).toEqual({ id: 's1', created: false })
  expect(await old.signal('h', Told('second'), { id: 's2' })).toEqual({ id: 's2', created: true })
  for (const node of [owner, old])
    expect(await node.signal('h', Told('second'), { id: 's2' })).toEqual({ id: 's2', created: false })
  // Of two at once one is the first.
  const both = await Promise.all([1, 2].map(() => old.signal('h', Told('third'), { id: 's3' })))
  expect(both.map(({ created }) => created).toSorted()).toEqual([false, true])
  await old.signal('h', Told('over'))
  expect(await old.result('h')).toEqual(['first', 'second', 'third', 'over'])
  expect(await old.signal('h', Told('third'), { id: 's3' })).toEqual({ id: 's3', created: false })
  for (const node of [owner, old])
    await expect(node.signal('h', Told('fourth'), { id: 's4' })).rejects.toMatchObject({ code: 'RUN_ENDED' })
  // What is wrong with the request is said first, at both.
  for (const node of [owner, old])
    await expect(node.signal('h', Told('fifth'), { id: 's 5' })).rejects.toMatchObject({ code: 'ID_INVALID' })
})

test('a signal that an earlier generation of a run had is told so at any node', async () => {
  const { old, owner } = await nodesOf(shop)
  await owner.start(again(0), { id: 'a' })
  await old.signal('a', Told('on'), { id: 's1' })
  await until(owner, null, async () => (await owner.run('a'))?.generation === 1)
  for (const node of [owner, old])
    expect(await node.signal('a', Told('on'), { id: 's1' })).toEqual({ id: 's1', created: false })
  await old.signal('a', Told('over'))
  expect(await old.result('a')).toBe(1)
})

test('limits.signals is judged where the run is, whichever node is asked', async () => {
  const { old, owner } = await nodesOf(shop, { limits: { signals: 2 } })
  await owner.start(deaf(null), { id: 'd' })
  await owner.signal('d', Told('1'))
  await old.signal('d', Told('2'), { id: 's2' })
  const full = { code: 'SIGNALS_FULL', details: { id: 'd', limit: 2 } }
  for (const node of [owner, old]) await expect(node.signal('d', Told('3'), { id: 's3' })).rejects.toMatchObject(full)
  expect(await old.signal('d', Told('2'), { id: 's2' })).toEqual({ id: 's2', created: false })
  const heard = (await owner.journal('d'))?.items.filter(({ delivered }) =>
    JSON.stringify(delivered).includes('signal'),
  )
  expect(heard).toHaveLength(2)
})

const [, openPg] = libraries[1] as (typeof libraries)[number]

test('a signal of a transaction that a run had before it ended is no refusal, at any node', async () => {
  const { old, owner } = await nodesOf(shop)
  const { within, close } = await openPg()
  try {
    await owner.start(hearing(null), { id: 'h' })
    await owner.signal('h', Told('over'), { id: 's1' })
    await owner.result('h')
    for (const node of [owner, old]) {
      const answers: object[] = []
      await within(async (tx) => void answers.push(await node.signal('h', Told('over'), { id: 's1', tx })))
      expect(answers).toEqual([{ id: 's1' }])
      const other = within((tx) => node.signal('h', Told('over'), { id: 's2', tx }))
      await expect(other).rejects.toMatchObject({ code: 'RUN_ENDED' })
    }
  } finally {
    await close()
  }
})

const Placed = event('placed', z.object({ orderId: z.string() }), { key: 'orderId' })
const Packed = event('packed', Placed.schema, { key: 'orderId' })
const desk = service('desk', {
  pack: operation({ input: Placed.schema, outcomes: [Packed], run: (order) => Packed(order) }),
})
desk.on(Placed, (order) => desk.pack(order))
const packing = choreography('packing', { key: 'orderId' }, seq(Placed, Packed))
const warehouse = (version: string) =>
  ballet({ name: 'warehouse', version, services: [desk], choreographies: [packing] })

test('of two who begin a flow by way of another node in one moment one hears that it was there', async () => {
  const { old } = await nodesOf(warehouse)
  for (const orderId of ['a', 'b', 'c', 'd']) {
    const begin = () => old.conduct(packing)(Placed({ orderId }), { id: `placed-${orderId}` })
    const both = await Promise.all([begin(), begin()])
    expect(both.map(({ created }) => created).toSorted()).toEqual([false, true])
  }
})

test('a flow that cannot be conducted is refused as where it is', async () => {
  const { old, owner } = await nodesOf(warehouse)
  await owner.publish(Placed({ orderId: 'o' }), { id: 'e' })
  const refusals = [old, owner].map((node) =>
    node
      .conduct(packing)(Placed({ orderId: 'o' }), { id: 'other' })
      .catch((error: unknown) => error),
  )
  const [there, here] = await Promise.all(refusals)
  expect(here).toMatchObject({ code: 'CONDUCT_REFUSED' })
  expect(there).toEqual(here)
})

test.each([
  ['has ended by it', 'cancelled', null],
  ['takes back what it did', 'running', 'undoing'],
])(
  'a cancellation that was durable when its shard was lost, and whose run %s, is answered as what it was',
  async (_, status, phase) => {
    const refunded = gate()
    const bank = service('bank', {
      charge: operation({ input: z.null(), output: z.null(), run: () => null }),
      refund: operation({ input: z.null(), undoes: 'charge', run: () => refunded.promise }),
    })
    const pay = workflow('pay', { input: z.null(), output: z.null() }, async (run) => {
      if (phase !== null) await run.call(bank.charge(null), { undo: bank.refund(null) })
      await run.sleep('1h')
      return null
    })
    const real = postgres({ url: (await placeForTest()).url('&shards=8&lease=2&pool=4'), clock: systemClock })
    let isLost = false
    /** What it writes is durable; that its shard was taken meanwhile is all that it hears of it. */
    const commit = async (batch: Batch): Promise<void> => {
      await real.commit(batch)
      if (!isLost || batch.journal.length === 0) return
      isLost = false
      throw fault('SHARD_FENCED', { shard: batch.shard })
    }
    const store = new Proxy(real, {
      get: (target, name) => {
        if (name === 'commit') return commit
        const value: unknown = Reflect.get(target, name, target)
        return typeof value === 'function' ? (value.bind(target) as unknown) : value
      },
    })
    const app = await openForTest(ballet({ name: 'shop', services: [bank], workflows: [pay] }), { store })
    await app.start(pay(null), { id: 'p' })
    await until(app, null, async () => (await app.run('p'))?.waits[0]?.kind === 'timer')
    isLost = true
    const acted = { id: 'p', action: 'cancel', changed: true, ops: [] }
    expect(await app.cancel('p', { by: 'ann', why: 'too late' })).toEqual(acted)
    expect(isLost).toBe(false)
    expect(await app.run('p')).toMatchObject({ status, ...(phase !== null && { phase }) })
    refunded.open()
    await expect(app.result('p')).rejects.toMatchObject({ code: 'RUN_CANCELLED' })
    await expect(app.cancel('p', { by: 'ann', why: 'too late' })).rejects.toMatchObject({ code: 'RUN_ENDED' })
  },
)

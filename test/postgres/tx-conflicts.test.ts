// What a transaction asks for under a name under which something else lies in an inbox, and was not taken yet, is refused at once, at
// any node: nobody would hear of it later.
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { systemClock } from '../../src/engine/clock.ts'
import { ballet, event, signal, workflow, type Application } from '../../src/index.ts'
import { postgres } from '../../src/stores/postgres/postgres-store.ts'
import { gate, openForTest, until } from '../support/applications.ts'
import { guarded } from '../support/stores.ts'
import { libraries, type Within } from './libraries.ts'
import { placeForTest } from './two-versions.ts'

/** Rows of an inbox that are looked at for another of a name; whoever takes what lies there reads more. */
const LOOKED = 100

const Order = z.object({ orderId: z.string(), total: z.number() })
const Ordered = event('ordered', Order, { key: 'orderId' })
const Paid = signal('paid', z.number())
const checkout = workflow(
  'checkout',
  { input: Order, output: z.number(), key: 'orderId', signals: [Paid] },
  async (run, { total }) => total + (await run.receive(Paid)).data,
)
const shop = (version: string) =>
  ballet({ name: 'shop', version, services: [], workflows: [checkout], events: [Ordered] })

/** Two nodes, of which the old one owns nothing; and `hold`, after which the owner takes nothing until the gate is open. */
async function nodesForTest() {
  const url = (await placeForTest()).url('&shards=8&lease=2&pool=4')
  let held = Promise.resolve()
  const store = guarded(postgres({ url, clock: systemClock }), 'inbox', (pass) => held.then(pass))
  const owner = await openForTest(shop('2'), { store })
  const old = await openForTest(shop('1'), { store: url })
  const hold = () => {
    const holding = gate()
    held = holding.promise
    return holding
  }
  return { owner, old, hold }
}

const [, openPg] = libraries[1] as (typeof libraries)[number]
async function withinForTest(): Promise<Within> {
  const { within, close } = await openPg()
  onTestFinished(async () => void (await close()))
  return within
}

/** What can be asked for in transactions of this node, each of its own: of an order, by what it comes to. */
const asking = (node: Application, within: Within) => ({
  start: (orderId: string, total: number) => within((tx) => node.start(checkout({ orderId, total }), { tx })),
  publish: (orderId: string, total: number) =>
    within((tx) => node.publish(Ordered({ orderId, total }), { id: orderId, tx })),
  signal: (orderId: string, total: number) =>
    within((tx) => node.signal(`checkout:${orderId}`, Paid(total), { id: orderId, tx })),
})

test('by way of a node that does not own it, while the owner takes nothing', async () => {
  const { old, owner, hold } = await nodesForTest()
  const { start, publish, signal: send } = asking(old, await withinForTest())
  await owner.start(checkout({ orderId: 'open', total: 0 }))
  const holding = hold()
  for (const orderId of ['a', 'b']) {
    await start(orderId, 1)
    await publish(orderId, 1)
  }
  await send('open', 1)
  for (const orderId of ['a', 'b']) {
    await expect(start(orderId, 2)).rejects.toMatchObject({
      code: 'RUN_CONFLICT',
      details: { id: `checkout:${orderId}` },
    })
    await expect(publish(orderId, 2)).rejects.toMatchObject({ code: 'EVENT_CONFLICT', details: { id: orderId } })
    // Whoever asks again asks for the same.
    await start(orderId, 1)
    await publish(orderId, 1)
  }
  await expect(send('open', 2)).rejects.toMatchObject({ code: 'SIGNAL_CONFLICT' })
  await send('open', 1)
  holding.open()
  expect(await owner.result('checkout:open')).toBe(1)
  const inputs = await until(owner, null, async () => {
    const runs = await Promise.all(['a', 'b'].map((orderId) => owner.run(`checkout:${orderId}`)))
    return runs.every((run) => run !== null) && runs.map((run) => run?.input)
  })
  const first = ['a', 'b'].map((orderId) => ({ orderId, total: 1 }))
  expect(inputs).toEqual(first)
  const events = await until(owner, null, async () => {
    const { items } = await owner.events()
    return items.length === first.length && items.map(({ data }) => data)
  })
  expect(events).toEqual(expect.arrayContaining(first))
})

test('by way of the owner, however soon', async () => {
  const { owner } = await nodesForTest()
  const { start, publish, signal: send } = asking(owner, await withinForTest())
  for (let n = 0; n < 5; n++) {
    const orderId = `o${n}`
    await start(orderId, 1)
    await expect(start(orderId, 2)).rejects.toMatchObject({ code: 'RUN_CONFLICT' })
    await publish(orderId, 1)
    await expect(publish(orderId, 2)).rejects.toMatchObject({ code: 'EVENT_CONFLICT' })
    await send(orderId, 1)
    await expect(send(orderId, 2)).rejects.toMatchObject({ code: 'SIGNAL_CONFLICT' })
    expect(await owner.result(`checkout:${orderId}`)).toBe(2)
  }
})

test('the run ends by the first of two signals while the owner looks for what lies in its inbox', async () => {
  const [looked, looking] = [gate(), gate()]
  let isHeld = false
  const url = (await placeForTest()).url('&shards=1&pool=4')
  const own = postgres({ url, clock: systemClock })
  const store = guarded(own, 'inbox', async (pass, ...[, , limit]) => {
    if (isHeld && limit === LOOKED) {
      looking.open()
      await looked.promise
    }
    return pass()
  })
  const owner = await openForTest(shop('1'), { store })
  const { signal: send } = asking(owner, await withinForTest())
  await owner.start(checkout({ orderId: 'late', total: 1 }))
  isHeld = true
  const second = send('late', 2)
  await looking.promise
  await owner.signal('checkout:late', Paid(1), { id: 'late' })
  expect(await owner.result('checkout:late')).toBe(2)
  looked.open()
  await expect(second).rejects.toMatchObject({ code: 'SIGNAL_CONFLICT' })
  await send('late', 1)
})

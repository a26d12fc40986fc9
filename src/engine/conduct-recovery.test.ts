// Runs that conduct a flow over the life of a process: closed in the middle, parked on disk, without their code.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest, until } from '../../test/support/applications.ts'
import {
  begin,
  byOrder,
  Cancelled,
  codeOf,
  Created,
  newFile,
  openShop,
  Order,
  quiet,
  Reserved,
  runsOf,
  shop,
} from '../../test/support/conducted.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { live, sweep } from '../../test/support/sweeps.ts'
import { guarded } from '../../test/support/stores.ts'
import { fault } from '../core/errors.ts'
import { ballet, choreography, event, many, operation, seq, service, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

test('closed in the middle, it is taken up by the next process, also one that holds a single run in memory', async () => {
  for (const name of ['pick shoes', 'charge', 'ship']) {
    const store = newFile()
    const first = shop({ held: { operation: name, until: new Promise(() => {}) } })
    const app = await openShop(first.definition, store)
    await begin(app, 'o')
    await until(app, 'orderId:o', async () => first.calls.includes(`${name} o`))
    await app.close()
    const second = shop()
    // The catalog of this test counts in memory: what was picked before is known to it.
    const next = await openForTest(second.definition, { store, liveRuns: 1 })
    if (name === 'pick shoes') {
      await until(next, null, async () => second.calls.includes('pick shoes o'))
      await next.publish(Reserved({ orderId: 'o' }))
    }
    expect(await next.result('fulfilment:o')).toMatchObject({ ending: 'fulfilled' })
    const all = [...first.calls, ...second.calls].filter((call) => !call.startsWith('pick'))
    expect(all.filter((call) => call !== `${name} o`).length).toBe(name === 'pick shoes' ? 2 : 1)
    await next.close()
  }
})

test('what came of an event from outside is waited for, also when its ancestors have ended and the process is another', async () => {
  const Asked = event('client.asked', Order, byOrder)
  const Noted = event('desk.noted', Order, byOrder)
  const told: string[] = []
  const made = (held: Promise<void> | null, begun: () => void) => {
    const desk = service('desk', {
      note: operation({
        input: Order,
        outcomes: [Noted],
        run: async (order) => {
          begun()
          await held
          return Noted(order)
        },
      }),
      tell: operation({ input: Order, run: ({ orderId }) => void told.push(orderId) }),
    })
    const answer = workflow('answer', { input: Order, output: z.null(), ...byOrder }, async (run, order) => {
      run.start(desk.note(order))
      return null
    })
    desk.on(Asked, (order) => answer(order), { calls: ['desk.note'] })
    desk.on(Noted, (order) => desk.tell(order))
    const asking = choreography('asking', { key: 'orderId' }, seq(Created, Asked, many(Noted)), { outside: [Asked] })
    return { asking, definition: ballet({ services: [desk], workflows: [answer], choreographies: [asking] }) }
  }
  const store = newFile()
  const begun = gate()
  const first = made(new Promise(() => {}), () => begun.open())
  const app = await openShop(first.definition, store)
  await app.conduct(first.asking)(Created({ orderId: 'o' }), { id: 'o' })
  await app.publish(Asked({ orderId: 'o' }), { id: 'o', source: 'client' })
  await begun.promise
  await app.close()
  const again = gate()
  const next = await openShop(made(again.promise, () => {}).definition, store)
  // The monitor has read the flow, which may end; what that came to is durable when the event is.
  await next.flow('asking', 'o')
  await next.publish(Created({ orderId: 'other' }))
  expect(await next.run('asking:o')).toMatchObject({ status: 'running' })
  again.open()
  expect(await next.result('asking:o')).toMatchObject({ ending: 'complete' })
  await quiet(next, 'o')
  expect(told).toEqual(['o'])
  // The run was there when the note came.
  expect((await runsOf(next, 'o')).find(({ name }) => name === 'desk:desk.noted')).toMatchObject({ parent: 'asking:o' })
})

test('a conducted flow that is parked on disk takes its events, and is cancelled, as any other', async () => {
  const { definition, calls } = shop()
  const app = await openForTest(definition, { store: newFile(), liveRuns: 1 })
  for (const orderId of ['waits-1', 'waits-2', 'waits-3']) {
    await begin(app, orderId)
    await until(app, `orderId:${orderId}`, async () => (await runsOf(app, orderId))[0]?.steps?.[1]?.status === 'done')
  }
  for (const orderId of ['waits-1', 'waits-2'])
    await app.publish(Cancelled({ orderId }), { id: orderId, source: 'customer' })
  expect(await app.result('fulfilment:waits-1')).toMatchObject({ ending: 'cancelled' })
  expect(await app.result('fulfilment:waits-2')).toMatchObject({ ending: 'cancelled' })
  await app.cancel('fulfilment:waits-3', { by: 'the desk' })
  expect(await codeOf(app.result('fulfilment:waits-3'))).toContain('RUN_CANCELLED')
  expect(calls.filter((call) => call.startsWith('refund'))).toEqual(['refund waits-1', 'refund waits-2'])
})

test('its choreography has left the code: it is stuck, reactions answer, and it conducts again when it is back', async () => {
  const { definition, calls } = shop()
  const store = newFile()
  const app = await openShop(definition, store)
  await begin(app, 'waits')
  await until(app, 'orderId:waits', async () => (await runsOf(app, 'waits'))[0]?.steps?.[1]?.status === 'done')
  await app.close()
  const without = await openShop({ ...definition, choreographies: [] }, store)
  expect(await without.run('fulfilment:waits')).toMatchObject({
    status: 'stuck',
    reason: 'diverged',
    error: { code: 'CODE_MISSING' },
  })
  await without.close()
  const back = await openShop(definition, store)
  expect(await back.run('fulfilment:waits')).toMatchObject({ status: 'running' })
  await back.publish(Cancelled({ orderId: 'waits' }), { id: 'c', source: 'customer' })
  expect(await back.result('fulfilment:waits')).toMatchObject({ ending: 'cancelled' })
  expect(calls.filter((call) => call.startsWith('refund'))).toEqual(['refund waits'])
})

test('while its journal cannot be read reactions answer, and it conducts on when a person has brought it back', async () => {
  const { definition, calls } = shop()
  const data = new MemoryData('s')
  const app = await openForTest(definition, { store: memory(data) })
  await begin(app, 'waits')
  await until(app, 'orderId:waits', async () => (await runsOf(app, 'waits'))[0]?.steps?.[1]?.status === 'done')
  await app.close()
  let isDamaged = true
  const store = guarded(memory(data), 'journal', (pass) =>
    isDamaged ? Promise.reject(fault('STORE_FAILED', { problem: 'a page is damaged' })) : pass(),
  )
  const next = await openForTest(definition, { store })
  expect(await next.run('fulfilment:waits')).toMatchObject({ status: 'stuck', reason: 'unreadable' })
  await next.publish(Cancelled({ orderId: 'waits' }), { id: 'c', source: 'customer' })
  await until(next, 'orderId:waits', async () => (await next.flow('fulfilment', 'waits'))?.ending === 'cancelled')
  const refund = (await runsOf(next, 'waits')).find(({ name }) => name === 'payment:order.cancelled')
  expect(refund).toMatchObject({ parent: null })
  expect((await next.run('fulfilment:waits'))?.status).toBe('stuck')
  isDamaged = false
  await next.retry('fulfilment:waits', { by: 'the desk' })
  expect(await next.result('fulfilment:waits')).toMatchObject({ ending: 'cancelled' })
  expect(calls.filter((call) => call.startsWith('refund'))).toEqual(['refund waits'])
})

test('a flow that has ended is forgotten with its run and its calls, and can be conducted anew when its name is free', async () => {
  const { definition } = shop()
  const data = new MemoryData('s')
  const clock = new SteppedClock()
  const app = await openForTest(definition, {
    store: memory(data),
    clock,
    retention: { runs: '100s', dedupe: '1000s' },
  })
  await begin(app, 'poor')
  await live(clock, 3)
  expect(await app.run('fulfilment:poor')).toMatchObject({ output: { ending: 'declined' } })
  await live(clock, 120)
  await sweep(clock)
  expect(await codeOf(app.run('fulfilment:poor'))).toContain('RUN_FORGOTTEN')
  expect([data.runs.size, data.events.length]).toEqual([0, 0])
  expect(await begin(app, 'poor')).toMatchObject({ created: false })
  clock.pass(1_000_000)
  await sweep(clock)
  await sweep(clock)
  expect(await begin(app, 'poor')).toMatchObject({ created: true })
})

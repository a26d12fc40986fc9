// A frozen run takes nothing, and misses nothing: whatever came for it meanwhile comes when its code is mended.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest, until } from '../../test/support/applications.ts'
import type { Clock } from '../core/clock.ts'
import { ballet, event, operation, service, signal, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'
import { systemClock } from './clock.ts'

const Order = z.object({ orderId: z.string() })
const Paid = event('order.paid', Order.extend({ n: z.number() }), { key: 'orderId' })
const Go = signal('go', z.object({ n: z.number() }))
const output = z.json()

type Fact = { readonly data: { readonly n: number } }
type Parts = [Promise<string>, Promise<unknown>, Promise<void>, Promise<Fact>, Promise<Fact | null>]

test.each([1, 10_000])('its call, child, timer, event and signals, with %i runs in memory', async (liveRuns) => {
  let broken = true
  const keys: string[] = []
  const hold = gate()
  const desk = service('desk', {
    slow: operation({
      input: z.null(),
      output: z.string(),
      run: async (_input, { idempotencyKey }) => (keys.push(idempotencyKey), await hold.promise, 'slow'),
    }),
  })
  const child = workflow(
    'child',
    { input: z.null(), output, signals: [Go] },
    async (run) => (await run.receive(Go)).data.n,
  )
  const flow = workflow('flow', { input: Order, output, key: 'orderId', signals: [Go] }, async (run) => {
    const parts = [
      run.call(desk.slow(null)),
      run.call(child(null)),
      run.sleep('1h'),
      run.receive(Paid),
      run.receive(Paid, { within: '2h' }),
    ]
    const go = await run.receive(Go)
    if (broken) throw new TypeError('oops')
    const [slow, answer, , paid, limited] = await Promise.all(parts as Parts)
    const more = [(await run.receive(Go)).data.n, (await run.receive(Go)).data.n]
    return {
      go: go.data.n,
      slow,
      answer: answer as number,
      paid: paid.data.n,
      limited: limited?.data.n ?? null,
      more,
      next: (await run.receive(Paid)).data.n,
    }
  })
  const definition = ballet({ services: [desk], workflows: [flow, child], events: [Paid] })
  const data = new MemoryData()
  let ahead = 0
  const clock: Clock = {
    now: () => systemClock.now() + ahead,
    after: (delayMs, callback) => systemClock.after(delayMs, callback),
  }
  const app = await openForTest(definition, { store: memory(data), clock, liveRuns })
  await app.start(flow({ orderId: 'o' }))
  await until(app, null, async () => keys.length === 1)
  await app.signal('flow:o', Go({ n: 0 }))
  await until(app, null, async () => (await app.run('flow:o'))?.status === 'stuck')
  await app.signal('flow:o', Go({ n: 1 }), { id: 'one' })
  await app.signal('flow:o', Go({ n: 2 }))
  await app.signal('flow:o', Go({ n: 1 }), { id: 'one' })
  await app.publish(Paid({ orderId: 'o', n: 8 }))
  await app.publish(Paid({ orderId: 'o', n: 9 }))
  await app.signal('flow:o~child.0', Go({ n: 7 }))
  await app.result('flow:o~child.0')
  hold.open()
  ahead = 3_600_000
  const still = await openForTest(definition, { store: memory(data), clock, liveRuns })
  expect((await still.run('flow:o'))?.status).toBe('stuck')
  broken = false
  const mended = await openForTest(definition, { store: memory(data), clock, liveRuns })
  const expected = { go: 0, slow: 'slow', answer: 7, paid: 8, limited: 8, more: [1, 2], next: 9 }
  expect(await mended.result('flow:o')).toEqual(expected)
  expect(new Set(keys).size).toBe(1)
})

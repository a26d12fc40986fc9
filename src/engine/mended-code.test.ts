// Runs that could not begin, for want of code that fits them: they go on when it is there, and say so.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest, until } from '../../test/support/applications.ts'
import { ballet, event, operation, service, signal, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const Placed = event('order.placed', z.object({ orderId: z.string(), n: z.number() }), { key: 'orderId' })
const Go = signal('go', z.null())
const output = z.json()

test('a reaction whose workflow did not take its input goes on when it does; its lane with it', async () => {
  const noted: number[] = []
  const definition = (min: number) => {
    const desk = service('desk', {
      note: operation({ input: z.number(), output: z.null(), run: (n) => (noted.push(n), null) }),
    })
    // The schema is looked at again when the workflow starts.
    let looks = 0
    const input = z.object({ orderId: z.string(), n: z.number().refine((n) => n >= min || ++looks % 2 === 1) })
    const flow = workflow('flow', { input, output, key: 'orderId' }, async (_run, { n }) => n)
    desk.on(Placed, (placed) => (placed.n === 1 ? flow(placed) : desk.note(placed.n)))
    return ballet({ services: [desk], workflows: [flow], events: [Placed] })
  }
  const data = new MemoryData()
  const app = await openForTest(definition(5), { store: memory(data) })
  await app.publish(Placed({ orderId: 'o', n: 1 }), { id: 'one' })
  await app.publish(Placed({ orderId: 'o', n: 2 }), { id: 'two' })
  await until(app, null, async () => (await app.run('desk:order.placed:one'))?.status === 'stuck')
  const mended = await openForTest(definition(0), { store: memory(data) })
  expect(await mended.result('desk:order.placed:one')).toEqual({ run: 'flow:o' })
  expect(await mended.result('flow:o')).toBe(1)
  expect(await mended.result('desk:order.placed:two')).toBeNull()
  expect(noted).toEqual([2])
})

test('F15: a workflow that was gone before its first turn: it runs when it is back, and is not called stuck', async () => {
  const flow = workflow(
    'flow',
    { input: z.null(), output, signals: [Go] },
    async (run) => (await run.receive(Go), 'done'),
  )
  const whole = ballet({ services: [], workflows: [flow] })
  const data = new MemoryData()
  const first = await openForTest(whole, { store: memory(data) })
  await first.start(flow(null), { id: 'f' })
  await first.close()
  // A crash right behind the birth of a run leaves its row alone.
  data.journal.clear()
  const without = await openForTest(ballet({ services: [], workflows: [] }), { store: memory(data) })
  expect(
    await until(without, null, async () => (await without.run('f'))?.status === 'stuck' && without.run('f')),
  ).toMatchObject({ error: { code: 'CODE_MISSING' } })
  const back = await openForTest(whole, { store: memory(data) })
  await until(back, null, async () => (await back.run('f'))?.waits.length === 1)
  expect(await back.run('f')).toMatchObject({ status: 'running' })
  await back.signal('f', Go(null))
  expect(await back.result('f')).toBe('done')
})

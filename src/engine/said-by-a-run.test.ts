// What a run says to another: its schema looks at it where it is said, and nowhere else.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest } from '../../test/support/applications.ts'
import { ballet, signal, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

test('a signal of a run to its child is what its schema made of it, once, also where it would not let that in again', async () => {
  const Double = signal(
    'double',
    z.number().transform((n) => n * 2),
  )
  const Count = signal('count', z.string().transform(Number))
  const Bare = signal('bare', z.null())
  const child = workflow(
    'child',
    { input: z.null(), output: z.json(), signals: [Double, Count, Bare] },
    async (run) => {
      const double = await run.receive(Double)
      const count = await run.receive(Count)
      return [double.data, count.data, (await run.receive(Bare)).type]
    },
  )
  const parent = workflow('parent', { input: z.null(), output: z.json() }, async (run) => {
    const handle = run.start(child(null))
    handle.signal(Double(21))
    handle.signal(Count('7'))
    handle.signal(Bare(null))
    return (await handle.result()) as never
  })
  const app = await openForTest(ballet({ services: [], workflows: [child, parent] }))
  await app.start(parent(null), { id: 'p' })
  expect(await app.result('p')).toEqual([42, 7, 'bare'])
})

test('a schema that fills in what it is given, in place, leaves the run to be replayed as it was', async () => {
  const input = {
    '~standard': {
      version: 1 as const,
      vendor: 'fills-in',
      validate: (value: unknown) => ({ value: Object.assign(value as { a: number }, { b: 2 }) }),
    },
  }
  const child = workflow('child', { input, output: z.record(z.string(), z.number()) }, async (_run, given) => ({
    ...given,
  }))
  const parent = workflow('parent', { input: z.null(), output: z.json() }, async (run) => {
    await run.call(child({ a: 1 }))
    await run.sleep('1h')
    return null
  })
  const definition = ballet({ services: [], workflows: [child, parent] })
  const data = new MemoryData()
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(parent(null), { id: 'p' })
  expect(await first.result('p~child.0')).toEqual({ a: 1, b: 2 })
  await first.close()
  const second = await openForTest(definition, { store: memory(data) })
  expect(await second.run('p')).toMatchObject({ status: 'running', waits: [{ op: 'sleep#0' }] })
})

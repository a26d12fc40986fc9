// A store that was opened by the wrong application, as happens where two of them are started with one another's settings.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { keptLog, openForTest } from '../../test/support/applications.ts'
import { ballet, signal, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const Go = signal('go', z.null())
const flow = workflow('flow', { input: z.null(), output: z.string(), signals: [Go] }, async (run) => {
  await run.receive(Go)
  return 'done'
})
const shop = ballet({ name: 'shop', services: [], workflows: [flow] })
const crm = ballet({ name: 'crm', services: [] })
const store = ballet({ name: 'store', services: [], workflows: [flow] })

test('F20: an application is started on the store of another: it is refused, and leaves everything as it was', async () => {
  const data = new MemoryData()
  const first = await openForTest(shop, { store: memory(data) })
  await first.start(flow(null), { id: 'f' })
  await first.close()
  const before = [data.epoch, data.head, data.crashes]
  await expect(openForTest(crm, { store: memory(data) })).rejects.toMatchObject({
    code: 'STORE_OF_ANOTHER',
    message: 'The store memory: holds the runs of the application "shop", and this one is "crm".',
  })
  expect([data.epoch, data.head, data.crashes]).toEqual(before)
  // In a namespace of its own it has the store for itself; that is its own then.
  const apart = await openForTest(crm, { store: memory(data), namespace: 'crm' })
  await apart.close()
  await expect(openForTest(shop, { store: memory(data), namespace: 'crm' })).rejects.toThrow(
    'the application "crm" in the namespace "crm"',
  )
  const again = await openForTest(shop, { store: memory(data) })
  await again.signal('f', Go(null))
  expect(await again.result('f')).toBe('done')
})

test('in development a name may be changed as anything else: the store goes with it, and the log says so', async () => {
  const data = new MemoryData()
  await (await openForTest(shop, { store: memory(data) })).close()
  const log = keptLog()
  await (await openForTest(store, { store: memory(data), development: true, log })).close()
  expect(log.lines).toContain('warn The store was that of the application "shop"; it is that of "store" from now on.')
  await expect(openForTest(shop, { store: memory(data) })).rejects.toMatchObject({ code: 'STORE_OF_ANOTHER' })
})

test('an application under a new name says which it had, once; the old name is another application from then on', async () => {
  const data = new MemoryData()
  await (await openForTest(shop, { store: memory(data) })).close()
  await expect(openForTest(store, { store: memory(data), renamedFrom: 'sop' })).rejects.toMatchObject({
    code: 'STORE_OF_ANOTHER',
  })
  await (await openForTest(store, { store: memory(data), renamedFrom: 'shop' })).close()
  await (await openForTest(store, { store: memory(data), renamedFrom: 'shop' })).close()
  await (await openForTest(store, { store: memory(data) })).close()
  await expect(openForTest(shop, { store: memory(data) })).rejects.toMatchObject({ code: 'STORE_OF_ANOTHER' })
})

test('a namespace that is new in a store is told, with those that are there; it is told once, and not among many', async () => {
  const data = new MemoryData()
  const linesOf = async (namespace?: string): Promise<readonly string[]> => {
    const log = keptLog()
    await (
      await openForTest(shop, { store: memory(data), log, ...(namespace === undefined ? {} : { namespace }) })
    ).close()
    return log.lines
  }
  expect(await linesOf()).toEqual([])
  expect(await linesOf('tenant')).toEqual([
    'warn The namespace "tenant" is new in the store memory:. What is there goes on where it is: in "default".',
  ])
  expect(await linesOf('tenant')).toEqual([])
  const told = []
  for (const name of ['b', 'c', 'd', 'e', 'f', 'g']) told.push((await linesOf(name)).length)
  expect(told).toEqual([1, 1, 1, 1, 0, 0])
})

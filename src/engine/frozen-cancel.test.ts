// Runs whose code cannot go on and that are asked to stop, or acted on, in the moment in which that matters: they end, and
// whoever asked is answered.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest, until } from '../../test/support/applications.ts'
import { guarded } from '../../test/support/stores.ts'
import { fault } from '../core/errors.ts'
import { ballet, memory, operation, service, signal, workflow, type Application } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { rounds } from '../testing/simulation/world.ts'

const output = z.json()
const Go = signal('go', z.null())

const isStuck = (app: Application, id: string): Promise<unknown> =>
  until(app, null, async () => (await app.run(id))?.status === 'stuck')

/** A stock that logs what it does, and whose `give` waits for its gate. */
function stockFor(log: string[], open = gate()) {
  const began = gate()
  const stock = service('stock', {
    take: operation({ input: z.string(), output: z.string(), run: (sku) => (log.push(`take ${sku}`), sku) }),
    give: operation({
      input: z.string(),
      undoes: 'take',
      run: async (sku) => {
        began.open()
        await open.promise
        log.push(`give ${sku}`)
      },
    }),
  })
  return { stock, open, began }
}

test('a run that threw while it took something back goes on with that when it is stopped', async () => {
  const log: string[] = []
  const { stock, open, began } = stockFor(log)
  const flow = workflow('flow', { input: z.null(), output, signals: [Go] }, async (run) => {
    await run.call(stock.take('a'), { undo: stock.give('a') })
    const breaks = async (): Promise<never> => {
      await run.receive(Go)
      throw new RangeError('a bug')
    }
    await Promise.all([run.undo(), breaks()])
    return null
  })
  const app = await openForTest(ballet({ services: [stock], workflows: [flow] }))
  await app.start(flow(null), { id: 'f' })
  await began.promise
  await app.signal('f', Go(null))
  await isStuck(app, 'f')
  open.open()
  await app.cancel('f')
  expect(await app.settled('f', 5000)).toMatchObject({ status: 'cancelled' })
  expect(log.at(-1)).toBe('give a')
})

test('a child that ended while its parent was frozen does not keep the parent from stopping', async () => {
  const log: string[] = []
  const { stock, open } = stockFor(log)
  open.open()
  const child = workflow('child', { input: z.null(), output, signals: [Go] }, async (run) => {
    await run.receive(Go)
    return null
  })
  const flow = workflow('flow', { input: z.null(), output, signals: [Go] }, async (run) => {
    await run.call(stock.take('a'), { undo: stock.give('a') })
    const breaks = async (): Promise<never> => {
      await run.receive(Go)
      throw new RangeError('a bug')
    }
    await Promise.all([run.call(child(null)), breaks()])
    return null
  })
  const app = await openForTest(ballet({ services: [stock], workflows: [flow, child] }))
  await app.start(flow(null), { id: 'f' })
  await until(app, null, async () => (await app.run('f~child.0'))?.waits.length)
  await app.signal('f', Go(null))
  await isStuck(app, 'f')
  await app.signal('f~child.0', Go(null))
  expect(await app.settled('f~child.0', 5000)).toMatchObject({ status: 'completed' })
  await app.cancel('f')
  expect(await app.settled('f', 5000)).toMatchObject({ status: 'cancelled' })
  expect(log).toEqual(['take a', 'give a'])
})

test('a child that is open when its parent threw is waited for, also after a restart', async () => {
  const log: string[] = []
  const data = new MemoryData()
  const { stock, open } = stockFor(log)
  open.open()
  const child = workflow('child', { input: z.null(), output }, async (run) => {
    await run.sleep('1d')
    return null
  })
  const flow = workflow('flow', { input: z.null(), output, signals: [Go] }, async (run) => {
    await run.call(stock.take('a'), { undo: stock.give('a') })
    const breaks = async (): Promise<never> => {
      await run.receive(Go)
      throw new RangeError('a bug')
    }
    await Promise.all([run.call(child(null)), breaks()])
    return null
  })
  const definition = ballet({ services: [stock], workflows: [flow, child] })
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(flow(null), { id: 'f' })
  await until(first, null, async () => (await first.run('f~child.0'))?.waits.length)
  await first.signal('f', Go(null))
  await isStuck(first, 'f')
  await first.close()
  const second = await openForTest(definition, { store: memory(data) })
  await second.cancel('f')
  expect(await second.settled('f', 5000)).toMatchObject({ status: 'cancelled' })
  expect(log).toEqual(['take a', 'give a'])
})

test('a run that is too long and has mail is stopped all the same', async () => {
  const log: string[] = []
  const { stock, open } = stockFor(log)
  open.open()
  const flow = workflow('flow', { input: z.null(), output, signals: [Go] }, async (run) => {
    await run.call(stock.take('a'), { undo: stock.give('a') })
    for (;;) await run.receive(Go)
  })
  const app = await openForTest(ballet({ services: [stock], workflows: [flow] }), { limits: { turns: 4 } })
  await app.start(flow(null), { id: 'f' })
  await until(app, null, async () => (await app.run('f'))?.waits.some((wait) => wait.kind === 'receive'))
  for (let count = 0; count < 2; count++) await app.signal('f', Go(null))
  await app.signal('f', Go(null), { id: 'kept' })
  await isStuck(app, 'f')
  await app.signal('f', Go(null), { id: 'kept-too' })
  await app.cancel('f')
  expect(await app.settled('f', 5000)).toMatchObject({ status: 'cancelled' })
  expect(log).toEqual(['take a', 'give a'])
})

test('an answer to a run that turns out to be too long is refused, not left without an answer', async () => {
  const log: string[] = []
  const pay = service('pay', {
    charge: operation({
      input: z.null(),
      output: z.string(),
      retry: { attempts: 1 },
      run: () => {
        log.push('charge')
        throw new Error('down')
      },
    }),
  })
  const flow = workflow('flow', { input: z.null(), output }, async (run) => run.call(pay.charge(null)))
  const app = await openForTest(ballet({ services: [pay], workflows: [flow] }), { limits: { turns: 1 } })
  await app.start(flow(null), { id: 'f' })
  await isStuck(app, 'f')
  await expect(app.answer('f', { op: 'pay.charge#0', value: 'by hand' })).rejects.toMatchObject({
    code: 'ACTION_REFUSED',
  })
  expect(await app.run('f')).toMatchObject({ status: 'stuck', reason: 'limit' })
})

test('a run that threw, and cannot be read when it is stopped: whoever asks is told, nothing is written of it, and it can be stopped later', async () => {
  const { stock, open } = stockFor([])
  open.open()
  const flow = workflow('flow', { input: z.null(), output }, async (run) => {
    await run.call(stock.take('a'), { undo: stock.give('a') })
    throw new RangeError('a bug')
  })
  let isUnreadable = false
  const store = guarded(memory(), 'journal', async (pass) => {
    if (isUnreadable) throw fault('STORE_FAILED', { problem: 'a page is damaged' })
    return pass()
  })
  const app = await openForTest(ballet({ services: [stock], workflows: [flow] }), { store })
  await app.start(flow(null), { id: 'f' })
  await isStuck(app, 'f')
  isUnreadable = true
  await expect(app.cancel('f')).rejects.toMatchObject({ code: 'RUN_UNREADABLE' })
  isUnreadable = false
  while ((await app.run('f'))?.reason !== 'unreadable') await rounds(1)
  await app.retry('f', { by: 'Ada', why: 'the store was restored' })
  expect(await app.run('f')).toMatchObject({ status: 'stuck', reason: 'threw' })
  await app.cancel('f')
  expect(await app.settled('f', 5000)).toMatchObject({ status: 'cancelled' })
})

// A run that has failed and takes back what it did is not asked to stop any more: it ends as failed, and whoever asks is told so.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest, until } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { ballet, operation, service, signal, TerminalError, workflow, type Application } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const output = z.json()
const Go = signal('go', z.null())

/** A stock of which `give` waits for its gate, or is down. */
function stockFor(log: string[], { open = gate(), isDown = false } = {}) {
  const stock = service('stock', {
    take: operation({ input: z.string(), output: z.string(), run: (sku) => (log.push(`take ${sku}`), sku) }),
    give: operation({
      input: z.string(),
      undoes: 'take',
      retry: { attempts: 1 },
      run: async (sku) => {
        if (isDown) throw new Error('down')
        await open.promise
        log.push(`give ${sku}`)
      },
    }),
  })
  return { stock, open }
}

/** It takes, and fails. */
const failingFlow = (stock: ReturnType<typeof stockFor>['stock']) =>
  workflow('flow', { input: z.null(), output }, async (run) => {
    await run.call(stock.take('a'), { undo: stock.give('a') })
    throw new TerminalError('no')
  })

const undoes = (app: Application): Promise<unknown> =>
  until(app, null, async () => (await app.run('f'))?.waits.some(({ op }) => op === 'undo:stock.take#0'))

const rowsOf = async (app: Application): Promise<readonly string[]> =>
  ((await app.journal('f'))?.items ?? []).map((row) => JSON.stringify(row))

const refusal = {
  code: 'ACTION_REFUSED',
  details: { action: 'cancel' },
  message: expect.stringContaining('has failed'),
}

test('a run that takes back because it failed refuses to be cancelled, and ends as failed', async () => {
  const log: string[] = []
  const { stock, open } = stockFor(log)
  const flow = failingFlow(stock)
  const app = await openForTest(ballet({ services: [stock], workflows: [flow] }))
  await app.start(flow(null), { id: 'f' })
  await undoes(app)
  await expect(app.cancel('f', { by: 'ann' })).rejects.toMatchObject(refusal)
  expect(await app.run('f')).toMatchObject({ status: 'running', phase: 'undoing', failing: true })
  open.open()
  expect(await app.settled('f', 5000)).toMatchObject({ status: 'failed', error: { code: 'TERMINAL' } })
  expect(await app.run('f')).not.toHaveProperty('failing')
  expect((await rowsOf(app)).filter((row) => row.includes('cancel'))).toEqual([])
})

test('one that is stuck while it takes back is not offered that, also after a restart', async () => {
  const { stock } = stockFor([], { isDown: true })
  const flow = failingFlow(stock)
  const definition = ballet({ services: [stock], workflows: [flow] })
  const data = new MemoryData()
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(flow(null), { id: 'f' })
  await until(first, null, async () => (await first.run('f'))?.status === 'stuck')
  await first.close()
  const second = await openForTest(definition, { store: memory(data) })
  const op = 'undo:stock.take#0'
  expect((await second.run('f'))?.choices).toEqual([
    { action: 'retry', op },
    { action: 'answer', op },
  ])
  await expect(second.cancel('f')).rejects.toMatchObject(refusal)
  await second.answer('f', { op, value: null })
  expect(await second.settled('f', 5000)).toMatchObject({ status: 'failed' })
})

test('one that fails while it takes back by itself says so as well; one that does so and goes on can be cancelled', async () => {
  for (const fails of [true, false]) {
    const log: string[] = []
    const { stock, open } = stockFor(log)
    const flow = workflow('flow', { input: z.null(), output, signals: [Go] }, async (run) => {
      await run.call(stock.take('a'), { undo: stock.give('a') })
      const undone = run.undo()
      await run.receive(Go)
      if (fails) throw new TerminalError('no')
      await undone
      return null
    })
    const app = await openForTest(ballet({ services: [stock], workflows: [flow] }))
    await app.start(flow(null), { id: 'f' })
    await undoes(app)
    await app.signal('f', Go(null))
    const came = await app.cancel('f').catch((error: unknown) => error)
    expect(came).toMatchObject(fails ? refusal : { changed: true })
    expect((await app.run('f'))?.failing).toBe(fails ? true : undefined)
    open.open()
    expect(await app.settled('f', 5000)).toMatchObject({ status: fails ? 'failed' : 'cancelled' })
  }
})

test('a deadline that passes meanwhile does not say that the run is being cancelled', async () => {
  const { stock, open } = stockFor([])
  const flow = failingFlow(stock)
  const clock = new SteppedClock()
  const app = await openForTest(ballet({ services: [stock], workflows: [flow] }), { clock })
  await app.start(flow(null), { id: 'f', deadline: new Date(clock.now() + 1000) })
  await undoes(app)
  clock.pass(1000)
  await until(app, null, async () => (await rowsOf(app)).some((row) => row.includes('"cancel"')))
  expect(await app.run('f')).toMatchObject({ phase: 'undoing', failing: true })
  open.open()
  expect(await app.settled('f', 5000)).toMatchObject({ status: 'failed' })
})

test('a cancellation that was kept for one that had failed came too late, and its journal says so', async () => {
  const { stock, open } = stockFor([])
  let isOther = false
  const flow = workflow('flow', { input: z.null(), output }, async (run) => {
    if (isOther) await run.sleep('1ms')
    await run.call(stock.take('a'), { undo: stock.give('a') })
    throw new TerminalError('no')
  })
  const definition = ballet({ services: [stock], workflows: [flow] })
  const data = new MemoryData()
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(flow(null), { id: 'f' })
  await undoes(first)
  await first.close()
  isOther = true
  const second = await openForTest(definition, { store: memory(data) })
  await until(second, null, async () => (await second.run('f'))?.reason === 'diverged')
  expect(await second.cancel('f', { by: 'ann', why: 'enough' })).toMatchObject({ kept: true })
  isOther = false
  open.open()
  await second.retry('f')
  expect(await second.settled('f', 5000)).toMatchObject({ status: 'failed' })
  expect((await rowsOf(second)).filter((row) => row.includes('tooLate'))).toEqual([
    expect.stringContaining('"by":"ann","why":"enough"'),
  ])
})

test('one that was written before its turn, as while processes die, and came too late is refused, and not met again after a restart', async () => {
  const log: string[] = []
  const { stock, open } = stockFor(log)
  let isBroken = true
  const undoA = () => {
    if (isBroken) throw new RangeError('a bug')
    return stock.give('a')
  }
  const flow = workflow('flow', { input: z.null(), output, signals: [Go] }, async (run) => {
    await run.call(stock.take('a'), { undo: undoA })
    await run.call(stock.take('b'), { undo: stock.give('b') })
    await run.receive(Go)
    throw new TerminalError('no')
  })
  const definition = ballet({ services: [stock], workflows: [flow] })
  const data = new MemoryData()
  // A process that has died.
  const dead = memory(data)
  await dead.open()
  await dead.acquire(0, 'shop')
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(flow(null), { id: 'f' })
  await until(first, null, async () => (await first.run('f'))?.waits.some(({ kind }) => kind === 'receive'))
  const [signalled, cancelled] = await Promise.allSettled([
    first.signal('f', Go(null)),
    first.cancel('f', { by: 'ann' }),
  ])
  expect(signalled.status).toBe('fulfilled')
  expect(cancelled).toMatchObject({ status: 'rejected', reason: refusal })
  open.open()
  await until(first, null, async () => (await first.run('f'))?.reason === 'threw')
  await first.close()
  isBroken = false
  const second = await openForTest(definition, { store: memory(data) })
  expect(await second.settled('f', 5000)).toMatchObject({ status: 'failed', error: { code: 'TERMINAL' } })
  expect(log).toEqual(['take a', 'take b', 'give b', 'give a'])
  const told = (await rowsOf(second)).filter((row) => row.includes('"by":"ann"'))
  expect(told).toEqual([expect.stringContaining('"kind":"mail"'), expect.stringContaining('"tooLate":true')])
})

// Cancellation on the real engine: a run that is asked to stop takes back what it did, whatever it was doing, and says so.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest, until } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { ballet, memory, operation, service, signal, TerminalError, workflow, type Application } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'

const output = z.json()

/** A stock whose calls are logged, and a `hold` that answers when the test lets it. */
function stockFor(log: string[], held = gate<number>()) {
  const aborted = gate()
  const stock = service('stock', {
    take: operation({ input: z.string(), output: z.string(), run: (sku) => (log.push(`take ${sku}`), sku) }),
    give: operation({ input: z.string(), undoes: 'take', run: (sku) => void log.push(`give ${sku}`) }),
    hold: operation({
      input: z.null(),
      output: z.number(),
      timeout: '200ms',
      retry: { backoff: '1ms', attempts: 3 },
      run: (_input, context) => {
        log.push('hold')
        context.signal.addEventListener('abort', () => aborted.open())
        return held.promise
      },
    }),
    drop: operation({
      input: z.number().nullable(),
      undoes: 'hold',
      run: (n, { undoes }) => void log.push(`drop ${n} ${undoes?.split(':').at(-1)}`),
    }),
  })
  return { stock, held, aborted }
}

const waitsFor = (app: Application, id: string, op: string): Promise<unknown> =>
  until(app, null, async () => (await app.run(id))?.waits.some((wait) => wait.op === op))

test('F21: a run that is cancelled: it takes back what it did, last first, and ends as cancelled', async () => {
  const log: string[] = []
  const { stock } = stockFor(log)
  const flow = workflow('flow', { input: z.null(), output }, async (run) => {
    for (const sku of ['a', 'b']) await run.call(stock.take(sku), { undo: stock.give(sku) })
    await run.sleep('1d')
    return null
  })
  const app = await openForTest(ballet({ services: [stock], workflows: [flow] }))
  await app.start(flow(null), { id: 'f' })
  await waitsFor(app, 'f', 'sleep#0')
  const result = app.result('f').then(
    () => null,
    (error: unknown) => error,
  )
  expect(await app.cancel('f', { by: 'ann', why: 'too late' })).toEqual({
    id: 'f',
    action: 'cancel',
    changed: true,
    ops: [],
  })
  expect(await app.settled('f', 60_000)).toMatchObject({ status: 'cancelled', error: { code: 'RUN_CANCELLED' } })
  expect(log).toEqual(['take a', 'take b', 'give b', 'give a'])
  expect(await result).toMatchObject({ code: 'RUN_CANCELLED', details: { by: 'ann', why: 'too late' } })
  await expect(app.cancel('f')).rejects.toMatchObject({ code: 'RUN_ENDED', status: 409 })
  await expect(app.cancel('nobody')).rejects.toMatchObject({ code: 'RUN_UNKNOWN' })
})

test('F21: a call under way at a cancellation: it is told to stop, and taken back once it has answered', async () => {
  const log: string[] = []
  const { stock, held, aborted } = stockFor(log)
  const flow = workflow('flow', { input: z.null(), output }, async (run) => {
    await run.call(stock.take('a'), { undo: stock.give('a') })
    await run.call(stock.hold(null), { undo: (n) => stock.drop(n ?? null) })
    return null
  })
  const app = await openForTest(ballet({ services: [stock], workflows: [flow] }))
  await app.start(flow(null), { id: 'f' })
  await until(app, null, async () => log.includes('hold'))
  expect(await app.cancel('f')).toMatchObject({ changed: true })
  await aborted.promise
  expect(await app.cancel('f')).toMatchObject({ changed: false })
  expect(await app.run('f')).toMatchObject({ phase: 'undoing', waits: [{ op: 'stock.hold#0', givenUp: true }] })
  expect(log).toEqual(['take a', 'hold'])
  held.open(7)
  expect(await app.settled('f', 60_000)).toMatchObject({ status: 'cancelled' })
  expect(log.slice(2)).toEqual(['drop 7 stock.hold#0', 'give a'])
})

test('F21: a call that never answers after a cancellation: it is taken back as unknown when its time is over, and not tried again', async () => {
  const log: string[] = []
  const { stock } = stockFor(log)
  const flow = workflow('flow', { input: z.null(), output }, async (run) => {
    await run.call(stock.hold(null), { undo: (n) => stock.drop(n ?? null) })
    return null
  })
  const app = await openForTest(ballet({ services: [stock], workflows: [flow] }))
  await app.start(flow(null), { id: 'f' })
  await until(app, null, async () => log.includes('hold'))
  await app.cancel('f')
  expect(await app.settled('f', 60_000)).toMatchObject({ status: 'cancelled' })
  expect(log).toEqual(['hold', 'drop null stock.hold#0'])
})

test('a shielded part goes on, and what the body returns is kept', async () => {
  const log: string[] = []
  const { stock } = stockFor(log)
  const flow = workflow('flow', { input: z.null(), output }, async (run) => {
    await run.call(stock.take('a'), { undo: stock.give('a') })
    try {
      await run.sleep('1d')
    } catch (error) {
      await run.undo()
      await run.shield((safe) => safe.step('tell', () => void log.push('tell')))
      const more = await run.step('more', () => {}).catch((refusal: { code?: unknown }) => refusal.code)
      return [(error as { code?: unknown }).code, more].map(String)
    }
    return []
  })
  const app = await openForTest(ballet({ services: [stock], workflows: [flow] }))
  await app.start(flow(null), { id: 'f' })
  await waitsFor(app, 'f', 'sleep#0')
  await app.cancel('f')
  expect(await app.settled('f', 60_000)).toMatchObject({
    status: 'cancelled',
    output: ['RUN_CANCELLED', 'RUN_CANCELLED'],
  })
  expect(log).toEqual(['take a', 'give a', 'tell'])
})

test('F21: a parent that is cancelled: its child is too, and has ended before its parent takes anything back', async () => {
  const log: string[] = []
  const { stock } = stockFor(log)
  const child = workflow('child', { input: z.string(), output }, async (run, sku) => {
    await run.call(stock.take(sku), { undo: stock.give(sku) })
    await run.sleep('1d')
    return null
  })
  const parent = workflow('parent', { input: z.null(), output }, async (run) => {
    await run.call(stock.take('p'), { undo: stock.give('p') })
    run.start(child('left'), { id: 'left' })
    run.start(child('followed'), { id: 'followed', onCancel: 'cancel' })
    await run.call(child('c'))
    return null
  })
  const app = await openForTest(ballet({ services: [stock], workflows: [child, parent] }))
  await app.start(parent(null), { id: 'p' })
  for (const id of ['p~child.0', 'p~child~left', 'p~child~followed']) await waitsFor(app, id, 'sleep#0')
  await app.cancel('p', { by: 'ann' })
  expect(await app.settled('p', 60_000)).toMatchObject({ status: 'cancelled' })
  expect(await app.settled('p~child~followed', 60_000)).toMatchObject({
    status: 'cancelled',
    error: { details: { by: 'run:p' } },
  })
  expect(await app.run('p~child.0')).toMatchObject({ status: 'cancelled' })
  expect(await app.run('p~child~left')).toMatchObject({ status: 'running' })
  expect(log.indexOf('give c')).toBeLessThan(log.indexOf('give p'))
  expect(log.filter((line) => line === 'give left')).toEqual([])
})

test('F21: a call that lost a race: it is given up by its signal and taken back', async () => {
  const log: string[] = []
  const { stock, held } = stockFor(log)
  const Stop = signal('stop', z.null())
  const flow = workflow('flow', { input: z.null(), output, signals: [Stop] }, async (run) => {
    const abort = new AbortController()
    const call = run.call(stock.hold(null), { abort: abort.signal, undo: (n) => stock.drop(n ?? null) })
    await Promise.race([call, run.receive(Stop)])
    abort.abort()
    await run.undo()
    return call.then(
      () => 'answered',
      (error: { code?: unknown }) => String(error.code),
    )
  })
  const app = await openForTest(ballet({ services: [stock], workflows: [flow] }))
  await app.start(flow(null), { id: 'f' })
  await until(app, null, async () => log.includes('hold'))
  await app.signal('f', Stop(null))
  held.open(1)
  expect(await app.result('f')).toBe('CALL_ABORTED')
  expect(log).toEqual(['hold', 'drop 1 stock.hold#0'])
})

test('F21: a crash during a cancellation: the undo goes on after the restart', async () => {
  const log: string[] = []
  const data = new MemoryData()
  const open = gate()
  const stock = service('stock', {
    take: operation({ input: z.string(), output: z.string(), run: (sku) => (log.push(`take ${sku}`), sku) }),
    give: operation({
      input: z.string(),
      undoes: 'take',
      retry: { backoff: '1ms' },
      run: async (sku, context) => {
        const stopped = new Promise((_resolve, reject) => context.signal.addEventListener('abort', reject))
        await Promise.race([open.promise, stopped])
        log.push(`give ${sku}`)
      },
    }),
  })
  const flow = workflow('flow', { input: z.null(), output }, async (run) => {
    for (const sku of ['a', 'b']) await run.call(stock.take(sku), { undo: stock.give(sku) })
    await run.sleep('1d')
    return null
  })
  const definition = ballet({ services: [stock], workflows: [flow] })
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(flow(null), { id: 'f' })
  await waitsFor(first, 'f', 'sleep#0')
  await first.cancel('f')
  await waitsFor(first, 'f', 'undo:stock.take#1')
  await first.close()
  open.open()
  const second = await openForTest(definition, { store: memory(data) })
  expect(await second.settled('f', 60_000)).toMatchObject({ status: 'cancelled' })
  expect(log).toEqual(['take a', 'take b', 'give b', 'give a'])
})

test('F21: a call of which nothing is known after a restart: it is taken back when its time is over', async () => {
  const log: string[] = []
  const data = new MemoryData()
  const { stock, aborted } = stockFor(log)
  const flow = workflow('flow', { input: z.null(), output }, async (run) => {
    await run.call(stock.hold(null), { undo: (n) => stock.drop(n ?? null), timeout: '300ms' })
    return null
  })
  const definition = ballet({ services: [stock], workflows: [flow] })
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(flow(null), { id: 'f' })
  await until(first, null, async () => log.includes('hold'))
  await first.cancel('f')
  await aborted.promise
  await first.close()
  const second = await openForTest(definition, { store: memory(data) })
  expect(await second.run('f')).toMatchObject({ phase: 'undoing', waits: [{ givenUp: true }] })
  expect(await second.settled('f', 60_000)).toMatchObject({ status: 'cancelled' })
  expect(log).toEqual(['hold', 'drop null stock.hold#0'])
})

test('F21: after a restart another attempt has failed: what the earlier one may still do is waited for all the same', async () => {
  const log: string[] = []
  const data = new MemoryData()
  let life = 0
  const stock = service('stock', {
    hold: operation({
      input: z.null(),
      output: z.number(),
      timeout: '1m',
      retry: { backoff: '1h', attempts: 3 },
      run: () => {
        log.push(`hold in life ${life}`)
        return life === 1 ? new Promise<number>(() => {}) : Promise.reject(new Error('busy'))
      },
    }),
    drop: operation({ input: z.null(), undoes: 'hold', run: () => void log.push('drop') }),
  })
  const flow = workflow('flow', { input: z.null(), output }, async (run) => {
    await run.call(stock.hold(null), { undo: () => stock.drop(null) })
    return null
  })
  const definition = ballet({ services: [stock], workflows: [flow] })
  const clock = new SteppedClock()
  life = 1
  const first = await openForTest(definition, { store: memory(data), clock })
  await first.start(flow(null), { id: 'f' })
  await until(first, null, async () => log.length === 1)
  await first.close()
  life = 2
  const second = await openForTest(definition, { store: memory(data), clock })
  await until(second, null, async () => (await second.run('f'))?.waits[0]?.attempt?.number === 1)
  await second.cancel('f')
  clock.pass(59_000)
  expect(await second.run('f')).toMatchObject({ phase: 'undoing', waits: [{ givenUp: true }] })
  expect(log).toEqual(['hold in life 1', 'hold in life 2'])
  clock.pass(1000)
  await until(second, null, async () => (await second.run('f'))?.status === 'cancelled')
  expect(log).toEqual(['hold in life 1', 'hold in life 2', 'drop'])
})

test('F21: a run whose code threw is cancelled: what its journal knows of is taken back', async () => {
  const log: string[] = []
  const { stock } = stockFor(log)
  const flow = workflow('flow', { input: z.null(), output }, async (run) => {
    for (const sku of ['a', 'b']) await run.call(stock.take(sku), { undo: stock.give(sku) })
    throw new RangeError('a bug')
  })
  const app = await openForTest(ballet({ services: [stock], workflows: [flow] }))
  await app.start(flow(null), { id: 'f' })
  await until(app, null, async () => (await app.run('f'))?.status === 'stuck')
  expect(await app.cancel('f', { by: 'ann' })).toMatchObject({ changed: true })
  expect(await app.settled('f', 60_000)).toMatchObject({ status: 'cancelled' })
  expect(log.slice(2)).toEqual(['give b', 'give a'])
})

test('an operation on its own is stopped; what it answers all the same counts', async () => {
  const log: string[] = []
  const { stock, held, aborted } = stockFor(log)
  const app = await openForTest(ballet({ services: [stock] }))
  await app.start(stock.hold(null), { id: 'h' })
  await until(app, null, async () => log.includes('hold'))
  expect(await app.cancel('h')).toMatchObject({ changed: true })
  await aborted.promise
  expect(await app.cancel('h')).toMatchObject({ changed: false })
  expect(await app.run('h')).toMatchObject({ status: 'running', phase: 'cancelling' })
  held.open(3)
  expect(await app.settled('h', 60_000)).toMatchObject({ status: 'completed', output: 3 })
  const never = stockFor([])
  const other = await openForTest(ballet({ services: [never.stock] }))
  await other.start(never.stock.hold(null), { id: 'h' })
  await other.cancel('h')
  expect(await other.settled('h', 60_000)).toMatchObject({ status: 'cancelled' })
})

test('a failure after a cancellation is a failure; a cancellation during the undo of a failure changes nothing', async () => {
  const log: string[] = []
  const { stock } = stockFor(log)
  const flow = workflow('flow', { input: z.null(), output }, async (run) => {
    await run.call(stock.take('a'), { undo: stock.give('a') })
    await run.sleep('1d').catch(() => {
      throw new TerminalError('in the way')
    })
    return null
  })
  const app = await openForTest(ballet({ services: [stock], workflows: [flow] }))
  await app.start(flow(null), { id: 'f' })
  await waitsFor(app, 'f', 'sleep#0')
  await app.cancel('f')
  expect(await app.settled('f', 60_000)).toMatchObject({ status: 'failed', error: { code: 'TERMINAL' } })
  expect(log).toEqual(['take a', 'give a'])
})

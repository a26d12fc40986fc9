// Undo on the real engine: what a failed workflow took is taken back, last first, and never half of it quietly.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest, until } from '../../test/support/applications.ts'
import { ballet, operation, service, TerminalError, workflow, type Application } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const output = z.json()

test('F21: a run that fails in the middle: its undo runs in reverse order, with the key of what it takes back, and waits for what is still open', async () => {
  const log: string[] = []
  const slow = gate<number>()
  const stock = service('stock', {
    reserve: operation({
      input: z.string(),
      output: z.string(),
      run: (sku, context) => (log.push(`reserve ${sku} ${context.undoes}`), sku),
    }),
    release: operation({
      input: z.string(),
      undoes: 'reserve',
      run: (sku, context) => void log.push(`release ${sku} ${context.undoes?.split(':').at(-1)}`),
    }),
    hold: operation({ input: z.null(), output: z.number(), run: () => slow.promise }),
    drop: operation({ input: z.number().nullable(), undoes: 'hold', run: (n) => void log.push(`drop ${n}`) }),
  })
  const flow = workflow('flow', { input: z.null(), output }, async (run) => {
    for (const sku of ['a', 'b']) await run.call(stock.reserve(sku), { id: sku, undo: stock.release(sku) })
    await run.call(stock.reserve('kept'), { undo: () => null })
    const first = await Promise.race([
      run.call(stock.hold(null), { undo: (n) => stock.drop(n ?? null) }).then(() => 'held'),
      run.sleep('1ms').then(() => 'late'),
    ])
    if (first === 'late') throw new TerminalError('too slow')
    return null
  })
  const app = await openForTest(ballet({ services: [stock], workflows: [flow] }))
  await app.start(flow(null), { id: 'f' })
  await until(
    app,
    null,
    async () =>
      (await app.run('f'))?.waits.length === 1 &&
      (await app.journal('f'))?.items.some((row) => JSON.stringify(row.delivered).includes('timer')),
  )
  expect(log).toEqual(['reserve a null', 'reserve b null', 'reserve kept null'])
  slow.open(3)
  expect(await app.settled('f', 60_000)).toMatchObject({ status: 'failed', error: { code: 'TERMINAL' } })
  expect(log.slice(3)).toEqual(['drop 3', 'release b stock.reserve/b', 'release a stock.reserve/a'])
})

test('F21: an undo that fails: the run stays where it stands, visibly, and does not end half undone', async () => {
  const stock = service('stock', {
    take: operation({ input: z.string(), output: z.string(), run: (sku) => sku }),
    give: operation({ input: z.string(), undoes: 'take', run: () => {} }),
  })
  const inner = workflow('inner', { input: z.null(), output }, async () => null)
  const back = workflow('back', { input: z.null(), output }, async () => {
    throw new TerminalError('no way back')
  })
  const flow = workflow('flow', { input: z.null(), output }, async (run) => {
    await run.call(stock.take('a'), { undo: stock.give('a') })
    await run.call(inner(null), { undo: back(null) })
    throw new TerminalError('enough')
  })
  const app = await openForTest(ballet({ services: [stock], workflows: [inner, back, flow] }))
  await app.start(flow(null), { id: 'f' })
  const run = await until(app, null, async () => (await app.run('f'))?.status === 'stuck' && app.run('f'))
  expect(run).toMatchObject({
    reason: 'call',
    phase: 'undoing',
    error: { message: expect.stringContaining('no way back') },
    choices: [
      { action: 'retry', op: 'undo:inner#0' },
      { action: 'answer', op: 'undo:inner#0' },
    ],
  })
  await expect(app.fail('f', { op: 'undo:inner#0', error: { message: 'never' } })).rejects.toMatchObject({
    code: 'ACTION_REFUSED',
  })
  await app.answer('f', { op: 'undo:inner#0', value: null, by: 'ann', why: 'done by hand' })
  expect(await app.settled('f', 60_000)).toMatchObject({ status: 'failed', error: { code: 'TERMINAL' } })
})

test('F21: an undo that is a workflow has failed and somebody retries it, also behind a restart: another run of it begins each time', async () => {
  const data = new MemoryData()
  let way = 'none'
  const back = workflow('back', { input: z.string(), output }, async (run, what) => {
    await run.sleep('1ms')
    const found = await run.step('look', () => way)
    if (found === 'none') throw new TerminalError(`no way back for ${what}`)
    await run.sleep(found === 'slow' ? '1h' : '1ms')
    return null
  })
  const inner = workflow('inner', { input: z.null(), output }, async () => null)
  const flow = workflow('flow', { input: z.null(), output }, async (run) => {
    await run.call(inner(null), { undo: back('it') })
    throw new TerminalError('enough')
  })
  const definition = ballet({ services: [], workflows: [inner, back, flow] })
  const op = 'undo:inner#0'
  const standing = async (app: Application) => {
    const run = await app.run('f')
    return [run?.status, run?.waits.map((wait) => wait.for)]
  }
  const isStuck = (app: Application) => until(app, null, async () => (await app.run('f'))?.status === 'stuck')
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(flow(null), { id: 'f' })
  await isStuck(first)
  expect(await first.retry('f', { by: 'ann', why: 'once more' })).toMatchObject({ changed: true, ops: [op] })
  expect(await first.settled('f~again:2:undo:inner.0', 60_000)).toMatchObject({ status: 'failed' })
  await isStuck(first)
  expect(await standing(first)).toEqual(['stuck', ['f~again:2:undo:inner.0']])
  await first.close()
  const second = await openForTest(definition, { store: memory(data) })
  expect(await standing(second)).toEqual(['stuck', ['f~again:2:undo:inner.0']])
  way = 'slow'
  await second.retry('f', { op })
  await until(second, null, async () => (await second.run('f~again:3:undo:inner.0'))?.waits.length === 1)
  expect(await standing(second)).toEqual(['running', ['f~again:3:undo:inner.0']])
  await expect(second.retry('f', { op })).rejects.toThrow('is a run of its own, "f~again:3:undo:inner.0"')
  await second.close()
  // What waits for the third waits for it also when it is brought back, and for neither of those before it.
  const third = await openForTest(definition, { store: memory(data) })
  expect(await standing(third)).toEqual(['running', ['f~again:3:undo:inner.0']])
  expect(await third.run('f~again:3:undo:inner.0')).toMatchObject({ parent: 'f', input: 'it' })
  await third.cancel('f~again:3:undo:inner.0')
  await isStuck(third)
  way = 'quick'
  await third.retry('f')
  expect(await third.settled('f', 60_000)).toMatchObject({ status: 'failed', error: { code: 'TERMINAL' } })
  expect(await third.run('f~again:4:undo:inner.0')).toMatchObject({ status: 'completed' })
})

test('F21: undos of calls with ids like :5 are retried: each has a run, and keys, of its own', async () => {
  const keys: string[] = []
  let isClosed = true
  const pay = service('pay', {
    refund: operation({
      input: z.string(),
      run: (what, { idempotencyKey }) => void keys.push(`${what} ${idempotencyKey}`),
    }),
  })
  const back = workflow('back', { input: z.string(), output }, async (run, what) => {
    if (what === 'A' && (await run.step('look', () => isClosed))) throw new TerminalError('closed')
    await run.call(pay.refund(what))
    return null
  })
  const inner = workflow('inner', { input: z.null(), output }, async () => null)
  const flow = workflow('flow', { input: z.null(), output }, async (run) => {
    for (const [id, what] of [
      [':5', 'A'],
      [':6', 'B'],
    ] as const)
      await run.call(inner(null), { id, undo: back(what) })
    throw new TerminalError('enough')
  })
  const app = await openForTest(ballet({ services: [pay], workflows: [inner, back, flow] }))
  await app.start(flow(null), { id: 'f' })
  await until(app, null, async () => (await app.run('f'))?.status === 'stuck')
  isClosed = false
  await app.retry('f')
  expect(await app.settled('f', 60_000)).toMatchObject({ status: 'failed', error: { code: 'TERMINAL' } })
  expect(keys.map((line) => line.split(' ')[0])).toEqual(['B', 'A'])
  expect(new Set(keys.map((line) => line.split(' ')[1])).size).toBe(2)
  const { items } = await app.runs({ name: 'back' })
  expect(new Set(items.map(({ id }) => id)).size).toBe(3)
})

test('an undo that the code of now cannot begin is refused, and stays where it was', async () => {
  let isClosed = true
  const input = z.object({ what: z.string(), orderId: z.string().optional() })
  const of = (key: object) => {
    const back = workflow('back', { input, output, ...key }, async () => {
      if (isClosed) throw new TerminalError('closed')
      return null
    })
    const inner = workflow('inner', { input: z.null(), output }, async () => null)
    const flow = workflow('flow', { input: z.null(), output }, async (run) => {
      await run.call(inner(null), { undo: back({ what: 'it' }) })
      throw new TerminalError('enough')
    })
    return { flow, definition: ballet({ services: [], workflows: [inner, back, flow] }) }
  }
  const data = new MemoryData()
  const { flow, definition } = of({})
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(flow(null), { id: 'f' })
  const isStuck = (app: Application) => until(app, null, async () => (await app.run('f'))?.status === 'stuck')
  await isStuck(first)
  await first.close()
  const newer = await openForTest(of({ key: 'orderId' }).definition, { store: memory(data) })
  await isStuck(newer)
  // It is refused for what it is, also the second time: nothing of it was done.
  await expect(newer.retry('f')).rejects.toMatchObject({ code: 'KEY_INVALID' })
  await expect(newer.retry('f')).rejects.toMatchObject({ code: 'KEY_INVALID' })
  await newer.close()
  isClosed = false
  const third = await openForTest(definition, { store: memory(data) })
  expect(await third.retry('f')).toMatchObject({ changed: true, ops: ['undo:inner#0'] })
  expect(await third.settled('f', 60_000)).toMatchObject({ status: 'failed', error: { code: 'TERMINAL' } })
})

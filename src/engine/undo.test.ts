// Undo on the real engine: what a failed workflow took is taken back, last first, and never half of it quietly.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest, until } from '../../test/support/applications.ts'
import { ballet, operation, service, TerminalError, workflow } from '../index.ts'

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
    choices: [{ action: 'answer', op: 'undo:inner#0' }, { action: 'cancel' }],
  })
  await expect(app.retry('f')).rejects.toMatchObject({ code: 'ACTION_REFUSED' })
  await expect(app.fail('f', { op: 'undo:inner#0', error: { message: 'never' } })).rejects.toMatchObject({
    code: 'ACTION_REFUSED',
  })
  await app.answer('f', { op: 'undo:inner#0', value: null, by: 'ann', why: 'done by hand' })
  expect(await app.settled('f', 60_000)).toMatchObject({ status: 'failed', error: { code: 'TERMINAL' } })
})

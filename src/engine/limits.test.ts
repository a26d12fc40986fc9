// The guard rails of a run: it is parked before it grows past them, and can still be cancelled; what comes from outside is
// refused before it is taken.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { keptLog, openForTest, until } from '../../test/support/applications.ts'
import { ballet, event, memory, operation, service, signal, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'

const output = z.json()

function looping(log: string[]) {
  const stock = service('stock', {
    take: operation({ input: z.number(), output: z.number(), run: (n) => (log.push(`take ${n}`), n) }),
    give: operation({ input: z.number(), undoes: 'take', run: (n) => void log.push(`give ${n}`) }),
  })
  const flow = workflow('flow', { input: z.number(), output }, async (run, count) => {
    for (let n = 0; n < count; n++) await run.call(stock.take(n), { undo: stock.give(n) })
    return count
  })
  return { flow, definition: ballet({ services: [stock], workflows: [flow] }) }
}

test('F16: a run that has as many turns as it may: stuck, goes on with a higher limit, and is cancelled with its undo', async () => {
  const log: string[] = []
  const data = new MemoryData()
  const { flow, definition } = looping(log)
  const app = await openForTest(definition, { store: memory(data), limits: { turns: 4 } })
  for (const id of ['a', 'b']) await app.start(flow(10), { id })
  for (const id of ['a', 'b']) await until(app, null, async () => (await app.run(id))?.status === 'stuck')
  expect(await app.run('a')).toMatchObject({
    reason: 'limit',
    error: { code: 'RUN_TOO_LONG' },
    // There is nothing to mend in its code.
    choices: [{ action: 'retry', after: 'raise the limit' }, { action: 'cancel' }, { action: 'fail' }],
  })
  expect((await app.journal('a'))?.items.filter((row) => row.kind === 'turn')).toHaveLength(4)
  log.length = 0
  await app.cancel('b')
  expect(await app.settled('b', 60_000)).toMatchObject({ status: 'cancelled' })
  expect(log.filter((line) => line.startsWith('give'))).toEqual(['give 3', 'give 2', 'give 1', 'give 0'])
  await app.close()
  const same = await openForTest(definition, { store: memory(data), limits: { turns: 4 } })
  expect(await same.run('a')).toMatchObject({ status: 'stuck', reason: 'limit' })
  await same.close()
  const higher = await openForTest(definition, { store: memory(data) })
  expect(await higher.result('a')).toBe(10)
})

test('F16: a run whose journal is too large: it is stuck', async () => {
  const { flow, definition } = looping([])
  const app = await openForTest(definition, { limits: { journalBytes: 400 } })
  await app.start(flow(10), { id: 'a' })
  await until(app, null, async () => (await app.run('a'))?.reason === 'limit')
  expect((await app.run('a'))?.error?.message).toMatch(/bytes of journal, and may have 400/)
})

test('F16: a run that waits for too much at once: it is stuck before any of it is begun', async () => {
  const log: string[] = []
  const wide = workflow('wide', { input: z.number(), output }, async (run, count) => {
    await Promise.all(Array.from({ length: count }, async (_, n) => run.step(`s${n}`, () => void log.push(`${n}`))))
    return count
  })
  const app = await openForTest(ballet({ services: [], workflows: [wide] }), { limits: { fanOut: 3 } })
  await app.start(wide(3), { id: 'ok' })
  expect(await app.result('ok')).toBe(3)
  await app.start(wide(4), { id: 'over' })
  await until(app, null, async () => (await app.run('over'))?.status === 'stuck')
  expect(await app.run('over')).toMatchObject({ error: { message: expect.stringContaining('may have 3') } })
  expect(log).toHaveLength(3)
})

test('F16: a run that starts, emits and sends too much in one turn: it is stuck before any of it is written', async () => {
  const Noted = event('noted', z.object({ n: z.string() }), { key: 'n' })
  const Ping = signal('ping', z.null())
  const child = workflow('child', { input: z.string(), output, signals: [Ping] }, async () => null)
  const input = z.object({ count: z.number(), ends: z.boolean() })
  const loud = workflow('loud', { input, output }, async (run, { count, ends }) => {
    const children = Array.from({ length: count }, (_, n) => run.start(child(`${run.id} ${n}`)))
    run.emit(Noted({ n: run.id }))
    children[0]?.signal(Ping(null))
    if (!ends) await run.sleep('1ms')
    return count
  })
  const definition = ballet({ services: [], workflows: [loud, child], events: [Noted] })
  const app = await openForTest(definition, { limits: { fanOut: 4 } })
  await app.start(loud({ count: 2, ends: false }), { id: 'ok' })
  expect(await app.result('ok')).toBe(2)
  // Also when it would end with that turn.
  for (const ends of [false, true]) {
    const over = `over:${ends}`
    await app.start(loud({ count: 3, ends }), { id: over })
    await until(app, null, async () => (await app.run(over))?.status === 'stuck')
    expect((await app.run(over))?.error?.message).toContain('starts, emits or sends in one turn, and may have 4')
  }
  expect((await app.runs({ name: 'child' })).items).toHaveLength(2)
  expect((await app.events({})).items.filter(({ type }) => type === 'noted')).toHaveLength(1)
})

test('F16: signals that nobody receives: they are refused once the run holds enough of them', async () => {
  const Ping = signal('ping', z.number())
  const flow = workflow('flow', { input: z.null(), output, signals: [Ping] }, async (run) => {
    await run.sleep('1h')
    return null
  })
  const app = await openForTest(ballet({ services: [], workflows: [flow] }), { limits: { signals: 2 } })
  await app.start(flow(null), { id: 'f' })
  for (const n of [1, 2]) await app.signal('f', Ping(n))
  await expect(app.signal('f', Ping(3))).rejects.toMatchObject({ code: 'SIGNALS_FULL', status: 429 })
  expect((await app.journal('f', { limit: 100 }))?.items).toHaveLength(3)
})

test('a limit that means nothing is refused, and a long run is told of in the log', async () => {
  await expect(openForTest(ballet({ services: [] }), { limits: { turns: 0 } })).rejects.toMatchObject({
    code: 'DEFINITION_INVALID',
  })
  await expect(openForTest(ballet({ services: [] }), { limits: { turn: 1 } as never })).rejects.toMatchObject({
    message: expect.stringContaining('turns'),
  })
  const log = keptLog()
  const { flow, definition } = looping([])
  const app = await openForTest(definition, { log })
  await app.start(flow(4100), { id: 'long' })
  expect(await app.result('long')).toBe(4100)
  expect(log.lines.filter((line) => line.includes('has 4000 turns'))).toHaveLength(1)
})

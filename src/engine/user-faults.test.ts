// Faults of the application's own code, in places where the engine calls it: they are one run's, never the shard's.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest, until } from '../../test/support/applications.ts'
import { plainCodec, type Codec } from '../core/codec.ts'
import { ballet, event, operation, service, signal, workflow, type Application } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const Fact = event('a.fact', z.object({ id: z.string() }), { key: 'id' })
const output = z.json()

const stuck = (app: Application, id: string) =>
  until(app, null, async () => {
    const run = await app.run(id)
    return run?.status === 'stuck' && run
  })
const fine = workflow('fine', { input: z.null(), output }, async () => 'fine')
const isFine = async (app: Application): Promise<void> => {
  await app.start(fine(null), { id: 'fine' })
  expect(await app.result('fine')).toBe('fine')
}

/** Deeper than the canonical form of a value can be made, though JSON holds it. */
const deep = (levels: number): unknown => {
  let value: unknown = 0
  for (let level = 0; level < levels; level++) value = { a: value }
  return value
}

test.each([
  ['a step', 'what step "make" returned cannot be stored as JSON: it has a Map at rates'],
  ['an operation', 'what desk.take answered cannot be stored as JSON: it has NaN at amount'],
])('what JSON would leave out of the answer of %s is told, and not lost', async (kind, words) => {
  const anything = z.custom<string>(() => true)
  const desk = service('desk', {
    take: operation({ input: z.null(), output: anything, run: () => ({ amount: Number.NaN }) as never }),
  })
  const flow = workflow('flow', { input: z.null(), output }, async (run) => {
    if (kind === 'a step') await run.step('make', () => ({ rates: new Map([['EUR', 1]]) }) as never)
    else await run.call(desk.take(null))
    return 'done'
  })
  const app = await openForTest(ballet({ services: [desk], workflows: [flow, fine] }))
  await app.start(flow(null), { id: 'f' })
  const { waits } = await stuck(app, 'f')
  expect(JSON.stringify(waits)).toContain(JSON.stringify(words).slice(1, -1))
  await isFine(app)
})

test.each([500, 3000, 4000, 100_000])(
  'a value %i levels deep is taken or refused, and other runs go on',
  async (levels) => {
    const anything = z.custom<string>(() => true)
    const child = workflow('child', { input: anything, output }, async () => 'child')
    const desk = service('desk', { take: operation({ input: anything, output: anything, run: (value) => value }) })
    const flow = workflow('flow', { input: z.null(), output }, async (run) => {
      const value = await run.step('make', () => deep(levels) as string)
      await run.call(desk.take(value))
      await run.call(child(value))
      return 'done'
    })
    const app = await openForTest(ballet({ services: [desk], workflows: [flow, child, fine] }))
    await app.start(flow(null), { id: 'f' })
    const run = await until(app, null, async () => {
      const found = await app.run('f')
      return found !== null && found.status !== 'running' && found
    })
    expect(['completed', 'stuck']).toContain(run.status)
    await isFine(app)
  },
)

test('F14: a mapping that is asynchronous and fails: its reaction is parked', async () => {
  const desk = service('desk', { take: operation({ input: z.null(), output: z.null(), run: () => null }) })
  desk.on(Fact, (async () => {
    throw new Error('late')
  }) as unknown as () => null)
  const app = await openForTest(ballet({ services: [desk], workflows: [fine], events: [Fact] }))
  await app.publish(Fact({ id: 'k' }), { id: 'e' })
  expect(await stuck(app, 'desk:a.fact:e')).toMatchObject({ reason: 'threw' })
  await isFine(app)
})

test('F14: something that cannot be read, thrown in a body or lost in a turn: it is the fault of that call and that run', async () => {
  class Hostile extends Error {
    get terminal(): boolean {
      throw new Error('do not look')
    }
  }
  const desk = service('desk', {
    fail: operation({
      input: z.null(),
      retry: { attempts: 1 },
      run: () => {
        throw new Hostile('hostile')
      },
    }),
  })
  const flow = workflow('flow', { input: z.null(), output }, async (run) => (await run.call(desk.fail(null)), null))
  const lost = workflow('lost', { input: z.null(), output }, async (run) => {
    void Promise.reject(Object.create(null) as Error)
    await run.sleep('1h')
    return null
  })
  const app = await openForTest(ballet({ services: [desk], workflows: [flow, lost, fine] }))
  await app.start(flow(null), { id: 'f' })
  await app.start(lost(null), { id: 'l' })
  expect(await stuck(app, 'f')).toMatchObject({ reason: 'call' })
  expect(await stuck(app, 'l')).toMatchObject({ reason: 'threw' })
  await isFine(app)
})

test('F14: a policy that is changed after the call was made: the call is parked', async () => {
  const desk = service('desk', { take: operation({ input: z.null(), run: () => {} }) })
  const flow = workflow('flow', { input: z.null(), output }, async (run) => {
    const settings: { timeout: `${number}s` } = { timeout: '1s' }
    const call = run.call(desk.take(null), settings)
    settings.timeout = 'soon' as '1s'
    await call
    return null
  })
  const app = await openForTest(ballet({ services: [desk], workflows: [flow, fine] }))
  await app.start(flow(null), { id: 'f' })
  expect(await stuck(app, 'f')).toMatchObject({ reason: 'call' })
  await isFine(app)
})

test('F5: a row that cannot be read: its run is parked, and the application opens', async () => {
  const flow = workflow('flow', { input: z.null(), output }, async (run) => (await run.sleep('1h'), null))
  const definition = ballet({ services: [], workflows: [flow, fine] })
  const data = new MemoryData()
  const before = await openForTest(definition, { store: memory(data) })
  await before.start(flow(null), { id: 'f' })
  await until(before, null, async () => (await before.run('f'))?.waits.length === 1)
  await before.close()
  for (const [num, rows] of data.journal)
    data.journal.set(
      num,
      rows.map((row) => ({ ...row, data: 'torn' })),
    )
  const app = await openForTest(definition, { store: memory(data) })
  await isFine(app)
  expect((await app.runs({ status: ['stuck'] })).items).toHaveLength(1)
})

test('F5: a child that is not there any more: the run that asks how it ended is parked', async () => {
  const Go = signal('go', z.null())
  const child = workflow('child', { input: z.null(), output: z.string() }, async () => 'done')
  const flow = workflow('flow', { input: z.null(), output: z.string(), signals: [Go] }, async (run) => {
    const started = run.start(child(null))
    await run.receive(Go)
    return started.result()
  })
  const data = new MemoryData()
  const definition = ballet({ services: [], workflows: [flow, child, fine] })
  const before = await openForTest(definition, { store: memory(data) })
  await before.start(flow(null), { id: 'f' })
  expect(await before.result('f~child.0')).toBe('done')
  await before.close()
  for (const [name, { num, id }] of data.claims) {
    if (id !== 'f~child.0') continue
    data.claims.delete(name)
    data.runs.delete(num)
  }
  const app = await openForTest(definition, { store: memory(data) })
  await app.signal('f', Go(null))
  expect(await stuck(app, 'f')).toMatchObject({ error: { message: expect.stringContaining('f~child.0') } })
  await isFine(app)
})

test('F5: an event that cannot be read: the run that waits for it is parked', async () => {
  const flow = workflow(
    'flow',
    { input: z.object({ id: z.string() }), output, key: 'id' },
    async (run) => (await run.receive(Fact)).data.id,
  )
  let isKeyGone = false
  const codec: Codec = {
    encode: (text) => text,
    decode(payload, place) {
      if (isKeyGone && place.row === 'event') throw new Error('no such key')
      return plainCodec.decode(payload, place)
    },
  }
  const app = await openForTest(ballet({ services: [], workflows: [flow, fine], events: [Fact] }), { codec })
  await app.start(flow({ id: 'k' }))
  isKeyGone = true
  await app.publish(Fact({ id: 'k' }))
  expect(await stuck(app, 'flow:k')).toMatchObject({
    reason: 'threw',
    error: { message: expect.stringContaining('no such key') },
  })
  await isFine(app)
})

test('a schema of newer code that throws parks the reaction whose workflow it is of, and nothing else', async () => {
  let isDown = true
  const of = (input: typeof Fact.schema) => {
    const begun = workflow('begun', { input, output, key: 'id' }, async () => null)
    const op = operation({
      input: z.json(),
      output,
      retry: { attempts: 1 },
      run: () => {
        if (isDown) throw new Error('down')
        return null
      },
    })
    const desk = service('desk', { op })
    desk.on(Before, (data) => desk.op(data))
    desk.on(Fact, (data) => begun(data))
    return ballet({ services: [desk], events: [Before, Fact], workflows: [begun, fine] })
  }
  const Before = event('before', z.object({ id: z.string() }), { key: 'id' })
  const data = new MemoryData()
  const first = await openForTest(of(Fact.schema), { store: memory(data) })
  await first.publish(Before({ id: 'k' }), { id: 'b' })
  await stuck(first, 'desk:before:b')
  // It waits for the one before it, so that its workflow has not begun when the code is another.
  await first.publish(Fact({ id: 'k' }), { id: 'f' })
  await first.close()
  isDown = false
  const throwing = {
    '~standard': {
      version: 1 as const,
      vendor: 'somebody',
      validate: () => {
        throw new TypeError('a bug in the schema')
      },
    },
  }
  const second = await openForTest(of(throwing), { store: memory(data) })
  await second.retry('desk:before:b')
  expect(await stuck(second, 'desk:a.fact:f')).toMatchObject({
    reason: 'threw',
    error: { message: expect.stringContaining('a bug in the schema') },
  })
  await isFine(second)
})

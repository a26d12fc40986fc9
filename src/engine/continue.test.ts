// Generations of a run on the real engine: a journal that begins anew, keys that never recur, and nothing lost between.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { Chance } from '../testing/simulation/chance.ts'
import { contentAfter, RecordingStore } from '../../test/determinism/recording-store.ts'
import { gate, openForTest, until } from '../../test/support/applications.ts'
import type { Store } from '../core/store.ts'
import { ballet, memory, operation, service, signal, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'

const output = z.json()
const Add = signal('add', z.number())

function counter(log: string[]) {
  const stock = service('stock', {
    take: operation({
      input: z.string(),
      output: z.string(),
      run: (sku, { idempotencyKey }) => (log.push(`take ${idempotencyKey.split(':').slice(1).join(':')}`), sku),
    }),
    give: operation({
      input: z.string(),
      undoes: 'take',
      run: (sku, { undoes }) => void log.push(`give ${sku} ${undoes?.split(':').slice(1).join(':')}`),
    }),
  })
  const flow = workflow(
    'flow',
    { input: z.object({ left: z.number(), sum: z.number() }), output, signals: [Add], state: z.json() },
    async (run, { left, sum }) => {
      run.set({ left })
      await run.call(stock.take(`n${left}`), { undo: (sku) => stock.give(`${sku}!`) })
      const { data } = await run.receive(Add)
      if (left > 1) return run.continueAs({ left: left - 1, sum: sum + data })
      await run.undo()
      return sum + data
    },
  )
  return { flow, definition: ballet({ services: [stock], workflows: [flow] }) }
}

test('a continued run keeps its id, its unread signals and its undos; every key has its generation', async () => {
  const log: string[] = []
  const { flow, definition } = counter(log)
  const app = await openForTest(definition)
  await app.start(flow({ left: 3, sum: 0 }), { id: 'f' })
  for (const n of [1, 10, 100]) await app.signal('f', Add(n), { id: `s${n}` })
  expect(await app.result('f')).toBe(111)
  expect(log).toEqual([
    'take f:0:stock.take#0',
    'take f:1:stock.take#0',
    'take f:2:stock.take#0',
    'give n1! f:2:stock.take#0',
    'give n2! f:1:stock.take#0',
    'give n3! f:0:stock.take#0',
  ])
  expect(await app.run('f')).toMatchObject({ generation: 2, input: { left: 1, sum: 11 } })
})

test('it is brought back from its present generation alone, with what it carries', async () => {
  const log: string[] = []
  const data = new MemoryData()
  const { flow, definition } = counter(log)
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(flow({ left: 3, sum: 0 }), { id: 'f' })
  for (const n of [1, 10]) await first.signal('f', Add(n), { id: `s${n}` })
  await until(
    first,
    null,
    async () => (await first.run('f'))?.generation === 2 && (await first.run('f'))?.waits[0]?.kind === 'receive',
  )
  expect(await first.run('f')).toMatchObject({ state: { left: 1 }, waits: [{ for: 'add' }] })
  await first.close()
  const second = await openForTest(definition, { store: memory(data) })
  expect(second.recovered).toMatchObject({ runs: 1, stuck: 0 })
  expect(await second.run('f')).toMatchObject({ status: 'running', state: { left: 1 } })
  // A signal that an earlier generation received is not taken again.
  expect(await second.signal('f', Add(10), { id: 's10' })).toMatchObject({ created: false })
  await second.cancel('f')
  expect(await second.settled('f', 60_000)).toMatchObject({ status: 'cancelled' })
  expect(log.slice(3)).toEqual(['give n1! f:2:stock.take#0', 'give n2! f:1:stock.take#0', 'give n3! f:0:stock.take#0'])
})

test('it is refused while something is under way, and with another key', async () => {
  const busy = workflow('busy', { input: z.object({ n: z.number() }), output }, async (run, { n }) => {
    void run.step('s', () => new Promise(() => {}))
    return run.continueAs({ n: n + 1 })
  })
  const keyed = workflow('keyed', { input: z.object({ id: z.string() }), output, key: 'id' }, async (run) =>
    run.continueAs({ id: 'other' }),
  )
  const app = await openForTest(ballet({ services: [], workflows: [busy, keyed] }))
  await app.start(busy({ n: 0 }), { id: 'b' })
  await app.start(keyed({ id: 'one' }))
  for (const [id, problem] of [
    ['b', /s#0 is under way/],
    ['keyed:one', /another key/],
  ] as const) {
    await until(app, null, async () => (await app.run(id))?.status === 'stuck')
    expect(await app.run(id)).toMatchObject({ reason: 'threw', error: { message: expect.stringMatching(problem) } })
  }
})

test('a thousand generations leave a short journal to replay', async () => {
  const data = new MemoryData()
  const flow = workflow('flow', { input: z.number(), output }, async (run, n) => {
    await run.step('s', () => n)
    if (n > 0) return run.continueAs(n - 1)
    await run.sleep('1h')
    return 'end'
  })
  const definition = ballet({ services: [], workflows: [flow] })
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(flow(1000), { id: 'f' })
  await until(first, null, async () => (await first.run('f'))?.waits[0]?.kind === 'timer')
  await first.close()
  const second = await openForTest(definition, { store: memory(data), limits: { turns: 10 } })
  expect(await second.run('f')).toMatchObject({ status: 'running', generation: 1000 })
})

/** Adds up what it is sent, a generation for each. */
const adding = workflow(
  'adding',
  { input: z.object({ left: z.number(), sum: z.number() }), output: z.number(), signals: [Add] },
  async (run, { left, sum }) => {
    const { data } = await run.receive(Add)
    return left > 1 ? run.continueAs({ left: left - 1, sum: sum + data }) : sum + data
  },
)

test('signals that stand in line when it continues go to the generations after, whenever the process dies', async () => {
  const definition = ballet({ services: [], workflows: [adding] })
  // More than a commit holds: some of what the second generation is sent is durable before it has begun.
  const numbers = Array.from({ length: 600 }, (_, n) => 2 ** Math.min(n, 9))
  /** Everything is sent at once, and again by senders that heard nothing. */
  const play = async (store: Store): Promise<unknown> => {
    const app = await openForTest(definition, { store })
    await app.start(adding({ left: 4, sum: 0 }), { id: 'a' })
    const sent = numbers.map((n, index) => app.signal('a', Add(n), { id: `s${index}` }).catch(() => {}))
    const result = await app.result('a')
    await Promise.all(sent)
    await app.close()
    return result
  }
  const whole = contentAfter('s', [])
  expect(await play(new RecordingStore(whole, new Chance(1), () => 0))).toBe(15)
  expect([...whole.data.runs.values()]).toMatchObject([{ generation: 3, status: 'completed' }])
  for (let count = 1; count < whole.changes.length; count++) {
    const { data } = contentAfter('s', whole.changes.slice(0, count))
    expect([count, await play(memory(data))]).toEqual([count, 15])
  }
})

test('the end of a child that a generation gave up is not taken for that of its namesake in the next', async () => {
  const Go = signal('go', z.null())
  const child = workflow('child', { input: z.number(), output: z.number(), signals: [Go] }, async (run, n) => {
    await run.receive(Go)
    return n
  })
  const parent = workflow('parent', { input: z.number(), output: z.number() }, async (run, n) => {
    const abort = new AbortController()
    const called = run.call(child(n), { onCancel: 'leave', abort: abort.signal })
    if (n > 0) return called
    called.catch(() => {})
    await run.step('s', () => null)
    abort.abort()
    return run.continueAs(1)
  })
  const app = await openForTest(ballet({ services: [], workflows: [parent, child] }))
  await app.start(parent(0), { id: 'p' })
  await until(app, null, async () => (await app.run('p~1~child.0'))?.waits.length === 1)
  await app.signal('p~child.0', Go(null))
  expect(await app.result('p~child.0')).toBe(0)
  await app.signal('p~1~child.0', Go(null))
  expect(await app.result('p')).toBe(1)
})

test('a call that a generation gave up while its answer was on its way is not taken for its namesake in the next', async () => {
  const answers = { slow: gate(), step: gate() }
  const attempts = [gate(), gate(), gate()]
  let asked = 0
  const desk = service('desk', {
    slow: operation({
      input: z.number(),
      output: z.number(),
      timeout: '1s',
      run: (n) => {
        attempts[asked++]?.open()
        return answers.slow.promise.then(() => n)
      },
    }),
    back: operation({ input: z.number(), undoes: 'slow', run: () => undefined }),
  })
  const flow = workflow('flow', { input: z.number(), output: z.number() }, async (run, n) => {
    const abort = new AbortController()
    const called = run.call(desk.slow(n), { abort: abort.signal, undo: desk.back(n) })
    if (n > 0) return called
    called.catch(() => {})
    await run.step('s', () => answers.step.promise)
    abort.abort()
    return run.continueAs(1)
  })
  const data = new MemoryData()
  const definition = ballet({ services: [desk], workflows: [flow] })
  const before = await openForTest(definition, { store: memory(data) })
  await before.start(flow(0), { id: 'f' })
  await attempts[0]?.promise
  await before.close()
  // Another life: what the one before asked for may still be under way.
  const app = await openForTest(definition, { store: memory(data) })
  await attempts[1]?.promise
  answers.step.open()
  answers.slow.open()
  expect(await app.result('f')).toBe(1)
  expect(asked).toBe(3)
})

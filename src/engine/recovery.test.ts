// What survives: runs are opened again on what is durable, after a clean close and after a crash (the application is
// forgotten without being closed; the next one fences it). Parked runs and mended code go the same way.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, keptLog, openForTest, until } from '../../test/support/applications.ts'
import { ballet, event, operation, service, signal, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const Order = z.object({ orderId: z.string() })
const Go = signal('go', z.object({ n: z.number() }))
const Fact = event('order.fact', Order.extend({ n: z.number() }), { key: 'orderId' })
const output = z.json()

test('F1: a crash while a run waits: it goes on from wherever it was, call, step, sleep, signal, event or child', async () => {
  const keys: string[] = []
  const hold = gate()
  let held = true
  const math = service('math', {
    slow: operation({
      input: z.number(),
      output: z.number(),
      run: async (n, context) => {
        keys.push(context.idempotencyKey)
        if (held) await hold.promise
        return n + 1
      },
    }),
  })
  const child = workflow(
    'child',
    { input: z.null(), output: z.number(), signals: [Go] },
    async (run) => (await run.receive(Go)).data.n,
  )
  const flow = workflow('flow', { input: Order, output, key: 'orderId', signals: [Go] }, async (run) => {
    const buffered = await run.receive(Go)
    const call = await run.call(math.slow(1))
    await run.sleep('30ms')
    const handle = run.start(child(null))
    const fact = await run.receive(Fact)
    const later = await run.receive(Go, { within: '1h' })
    const step = await run.step('once', () => run.id)
    return {
      buffered: buffered.data.n,
      call,
      fact: fact.data.n,
      later: later?.data.n,
      child: await handle.result(),
      step,
    }
  })
  const definition = ballet({ services: [math], workflows: [flow, child], events: [Fact] })
  const data = new MemoryData()
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(flow({ orderId: 'o' }))
  await first.signal('flow:o', Go({ n: 1 }))
  await first.signal('flow:o', Go({ n: 2 }))
  await until(first, null, async () => keys.length === 1)

  held = false
  const second = await openForTest(definition, { store: memory(data) })
  expect(second.recovered).toMatchObject({ runs: 1, stuck: 0 })
  await until(second, null, async () => (await second.run('flow:o'))?.waits.some((wait) => wait.kind === 'receive'))
  expect(new Set(keys).size).toBe(1)

  const third = await openForTest(definition, { store: memory(data) })
  expect(third.recovered.runs).toBe(2)
  await third.publish(Fact({ orderId: 'o', n: 7 }))
  await third.signal('flow:o~child.0', Go({ n: 9 }))
  expect(await third.result('flow:o')).toEqual({ buffered: 1, call: 2, fact: 7, later: 2, child: 9, step: 'flow:o' })
  hold.open()
})

test('F10: another owner takes the store: the fenced application stops, what it answers is an error, and what it wrote is nothing', async () => {
  const flow = workflow(
    'flow',
    { input: z.null(), output, signals: [Go] },
    async (run) => (await run.receive(Go)).data.n,
  )
  const definition = ballet({ services: [], workflows: [flow] })
  const data = new MemoryData()
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(flow(null), { id: 'a' })
  const second = await openForTest(definition, { store: memory(data) })
  await expect(first.start(flow(null), { id: 'b' })).rejects.toMatchObject({ code: 'SHARD_FENCED' })
  await expect(first.signal('a', Go({ n: 1 }))).rejects.toMatchObject({ code: 'SHARD_FENCED' })
  expect(await second.run('b')).toBeNull()
  await second.signal('a', Go({ n: 2 }))
  expect(await second.result('a')).toBe(2)
})

test('F1: a crash between the attempts of a call: they are counted on, and a stuck call stays stuck', async () => {
  const attempts: number[] = []
  const bank = service('bank', {
    pay: operation({
      input: z.null(),
      retry: { attempts: 3, backoff: '1ms' },
      run: (_input, context) => {
        attempts.push(context.attempt)
        throw new Error('closed')
      },
    }),
  })
  const flow = workflow('flow', { input: z.null(), output }, async (run) => (await run.call(bank.pay(null)), null))
  const definition = ballet({ services: [bank], workflows: [flow] })
  const data = new MemoryData()
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(flow(null), { id: 'f' })
  await first.start(bank.pay(null), { id: 'alone' })
  await until(first, null, async () => (await first.runs({ status: ['stuck'] })).items.length === 2)
  const second = await openForTest(definition, { store: memory(data) })
  expect(second.recovered).toMatchObject({ runs: 2, stuck: 2 })
  expect(attempts.sort()).toEqual([1, 1, 2, 2, 3, 3])
  expect((await second.run('alone'))?.status).toBe('stuck')
})

test('F14: the code of a run throws: it goes on from there when the code is mended; signals wait for it as mail', async () => {
  let broken = true
  const calls: string[] = []
  const math = service('math', {
    one: operation({ input: z.string(), output: z.number(), run: (n) => (calls.push(n), 1) }),
  })
  const flow = workflow('flow', { input: z.null(), output, signals: [Go] }, async (run) => {
    const one = await run.call(math.one('first'))
    if (broken) throw new RangeError('oops')
    const go = await run.receive(Go)
    return one + go.data.n + (await run.call(math.one('second')))
  })
  const definition = ballet({ services: [math], workflows: [flow] })
  const data = new MemoryData()
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(flow(null), { id: 'f' })
  await until(first, null, async () => (await first.run('f'))?.status === 'stuck')
  expect(await first.signal('f', Go({ n: 10 }), { id: 's' })).toEqual({ id: 's', created: true })

  const still = await openForTest(definition, { store: memory(data) })
  expect(await still.run('f')).toMatchObject({ status: 'stuck', reason: 'threw' })

  broken = false
  const mended = await openForTest(definition, { store: memory(data) })
  expect(await mended.result('f')).toBe(12)
  expect(calls).toEqual(['first', 'second'])

  const after = await openForTest(definition, { store: memory(data) })
  expect(await after.run('f')).toMatchObject({ status: 'completed', output: 12 })
})

test('F15: changed code under a live run: stuck with a diff that can be read; restored code goes on', async () => {
  let changed = false
  const log = keptLog()
  const math = service('math', { one: operation({ input: z.string(), output: z.number(), run: () => 1 }) })
  const flow = workflow('flow', { input: z.null(), output, signals: [Go] }, async (run) => {
    await run.call(math.one(changed ? 'uno' : 'one'))
    await run.receive(Go)
    return 'done'
  })
  const definition = ballet({ services: [math], workflows: [flow] })
  const data = new MemoryData()
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(flow(null), { id: 'f' })
  await first.start(flow(null), { id: 'g' })
  await until(first, null, async () => (await first.runs()).items.every((run) => run.waits[0]?.kind === 'receive'))

  changed = true
  const second = await openForTest(definition, { store: memory(data), log })
  const run = await until(second, null, async () => {
    const found = await second.run('f')
    return found?.status === 'stuck' && found
  })
  expect(run).toMatchObject({ reason: 'diverged', error: { code: 'RUN_DIVERGED' } })
  expect(run.error?.message).toContain('- recorded call "math.one#0" "math.one" "one"')
  expect(run.error?.message).toContain('+ produced call "math.one#0" "math.one" "uno"')
  await second.signal('f', Go({ n: 1 }))

  changed = false
  const third = await openForTest(definition, { store: memory(data) })
  expect(await third.result('f')).toBe('done')
  await third.signal('g', Go({ n: 1 }))
  expect(await third.result('g')).toBe('done')
})

test('a guarded change: runs from before keep the old way, new ones take the new', async () => {
  let version = 1
  const seen: string[] = []
  const math = service('math', {
    one: operation({ input: z.string(), output: z.number(), run: (n) => (seen.push(n), 1) }),
  })
  const flow = workflow('flow', { input: z.null(), output, signals: [Go] }, async (run) => {
    if (version === 2 && run.patched('greet')) await run.call(math.one('new'))
    await run.receive(Go)
    return version === 2 && run.patched('greet') ? 'new' : 'old'
  })
  const definition = ballet({ services: [math], workflows: [flow] })
  const data = new MemoryData()
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(flow(null), { id: 'old' })
  version = 2
  const second = await openForTest(definition, { store: memory(data) })
  await second.start(flow(null), { id: 'new' })
  await until(second, null, async () => (await second.run('new'))?.waits[0]?.kind === 'receive')
  const third = await openForTest(definition, { store: memory(data) })
  for (const id of ['old', 'new']) {
    await third.signal(id, Go({ n: 1 }))
    expect(await third.result(id)).toBe(id)
  }
  expect(seen).toEqual(['new'])
})

test('F15: the workflow of a run is gone: it is stuck, the others go on, and it goes on when it is back', async () => {
  const flow = workflow(
    'flow',
    { input: z.null(), output, signals: [Go] },
    async (run) => (await run.receive(Go)).data.n,
  )
  const other = workflow('other', { input: z.null(), output }, async () => 'fine')
  const data = new MemoryData()
  const first = await openForTest(ballet({ services: [], workflows: [flow, other] }), { store: memory(data) })
  await first.start(flow(null), { id: 'f' })
  const second = await openForTest(ballet({ services: [], workflows: [other] }), { store: memory(data) })
  expect(
    await until(second, null, async () => (await second.run('f'))?.status === 'stuck' && second.run('f')),
  ).toMatchObject({ error: { code: 'CODE_MISSING' } })
  await second.start(other(null), { id: 'o' })
  expect(await second.result('o')).toBe('fine')
  const third = await openForTest(ballet({ services: [], workflows: [flow, other] }), { store: memory(data) })
  await third.signal('f', Go({ n: 3 }))
  expect(await third.result('f')).toBe(3)
})

test('idle runs beyond the limit are parked on disk and replayed when something comes for them', async () => {
  let bodies = 0
  const flow = workflow('flow', { input: z.number(), output, signals: [Go] }, async (run, n) => {
    bodies += 1
    const go = await run.receive(Go)
    await run.sleep('1ms')
    return n + go.data.n
  })
  const definition = ballet({ services: [], workflows: [flow] })
  const app = await openForTest(definition, { liveRuns: 4 })
  const ids = Array.from({ length: 40 }, (_, index) => `r${index}`)
  for (const [index, id] of ids.entries()) await app.start(flow(index), { id })
  expect(bodies).toBe(40)
  await Promise.all(ids.map((id) => app.signal(id, Go({ n: 1000 }))))
  expect(await Promise.all(ids.map((id) => app.result(id)))).toEqual(ids.map((_, index) => index + 1000))
  expect(bodies).toBeGreaterThan(60)
})

test('a turn during which an attempt fails draws the same random numbers in a replay', async () => {
  const patient = workflow('patient', { input: z.null(), output, signals: [Go] }, async (run) => {
    const own = Promise.withResolvers<null>()
    own.promise.catch(() => {})
    void run.step('own', () => own.promise, { retry: { attempts: 2, backoff: '1h' } })
    await run.receive(Go)
    own.promise.catch(() => {})
    own.reject(new Error('not now'))
    for (let round = 0; round < 50; round++) await Promise.resolve()
    await run.call(math.take(run.random()))
    await run.receive(Go)
    return 'done'
  })
  const math = service('math', { take: operation({ input: z.number(), run: () => {} }) })
  const definition = ballet({ services: [math], workflows: [patient] })
  const data = new MemoryData()
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(patient(null), { id: 'p' })
  await until(first, null, async () => (await first.run('p'))?.waits.length === 2)
  await first.signal('p', Go({ n: 1 }))
  await until(
    first,
    null,
    async () => (await first.run('p'))?.waits.filter((wait) => wait.kind === 'receive').length === 1,
  )
  // The note of the attempt came in the middle of the turn.
  const rows = (await first.journal('p'))?.items ?? []
  const turn = rows.findIndex(({ delivered }) => JSON.stringify(delivered).includes('signal'))
  expect(rows[turn + 1]).toMatchObject({ kind: 'note', note: { kind: 'attempt' } })
  expect(rows[turn + 1]?.pos).toBeLessThan(rows[turn]?.pos ?? 0)
  const second = await openForTest(definition, { store: memory(data) })
  expect(await second.run('p')).toMatchObject({ status: 'running' })
})

test('whoever mends code that threw finds its place in the log; what is stuck is counted after the code was tried', async () => {
  let broken = true
  const other = workflow('other', { input: z.null(), output, signals: [Go] }, async (run) => {
    await run.sleep('1ms')
    if (broken) throw new RangeError('here')
    return (await run.receive(Go)).data.n
  })
  const lines: unknown[] = []
  const log = { info: () => {}, warn: () => {}, error: (_message: string, data?: unknown) => void lines.push(data) }
  const definition = ballet({ services: [], workflows: [other] })
  const data = new MemoryData()
  const first = await openForTest(definition, { store: memory(data), log })
  await first.start(other(null), { id: 'o' })
  await until(first, null, async () => (await first.run('o'))?.status === 'stuck')
  expect(JSON.stringify(lines)).toMatch(/recovery\.test\.ts:\d+/)
  expect((await openForTest(definition, { store: memory(data) })).recovered).toMatchObject({ runs: 1, stuck: 1 })
  broken = false
  expect((await openForTest(definition, { store: memory(data) })).recovered).toMatchObject({ runs: 1, stuck: 0 })
})

// Workflows on the real engine and the store in memory: what an author's code sees, and what the journal keeps of it.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest, until } from '../../test/support/applications.ts'
import { ballet, event, operation, service, signal, TerminalError, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const Order = z.object({ orderId: z.string() })
const Approve = signal('approve', z.object({ by: z.string() }))
const Reject = signal('reject', z.object({ by: z.string() }))
const Paid = event('order.paid', Order.extend({ amount: z.number() }), { key: 'orderId' })
const Noted = event('order.noted', Order, { key: 'orderId' })
const output = z.json()

const add = operation({
  input: z.object({ a: z.number(), b: z.number() }),
  output: z.number(),
  run: ({ a, b }) => a + b,
})

test('calls in sequence and at once; the answer of each is what JSON kept of it', async () => {
  const math = service('math', { add })
  const sum = workflow('sum', { input: z.array(z.number()), output }, async (run, numbers) => {
    const first = await run.call(math.add({ a: numbers[0] ?? 0, b: 1 }))
    const rest = await Promise.all(numbers.map((b) => run.call(math.add({ a: first, b }))))
    const step = await run.step('when', () => ({ at: new Date(0), list: [undefined, 1] }))
    return { rest, step: JSON.stringify(step) }
  })
  const app = await openForTest(ballet({ services: [math], workflows: [sum] }))
  const { id } = await app.start(sum([1, 2, 3]))
  expect(await app.result(id)).toEqual({ rest: [3, 4, 5], step: '{"at":"1970-01-01T00:00:00.000Z","list":[null,1]}' })
})

test('race, any and allSettled; a failed call rejects with CALL_FAILED and its cause in words', async () => {
  const never = gate<number>()
  const odd = service('odd', {
    fails: operation({
      input: z.string(),
      output: z.number(),
      run: (why): number => {
        throw new TerminalError(why)
      },
    }),
    hangs: operation({ input: z.null(), output: z.number(), run: () => never.promise }),
    one: operation({ input: z.null(), output: z.number(), run: () => 1 }),
  })
  const flow = workflow('flow', { input: z.null(), output }, async (run) => {
    const race = await Promise.race([run.call(odd.hangs(null)), run.call(odd.one(null))])
    const first = await Promise.any([run.call(odd.fails('no')), run.call(odd.one(null))])
    const settled = await Promise.allSettled([run.call(odd.fails('never')), run.call(odd.one(null))])
    let caught = ''
    try {
      await run.call(odd.fails('card expired'))
    } catch (error) {
      caught = (error as Error).message
    } finally {
      await run.call(odd.one(null))
    }
    return { race, first, settled: settled.map((one) => one.status), caught }
  })
  const app = await openForTest(ballet({ services: [odd], workflows: [flow] }))
  const { id } = await app.start(flow(null))
  expect(await app.result(id)).toEqual({
    race: 1,
    first: 1,
    settled: ['rejected', 'fulfilled'],
    caught: 'odd.fails failed: card expired',
  })
  never.open(0)
})

test('a call that is let pass fails the run; anything else that is thrown parks it', async () => {
  const odd = service('odd', {
    fails: operation({
      input: z.null(),
      run: () => {
        throw new TerminalError('no such card')
      },
    }),
  })
  const fails = workflow('fails', { input: z.null(), output }, async (run) => {
    await run.call(odd.fails(null))
    return null
  })
  const gives = workflow('gives-up', { input: z.null(), output }, async () => {
    throw new TerminalError('enough')
  })
  const broken = workflow('broken', { input: z.null(), output }, async (run) => {
    await run.sleep('1ms')
    throw new RangeError('a bug')
  })
  const app = await openForTest(ballet({ services: [odd], workflows: [fails, gives, broken] }))
  await app.start(fails(null), { id: 'a' })
  await app.start(gives(null), { id: 'b' })
  await app.start(broken(null), { id: 'c' })
  expect(await app.settled('a', 60_000)).toMatchObject({
    status: 'failed',
    error: { code: 'TERMINAL', message: 'no such card' },
  })
  expect(await app.settled('b', 60_000)).toMatchObject({
    status: 'failed',
    error: { code: 'TERMINAL', message: 'enough' },
  })
  await expect(app.result('a')).rejects.toMatchObject({ code: 'RUN_FAILED' })
  const stuck = await until(app, null, async () => {
    const run = await app.run('c')
    return run?.status === 'stuck' && run
  })
  expect(stuck).toMatchObject({
    reason: 'threw',
    error: { code: 'RUN_THREW', message: expect.stringContaining('RangeError: a bug') },
  })
  expect(stuck.choices.map(({ action }) => action)).toEqual(['retry', 'cancel', 'fail'])
})

test('signals are kept in order from the start, one receive takes one, several names are one wait', async () => {
  const flow = workflow('flow', { input: z.null(), output, signals: [Approve, Reject] }, async (run) => {
    const first = await run.receive(Approve)
    const late = await run.receive(Reject, { within: '5ms' })
    const both = await Promise.all([run.receive([Approve, Reject]), run.receive([Approve, Reject])])
    return { first: first.data.by, late: late === null, both: both.map((one) => `${one.type} ${one.data.by}`) }
  })
  const app = await openForTest(ballet({ services: [], workflows: [flow] }))
  await app.start(flow(null), { id: 'r' })
  expect(await app.signal('r', Approve({ by: 'ada' }), { id: 's1' })).toEqual({ id: 's1', created: true })
  expect(await app.signal('r', Approve({ by: 'ada' }), { id: 's1' })).toEqual({ id: 's1', created: false })
  await until(app, null, async () => (await app.run('r'))?.waits[0]?.for === 'approve | reject')
  await app.signal('r', Reject({ by: 'bob' }))
  expect(await app.result('r')).toEqual({ first: 'ada', late: true, both: ['reject bob', 'reject bob'] })
  await expect(app.signal('r', Approve({ by: 'eve' }))).rejects.toMatchObject({ code: 'RUN_ENDED' })
  await expect(app.signal('nobody', Approve({ by: 'eve' }))).rejects.toMatchObject({ code: 'RUN_UNKNOWN' })
})

test('receive takes the oldest event of the key that came after the start, each once, also beside another run', async () => {
  const flow = workflow('flow', { input: Order, output, key: 'orderId' }, async (run) => {
    await run.sleep('1ms')
    const first = await run.receive(Paid)
    const second = await run.receive(Paid)
    const noted = await run.receive([Noted, Paid])
    const late = await run.receive(Paid, { within: '1ms' })
    return { first: first.data.amount, second: second.data.amount, noted: noted.type, late: late === null }
  })
  const app = await openForTest(ballet({ services: [], workflows: [flow], events: [Paid, Noted] }))
  await app.publish(Paid({ orderId: 'o', amount: 1 }))
  await app.start(flow({ orderId: 'o' }))
  await app.start(flow({ orderId: 'o' }), { id: 'other' })
  await app.publish(Noted({ orderId: 'o' }))
  await app.publish(Paid({ orderId: 'other', amount: 9 }))
  await app.publish(Paid({ orderId: 'o', amount: 2 }))
  await app.publish(Paid({ orderId: 'o', amount: 3 }))
  const expected = { first: 2, second: 3, noted: 'order.noted', late: true }
  expect(await app.result('flow:o')).toEqual(expected)
  expect(await app.result('other')).toEqual(expected)
})

test('children: called, started and joined, signalled; a failed child rejects with CHILD_FAILED', async () => {
  const math = service('math', { add })
  const child = workflow(
    'child',
    { input: z.object({ n: z.number() }), output: z.number(), signals: [Approve] },
    async (run, { n }) => {
      if (n < 0) throw new TerminalError('negative')
      const go = await run.receive(Approve, { within: '1h' })
      return n + (go === null ? 0 : 100)
    },
  )
  const quick = workflow('quick', { input: z.number(), output: z.number() }, async (run, n) =>
    run.call(math.add({ a: n, b: 1 })),
  )
  const parent = workflow('parent', { input: z.null(), output }, async (run) => {
    const one = await run.call(quick(1))
    const handle = run.start(child({ n: 7 }), { id: 'seven' })
    handle.signal(Approve({ by: 'parent' }))
    const seven = await handle.result()
    const failed = await run.call(child({ n: -1 })).catch((error: Error) => error.message)
    const four = await run.start(math.add({ a: 2, b: 2 })).result()
    return { one, id: handle.id, seven, failed, four }
  })
  const app = await openForTest(ballet({ services: [math], workflows: [child, quick, parent] }))
  await app.start(parent(null), { id: 'p' })
  expect(await app.result('p')).toEqual({
    one: 2,
    id: 'p~child~seven',
    seven: 107,
    failed: 'The run "p~child.0" ended as TERMINAL: negative',
    four: 4,
  })
  expect(await app.run('p~child~seven')).toMatchObject({
    parent: 'p',
    cause: 'run:p',
    root: 'run:p',
    status: 'completed',
  })
})

test('state, emit, time, randomness and uuid; the last state is shown', async () => {
  const flow = workflow(
    'flow',
    { input: Order, output, key: 'orderId', state: z.object({ stage: z.string() }) },
    async (run, order) => {
      run.set({ stage: 'one' })
      const before = run.now().getTime()
      await run.sleep('20ms')
      run.emit(Paid({ orderId: order.orderId, amount: 5 }))
      run.set({ stage: 'two' })
      return { slept: run.now().getTime() - before, random: run.random(), uuid: run.uuid(), key: run.key, id: run.id }
    },
  )
  const app = await openForTest(ballet({ services: [], workflows: [flow], events: [Paid] }))
  await app.start(flow({ orderId: 'o' }))
  const result = (await app.result('flow:o')) as Record<string, unknown>
  expect(result).toMatchObject({ key: 'orderId:o', id: 'flow:o', uuid: expect.stringMatching(/^[0-9a-f-]{14}4/) })
  expect(result['slept']).toBeGreaterThanOrEqual(20)
  expect((await app.run('flow:o'))?.state).toEqual({ stage: 'two' })
  const { items } = await app.events({ key: 'orderId:o' })
  expect(items).toMatchObject([
    {
      type: 'order.paid',
      source: 'flow',
      published: true,
      causationid: 'run:flow:o',
      data: { orderId: 'o', amount: 5 },
    },
  ])
})

test('F13: an attempt that fails or takes too long: it is retried with the same key, or aborted', async () => {
  const seen: { key: string; attempt: number }[] = []
  const aborted: unknown[] = []
  const shaky = service('shaky', {
    twice: operation({
      input: z.null(),
      output: z.number(),
      retry: { attempts: 3, backoff: '1ms' },
      run: (_input, context) => {
        seen.push({ key: context.idempotencyKey, attempt: context.attempt })
        if (context.attempt < 3) throw new Error('not yet')
        return context.attempt
      },
    }),
    slow: operation({
      input: z.null(),
      output: z.number(),
      timeout: '5ms',
      retry: { attempts: 2, backoff: '1ms', exhausted: 'fail' },
      run: (_input, context) =>
        new Promise<number>(() => context.signal.addEventListener('abort', () => aborted.push(context.attempt))),
    }),
  })
  const flow = workflow('flow', { input: z.null(), output }, async (run) => {
    const three = await run.call(shaky.twice(null))
    const error = await run.call(shaky.slow(null)).catch((failure: Error) => failure.message)
    return { three, error }
  })
  const app = await openForTest(ballet({ services: [shaky], workflows: [flow] }))
  await app.start(flow(null), { id: 'f' })
  expect(await app.result('f')).toEqual({ three: 3, error: 'shaky.slow failed: shaky.slow did not answer within 5ms.' })
  expect(seen.map(({ attempt }) => attempt)).toEqual([1, 2, 3])
  expect(new Set(seen.map(({ key }) => key)).size).toBe(1)
  expect(aborted).toEqual([1, 2])
  const notes = (await app.journal('f'))?.items.filter((row) => row.kind === 'note').map((row) => row.note)
  expect(notes).toMatchObject([
    { kind: 'attempt', attempt: 1 },
    { kind: 'attempt', attempt: 2 },
    { kind: 'attempt', attempt: 1, error: { code: 'ATTEMPT_TIMEOUT' } },
    { kind: 'attempt', attempt: 2, next: null },
  ])
})

test('F13: retries that are exhausted: the call is stuck, other branches go on, and the run says what it waits for', async () => {
  const shaky = service('shaky', {
    never: operation({
      input: z.null(),
      output: z.number(),
      retry: { attempts: 2, backoff: '1ms' },
      run: (): number => {
        throw new Error('the bank is closed')
      },
    }),
  })
  const flow = workflow('flow', { input: z.null(), output, signals: [Approve] }, async (run) => {
    const call = run.call(shaky.never(null))
    await run.receive(Approve)
    run.log.info('approved')
    return Promise.race([call, run.sleep('1ms').then(() => 'gave up')])
  })
  const app = await openForTest(ballet({ services: [shaky], workflows: [flow] }))
  await app.start(flow(null), { id: 'f' })
  const stuck = await until(app, null, async () => {
    const run = await app.run('f')
    return run?.status === 'stuck' && run
  })
  expect(stuck).toMatchObject({ reason: 'call', error: { message: 'the bank is closed' } })
  expect(stuck.waits).toMatchObject([
    { op: 'shaky.never#0', kind: 'call', for: 'shaky.never', from: 'shaky', attempt: { number: 2, next: null } },
    { kind: 'receive', for: 'approve', from: 'signal', until: null },
  ])
  await app.signal('f', Approve({ by: 'ada' }))
  expect(await app.result('f')).toBe('gave up')
})

test('F13: an outcome that is not declared, or not valid: stuck at once, not retried', async () => {
  let attempts = 0
  const odd = service('odd', {
    wrong: operation({
      input: z.null(),
      outcomes: [Paid],
      run: () => {
        attempts += 1
        return Noted({ orderId: 'o' }) as never
      },
    }),
    invalid: operation({
      input: z.null(),
      outcomes: [Paid],
      run: () => Paid({ orderId: 'o', amount: 'much' as never }),
    }),
    keyless: operation({ input: z.null(), outcomes: [Paid], run: () => Paid({ orderId: 'not a key', amount: 1 }) }),
  })
  const app = await openForTest(ballet({ services: [odd], events: [Noted] }))
  for (const [call, code] of [
    [odd.wrong(null), 'OUTCOME_UNDECLARED'],
    [odd.invalid(null), 'INPUT_INVALID'],
    [odd.keyless(null), 'KEY_INVALID'],
  ] as const) {
    const { id } = await app.start(call)
    const run = await until(app, null, async () => {
      const found = await app.run(id)
      return found?.status === 'stuck' && found
    })
    expect(run.error?.code).toBe(code)
  }
  expect(attempts).toBe(1)
})

test('F14: a call that this application does not have, and values that are not valid: the run is stuck', async () => {
  const math = service('math', { add })
  const other = service('other', { add })
  const flow = workflow('flow', { input: z.string(), output }, async (run, how) => {
    if (how === 'foreign') return run.call(other.add({ a: 1, b: 1 }))
    if (how === 'input') return run.call(math.add({ a: 1, b: 'x' as never }))
    if (how === 'twice')
      return Promise.all([
        run.call(math.add({ a: 1, b: 1 }), { id: 'x' }),
        run.call(math.add({ a: 1, b: 1 }), { id: 'x' }),
      ])
    if (how === 'policy') return run.call(math.add({ a: 1, b: 1 }), { retry: { attempts: 0 } })
    return (() => 1) as never
  })
  const app = await openForTest(ballet({ services: [math], workflows: [flow] }))
  for (const [how, words] of [
    ['foreign', 'There is no workflow or operation "other.add" here.'],
    ['input', 'the input of math.add is not valid at b'],
    ['twice', 'The id "math.add/x" is used twice'],
    ['policy', 'retry.attempts must be a whole number'],
    ['output', 'the output of'],
  ] as const) {
    const { id } = await app.start(flow(how))
    const run = await until(app, null, async () => {
      const found = await app.run(id)
      return found?.status === 'stuck' && found
    })
    expect(run.error?.message).toContain(words)
  }
})

test('the key of an emitted event is of what its schema made of the data, in a replay too', async () => {
  const Loud = event('loud.said', z.object({ id: z.string().transform((id) => id.toLowerCase()) }), { key: 'id' })
  const data = new MemoryData()
  const flow = workflow('flow', { input: z.null(), output, signals: [Approve] }, async (run) => {
    run.emit(Loud({ id: 'ABC' }))
    return (await run.receive(Approve)).data.by
  })
  const definition = ballet({ services: [], workflows: [flow], events: [Loud] })
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(flow(null), { id: 'f' })
  expect((await first.events()).items).toMatchObject([{ subject: 'abc', data: { id: 'abc' } }])
  const second = await openForTest(definition, { store: memory(data) })
  await second.signal('f', Approve({ by: 'ada' }))
  expect(await second.result('f')).toBe('ada')
})

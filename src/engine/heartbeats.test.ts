// Long operations say that they live, and how far they are: who is silent has failed, and the next attempt goes on from there, in
// this process or in the next.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, keptLog, openForTest, until } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { live, sweep } from '../../test/support/sweeps.ts'
import { ballet, operation, service, workflow, type OperationContext } from '../index.ts'
import { Queries } from './queries.ts'
import { systemClock } from './clock.ts'
import { Heart } from './heart.ts'
import { readProgress } from './heartbeats.ts'
import type { Codec } from '../core/codec.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

type Body = (context: OperationContext) => unknown
const output = z.json()

/** An export whose attempts are made by these, one after the other; what `context.progress` was in each. */
function exporting(bodies: readonly Body[], policy: { readonly heartbeat?: string } = { heartbeat: '30s' }) {
  const progress: unknown[] = []
  const begun = bodies.map(() => gate<OperationContext>())
  const table = service('table', {
    export: operation({
      input: z.null(),
      output,
      timeout: '4h',
      retry: { attempts: 1000 },
      ...(policy as { readonly heartbeat?: '30s' }),
      run: async (_, context) => {
        const number = progress.push(context.progress) - 1
        begun[number]?.open(context)
        return (await bodies[number]?.(context)) as string
      },
    }),
  })
  const flow = workflow('flow', { input: z.null(), output: z.object({ told: output }) }, async (run) => ({
    told: await run.call(table.export(null)),
  }))
  return { definition: ballet({ services: [table], workflows: [flow] }), table, flow, progress, begun }
}

const never = (): Promise<never> => new Promise(() => {})

test('an attempt that says nothing has failed long before its timeout, and the next one is told how far it was', async () => {
  const clock = new SteppedClock()
  const began = clock.now()
  const { definition, flow, progress, begun } = exporting([never, ({ progress: row }) => ({ row: row ?? null })])
  const app = await openForTest(definition, { clock })
  await app.start(flow(null), { id: 'one' })
  const context = await begun[0]?.promise
  await clock.moveTo(began + 29_000)
  context?.heartbeat({ row: 7 })
  await clock.moveTo(began + 58_000)
  context?.heartbeat()
  await clock.moveTo(began + 87_999)
  expect(progress).toEqual([undefined])
  await clock.moveTo(began + 88_000)
  const failed = await until(app, null, async () => (await app.run('one'))?.waits[0]?.attempt)
  expect(failed.error).toMatchObject({ code: 'ATTEMPT_SILENT', message: 'table.export said nothing for 30000ms.' })
  expect(context?.signal.reason).toMatchObject({ code: 'ATTEMPT_SILENT' })
  // Nobody listens to it any more.
  context?.heartbeat({ row: 8 })
  await clock.moveTo(began + 90_000)
  expect(await app.result('one')).toEqual({ told: { row: { row: 7 } } })
})

test('how far it was is kept within five seconds, in one row, and the next process goes on from there', async () => {
  const clock = new SteppedClock()
  const began = clock.now()
  const data = new MemoryData()
  const bodies = [never, ({ progress }: OperationContext) => progress]
  const { definition, flow, progress, begun } = exporting(bodies)
  const first = await openForTest(definition, { store: memory(data), clock })
  await first.start(flow(null), { id: 'one' })
  const context = await begun[0]?.promise
  const num = data.runOrder[0] ?? 0
  const beside = (): readonly unknown[] => data.journal.get(-num) ?? []
  for (let row = 1; row <= 1000; row++) context?.heartbeat(row)
  await clock.moveTo(began + 4999)
  expect(beside()).toEqual([])
  await clock.moveTo(began + 5000)
  await until(first, null, async () => beside().length === 1)
  const turns = data.journal.get(num)?.length
  for (let seconds = 6; seconds <= 60; seconds++) {
    context?.heartbeat(1000 + seconds)
    await clock.moveTo(began + seconds * 1000)
  }
  await until(first, null, async () => JSON.stringify(beside()).includes('1060'))
  // However long it goes on, there is no more of it than that.
  expect(beside()).toHaveLength(1)
  expect(data.journal.get(num)).toHaveLength(turns ?? -1)
  const view = { attempt: 1, at: new Date(began + 59_000).toISOString(), progress: 1060 }
  expect((await first.run('one'))?.waits[0]?.heartbeat).toEqual(view)
  // Its process is gone, with what it had not written.
  context?.heartbeat(2000)
  const second = await openForTest(definition, { store: memory(data), clock })
  expect(await second.result('one')).toEqual({ told: 1060 })
  expect(progress).toEqual([undefined, 1060])
  expect(beside()).toEqual([])
})

/** The newest row beside the journal of the first run, decoded; undefined for none. */
const besideIn = (data: MemoryData): unknown => {
  const row = data.journal.get(-(data.runOrder[0] ?? 0))?.at(-1)
  return row === undefined ? undefined : JSON.parse(String(row.data))
}

test('what a failed attempt has said is durable with its note', async () => {
  const clock = new SteppedClock()
  const data = new MemoryData()
  const failing: Body = (context) => {
    context.heartbeat({ row: 3 })
    throw new Error('the disk is full')
  }
  const { definition, flow, progress } = exporting([failing, ({ attempt }) => attempt])
  const first = await openForTest(definition, { store: memory(data), clock })
  await first.start(flow(null), { id: 'one' })
  const { next } = await until(first, null, async () => (await first.run('one'))?.waits[0]?.attempt)
  expect(besideIn(data)).toMatchObject({
    generation: 0,
    ops: { 'table.export#0': { attempt: 1, progress: { row: 3 } } },
  })
  await first.close()
  const second = await openForTest(definition, { store: memory(data), clock })
  await clock.moveTo(Date.parse(String(next)))
  expect(await second.result('one')).toEqual({ told: 2 })
  expect(progress).toEqual([undefined, { row: 3 }])
})

test('a process that ends well keeps the last word', async () => {
  const data = new MemoryData()
  const { definition, flow, begun } = exporting([never, ({ progress: last }) => last])
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(flow(null), { id: 'one' })
  const context = await begun[0]?.promise
  context?.heartbeat('row 9')
  await first.close()
  context?.heartbeat('row 10')
  const second = await openForTest(definition, { store: memory(data) })
  expect(await second.result('one')).toEqual({ told: 'row 9' })
})

test('who reads the store alone is told what is kept, and how long ago it was heard of', async () => {
  const clock = new SteppedClock()
  const data = new MemoryData()
  const { definition, flow, begun } = exporting([never])
  const app = await openForTest(definition, { store: memory(data), clock })
  await app.start(flow(null), { id: 'one' })
  const context = await begun[0]?.promise
  context?.heartbeat({ row: 1 })
  await clock.moveTo(clock.now() + 5000)
  await until(app, null, async () => besideIn(data) !== undefined)
  const reader = memory(data)
  await reader.open()
  const queries = new Queries({ reader, ns: data.namespaces[0] ?? '' })
  const heartbeat = { attempt: 1, at: new Date(clock.now() - 5000).toISOString(), progress: { row: 1 } }
  expect((await queries.run('one'))?.waits[0]?.heartbeat).toEqual(heartbeat)
})

test.each<[string, Body, string]>([
  ['what is no JSON', (context) => context.heartbeat(new Map()), 'VALUE_NOT_JSON'],
  ['what is too large', (context) => context.heartbeat('x'.repeat(16_384)), 'PAYLOAD_TOO_LARGE'],
])('%s is refused where it is said, and the call is stuck at once', async (_what, body, code) => {
  const { definition, flow, progress } = exporting([body])
  const app = await openForTest(definition)
  await app.start(flow(null), { id: 'one' })
  const stuck = await until(app, null, async () => {
    const run = await app.run('one')
    return run?.status === 'stuck' && run
  })
  expect(stuck.error).toMatchObject({
    code,
    message: expect.stringContaining('the progress of table.export') as string,
  })
  expect(progress).toHaveLength(1)
})

test('an operation without a heartbeat, and a step, are told that nobody listens', async () => {
  const { definition, table } = exporting([(context) => context.heartbeat()], {})
  const step = workflow('step', { input: z.null(), output: z.null() }, async (run) => {
    await run.step('loop', (context) => context.heartbeat(1))
    return null
  })
  const app = await openForTest({ ...ballet({ services: [table], workflows: [step] }), name: definition.name })
  await app.start(table.export(null), { id: 'operation' })
  await app.start(step(null), { id: 'step' })
  for (const id of ['operation', 'step']) {
    const stuck = await until(app, null, async () => {
      const run = await app.run(id)
      return run?.status === 'stuck' && run
    })
    expect(stuck.waits[0]?.attempt).toMatchObject({ number: 1, error: { code: 'HEARTBEAT_UNDECLARED' } })
  }
})

test('what is given up and falls silent is settled then, and not when its hours are over', async () => {
  const clock = new SteppedClock()
  const { definition, flow, begun } = exporting([never])
  const app = await openForTest(definition, { clock })
  await app.start(flow(null), { id: 'one' })
  const context = await begun[0]?.promise
  await app.cancel('one', { by: 'ann', why: 'too late' })
  expect(context?.signal.aborted).toBe(true)
  await clock.moveTo(clock.now() + 30_000)
  expect(await app.settled('one', 60_000)).toMatchObject({ status: 'cancelled' })
})

test('of calls beside each other each goes on from its own', async () => {
  const clock = new SteppedClock()
  const data = new MemoryData()
  const seen: unknown[] = []
  const first = gate<OperationContext>()
  const table = service('table', {
    export: operation({
      input: z.string(),
      output: z.string(),
      timeout: '4h',
      heartbeat: '30s',
      run: (name, context) => {
        seen.push([name, context.progress ?? null])
        if (name === 'a') first.open(context)
        return name === 'quick' || context.progress !== undefined ? name : never()
      },
    }),
  })
  const flow = workflow('flow', { input: z.null(), output: z.null() }, async (run) => {
    await run.call(table.export('quick'))
    await Promise.all(['a', 'b'].map((name) => run.call(table.export(name), { id: name })))
    return null
  })
  const definition = ballet({ services: [table], workflows: [flow] })
  const one = await openForTest(definition, { store: memory(data), clock })
  await one.start(flow(null), { id: 'one' })
  const context = await first.promise
  context.heartbeat('half')
  await clock.moveTo(clock.now() + 5000)
  await until(one, null, async () => besideIn(data) !== undefined)
  const two = await openForTest(definition, { store: memory(data), clock })
  await until(two, null, async () => seen.length === 5)
  expect(seen).toEqual([
    ['quick', null],
    ['a', null],
    ['b', null],
    ['a', 'half'],
    ['b', null],
  ])
})

test('what an earlier generation of a run has said is not of the present one', async () => {
  const data = '{"kind":"progress","generation":1,"ops":{"table.export#0":{"attempt":1,"at":5,"progress":[1]}}}'
  const row = { pos: 3, run: -1, seq: 3, kind: 'note', at: 5, data } as const
  const from = { store: { journal: async () => [row] }, shard: 0 }
  const of = (generation: number) => readProgress(from, { num: 1, generation }, String)
  expect(await of(1)).toEqual(new Map([['table.export#0', { attempt: 1, at: 5, progress: '[1]' }]]))
  expect((await of(2)).size).toBe(0)
})

test('what a version that does not know of it has left beside a run is forgotten with the run', async () => {
  const clock = new SteppedClock()
  const data = new MemoryData()
  // Nor need any operation have a heartbeat any more.
  const { definition, flow } = exporting([() => 'done'], {})
  const app = await openForTest(definition, { store: memory(data), clock, retention: { runs: '100s' } })
  await app.start(flow(null), { id: 'one' })
  await app.result('one')
  const num = data.runOrder[0] ?? 0
  data.journal.set(-num, [{ pos: num, run: -num, seq: num, kind: 'note', at: clock.now(), data: '{}' }])
  await live(clock, 101)
  await sweep(clock)
  expect([data.runs.size, data.journal.size]).toEqual([0, 0])
})

test('what can neither be kept nor read keeps nobody from going on', async () => {
  const clock = new SteppedClock()
  const data = new MemoryData()
  const log = keptLog()
  let isAway = true
  const codec: Codec = {
    encode: (text) => {
      if (isAway && text.includes('"progress"')) throw new Error('the key service is away')
      return text
    },
    decode: (payload) => {
      if (isAway && String(payload).includes('"progress"')) throw new Error('the key is gone')
      return String(payload)
    },
  }
  const { definition, flow, progress, begun } = exporting([never, ({ attempt }) => attempt])
  const first = await openForTest(definition, { store: memory(data), clock, codec, log })
  await first.start(flow(null), { id: 'one' })
  const context = await begun[0]?.promise
  context?.heartbeat(1)
  await clock.moveTo(clock.now() + 5000)
  expect(log.lines).toEqual(['warn How far the run "one" is cannot be kept: the key service is away'])
  isAway = false
  await clock.moveTo(clock.now() + 5000)
  await until(first, null, async () => besideIn(data) !== undefined)
  isAway = true
  const second = await openForTest(definition, { store: memory(data), clock, codec, log })
  expect(await second.result('one')).toEqual({ told: 1 })
  expect(log.lines).toContain('warn How far the run "one" was cannot be read: the key is gone')
  expect(progress).toEqual([undefined, undefined])
})

/** A small random number generator: the same numbers for the same seed. */
function* chance(seed: number): Generator<number, never> {
  for (let state = seed; ;) {
    state = (state * 1_103_515_245 + 12_345) % 2 ** 31
    yield state / 2 ** 31
  }
}

test.each(Array.from({ length: 12 }, (_, seed) => [seed + 1]))(
  'an attempt goes on where the one before was, and after a crash at most five seconds before that, by seed %i',
  async (seed) => {
    const random = chance(seed)
    const next = (below: number): number => Math.floor(random.next().value * below)
    const data = new MemoryData()
    const seen: number[] = []
    let under = { beat: (_row: number): void => {}, fail: (_error: Error): void => {} }
    const body: Body = (context) => {
      const { promise, fail } = gate<never>()
      under = { beat: context.heartbeat, fail }
      seen.push(Number(context.progress ?? 0))
      return promise
    }
    const { definition, flow } = exporting(Array.from({ length: 100 }, () => body))
    // Each process has a clock of its own: that of a dead one stands still, with all that it had set.
    let clock = new SteppedClock()
    let app = await openForTest(definition, { store: memory(data), clock })
    await app.start(flow(null), { id: 'one' })
    const begun = async (attempts: number): Promise<void> => {
      while (seen.length <= attempts) await clock.moveTo(clock.now() + 500)
    }
    await begun(0)
    let row = 0
    let said: { readonly row: number; readonly at: number }[] = []
    for (let round = 0; round < 80; round++) {
      const attempts = seen.length
      under.beat((row += 1 + next(9)))
      said.push({ row, at: clock.now() })
      await clock.moveTo(clock.now() + next(2500))
      const what = next(8)
      if (what > 1) continue
      // One of both: the attempt fails, or its process dies.
      const least =
        what === 0
          ? row
          : Math.max(seen.at(-1) ?? 0, ...said.filter(({ at }) => at <= clock.now() - 5000).map((one) => one.row))
      if (what === 0) under.fail(new Error('the disk is full'))
      else {
        clock = new SteppedClock(clock.now())
        app = await openForTest(definition, { store: memory(data), clock })
      }
      await begun(attempts)
      expect(seen.at(-1)).toBeGreaterThanOrEqual(least)
      expect(seen.at(-1)).toBeLessThanOrEqual(row)
      row = seen.at(-1) ?? 0
      said = []
    }
    expect(seen.length).toBeGreaterThan(3)
    expect((await app.run('one'))?.status).not.toBe('completed')
  },
)

test('a process that was held up gives those it did not listen to as long again', () => {
  let now = 0
  const clock = { ...systemClock, now: () => now, elapsed: () => now }
  const heart = new Heart('table.export', 30_000, clock, () => {})
  const beat = heart.begin(1)
  now = 29_000
  expect(heart.leftMs()).toBe(1000)
  // The timer is a second late, as timers are.
  now = 31_000
  expect(heart.leftMs()).toBe(0)
  now = 50_000
  expect(heart.leftMs()).toBe(20_000)
  now = 70_000
  expect(heart.leftMs()).toBe(0)
  beat()
  now = 600_000
  expect(heart.leftMs()).toBe(30_000)
  expect(heart.heard).toEqual({ attempt: 1, at: 70_000 })
  // An attempt that is over is not heard.
  heart.over()
  beat('late')
  expect([heart.heard?.at, heart.progress]).toEqual([70_000, undefined])
})

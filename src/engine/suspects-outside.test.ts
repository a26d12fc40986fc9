// Kills from outside, and what a process has not got to yet when it dies or closes: nobody is accused who was not alone under
// way, and nobody is forgotten.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { keptLog, openForTest } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { guarded } from '../../test/support/stores.ts'
import { rounds } from '../../test/support/sweeps.ts'
import { fault } from '../core/errors.ts'
import { turnStream } from '../core/randomness.ts'
import { ballet, memory, open, operation, service, signal, workflow, type Application } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { VirtualClock } from '../testing/simulation/virtual-clock.ts'

const output = z.json()
const Go = signal('go', z.object({ n: z.number() }))

/** Processes with calls that take so long, one after the other on one store. */
function longCalls(callMs: number) {
  const data = new MemoryData()
  let clock = new VirtualClock(Date.UTC(2030, 0, 1))
  const desk = service('desk', {
    long: operation({
      input: z.null(),
      output: z.null(),
      timeout: '20h',
      run: async () => (await clock.wait(callMs), null),
    }),
  })
  const flow = workflow('flow', { input: z.null(), output }, async (run) => (await run.call(desk.long(null)), 'done'))
  const definition = ballet({ services: [desk], workflows: [flow] })
  const begin = (): Promise<Application> => open(definition, { store: memory(data), clock, log: keptLog() })
  /** The process is killed after a time, and the next one begins. */
  const nextAfter = (lifeMs: number): Promise<Application> =>
    clock.wait(lifeMs).then(() => {
      clock.stop()
      clock = new VirtualClock(clock.now())
      return begin()
    })
  return { flow, begin, nextAfter, stop: () => clock.stop() }
}

test('a long call is not accused by kills from outside, whenever they come', async () => {
  let lives = 0
  for (let seed = 1; seed <= 100; seed++) {
    const stream = turnStream(seed, 0, 0)
    const { flow, begin, nextAfter, stop } = longCalls(60_000)
    await (await begin()).start(flow(null), { id: 'f' })
    for (let kills = 0; kills < 10; kills++) {
      // Most processes live for a few seconds, some for much longer.
      await nextAfter(-Math.log(1 - stream()) * 6000)
      lives += 1
    }
    const app = await begin()
    expect(await app.result('f'), `seed ${seed}`).toBe('done')
    stop()
  }
  expect(lives).toBe(1000)
})

test.each([
  ['45 s', () => 45_000],
  ['30 to 60 s', (part: number) => 30_000 + 30_000 * part],
] as const)(
  'F1: 64 long calls, and each process is killed from outside after %s: nobody is accused',
  { timeout: 60_000 },
  async (_words, lifeMs) => {
    const stream = turnStream(1, 0, 0)
    const { flow, begin, nextAfter, stop } = longCalls(36_000_000)
    const first = await begin()
    await Promise.all(Array.from({ length: 64 }, (_, n) => first.start(flow(null), { id: `f${n}` })))
    for (let kills = 0; kills < 80; kills++) {
      const app = await nextAfter(lifeMs(stream()))
      expect((await app.runs({ status: ['stuck'] })).items).toEqual([])
    }
    stop()
  },
)

test('F1: runs are brought back for more than a minute, and the last of them ends the process: it is found', async () => {
  const data = new MemoryData()
  const state = { isDead: false, isArmed: false }
  const flow = workflow('flow', { input: z.boolean(), output, signals: [Go] }, async (run, kills) => {
    if (kills && state.isArmed) state.isDead = true
    return (await run.receive(Go)).type
  })
  const definition = ballet({ services: [], workflows: [flow] })
  const live = (): { readonly clock: SteppedClock; readonly app: Promise<Application> } => {
    state.isDead = false
    const clock = new SteppedClock()
    const mortal = guarded(memory(data), 'commit', (pass) => (state.isDead ? new Promise(() => {}) : pass()))
    // As the journals of a crowd would, that of the killer takes its time.
    const store = guarded(mortal, 'journal', async (pass, _shard, run) => {
      if (state.isArmed && data.runs.get(run)?.id === 'killer')
        await new Promise<void>((resolve) => void clock.after(70_000, resolve))
      return pass()
    })
    // One that has died is never closed.
    const app = open(definition, { store, clock, log: keptLog() })
    app.catch(() => {})
    return { clock, app }
  }
  const first = await live().app
  for (const id of ['a', 'b', 'killer']) await first.start(flow(id === 'killer'), { id })
  state.isArmed = true
  let deaths = 0
  for (; deaths < 12; deaths++) {
    const { clock } = live()
    for (let second = 0; second < 200 && !state.isDead; second++) {
      await rounds(8)
      clock.pass(1000)
    }
    if (!state.isDead) break
    await rounds(30)
  }
  // The first process was forgotten before it could.
  expect([deaths, [...data.runs.values()].find(({ id }) => id === 'killer')?.reason]).toEqual([4, 'poisoned'])
})

const desk = service('desk', {
  hang: operation({ input: z.null(), output: z.null(), timeout: '2h', run: () => new Promise<null>(() => {}) }),
})
const hang = workflow('hang', { input: z.null(), output }, async (run) => (await run.call(desk.hang(null)), 'done'))
const waiter = workflow(
  'waiter',
  { input: z.null(), output, signals: [Go] },
  async (run) => (await run.receive(Go)).data.n,
)
const definition = ballet({ services: [desk], workflows: [hang, waiter] })

/** The next process; the one before is forgotten. */
async function nextLife(data: MemoryData, options: { readonly graceMs?: number } = {}) {
  const clock = new SteppedClock()
  const app = await openForTest(definition, { store: memory(data), clock, log: keptLog(), ...options })
  await rounds(30)
  return { app, clock }
}

const marks = (data: MemoryData): readonly string[] =>
  [...data.suspects.values()].map(({ what, deaths }) => `${what} ${deaths}`)

test('F1: a process is killed in the grace of its end: nobody is accused of that', async () => {
  const data = new MemoryData()
  const { app } = await nextLife(data)
  await app.start(hang(null), { id: 'a' })
  await nextLife(data)
  const third = await nextLife(data, { graceMs: 10_000 })
  expect(marks(data)).toEqual(['effect desk.hang#0 1'])
  const closing = third.app.close()
  await rounds(30)
  expect(marks(data)).toEqual([])
  third.clock.pass(10_000)
  await closing
})

test('F1: a mark in the store that belongs to nobody here: it explains one death, and not every one', async () => {
  const data = new MemoryData()
  const { app } = await nextLife(data)
  await app.start(hang(null), { id: 'a' })
  data.suspects.set(4711, { run: 4711, what: 'turn 1', deaths: 1 })
  data.runs.set(4711, { ...[...data.runs.values()][0], num: 4711, ns: 'other', id: 'other' } as never)
  await nextLife(data)
  expect(marks(data)).toContain('(turn 1) 1')
})

test('F6: a commit fails behind the minute of a process that lives: who waits for a new run is told', async () => {
  const data = new MemoryData()
  for (let life = 0; life < 2; life++) await nextLife(data)
  const failing = Promise.withResolvers<never>()
  let isSlow = false
  const store = guarded(memory(data), 'commit', (pass) => (isSlow ? failing.promise : pass()))
  const clock = new SteppedClock()
  const app = await openForTest(definition, { store, clock, log: keptLog() })
  await rounds(30)
  clock.pass(59_500)
  isSlow = true
  const asked = Promise.allSettled([
    app.start(waiter(null), { id: 'n' }),
    rounds(5).then(() => app.signal('n', Go({ n: 1 }))),
  ])
  await rounds(10)
  clock.pass(1000)
  await rounds(30)
  failing.reject(fault('STORE_FAILED', { problem: 'it is gone' }))
  expect((await asked).map(({ status }) => status)).toEqual(['rejected', 'rejected'])
})

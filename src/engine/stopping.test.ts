// Whoever waits for an answer gets one when the application stops, whatever it was doing; and what it was doing ends.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest, until } from '../../test/support/applications.ts'
import { guarded, inboxItem } from '../../test/support/stores.ts'
import { fault } from '../core/errors.ts'
import { ballet, event, operation, service, signal, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'
import { rounds } from '../testing/simulation/world.ts'

const Go = signal('go', z.object({ n: z.number() }))
const Fact = event('a.fact', z.object({ id: z.string() }), { key: 'id' })
const output = z.json()
const waiter = workflow(
  'waiter',
  { input: z.null(), output, signals: [Go] },
  async (run) => (await run.receive(Go)).data.n,
)
const keyed = workflow(
  'keyed',
  { input: z.object({ id: z.string() }), output, key: 'id' },
  async (run) => (await run.receive(Fact)).data.id,
)
const definition = ballet({ services: [], workflows: [waiter, keyed], events: [Fact] })

const answerOf = (promise: Promise<unknown>): Promise<unknown> =>
  promise.catch((error: { readonly code: string }) => error.code)

test('F5: a signal to a parked run that cannot be loaded: it is answered', async () => {
  let failing = false
  const data = new MemoryData()
  const store = guarded(memory(data), 'journal', async (pass) =>
    failing ? Promise.reject(fault('STORE_FAILED', { problem: 'gone' })) : pass(),
  )
  const app = await openForTest(definition, { store, liveRuns: 1 })
  for (const id of ['a', 'b', 'c']) await app.start(waiter(null), { id })
  await until(app, null, async () => (await app.run('c'))?.waits.length === 1)
  failing = true
  expect(await answerOf(app.signal('a', Go({ n: 1 })))).toBe('RUN_UNREADABLE')
})

test('F5: a signal in the inbox for a run that cannot be loaded: it comes when the run can be, without a restart', async () => {
  let failing = false
  const data = new MemoryData()
  const store = guarded(memory(data), 'journal', async (pass) =>
    failing ? Promise.reject(fault('STORE_FAILED', { problem: 'gone' })) : pass(),
  )
  const app = await openForTest(definition, { store, liveRuns: 1 })
  for (const id of ['a', 'b', 'c']) await app.start(waiter(null), { id })
  await until(app, null, async () => (await app.run('c'))?.waits.length === 1)
  failing = true
  const body = { run: 'a', name: 'go', id: 's', data: { n: 7 } }
  data.post(0, [inboxItem('signal', 'a', body)])
  // A negative answer has read the inbox.
  expect(await app.run('nobody')).toBeNull()
  await until(app, null, async () => [...data.runs.values()].some(({ reason }) => reason === 'unreadable'))
  expect(data.inbox.size).toBe(1)
  failing = false
  await app.retry('a')
  expect(await app.result('a')).toBe(7)
})

test('a signal to a parked run that is being loaded is answered when the application closes', async () => {
  const door = gate()
  let holding = false
  const data = new MemoryData()
  const store = guarded(memory(data), 'journal', async (pass) => {
    if (holding) await door.promise
    return pass()
  })
  const app = await openForTest(definition, { store, liveRuns: 1 })
  for (const id of ['a', 'b', 'c']) await app.start(waiter(null), { id })
  await until(app, null, async () => (await app.run('c'))?.waits.length === 1)
  holding = true
  const sent = app.signal('a', Go({ n: 1 }), { id: 's' })
  for (let round = 0; round < 10; round++) await new Promise((resolve) => setImmediate(resolve))
  const closed = app.close()
  for (let round = 0; round < 10; round++) await new Promise((resolve) => setImmediate(resolve))
  door.open()
  const answer = await answerOf(sent)
  await closed
  expect(await app.stopped).toBeNull()
  const next = await openForTest(definition, { store: memory(data) })
  // Acknowledged is durable; refused may be sent again.
  if (typeof answer === 'string') await next.signal('a', Go({ n: 1 }), { id: 's' })
  expect(await next.result('a')).toBe(1)
})

test('F6: a result that is asked of a stopped application: whoever asks is told', async () => {
  let failing = false
  const store = guarded(memory(), 'commit', (pass) =>
    failing ? Promise.reject(fault('STORE_FAILED', { problem: 'gone' })) : pass(),
  )
  const app = await openForTest(definition, { store })
  await app.start(waiter(null), { id: 'a' })
  const before = app.result('a')
  failing = true
  expect(await answerOf(app.start(waiter(null), { id: 'b' }))).toBe('STORE_FAILED')
  expect(await answerOf(before)).toBe('STORE_FAILED')
  expect(await answerOf(app.result('a'))).toBe('STORE_FAILED')
  expect(await answerOf(app.settled('a', Number.POSITIVE_INFINITY))).toMatchObject({ status: 'running' })
})

test('a store that is closed under a read does not make a clean close a failure', async () => {
  const door = gate()
  let holding = false
  const store = guarded(memory(), 'events', async (pass) => {
    if (holding) await door.promise
    return pass()
  })
  const app = await openForTest(definition, { store })
  await app.start(keyed({ id: 'k' }))
  await until(app, null, async () => (await app.run('keyed:k'))?.waits.length === 1)
  holding = true
  await app.publish(Fact({ id: 'k' }))
  const closed = app.close()
  setTimeout(() => door.open(), 50)
  await closed
  expect(await app.stopped).toBeNull()
})

test('an application that is closing does not say that a run is not there which lies in its inbox', async () => {
  const data = new MemoryData()
  const [began, ended] = [gate(), gate()]
  const desk = service('desk', {
    work: operation({ input: z.null(), output: z.null(), run: async () => (began.open(), await ended.promise, null) }),
  })
  const flow = workflow('flow', { input: z.null(), output }, async (run) => run.call(desk.work(null)))
  const busy = ballet({ services: [desk], workflows: [flow] })
  const app = await openForTest(busy, { store: memory(data), graceMs: 5000 })
  await app.start(flow(null), { id: 'begun' })
  await began.promise
  const closed = app.close()
  data.post(0, [inboxItem('start', 'later', { call: 'flow', input: null, id: 'later' })])
  await expect(app.run('later')).rejects.toMatchObject({ code: 'APP_CLOSED' })
  await expect(app.signal('later', Go({ n: 1 }))).rejects.toMatchObject({ code: 'APP_CLOSED' })
  ended.open()
  await closed
})

test('a retry does not bring a run back beside what is queued for it, at whatever moment the application closes: it would never end', async () => {
  const thrower = workflow('thrower', { input: z.null(), output, signals: [Go] }, async (run) => {
    await run.receive(Go)
    throw new RangeError('a bug')
  })
  for (let moments = 0; moments < 40; moments++) {
    const data = new MemoryData()
    // A process that has died: what is said from outside is written before its turn, so that turns wait in a queue.
    const dead = memory(data)
    await dead.open()
    await dead.acquire(0, 'shop')
    const app = await openForTest(ballet({ services: [], workflows: [thrower] }), { store: memory(data) })
    await app.start(thrower(null), { id: 't' })
    await until(app, null, async () => (await app.run('t'))?.waits.length === 1)
    const isOver = async (): Promise<boolean> => (await answerOf(app.retry('t'))) === 'APP_CLOSED'
    const retrying = async (): Promise<void> => {
      while (!(await isOver())) await rounds(1)
    }
    const asked = [
      app.signal('t', Go({ n: 1 })),
      app.cancel('t', { by: 'ann' }),
      app.cancel('t', { by: 'bob' }),
      retrying(),
    ]
    const settled = Promise.allSettled(asked)
    await rounds(moments)
    await app.close()
    await settled
    expect(await app.stopped).toBeNull()
  }
})

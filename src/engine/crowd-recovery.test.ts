// Recovery of more open runs than one page: what one of them does while others are still on disk must neither lose
// what comes for those, nor open a run twice, nor let a younger reaction overtake an older one.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest, until } from '../../test/support/applications.ts'
import { guarded } from '../../test/support/stores.ts'
import type { Clock } from '../core/clock.ts'
import type { Store } from '../core/store.ts'
import { ballet, event, operation, service, signal, workflow } from '../index.ts'
import { systemClock } from './clock.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const Go = signal('go', z.object({ n: z.number() }))
const Fact = event('a.fact', z.object({ id: z.string(), n: z.number() }), { key: 'id' })
const output = z.json()
const CROWD = 300

const waiter = workflow(
  'waiter',
  { input: z.null(), output, signals: [Go] },
  async (run) => (await run.receive(Go)).data.n,
)

const rounds = async (count: number): Promise<void> => {
  for (let round = 0; round < count; round++) await new Promise((resolve) => setImmediate(resolve))
}

/** The store of `data`, whose second and further pages of open runs are read late: much happens before. */
function withLatePages(data: MemoryData): Store {
  return guarded(memory(data), 'runs', async (pass, _shard, query) => {
    if (query.after !== undefined && query.after > 0) await rounds(50)
    return pass()
  })
}

test('what a run of the first page starts is not opened a second time', async () => {
  const hold = gate()
  let held = true
  const desk = service('desk', {
    stamp: operation({ input: z.number(), output: z.number(), run: async (n) => (held && (await hold.promise), n) }),
  })
  const child = workflow('child', { input: z.null(), output }, async (run) => {
    for (let n = 0; n < 200; n++) await run.call(desk.stamp(n))
    return 'done'
  })
  const first = workflow('first', { input: z.null(), output }, async (run) => {
    await run.call(desk.stamp(0))
    return Promise.all(Array.from({ length: 10 }, () => run.call(child(null))))
  })
  const definition = ballet({ services: [desk], workflows: [first, child, waiter] })
  const data = new MemoryData()
  const before = await openForTest(definition, { store: memory(data) })
  await before.start(first(null), { id: 'first' })
  await Promise.all(Array.from({ length: CROWD }, (_, n) => before.start(waiter(null), { id: `w${n}` })))
  held = false
  const app = await openForTest(definition, { store: withLatePages(data) })
  expect(await app.result('first')).toEqual(Array.from({ length: 10 }, () => 'done'))
  expect(app.recovered).toMatchObject({ runs: CROWD + 1 })
  expect(await Promise.race([app.stopped, rounds(1).then(() => 'runs')])).toBe('runs')
  hold.open()
})

test('F1: a signal that was in the inbox at a crash: it waits for a run that is not loaded yet', async () => {
  const sleeper = workflow('sleeper', { input: z.null(), output }, async (run) => (await run.sleep('1h'), 'slept'))
  const definition = ballet({ services: [], workflows: [sleeper, waiter] })
  const data = new MemoryData()
  const store = memory(data)
  const before = await openForTest(definition, { store })
  // Its timer is overdue at recovery, and the inbox is read before it fires.
  await before.start(sleeper(null), { id: 'sleeper' })
  await Promise.all(Array.from({ length: CROWD }, (_, n) => before.start(waiter(null), { id: `w${n}` })))
  await until(before, null, async () => (await before.run(`w${CROWD - 1}`))?.waits.length === 1)
  await before.close()
  const other = memory(data)
  await other.open()
  const last = `w${CROWD - 1}`
  await other.post(0, [
    {
      ns: 'default',
      slot: 0,
      kind: 'signal',
      target: last,
      data: JSON.stringify({ run: last, name: 'go', id: 's', data: { n: 7 } }),
      at: 0,
    },
  ])
  const clock: Clock = {
    now: () => systemClock.now() + 7_200_000,
    after: (delayMs, callback) => systemClock.after(delayMs, callback),
  }
  const app = await openForTest(definition, { store: withLatePages(data), clock })
  expect(await app.result('sleeper')).toBe('slept')
  expect((await app.settled(last, 1000))?.output).toBe(7)
})

test('F12: an older run that publishes during recovery: reactions of a key keep their order', async () => {
  const hold = gate()
  let held = true
  const seen: number[] = []
  const desk = service('desk', {
    note: operation({
      input: z.number(),
      output: z.null(),
      run: async (n) => (held && (await hold.promise), seen.push(n), null),
    }),
    open: operation({ input: z.null(), output: z.null(), run: async () => (held && (await hold.promise), null) }),
  })
  desk.on(Fact, (fact) => desk.note(fact.n))
  const first = workflow('first', { input: z.null(), output }, async (run) => {
    await run.call(desk.open(null))
    run.emit(Fact({ id: 'k', n: 2 }))
    return null
  })
  const definition = ballet({ services: [desk], workflows: [first, waiter], events: [Fact] })
  const data = new MemoryData()
  const before = await openForTest(definition, { store: memory(data) })
  await before.start(first(null), { id: 'first' })
  await Promise.all(Array.from({ length: CROWD }, (_, n) => before.start(waiter(null), { id: `w${n}` })))
  await before.publish(Fact({ id: 'k', n: 1 }))
  held = false
  const app = await openForTest(definition, { store: withLatePages(data) })
  await until(app, null, async () => seen.length === 2)
  expect(seen).toEqual([1, 2])
  hold.open()
})

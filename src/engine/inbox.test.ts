// The inbox as other processes fill it: what it holds came first, is taken once, and whatever stands in it, the
// application goes on.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, keptLog, openForTest, until } from '../../test/support/applications.ts'
import { guarded, inboxItem } from '../../test/support/stores.ts'
import { fault } from '../core/errors.ts'
import type { InboxItem } from '../core/store.ts'
import { ballet, event, operation, service, signal, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'
import { HandClock } from '../testing/hand-clock.ts'

const Fact = event('a.fact', z.object({ id: z.string(), n: z.number() }), { key: 'id' })
const Go = signal('go', z.object({ n: z.number() }))
const output = z.json()
const flow = workflow('flow', { input: z.number(), output }, async (_run, n) => n)
const two = workflow('two', { input: z.null(), output, signals: [Go] }, async (run) => [
  (await run.receive(Go)).data.n,
  (await run.receive(Go)).data.n,
])
const definition = ballet({ services: [], workflows: [flow, two], events: [Fact] })

const oneAndTwo = [
  inboxItem('start', 'flow', { call: 'flow', input: 1, id: 'one' }),
  inboxItem('start', 'flow', { call: 'flow', input: 2, id: 'two' }),
]

/** As another process puts it there. */
async function leave(data: MemoryData, items: readonly InboxItem[]): Promise<void> {
  const outside = memory(data)
  await outside.open()
  await outside.post(0, items)
}

test('F12: a start and an event that conflict with what there is: they are dropped, and nothing stops', async () => {
  const data = new MemoryData()
  const store = memory(data)
  const app = await openForTest(definition, { store })
  await app.start(flow(1), { id: 'f' })
  await app.publish(Fact({ id: 'k', n: 1 }), { id: 'e' })
  await store.post(0, [
    inboxItem('start', 'flow', { call: 'flow', input: 2, id: 'f' }),
    inboxItem('event', 'a.fact', { type: 'a.fact', data: { id: 'k', n: 2 }, id: 'e' }),
    inboxItem('start', 'flow', { call: 'flow', input: 3, id: 'g' }),
  ])
  expect((await app.run('g'))?.id).toBe('g')
  expect(await app.result('g')).toBe(3)
  expect(await app.result('f')).toBe(1)
  await until(app, null, async () => (await store.inbox(0, 'default', 10)).length === 0)
})

test('what lay in the inbox comes before what comes by hand after it', async () => {
  const data = new MemoryData()
  const store = memory(data)
  const app = await openForTest(definition, { store })
  await app.start(two(null), { id: 't' })
  await store.post(0, [
    inboxItem('event', 'a.fact', { type: 'a.fact', data: { id: 'k', n: 1 } }),
    inboxItem('signal', 't', { run: 't', name: 'go', id: 's1', data: { n: 1 } }),
  ])
  await app.publish(Fact({ id: 'k', n: 2 }))
  await app.signal('t', Go({ n: 2 }))
  expect(await app.result('t')).toEqual([1, 2])
  expect((await app.events()).items.map(({ data: fact }) => fact)).toEqual([
    { id: 'k', n: 1 },
    { id: 'k', n: 2 },
  ])
})

test('an application that closes while it reads the inbox leaves the rest there, and closes without a failure', async () => {
  const data = new MemoryData()
  const door = gate()
  const asked = gate()
  const store = guarded(memory(data), 'claims', async (pass, _shard, _ns, _space, ids) => {
    if (ids.includes('one')) {
      asked.open()
      await door.promise
    }
    return pass()
  })
  const app = await openForTest(definition, { store })
  await leave(data, oneAndTwo)
  const answer = app.run('nobody').catch(() => null)
  await asked.promise
  const closed = app.close()
  door.open()
  await closed
  await answer
  expect(await app.stopped).toBeNull()
  const next = await openForTest(definition, { store: memory(data) })
  expect(await next.result('one')).toBe(1)
  expect(await next.result('two')).toBe(2)
})

test('F6: a row of the inbox of which the store cannot be asked: it stays, the others are taken, and it is when it can', async () => {
  const data = new MemoryData()
  let isBroken = true
  const store = guarded(memory(data), 'claims', async (pass, _shard, _ns, _space, ids) => {
    if (isBroken && ids.includes('one')) throw fault('STORE_FAILED', { problem: 'a read failed' })
    return pass()
  })
  const app = await openForTest(definition, { store })
  await leave(data, oneAndTwo)
  expect((await app.run('two'))?.id).toBe('two')
  expect([...data.inbox.values()].map(({ data: text }) => text).join()).toContain('"one"')
  isBroken = false
  expect((await app.run('one'))?.id).toBe('one')
})

const fact = (n: number): InboxItem =>
  inboxItem('event', 'a.fact', { type: 'a.fact', data: { id: 'k', n }, id: `e${n}` })
const startOf = (id: string): InboxItem => inboxItem('start', 'flow', { call: 'flow', input: 1, id })

test.each<[string, 'STORE_UNREACHABLE' | 'STORE_FAILED', readonly InboxItem[]]>([
  ['the store is out of reach', 'STORE_UNREACHABLE', [fact(0), fact(1), fact(2)]],
  [
    'the store is out of reach, with others in between,',
    'STORE_UNREACHABLE',
    [fact(0), startOf('s'), fact(1), fact(2)],
  ],
  ['the store fails', 'STORE_FAILED', [fact(0), fact(1), fact(2)]],
])(
  'events of which %s for two reads of their names come in the order in which they lie there',
  async (_, code, items) => {
    const data = new MemoryData()
    let failing = 0
    const store = guarded(memory(data), 'claims', async (pass, _shard, _ns, space) => {
      if (space === 'event' && failing-- > 0) throw fault(code, { store: 'memory', problem: 'a read failed' })
      return pass()
    })
    const app = await openForTest(definition, { store })
    const outside = memory(data)
    await outside.open()
    failing = 2
    await outside.post(0, items)
    const came = await until(app, null, async () => {
      const found = (await app.events()).items
      return found.length === 3 && found
    })
    expect(came.map(({ id }) => id)).toEqual(['e0', 'e1', 'e2'])
  },
)

test('while the names in the inbox cannot be looked up nobody is told that something is not there, and the application lives', async () => {
  const data = new MemoryData()
  let isAway = false
  const store = guarded(memory(data), 'claims', async (pass, _shard, _ns, space) => {
    if (isAway && space === 'event') throw fault('STORE_UNREACHABLE', { store: 'memory', problem: 'it is away' })
    return pass()
  })
  const log = keptLog()
  // Time stands still, so that nobody looks by the clock meanwhile.
  const app = await openForTest(definition, { store, log, clock: new HandClock() })
  const outside = memory(data)
  await outside.open()
  isAway = true
  await outside.post(0, [fact(0), startOf('s')])
  for (const id of ['s', 'nobody'])
    await expect(app.run(id)).rejects.toMatchObject({ code: 'STORE_UNREACHABLE', family: 'retry' })
  const waits = expect.stringMatching(/^error What lies in the inbox of the shard 0 waits: .* it is away/) as string
  expect(log.lines).toEqual([waits, waits])
  isAway = false
  expect((await app.run('s'))?.id).toBe('s')
  expect(await app.run('nobody')).toBeNull()
  expect((await app.events()).items.map(({ id }) => id)).toEqual(['e0'])
})

test('a read of the inbox ends where nothing is left, not at a page of rows that are handled and still there', async () => {
  const data = new MemoryData()
  const door = gate()
  let isHeld = false
  let reads = 0
  const slow = guarded(memory(data), 'commit', async (pass) => {
    if (isHeld) await door.promise
    return pass()
  })
  const store = guarded(slow, 'inbox', (pass) => {
    // The rows of the first page are handled, and their commit is under way.
    if (isHeld && ++reads === 2) door.open()
    return pass()
  })
  const app = await openForTest(definition, { store })
  isHeld = true
  const outside = memory(data)
  await outside.open()
  const item = (n: number): InboxItem => inboxItem('start', 'flow', { call: 'flow', input: n, id: `r${n}` })
  await outside.post(
    0,
    Array.from({ length: 501 }, (_, n) => item(n)),
  )
  expect((await app.run('r500'))?.id).toBe('r500')
})

test('what is asked twice goes from the inbox, though nothing comes of it', async () => {
  const store = memory()
  const began = gate()
  const stock = service('stock', {
    take: operation({ input: z.null(), output, run: () => (began.open(), new Promise<null>(() => {})) }),
    give: operation({ input: z.null(), undoes: 'take', run: () => {} }),
  })
  const app = await openForTest(ballet({ services: [stock], workflows: [] }), { store })
  await app.start(stock.take(null), { id: 'o' })
  await began.promise
  const cancel = inboxItem('cancel', 'o', { run: 'o', by: 'ann', why: 'once more' })
  await store.post(0, [cancel])
  await until(app, null, async () => (await app.run('o'))?.phase === 'cancelling')
  await store.post(0, [cancel])
  while ((await store.inbox(0, 'default', 10)).length > 0) await new Promise((resolve) => setImmediate(resolve))
  expect(await app.run('o')).toMatchObject({ status: 'running', phase: 'cancelling' })
})

test('signals for parked runs wait for no commit one after the other, and reach each run in their order', async () => {
  const inner = memory(new MemoryData())
  let commits = 0
  const store = guarded(inner, 'commit', (pass) => (commits++, pass()))
  const app = await openForTest(definition, { store, liveRuns: 1 })
  const ids = Array.from({ length: 100 }, (_, n) => `t${n}`)
  for (const id of ids) await app.start(two(null), { id })
  commits = 0
  const said = (id: string, n: number) => inboxItem('signal', id, { run: id, name: 'go', id: `s${n}`, data: { n } })
  await store.post(0, [...ids.map((id) => said(id, 1)), ...ids.flatMap((id) => [said(id, 2), said(id, 3)])])
  expect(await Promise.all(ids.map((id) => app.result(id)))).toEqual(ids.map(() => [1, 2]))
  // What comes by hand comes behind all of it.
  await expect(app.signal('t0', Go({ n: 4 }))).rejects.toMatchObject({ code: 'RUN_ENDED' })
  expect(commits).toBeLessThan(100)
})

test('those who come in one moment look into the inbox together, and go into one commit', async () => {
  const seen = { reads: 0, commits: 0 }
  const counting = guarded(memory(), 'inbox', async (pass) => {
    seen.reads += 1
    return pass()
  })
  const store = guarded(counting, 'commit', async (pass) => {
    seen.commits += 1
    return pass()
  })
  // Time stands still, so that nobody looks by the clock meanwhile.
  const app = await openForTest(definition, { store, clock: new HandClock() })
  await app.publish(Fact({ id: 'before', n: 0 }))
  Object.assign(seen, { reads: 0, commits: 0 })
  await Promise.all(Array.from({ length: 64 }, (_, n) => app.publish(Fact({ id: `k${n}`, n }))))
  expect(seen).toEqual({ reads: 1, commits: 1 })
})

// What has ended is forgotten in time, and the door to a duplicate stays shut for as long as it was said.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { DatabaseSync } from 'node:sqlite'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, keptLog, openForTest } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { guarded } from '../../test/support/stores.ts'
import { live, rounds, sweep } from '../../test/support/sweeps.ts'
import type { Batch, Store } from '../core/store.ts'
import { retentionOf } from '../define/retention.ts'
import {
  ballet,
  event,
  open,
  operation,
  service,
  signal,
  sqlite,
  workflow,
  type Application,
  type OpenOptions,
} from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'
import { OfflineReplay } from './offline-replay.ts'

const output = z.json()
const Order = z.object({ orderId: z.string() })
const Placed = event('order.placed', Order, { key: 'orderId' })
const Told = event('order.told', Order, { key: 'orderId' })
const Go = signal('go', z.object({ text: z.string() }))
const RETENTION = { runs: '100s', dedupe: '1000s' } as const

function shop() {
  const told: string[] = []
  const hold = gate()
  const desk = service('desk', {
    note: operation({ input: z.string(), output: z.null(), run: (text) => (told.push(text), null) }),
    hang: operation({ input: z.null(), output: z.null(), timeout: '2h', run: () => hold.promise.then(() => null) }),
  })
  desk.on(Placed, ({ orderId }) => desk.note(orderId))
  const echo = workflow('echo', { input: z.string(), output }, async (_run, text) => text)
  const wait = workflow('wait', { input: z.string(), output, signals: [Go] }, async (run) => {
    return (await run.receive(Go)).data.text
  })
  const follow = workflow('follow', { input: Order, output, key: 'orderId', signals: [Go] }, async (run, order) => {
    const child = run.start(echo('child'))
    await run.receive(Go)
    const fact = await run.receive(Told, { within: '1s' })
    return [await child.result(), fact?.data ?? order]
  })
  const loop = workflow('loop', { input: z.number(), output, signals: [Go] }, async (run, n) => {
    await run.receive(Go)
    if (n < 3) await run.continueAs(n + 1)
    await run.receive(Go)
    return n
  })
  const chatty = workflow('chatty', { input: z.number(), output }, async (run, turns) => {
    for (let n = 0; n < turns; n++) await run.step('one', () => n)
    return null
  })
  const definition = ballet({
    services: [desk],
    workflows: [echo, wait, follow, loop, chatty],
    events: [Placed, Told],
  })
  return { definition, calls: { echo, wait, follow, loop, chatty, hang: desk.hang }, told, hold }
}

async function opened(options: OpenOptions = {}) {
  const data = new MemoryData()
  const clock = new SteppedClock()
  const parts = shop()
  const app = await openForTest(parts.definition, { store: memory(data), clock, retention: RETENTION, ...options })
  return { ...parts, data, clock, app }
}

const codeOf = (work: Promise<unknown>): Promise<unknown> =>
  work.then(
    () => 'fine',
    (error: unknown) => (error as { readonly code?: unknown }).code,
  )

test('a run that ended long ago is forgotten, and its id stays taken until its dedupe has passed', async () => {
  const { app, clock, calls, data } = await opened()
  await app.start(calls.echo('a'), { id: 'one' })
  expect(await app.result('one')).toBe('a')
  const { num } = [...data.claims.values()][0] ?? { num: 0 }
  await live(clock, 95)
  expect((await app.run('one'))?.status).toBe('completed')
  await sweep(clock)
  expect([data.runs.has(num), data.journal.has(num)]).toEqual([false, false])
  for (const ask of [app.run('one'), app.journal('one'), app.result('one'), app.settled('one', 0), app.cancel('one')])
    expect(await codeOf(ask)).toBe('RUN_FORGOTTEN')
  expect(await codeOf(app.signal('one', Go({ text: 'x' })))).toBe('RUN_FORGOTTEN')
  expect(await app.start(calls.echo('a'), { id: 'one' })).toEqual({ id: 'one', created: false })
  expect(await codeOf(app.start(calls.echo('b'), { id: 'one' }))).toBe('RUN_CONFLICT')
  await live(clock, 880)
  expect(await app.start(calls.echo('a'), { id: 'one' })).toEqual({ id: 'one', created: false })
  await live(clock, 20)
  await sweep(clock)
  expect(await app.run('one')).toBeNull()
  expect(await app.start(calls.echo('b'), { id: 'one' })).toEqual({ id: 'one', created: true })
  expect(await app.result('one')).toBe('b')
})

test('what is open is kept however old it is, with everything that it may still ask for', async () => {
  const { app, clock, calls, data } = await opened()
  await app.start(calls.follow({ orderId: 'k' }))
  await app.start(calls.wait('w'), { id: 'w' })
  await app.publish(Told({ orderId: 'k' }))
  await app.publish(Told({ orderId: 'other' }))
  await live(clock, 200)
  await sweep(clock)
  expect(data.events.map(({ key }) => key)).toEqual(['orderId:k'])
  expect([...data.runs.values()].map(({ id }) => id).sort()).toEqual(['follow:k', 'follow:k~echo.0', 'w'])
  await app.signal('follow:k', Go({ text: 'go' }))
  expect(await app.result('follow:k')).toEqual(['child', { orderId: 'k' }])
  await live(clock, 95)
  await sweep(clock)
  expect([...data.runs.values()].map(({ id }) => id)).toEqual(['w'])
  expect(data.events).toEqual([])
  // Nobody can ask for the name of a child: it is not kept.
  expect([...data.claims.values()].flatMap(({ id, space }) => (space === 'run' ? [id] : []))).toEqual(['follow:k', 'w'])
})

test('an event that is forgotten does not react again, until its dedupe has passed', async () => {
  const { app, clock, data, told } = await opened()
  const publish = (orderId: string) => app.publish(Placed({ orderId }), { id: 'e', source: 'web' })
  const first = await publish('k')
  await live(clock, 100)
  await sweep(clock)
  expect([data.events, data.runs.size, told]).toEqual([[], 0, ['k']])
  expect(await publish('k')).toMatchObject({ created: false, position: first.position })
  expect(await codeOf(publish('other'))).toBe('EVENT_CONFLICT')
  await live(clock, 900)
  await sweep(clock)
  expect(data.claims.size).toBe(0)
  expect(await publish('k')).toMatchObject({ created: true })
  await rounds()
  expect(told).toEqual(['k', 'k'])
})

test('an event is kept as long as a run that reacted to it is there', async () => {
  const { clock, calls, data, app, told } = await opened()
  await app.publish(Placed({ orderId: 'k' }), { id: 'e' })
  await rounds()
  const reaction = [...data.runs.values()].find(({ kind }) => kind === 'reaction')
  expect([reaction?.status, told]).toEqual(['completed', ['k']])
  // It ended only now, as it were.
  if (reaction !== undefined) data.runs.set(reaction.num, { ...reaction, ended: clock.now() + 100_000 })
  await live(clock, 150)
  await sweep(clock)
  expect([data.events.length, data.runs.size]).toEqual([1, 1])
  await live(clock, 50)
  await sweep(clock)
  await sweep(clock)
  expect([data.events.length, data.runs.size]).toEqual([0, 0])
  expect(await app.start(calls.echo('x'), { id: 'fine' })).toMatchObject({ created: true })
})

test('a name is not free while something that follows from its run is there', async () => {
  const { app, clock, calls, data } = await opened({ retention: { runs: '10s', dedupe: '10s' } })
  await app.start(calls.follow({ orderId: 'k' }))
  await app.signal('follow:k', Go({ text: 'go' }))
  await live(clock, 2)
  const child = [...data.runs.values()].find(({ id }) => id === 'follow:k~echo.0')
  // A child that goes on after its parent.
  if (child !== undefined) data.runs.set(child.num, { ...child, ended: clock.now() + 1_000_000 })
  await live(clock, 40)
  expect([...data.runs.values()].map(({ id }) => id)).toEqual(['follow:k~echo.0'])
  expect(await app.start(calls.follow({ orderId: 'k' }))).toMatchObject({ created: false })
})

test('generations that are over are forgotten by their age, and the run goes on', async () => {
  const { app, clock, calls, data, definition } = await opened()
  await app.start(calls.loop(0), { id: 'l' })
  const seqs = () => [...data.journal.values()].flat().map(({ seq }) => seq)
  for (const text of ['a', 'b', 'c']) {
    await app.signal('l', Go({ text }))
    await live(clock, 45)
  }
  const { since = 0, num = 0 } = [...data.runs.values()][0] ?? {}
  // The first generation is old enough, the second is not.
  expect([seqs()[0], since]).toEqual([3, 5])
  await live(clock, 60)
  await sweep(clock)
  expect(seqs()[0]).toBe(since)
  expect((await app.journal('l'))?.items[0]?.seq).toBe(since)
  await app.close()
  const later = await openForTest(definition, { store: memory(data), clock, retention: RETENTION })
  for (const text of ['d', 'e']) await later.signal('l', Go({ text }))
  expect(await later.result('l')).toBe(3)
  expect(data.runs.get(num)?.generation).toBe(3)
})

test('nothing is forgotten without being asked for, and names for ever without a time', async () => {
  const { app, clock, calls, data } = await opened({ retention: undefined })
  await app.start(calls.echo('a'), { id: 'one' })
  await app.result('one')
  await live(clock, 5000)
  expect(data.runs.size).toBe(1)
  await app.close()
  const { definition } = shop()
  const later = await openForTest(definition, { store: memory(data), clock, retention: { runs: '100s' } })
  // It did not see that time pass.
  await live(clock, 100)
  await sweep(clock)
  expect(data.runs.size).toBe(0)
  await live(clock, 5000)
  expect([...data.claims.values()].map(({ until }) => until)).toEqual([null])
  expect(await later.start(calls.echo('a'), { id: 'one' })).toMatchObject({ created: false })
})

test('a sweep goes in small steps: many runs, and long journals piece by piece', async () => {
  const data = new MemoryData()
  const batches: Batch[] = []
  const store = guarded(memory(data), 'commit', (pass, batch) => {
    if (batch.forgotten.length + batch.journalGone.length + batch.claimsGone.length > 0) batches.push(batch)
    return pass()
  })
  const { app, clock, calls } = await opened({ store })
  await Promise.all(Array.from({ length: 300 }, (_, n) => app.start(calls.echo('a'), { id: `r${n}` })))
  await app.start(calls.chatty(450), { id: 'chatty' })
  await app.result('chatty')
  const rows = data.journal.get([...data.runs.values()].at(-1)?.num ?? 0)?.length ?? 0
  expect(rows).toBeGreaterThan(450)
  await live(clock, 100)
  await sweep(clock)
  expect([data.runs.size, data.journal.size]).toEqual([0, 0])
  for (const { forgotten, journalGone } of batches) {
    expect(forgotten.length).toBeLessThanOrEqual(128)
    expect(journalGone.length).toBeLessThanOrEqual(1)
  }
  const pieces = batches.flatMap(({ journalGone }) => journalGone.map(({ before }) => before))
  expect(pieces).toEqual([50, 100, 150, 200, 250, 300, 350, 400, 450])
})

test('on a store that is busy a sweep goes on all the same: commits that take long for others are no reason to rest', async () => {
  const data = new MemoryData()
  const clock = new SteppedClock()
  const store = guarded(memory(data), 'commit', async (pass, batch) => {
    await pass()
    if (batch.forgotten.length > 0) clock.pass(1000)
  })
  const { definition, calls } = shop()
  const app = await openForTest(definition, { store, clock, retention: RETENTION })
  await Promise.all(Array.from({ length: 500 }, (_, n) => app.start(calls.echo('a'), { id: `r${n}` })))
  for (let n = 0; n < 500; n++) await app.result(`r${n}`)
  await live(clock, 105)
  await sweep(clock)
  expect(data.runs.size).toBe(0)
})

test('wherever a sweep is cut off by a kill, the next process ends it, and no door is open meanwhile', async () => {
  let kills = 0
  for (let at = 1; at < 100; at++) {
    const data = new MemoryData()
    const clock = new SteppedClock()
    const { definition, calls, told } = shop()
    const begun = await openForTest(definition, { store: memory(data), clock })
    await begun.publish(Placed({ orderId: 'k' }), { id: 'e', source: 'web' })
    for (let n = 0; n < 130; n++) await begun.start(calls.echo('a'), { id: `r${n}` })
    await begun.start(calls.chatty(150), { id: 'chatty' })
    await begun.result('chatty')
    await begun.close()
    let commits = 0
    const dying: Store = guarded(memory(data), 'commit', (pass) => (++commits >= at ? new Promise(() => {}) : pass()))
    await open(definition, { store: dying, clock, retention: RETENTION, log: keptLog() })
    await live(clock, 100)
    await sweep(clock)
    const rest = data.runs.size
    kills += commits >= at ? 1 : 0
    const app = await openForTest(definition, { store: memory(data), clock, retention: RETENTION })
    await noDuplicates(app, calls.echo('a'))
    await live(clock, 100)
    await sweep(clock)
    await sweep(clock)
    await noDuplicates(app, calls.echo('a'))
    expect(
      [data.runs.size, data.journal.size, data.events.length, told],
      `killed at commit ${at}, ${rest} left`,
    ).toEqual([0, 0, 0, ['k']])
    expect([...data.claims.values()].filter(({ until }) => until === null)).toEqual([])
    if (commits < at) break
  }
  expect(kills).toBeGreaterThan(3)
})

test('a run whose journal was forgotten in part when the process died is shown as it ended, and not replayed', async () => {
  const data = new MemoryData()
  const clock = new SteppedClock()
  const { definition, calls } = shop()
  const begun = await openForTest(definition, { store: memory(data), clock })
  await begun.start(calls.chatty(150), { id: 'chatty' })
  await begun.result('chatty')
  await begun.close()
  let pieces = 0
  const dying: Store = guarded(memory(data), 'commit', (pass, batch) => {
    pieces += batch.journalGone.length
    return pieces > 1 ? new Promise(() => {}) : pass()
  })
  await open(definition, { store: dying, clock, retention: RETENTION, log: keptLog() })
  await live(clock, 100)
  await sweep(clock)
  const app = await openForTest(definition, { store: memory(data), clock })
  expect(await app.run('chatty')).toMatchObject({ status: 'completed', output: null })
  expect((await app.journal('chatty'))?.items[0]?.seq).toBe(50)
  const reader = memory(data)
  await reader.open()
  const replayed = await new OfflineReplay({ definition, reader }).one('chatty')
  expect(replayed).toMatchObject({ id: 'chatty', verdict: 'skipped', problem: expect.stringContaining('forgotten') })
})

async function noDuplicates(
  app: Application,
  call: ReturnType<ReturnType<typeof shop>['calls']['echo']>,
): Promise<void> {
  const again = await app.publish(Placed({ orderId: 'k' }), { id: 'e', source: 'web' })
  const starts = await Promise.all(Array.from({ length: 40 }, (_, n) => app.start(call, { id: `r${n}` })))
  expect([again.created, starts.some(({ created }) => created)]).toEqual([false, false])
}

test('on a file, large payloads go with the last run that holds them', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-retention-'))
  const file = join(folder, 'app.db')
  const { app, clock, calls } = await opened({ store: sqlite({ file }) })
  const large = 'x'.repeat(300_000)
  for (const id of ['a', 'b']) await app.start(calls.echo(large), { id })
  await app.start(calls.wait(large), { id: 'open' })
  await app.result('b')
  const count = (sql: string): unknown => {
    const db = new DatabaseSync(file, { readOnly: true })
    const row = db.prepare(sql).get()
    db.close()
    return Object.values(row ?? {})[0]
  }
  expect(count('SELECT count(*) FROM runs')).toBe(3)
  clock.pass(101_000)
  // How many looks it takes is for the thread of the store to say, which a busy machine keeps waiting.
  while (count('SELECT count(*) FROM runs') !== 1) {
    clock.pass(100)
    await rounds(2)
  }
  expect(count('SELECT count(*) FROM blob_data')).toBe(1)
  expect(count('SELECT sum(refs) FROM blobs')).toBe(1)
  expect((await app.run('open'))?.input).toBe(large)
  await app.close()
  rmSync(folder, { recursive: true })
})

test.each([
  [{ runs: 'soon' }, 'DURATION_INVALID'],
  [{ runs: '10ms' }, 'DEFINITION_INVALID'],
  [{ dedupe: '10s' }, 'DEFINITION_INVALID'],
  [{ runs: '10s', dedupe: '9s' }, 'DEFINITION_INVALID'],
  [{ runs: '10s', events: '9s' }, 'DEFINITION_INVALID'],
])('%j is refused', (given, code) => {
  expect(() => retentionOf(given as unknown as { runs: '1s' })).toThrow(expect.objectContaining({ code }))
})

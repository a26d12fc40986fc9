// Schedules over the real engine: what fires when, and what a restart, a change of the code, a person and a clock that is set
// make of it. The test moves the clock, and waits for what comes of that.
import { DatabaseSync } from 'node:sqlite'
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { SteppedClock } from '../../test/support/clocks.ts'
import { keptLog, openForTest, until } from '../../test/support/applications.ts'
import { ballet, memory, schedule, signal, workflow, type Application, type ScheduleOptions } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { HandClock } from '../testing/hand-clock.ts'

const Done = signal('done', z.null())
const reconcile = workflow(
  'reconcile',
  { input: z.object({ day: z.string(), at: z.string() }), output: z.string() },
  async (_, { day }) => Promise.resolve(day),
)
const slow = workflow('slow', { input: z.string(), output: z.string(), signals: [Done] }, async (run, at) => {
  await run.receive(Done)
  return at
})
const call: ScheduleOptions['call'] = ({ day, at }) => reconcile({ day, at })
const NIGHTLY = { cron: '0 3 * * *', timezone: 'Europe/Lisbon', call } as const
const HOURLY = { cron: '@hourly', call } as const

const shop = (options: ScheduleOptions = NIGHTLY, name = 'nightly') =>
  ballet({ services: [], workflows: [reconcile, slow], schedules: [schedule(name, options)] })
const bare = ballet({ services: [], workflows: [reconcile, slow] })

/** The runs that were started, the oldest first. */
const fired = async (app: Application): Promise<readonly string[]> => {
  const runs = [...(await app.runs({ limit: 1000 })).items].reverse()
  return runs.map(({ id }) => id).filter((id) => !id.startsWith('@'))
}

/** The schedule, once it waits for this time. */
const dueAt = (app: Application, next: string | null, name = 'nightly') =>
  until(app, null, async () => {
    const run = await app.run(`@schedule:${name}`)
    const isWaiting = run?.waits.some(({ kind }) => kind === 'receive') === true
    return isWaiting && (run.state as { next: unknown }).next === next && app.schedule(name)
  })

/** Lets time come to this, for one that is due then. */
async function comeTo(app: Application, clock: HandClock, at: string): Promise<void> {
  const due = Date.parse((await app.schedule('nightly')).next ?? '')
  expect(new Date(due).toISOString()).toBe(at)
  clock.pass(`${due - clock.now()}ms`)
  await until(app, null, async () => (await app.schedule('nightly')).last?.at === at)
}

test('it fires at its times by the clocks of its zone, and tells which time it was', async () => {
  const clock = new HandClock(new Date('2026-03-27T12:00:00Z'))
  const app = await openForTest(shop({ ...NIGHTLY, cron: '0 3 * * 1-5' }), { clock })
  expect(await dueAt(app, '2026-03-30T02:00:00.000Z')).toMatchObject({ state: 'active', last: null })
  clock.pass(`${61 * 3_600_000}ms`)
  expect(await fired(app)).toEqual([])
  await comeTo(app, clock, '2026-03-30T02:00:00.000Z')
  await app.settled('nightly@20260330T020000Z', Number.POSITIVE_INFINITY)
  expect(await dueAt(app, '2026-03-31T02:00:00.000Z')).toMatchObject({
    last: { at: '2026-03-30T02:00:00.000Z', run: 'nightly@20260330T020000Z', status: 'completed' },
  })
  expect(await app.run('nightly@20260330T020000Z')).toMatchObject({
    input: { day: '2026-03-30', at: '2026-03-30T02:00:00.000Z' },
    created: '2026-03-30T02:00:00.000Z',
  })
  expect(await fired(app)).toEqual(['nightly@20260330T020000Z'])
})

test.each([
  ['last', {}, ['nightly@20260102T030000Z'], { from: '2026-01-02T01:00:00.000Z', to: '2026-01-02T02:00:00.000Z' }],
  ['all', {}, ['nightly@20260102T010000Z', 'nightly@20260102T020000Z', 'nightly@20260102T030000Z'], null],
  [
    'all',
    { within: '2h' },
    ['nightly@20260102T020000Z', 'nightly@20260102T030000Z'],
    { from: '2026-01-02T01:00:00.000Z', to: '2026-01-02T01:00:00.000Z' },
  ],
  ['none', {}, [], { from: '2026-01-02T01:00:00.000Z', to: '2026-01-02T03:00:00.000Z' }],
] as const)('what was due while nothing ran: catchUp %s %o', async (catchUp, more, made, missed) => {
  const data = new MemoryData()
  const clock = new HandClock(new Date('2026-01-02T00:10:00Z'))
  const definition = shop({ ...HOURLY, overlap: 'allow', catchUp, ...more })
  const first = await openForTest(definition, { clock, store: memory(data) })
  await dueAt(first, '2026-01-02T01:00:00.000Z')
  await first.close()
  clock.pass('200m')
  const second = await openForTest(definition, { clock, store: memory(data) })
  expect(await dueAt(second, '2026-01-02T04:00:00.000Z')).toMatchObject({ missed })
  await until(second, null, async () => (await fired(second)).length === made.length)
  expect(await fired(second)).toEqual(made)
})

test('with catchUp none, what is late by a restart of seconds is not lost', async () => {
  const data = new MemoryData()
  const clock = new HandClock(new Date('2026-01-02T00:59:50Z'))
  const definition = shop({ ...HOURLY, catchUp: 'none' })
  const first = await openForTest(definition, { clock, store: memory(data) })
  await dueAt(first, '2026-01-02T01:00:00.000Z')
  await first.close()
  clock.pass('40s')
  const second = await openForTest(definition, { clock, store: memory(data) })
  await dueAt(second, '2026-01-02T02:00:00.000Z')
  await until(second, null, async () => (await fired(second)).length > 0)
  expect(await fired(second)).toEqual(['nightly@20260102T010000Z'])
})

test('a year without anybody and a schedule of every second: the latest is made up for, at once', async () => {
  const data = new MemoryData()
  const clock = new HandClock(new Date('2026-01-01T00:00:00Z'))
  const definition = shop({ every: '1s', call })
  const first = await openForTest(definition, { clock, store: memory(data) })
  await dueAt(first, '2026-01-01T00:00:01.000Z')
  await first.close()
  clock.pass('365d')
  const second = await openForTest(definition, { clock, store: memory(data) })
  await dueAt(second, '2027-01-01T00:00:01.000Z')
  await until(second, null, async () => (await fired(second)).length > 0)
  expect(await fired(second)).toEqual(['nightly@20270101T000000Z'])
})

test('while the run before is under way, a time is left out and told, or started beside', async () => {
  const options = { ...HOURLY, call: ({ at }: { at: string }) => slow(at) }
  const clock = new HandClock(new Date('2026-01-02T00:10:00Z'))
  const log = keptLog()
  const app = await openForTest(shop(options), { clock, log })
  await dueAt(app, '2026-01-02T01:00:00.000Z')
  await comeTo(app, clock, '2026-01-02T01:00:00.000Z')
  await dueAt(app, '2026-01-02T02:00:00.000Z')
  clock.pass('1h')
  await dueAt(app, '2026-01-02T03:00:00.000Z')
  const run = 'nightly@20260102T010000Z'
  const skipped = { at: '2026-01-02T02:00:00.000Z', run, count: 1 }
  await until(app, null, async () => (await app.schedule('nightly')).skipped !== null)
  expect(await app.schedule('nightly')).toMatchObject({ skipped, last: { run, status: 'running' } })
  expect(log.lines).toContain(
    `warn @schedule:nightly @schedule: The schedule "nightly" leaves out 2026-01-02T02:00:00.000Z: the run "${run}" is still under way`,
  )
  await app.signal(run, Done(null))
  await app.settled(run, Number.POSITIVE_INFINITY)
  await comeTo(app, clock, '2026-01-02T03:00:00.000Z')
  expect(await fired(app)).toEqual([run, 'nightly@20260102T030000Z'])

  const beside = await openForTest(shop({ ...options, overlap: 'allow' }), { clock })
  for (const at of ['04', '05']) {
    await dueAt(beside, `2026-01-02T${at}:00:00.000Z`)
    await comeTo(beside, clock, `2026-01-02T${at}:00:00.000Z`)
  }
  expect(await fired(beside)).toEqual(['nightly@20260102T040000Z', 'nightly@20260102T050000Z'])
})

test('a person pauses it, by name, over a restart; what was due meanwhile is not made up for', async () => {
  const data = new MemoryData()
  const clock = new HandClock(new Date('2026-01-02T00:10:00Z'))
  const first = await openForTest(shop(HOURLY), { clock, store: memory(data) })
  await dueAt(first, '2026-01-02T01:00:00.000Z')
  expect(await first.pause('nightly', { by: 'ana', why: 'the bank is closed' })).toEqual({
    schedule: 'nightly',
    action: 'pause',
  })
  const paused = { by: 'ana', why: 'the bank is closed', at: '2026-01-02T00:10:00.000Z' }
  expect(await dueAt(first, null)).toMatchObject({ state: 'paused', paused })
  await first.close()
  clock.pass('3h')
  const second = await openForTest(shop(HOURLY), { clock, store: memory(data) })
  await second.pause('nightly')
  clock.pass('1h')
  await second.resume('nightly', { by: 'ana' })
  expect(await dueAt(second, '2026-01-02T05:00:00.000Z')).toMatchObject({ state: 'active', paused: null })
  await comeTo(second, clock, '2026-01-02T05:00:00.000Z')
  expect(await fired(second)).toEqual(['nightly@20260102T050000Z'])
})

test('another cron: what was due by the old one is made up for, the new one counts from then on', async () => {
  const data = new MemoryData()
  const clock = new HandClock(new Date('2026-01-02T00:10:00Z'))
  const first = await openForTest(shop({ ...HOURLY, cron: '0 3 * * *' }), { clock, store: memory(data) })
  await dueAt(first, '2026-01-02T03:00:00.000Z')
  await first.close()
  clock.pass('4h')
  // By the new one it was due at 4, when nobody had said so yet.
  const second = await openForTest(shop({ ...HOURLY, cron: '0 4 * * *' }), { clock, store: memory(data) })
  await dueAt(second, '2026-01-03T04:00:00.000Z')
  await until(second, null, async () => (await fired(second)).length > 0)
  clock.pass('23h')
  await until(second, null, async () => (await fired(second)).length === 1)
  expect(await fired(second)).toEqual(['nightly@20260102T030000Z'])
  await comeTo(second, clock, '2026-01-03T04:00:00.000Z')
  expect(await fired(second)).toEqual(['nightly@20260102T030000Z', 'nightly@20260103T040000Z'])
})

test('one that is taken out of the code fires no more; back again it begins anew; another name is another schedule', async () => {
  const data = new MemoryData()
  const clock = new HandClock(new Date('2026-01-02T00:10:00Z'))
  const open = (definition = bare) => openForTest(definition, { clock, store: memory(data) })
  const first = await open(shop(HOURLY))
  await dueAt(first, '2026-01-02T01:00:00.000Z')
  await first.close()
  const without = await open()
  expect(await without.schedules()).toEqual([])
  await expect(without.pause('nightly')).rejects.toThrow('There is no schedule "nightly" here.')
  clock.pass('5h')
  await until(without, null, async () => (await without.run('@schedule:nightly'))?.waits[0]?.until === null)
  expect(await fired(without)).toEqual([])
  await without.close()
  const renamed = await open(shop(HOURLY, 'hourly'))
  await dueAt(renamed, '2026-01-02T06:00:00.000Z', 'hourly')
  await renamed.close()
  const again = await open(shop(HOURLY))
  expect(await dueAt(again, '2026-01-02T06:00:00.000Z')).toMatchObject({ missed: null })
  await comeTo(again, clock, '2026-01-02T06:00:00.000Z')
  expect(await fired(again)).toEqual(['nightly@20260102T060000Z'])
})

test('a call that throws parks the schedule; it is tried with the code of the next process, and the same time is fired', async () => {
  const data = new MemoryData()
  const clock = new HandClock(new Date('2026-01-02T00:10:00Z'))
  const broken = shop({
    ...HOURLY,
    call: () => {
      throw new Error('no such day')
    },
  })
  const first = await openForTest(broken, { clock, store: memory(data) })
  await dueAt(first, '2026-01-02T01:00:00.000Z')
  clock.pass('1h')
  await until(first, null, async () => (await first.schedule('nightly')).state === 'stuck')
  const run = await first.run('@schedule:nightly')
  expect(run?.waits).toMatchObject([{ op: 'judge#0', attempt: { error: { message: 'no such day' } } }])
  expect(run?.choices.map(({ action }) => action)).toEqual(['retry', 'answer', 'fail'])
  await first.close()
  const log = keptLog()
  const still = await openForTest(broken, { clock, store: memory(data), log })
  const said = 'error The run "@schedule:nightly" is stuck (call, judge#0): no such day'
  await until(still, null, async () => log.lines.includes(said))
  await still.close()
  const second = await openForTest(shop(HOURLY), { clock, store: memory(data) })
  await until(second, null, async () => (await second.schedule('nightly')).last !== null)
  expect(await fired(second)).toEqual(['nightly@20260102T010000Z'])
})

test('a person lets such a time go by: the schedule goes on with the next', async () => {
  const clock = new HandClock(new Date('2026-01-02T00:10:00Z'))
  const definition = shop({
    ...HOURLY,
    call: ({ at, day }) => reconcile({ day, at: at.includes('T01') ? (1 as never) : at }),
  })
  const app = await openForTest(definition, { clock })
  await dueAt(app, '2026-01-02T01:00:00.000Z')
  clock.pass('1h')
  await until(app, null, async () => (await app.schedule('nightly')).state === 'stuck')
  await app.fail('@schedule:nightly', { op: 'judge#0', error: { message: 'not this one' } })
  await until(app, null, async () => (await app.schedule('nightly')).state === 'active')
  await comeTo(app, clock, '2026-01-02T02:00:00.000Z')
  expect(await fired(app)).toEqual(['nightly@20260102T020000Z'])
})

test('a person answers in the place of a step with something else: nothing is started, and the schedule goes on', async () => {
  const clock = new HandClock(new Date('2026-01-02T00:10:00Z'))
  let isBroken = true
  const definition = shop({
    ...HOURLY,
    call: ({ at, day }) => {
      if (isBroken) throw new Error('not yet')
      return reconcile({ at, day })
    },
  })
  const app = await openForTest(definition, { clock })
  await dueAt(app, '2026-01-02T01:00:00.000Z')
  clock.pass('1h')
  await until(app, null, async () => (await app.schedule('nightly')).state === 'stuck')
  await app.answer('@schedule:nightly', { op: 'judge#0', value: 7 })
  await until(app, null, async () => (await app.run('@schedule:nightly'))?.waits[0]?.attempt?.error !== undefined)
  await app.answer('@schedule:nightly', { op: 'start#0', value: null })
  await dueAt(app, '2026-01-02T02:00:00.000Z')
  isBroken = false
  await comeTo(app, clock, '2026-01-02T02:00:00.000Z')
  expect(await fired(app)).toEqual(['nightly@20260102T020000Z'])
})

test('fired by hand: now, or for a time, whose run there is once', async () => {
  const clock = new HandClock(new Date('2026-01-02T00:59:00Z'))
  const app = await openForTest(shop(HOURLY), { clock })
  await dueAt(app, '2026-01-02T01:00:00.000Z')
  const early = { id: 'nightly@20260102T010000Z', created: true }
  expect(await app.trigger('nightly', { at: '2026-01-02T01:00:00Z', by: 'ana' })).toEqual(early)
  expect(await app.trigger('nightly')).toEqual({ id: 'nightly@20260102T005900Z', created: true })
  await comeTo(app, clock, '2026-01-02T01:00:00.000Z')
  expect(await app.trigger('nightly')).toEqual({ ...early, created: false })
  expect(await fired(app)).toEqual([early.id, 'nightly@20260102T005900Z'])
})

test('fired by hand for a time that has not come yet: it is not fired again when it comes', async () => {
  const clock = new HandClock(new Date('2026-01-02T00:10:00Z'))
  const app = await openForTest(shop(HOURLY), { clock })
  await dueAt(app, '2026-01-02T01:00:00.000Z')
  const { id } = await app.trigger('nightly', { at: '2026-01-02T01:00:00Z' })
  await app.settled(id, Number.POSITIVE_INFINITY)
  await comeTo(app, clock, '2026-01-02T01:00:00.000Z')
  await dueAt(app, '2026-01-02T02:00:00.000Z')
  expect(await fired(app)).toEqual(['nightly@20260102T010000Z'])
})

test('a clock that was ahead and is set back: the schedule goes by the clock, and nothing is fired twice', async () => {
  const clock = new SteppedClock(Date.parse('2026-01-02T00:10:00Z'))
  const app = await openForTest(shop(HOURLY), { clock })
  await dueAt(app, '2026-01-02T01:00:00.000Z')
  clock.set(clock.now() + 86_400_000)
  clock.pass(11_000)
  await dueAt(app, '2026-01-03T01:00:00.000Z')
  clock.set(clock.now() - 86_400_000)
  clock.pass(120_000)
  await dueAt(app, '2026-01-02T01:00:00.000Z')
  clock.pass(3_600_000)
  await until(app, null, async () => (await fired(app)).includes('nightly@20260102T010000Z'))
  expect(await fired(app)).toEqual(['nightly@20260103T000000Z', 'nightly@20260102T010000Z'])
})

test('a schedule is not cancelled, not started by hand, and is in the way of no name of the application', async () => {
  const clock = new HandClock(new Date('2026-01-02T00:10:00Z'))
  const app = await openForTest(shop(HOURLY), { clock })
  await dueAt(app, '2026-01-02T01:00:00.000Z')
  await expect(app.cancel('@schedule:nightly')).rejects.toThrow('cannot be given "cancel": it is a schedule: pause it')
  const all = await app.actOnAll({ action: 'cancel' })
  expect(all).toMatchObject({ matched: 1, changed: 0, refused: [{ id: '@schedule:nightly', code: 'ACTION_REFUSED' }] })
  await expect(app.startNamed({ call: '@schedule', input: { schedule: 'x' } })).rejects.toThrow('@schedule')
  // It would never begin, when it comes into the code.
  await expect(app.start(slow('x'), { id: '@schedule:weekly' })).rejects.toThrow('schedules have such ids')
  await comeTo(app, clock, '2026-01-02T01:00:00.000Z')
})

test('one whose run was ended by a version without schedules says so, once, and is not shown as if it would fire', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-schedules-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  const file = join(folder, 'test.db')
  const clock = new HandClock(new Date('2026-01-02T00:10:00Z'))
  const before = await openForTest(shop(HOURLY), { clock, store: `file:${file}` })
  await dueAt(before, '2026-01-02T01:00:00.000Z')
  await before.close()
  const database = new DatabaseSync(file)
  database.prepare(`UPDATE runs SET status = 'failed', ended = created WHERE id = '@schedule:nightly'`).run()
  database.close()

  const { promise: said, resolve: saying } = Promise.withResolvers<void>()
  const kept = keptLog()
  const error = (message: string): void => {
    kept.error(message)
    saying()
  }
  const app = await openForTest(shop(HOURLY), { clock, store: `file:${file}`, log: { ...kept, error } })
  await said
  clock.pass('3m')
  await app.trigger('nightly')
  expect(kept.lines.filter((line) => /schedule "nightly" (?:is|fires)/.test(line))).toEqual([
    expect.stringContaining('The schedule "nightly" fires no more: The run "@schedule:nightly" has ended (failed).'),
  ])
  expect(await app.schedule('nightly')).toMatchObject({ state: 'ended', next: null })
})

test('whoever sends a signal to its run says who and why, as at its own doors', async () => {
  const clock = new HandClock(new Date('2026-01-02T00:10:00Z'))
  const app = await openForTest(shop(HOURLY), { clock })
  await dueAt(app, '2026-01-02T01:00:00.000Z')
  const run = '@schedule:nightly'
  const more = { by: 'ana', why: '', more: 'x'.repeat(10_000) }
  for (const data of [null, 'ana', { by: 5, why: '' }, { by: 'ana' }, { by: 'a'.repeat(257), why: '' }, more])
    await expect(app.signalNamed({ run, name: 'pause', data })).rejects.toThrow('pause')
  await app.signalNamed({ run, name: 'look', data: more })
  expect(await dueAt(app, '2026-01-02T01:00:00.000Z')).toMatchObject({ state: 'active', paused: null })
  await app.signalNamed({ run, name: 'pause', data: { by: 'ana', why: 'closed' } })
  expect(await dueAt(app, null)).toMatchObject({ state: 'paused', paused: { by: 'ana', why: 'closed' } })
})

// Very many runs that are due in one instant: each goes on once, and only so many are brought back from the disk together.
// test/alarms holds the same with a hundred thousand, measured.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest } from '../../test/support/applications.ts'
import { guarded } from '../../test/support/stores.ts'
import type { Clock } from '../core/clock.ts'
import type { Store } from '../core/store.ts'
import { ballet, sqlite, workflow, type Application } from '../index.ts'
import { systemClock } from './clock.ts'

const CROWD = 3000
const folder = mkdtempSync(join(tmpdir(), 'ballet-crowd-'))
afterAll(() => rmSync(folder, { recursive: true }))

function setUp(name: string) {
  let aheadMs = 0
  const clock: Clock = {
    now: () => systemClock.now() + aheadMs,
    after: (delayMs, callback) => systemClock.after(Math.min(delayMs, 25), callback),
  }
  const begun: string[] = []
  const all = Promise.withResolvers<void>()
  const went = (id: string): void => {
    if (begun.push(id) === CROWD) all.resolve()
  }
  const asleep = new Set<string>()
  const allSleep = Promise.withResolvers<void>()
  const sleeper = workflow('sleeper', { input: z.number(), output: z.null() }, async (run, due) => {
    if (asleep.add(run.id).size === CROWD) allSleep.resolve()
    await run.sleep(`${due - run.now().getTime()}ms`)
    went(run.id)
    return null
  })
  const later = workflow('later', { input: z.number(), output: z.null() }, async (run) => {
    went(run.id)
    return null
  })
  let together = 0
  let most = 0
  const store = (): Store =>
    guarded(sqlite({ file: join(folder, `${name}.db`) }), 'journal', async (pass) => {
      most = Math.max(most, ++together)
      const rows = await pass()
      together -= 1
      return rows
    })
  const due = clock.now() + 3_600_000
  return {
    clock,
    begun,
    store,
    due,
    sleeper,
    later,
    all: all.promise,
    allSleep: allSleep.promise,
    definition: ballet({ services: [], workflows: [sleeper, later] }),
    ahead: (ms: number): void => void (aheadMs += ms),
    mostTogether: () => most,
  }
}

const startAll = async (start: (n: number) => ReturnType<Application['start']>): Promise<void> => {
  for (let from = 0; from < CROWD; from += 500)
    await Promise.all(Array.from({ length: 500 }, (_, index) => start(from + index)))
}

const patient = { queueMs: 600_000 }

test('F17: runs that sleep on the disk until one instant: they go on once each, a few hundred at a time', async () => {
  const { clock, begun, store, due, sleeper, all, allSleep, definition, ahead, mostTogether } = setUp('parked')
  const app = await openForTest(definition, { store: store(), clock, liveRuns: 10, limits: patient })
  await startAll((n) => app.start(sleeper(due), { id: `s${n}` }))
  // Whoever begins when the time has come already has nothing to sleep.
  await allSleep
  expect(begun).toEqual([])
  ahead(3_600_001)
  await all
  for (const n of [0, CROWD - 1]) expect(await app.result(`s${n}`)).toBeNull()
  expect([begun.length, new Set(begun).size]).toEqual([CROWD, CROWD])
  expect(mostTogether()).toBeGreaterThan(1)
  expect(mostTogether()).toBeLessThanOrEqual(256)
})

test('F17: runs that are to begin at one instant, which passes while all is closed: they begin once each', async () => {
  const { clock, begun, store, due, later, all, definition, ahead, mostTogether } = setUp('scheduled')
  const before = await openForTest(definition, { store: store(), clock, liveRuns: 10, limits: patient })
  await startAll((n) => before.start(later(n), { id: `l${n}`, at: due }))
  await before.close()
  ahead(3_600_001)
  const app = await openForTest(definition, { store: store(), clock, liveRuns: 10, limits: patient })
  await all
  for (const n of [0, CROWD - 1]) expect(await app.result(`l${n}`)).toBeNull()
  expect([begun.length, new Set(begun).size]).toEqual([CROWD, CROWD])
  expect(mostTogether()).toBeLessThanOrEqual(256)
})

// What is erased by a clock that is wrong does not come back when it is set right: retention goes by a clock that is ahead
// only when it has been so for a while. And it does go on, however long a machine slept.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { live, rounds } from '../../test/support/sweeps.ts'
import type { Clock } from '../core/clock.ts'
import { ballet, event, workflow, type Application } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const YEAR_MS = 365 * 86_400_000
const HOURS = 3600
const Told = event('told', z.object({ id: z.string() }), { key: 'id' })
const pay = workflow('pay', { input: z.null(), output: z.string() }, async () => 'paid')
const definition = ballet({ services: [], workflows: [pay], events: [Told] })

/** A clock that may be set, over time that passes. */
function machine() {
  const passing = new SteppedClock()
  const clock = {
    offsetMs: 0,
    now: () => passing.now() + clock.offsetMs,
    elapsed: () => passing.now(),
    after: (delayMs: number, ring: () => void) => passing.after(delayMs, ring),
  }
  const data = new MemoryData()
  const retention = { runs: '30d', dedupe: '60d' } as const
  const begin = (): Promise<Application> => openForTest(definition, { store: memory(data), clock, retention })
  return { passing, clock: clock as Clock & { offsetMs: number }, data, begin }
}

/** Hours of sweeps, one every ten minutes. */
async function hours(passing: SteppedClock, count: number): Promise<void> {
  for (let sweeps = 0; sweeps < count * 6; sweeps++) {
    passing.pass((HOURS * 1000) / 6 - 4000)
    await live(passing, 4)
  }
}

async function paid(app: Application): Promise<void> {
  await app.start(pay(null), { id: 'order' })
  expect(await app.result('order')).toBe('paid')
  await app.publish(Told({ id: 'order' }), { id: 'e', source: 'web' })
  await rounds()
}

const isThere = (app: Application): Promise<boolean> =>
  app.run('order').then(
    (run) => run !== null,
    () => false,
  )

test('a clock that is two years ahead for hours erases nothing and frees no name', async () => {
  const { passing, clock, data, begin } = machine()
  const app = await begin()
  await paid(app)
  await hours(passing, 1)
  clock.offsetMs = 2 * YEAR_MS
  await hours(passing, 1)
  await app.start(pay(null), { id: 'from-the-future' })
  await app.result('from-the-future')
  await hours(passing, 3)
  clock.offsetMs = 0
  await hours(passing, 30)
  expect([await isThere(app), data.events.length]).toEqual([true, 1])
  expect(await app.start(pay(null), { id: 'order' })).toEqual({ id: 'order', created: false })
})

test('a process that begins by such a clock erases nothing and frees no name either', async () => {
  const { passing, clock, data, begin } = machine()
  let app = await begin()
  await paid(app)
  await app.close()
  clock.offsetMs = 2 * YEAR_MS
  app = await begin()
  await hours(passing, 4)
  clock.offsetMs = 0
  await hours(passing, 30)
  expect([await isThere(app), data.events.length]).toEqual([true, 1])
  expect(await app.start(pay(null), { id: 'order' })).toEqual({ id: 'order', created: false })
})

test('what has passed while no process was there, or while it slept, counts after a day', async () => {
  const { passing, clock, data, begin } = machine()
  let app = await begin()
  await paid(app)
  await app.close()
  clock.offsetMs = YEAR_MS / 10
  app = await begin()
  await hours(passing, 12)
  expect(await isThere(app)).toBe(true)
  await hours(passing, 13)
  expect([await isThere(app), data.events.length]).toEqual([false, 0])
  expect(await app.start(pay(null), { id: 'order' })).toEqual({ id: 'order', created: false })
  clock.offsetMs += YEAR_MS
  await hours(passing, 50)
  expect(await app.start(pay(null), { id: 'order' })).toEqual({ id: 'order', created: true })
})

test('what came last before a process began tells it at once how late it is', async () => {
  for (const last of ['a run', 'an event']) {
    const { passing, clock, begin } = machine()
    let app = await begin()
    await paid(app)
    clock.offsetMs = YEAR_MS / 10
    if (last === 'a run') await app.start(pay(null), { id: 'later' })
    else await app.publish(Told({ id: 'later' }))
    await rounds()
    await app.close()
    app = await begin()
    await hours(passing, 1)
    expect([last, await isThere(app)]).toEqual([last, false])
  }
})

test('a clock that was ahead for days, and is set right, is believed at once', async () => {
  const { passing, clock, begin } = machine()
  clock.offsetMs = YEAR_MS
  const app = await begin()
  await hours(passing, 50)
  clock.offsetMs = 0
  await paid(app)
  await hours(passing, 1)
  expect(await isThere(app)).toBe(true)
})

// The clock of the machine is set while runs sleep, in stores that are real: forward by a year, back by an hour, also
// while the application is closed. Nothing wakes before its time, nothing that is due stays asleep.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterAll, describe, expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest, until } from '../../test/support/applications.ts'
import type { Clock } from '../core/clock.ts'
import { ballet, memory, sqlite, workflow } from '../index.ts'
import type { Store } from '../core/store.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { systemClock } from './clock.ts'

const HOUR_MS = 3_600_000
/** How often the engine looks at the clock at least (wall-time.ts). */
const LOOK_MS = 10_000
const YEAR_MS = 365 * 24 * HOUR_MS
const folder = mkdtempSync(join(tmpdir(), 'ballet-clock-'))
afterAll(() => rmSync(folder, { recursive: true }))

const data = new MemoryData()
const stores: readonly (readonly [string, () => Store])[] = [
  ['memory', () => memory(data)],
  ['sqlite', () => sqlite({ file: join(folder, 'clock.db') })],
]

/**
 * A clock that is set by the test, and looked at often.
 * @param longestMs what waits for longer waits for time that passes.
 */
function setClock(longestMs = Infinity): Clock & { offsetMs: number } {
  const clock = {
    offsetMs: 0,
    now: () => systemClock.now() + clock.offsetMs,
    after: (delayMs: number, callback: () => void) =>
      systemClock.after(delayMs > longestMs ? delayMs : Math.min(delayMs, 25), callback),
  }
  return clock
}

describe.each(stores)('runs that sleep (%s)', (_, store) => {
  test('F11: far timers, and a clock that is set forward by a year: what is due by then wakes, the rest sleeps on', async () => {
    const clock = setClock()
    const woken: { readonly days: number; readonly early: boolean }[] = []
    const sleeper = workflow('sleeper', { input: z.number(), output: z.json() }, async (run, days) => {
      const due = run.now().getTime() + days * 24 * HOUR_MS
      await run.sleep(`${days}d`)
      woken.push({ days, early: clock.now() < due })
      return run.now().getTime() - due
    })
    const definition = ballet({ services: [], workflows: [sleeper] })
    let app = await openForTest(definition, { store: store(), clock, liveRuns: 2 })
    // Past what setTimeout can wait for (24.8 days), and as far as a time may be.
    for (const days of [1, 24, 25, 26, 364, 36_500]) await app.start(sleeper(days), { id: `d${days}` })
    clock.offsetMs += 24.5 * 24 * HOUR_MS
    await until(app, null, async () => woken.length === 2)
    await app.close()
    app = await openForTest(definition, { store: store(), clock, liveRuns: 2 })
    clock.offsetMs += YEAR_MS
    for (const days of [25, 26, 364]) expect(await app.result(`d${days}`)).toBeGreaterThanOrEqual(0)
    await app.close()
    clock.offsetMs += 30 * YEAR_MS
    app = await openForTest(definition, { store: store(), clock, liveRuns: 2 })
    expect(await app.run('d36500')).toMatchObject({ status: 'running' })
    expect(woken.map(({ days }) => days)).toEqual([1, 24, 25, 26, 364])
    clock.offsetMs += 70 * YEAR_MS
    expect(await app.result('d36500')).toBeGreaterThanOrEqual(0)
    expect(woken.filter(({ early }) => early)).toEqual([])
  })

  test('F11: a clock that is set back by an hour: nothing wakes early, also over a restart', async () => {
    const clock = setClock(LOOK_MS)
    clock.offsetMs = 200 * YEAR_MS
    const early: number[] = []
    const nap = workflow('nap', { input: z.number(), output: z.json() }, async (run, minutes) => {
      const before = run.now().getTime()
      await run.sleep(`${minutes}m`)
      if (clock.now() < before + minutes * 60_000) early.push(minutes)
      return run.now().getTime() - before
    })
    const quick = workflow('quick', { input: z.null(), output: z.json() }, async (run) => run.now().getTime())
    const definition = ballet({ services: [], workflows: [nap, quick] })
    let app = await openForTest(definition, { store: store(), clock })
    await app.start(nap(30), { id: 'before' })
    const noon = await app.start(quick(null), { id: 'noon' }).then(() => app.result('noon'))
    clock.offsetMs -= HOUR_MS
    await app.start(nap(1), { id: 'after' })
    // What does not wait goes on as ever, and time in the journal does not go back.
    expect(await app.start(quick(null), { id: 'later' }).then(() => app.result('later'))).toBeGreaterThanOrEqual(
      Number(noon),
    )
    await app.close()
    app = await openForTest(definition, { store: store(), clock })
    clock.offsetMs += 58 * 60_000
    expect(await app.start(quick(null), { id: 'still' }).then(() => app.result('still'))).toBeGreaterThanOrEqual(
      Number(noon),
    )
    for (const id of ['before', 'after']) expect(await app.run(id)).toMatchObject({ status: 'running' })
    clock.offsetMs += 4 * 60_000
    expect(await app.result('after')).toBeGreaterThanOrEqual(60_000)
    expect(await app.run('before')).toMatchObject({ status: 'running' })
    clock.offsetMs += 30 * 60_000
    expect(await app.result('before')).toBeGreaterThanOrEqual(30 * 60_000)
    expect(early).toEqual([])
  })
})

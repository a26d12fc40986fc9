// A schedule that somebody pauses: what came due meanwhile is not made up for, and what had come due by then is not lost in silence.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest, until } from '../../test/support/applications.ts'
import { ballet, schedule, workflow, type Application } from '../index.ts'
import { HandClock } from '../testing/hand-clock.ts'

const work = workflow('work', { input: z.null(), output: z.null() }, () => Promise.resolve(null))
const definition = ballet({
  services: [],
  workflows: [work],
  schedules: [schedule('hourly', { cron: '@hourly', overlap: 'allow', catchUp: 'all', call: () => work(null) })],
})

const fired = async (app: Application): Promise<readonly string[]> =>
  (await app.runs({ name: 'work' })).items.map(({ id }) => id).toSorted()

/** The schedule, once it waits for this time. */
const dueAt = (app: Application, next: string | null) =>
  until(app, null, async () => {
    const run = await app.run('@schedule:hourly')
    const isWaiting = run?.waits.some(({ kind }) => kind === 'receive') === true
    return isWaiting && (run.state as { next: unknown }).next === next && app.schedule('hourly')
  })

test('what came due while it was paused is not made up for, where nothing looked at it meanwhile', async () => {
  const clock = new HandClock(new Date('2026-01-02T00:10:00Z'))
  const app = await openForTest(definition, { clock })
  await dueAt(app, '2026-01-02T01:00:00.000Z')
  await app.pause('hourly')
  await dueAt(app, null)
  clock.pass('3h')
  await app.resume('hourly')
  expect(await dueAt(app, '2026-01-02T04:00:00.000Z')).toMatchObject({ state: 'active', last: null, missed: null })
  clock.pass('50m')
  await dueAt(app, '2026-01-02T05:00:00.000Z')
  expect(await fired(app)).toEqual(['hourly@20260102T040000Z'])
})

test('what had come due when it was paused, and was not fired yet, is missed; paused once more, nothing else is', async () => {
  const clock = new HandClock(new Date('2026-01-02T00:10:00Z'))
  const app = await openForTest(definition, { clock })
  await dueAt(app, '2026-01-02T01:00:00.000Z')
  const pausing = app.pause('hourly')
  clock.pass('2h')
  await pausing
  const missed = { from: '2026-01-02T01:00:00.000Z', to: '2026-01-02T02:00:00.000Z' }
  expect(await dueAt(app, null)).toMatchObject({ state: 'paused', missed })
  clock.pass('3h')
  await app.pause('hourly', { by: 'ana' })
  await until(app, null, async () => (await app.schedule('hourly')).paused?.by === 'ana')
  expect(await dueAt(app, null)).toMatchObject({ state: 'paused', missed })
  await app.resume('hourly')
  expect(await dueAt(app, '2026-01-02T06:00:00.000Z')).toMatchObject({ state: 'active', missed })
  expect(await fired(app)).toEqual([])
})

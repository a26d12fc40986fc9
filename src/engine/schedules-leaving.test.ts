// A process that ends, or hands a shard on, while a schedule of it fires: nobody waits for that, and the next one makes the firing.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest, until } from '../../test/support/applications.ts'
import { guarded } from '../../test/support/stores.ts'
import { ballet, schedule, signal, workflow, type Application } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'
import { HandClock } from '../testing/hand-clock.ts'

const Done = signal('done', z.null())
const slow = workflow('slow', { input: z.string(), output: z.string(), signals: [Done] }, async (run, at) => {
  await run.receive(Done)
  return at
})
const definition = ballet({
  services: [],
  workflows: [slow],
  schedules: [schedule('hourly', { cron: '@hourly', call: ({ at }) => slow(at) })],
})

/** Once it waits for its next time. */
const waiting = (app: Application) =>
  until(
    app,
    null,
    async () => (await app.run('@schedule:hourly'))?.waits.some(({ kind }) => kind === 'receive') === true,
  )

test('who ends while a schedule fires does not wait for that: the next process makes the firing', async () => {
  const data = new MemoryData()
  const clock = new HandClock(new Date('2026-03-02T02:30:00Z'))
  const firing = gate()
  let isHeld = false
  // Whether the run before is still under way is not answered any more.
  const store = guarded(memory(data), 'claims', async (pass, ...[, , , ids]) => {
    if (!isHeld || !ids.includes('hourly@20260302T030000Z')) return pass()
    firing.open()
    return new Promise<never>(() => {})
  })
  const first = await openForTest(definition, { store, clock, graceMs: 60_000 })
  await waiting(first)
  clock.pass('30m')
  await until(first, null, async () => (await first.schedule('hourly')).last?.at === '2026-03-02T03:00:00.000Z')
  await waiting(first)
  isHeld = true
  clock.pass('1h')
  await firing.promise
  // Time does not pass: its grace would never be over.
  await first.close()
  const second = await openForTest(definition, { store: memory(data), clock })
  const at = '2026-03-02T04:00:00.000Z'
  const skipped = { at, run: 'hourly@20260302T030000Z', count: 1 }
  expect(await until(second, null, async () => (await second.schedule('hourly')).skipped ?? undefined)).toEqual(skipped)
})

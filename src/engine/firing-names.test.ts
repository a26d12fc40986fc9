// A firing that is made once more, long after it was made: its name is not free while the schedule has not come past its time, though
// names are free soon, and what it began was forgotten meanwhile.
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { keptLog, openForTest } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { guarded } from '../../test/support/stores.ts'
import { live } from '../../test/support/sweeps.ts'
import { ballet, schedule, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'
import { openOn } from './open.ts'

const SHORT = { runs: '2s', dedupe: '3s' } as const
const FIRST = 'often@20260102T000010Z'

const work = workflow('work', { input: z.null(), output: z.null() }, () => Promise.resolve(null))
const definition = ballet({
  services: [],
  workflows: [work],
  schedules: [schedule('often', { every: '10s', call: () => work(null) })],
})

test('processes died while a schedule waited to hear of its firing, and it is let go on only later: there is no second run', async () => {
  const data = new MemoryData()
  const clock = new SteppedClock(Date.UTC(2026, 0, 2))
  const dead = Promise.withResolvers<never>()
  dead.promise.catch(() => {})
  let begun = 0
  /** Whoever writes that the firing was made dies of it. */
  const deadly = guarded(memory(data), 'commit', async (pass, { journal, runs }) => {
    if (journal.some(({ data: text }) => String(text).startsWith('{"kind":"done","op":"start#0"'))) return dead.promise
    begun += runs.filter(({ id }) => id === FIRST).length
    return pass()
  })
  for (let process = 1; process <= 3; process++) {
    const opening = openOn(definition, deadly, { clock, retention: SHORT, log: keptLog(), graceMs: 0 })
    opening.catch(() => {})
    onTestFinished(async () => (await opening).close())
    await live(clock, 11)
  }
  // First of all when this is over: they wait for it.
  onTestFinished(() => dead.reject(new Error('dead')))
  expect(begun).toBe(1)
  await live(clock, 60)
  const watched = guarded(memory(data), 'commit', async (pass, { runs }) => {
    begun += runs.filter(({ id }) => id === FIRST).length
    return pass()
  })
  const app = await openForTest(definition, { store: watched, clock, retention: SHORT })
  await live(clock, 9)
  // What it began is forgotten by now, and its name would be free.
  await expect(app.run(FIRST)).rejects.toThrow('forgotten')
  await live(clock, 60)
  expect((await app.schedule('often')).last?.at).not.toBe('2026-01-02T00:00:10.000Z')
  expect(begun).toBe(1)
})

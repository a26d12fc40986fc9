// Timers of a run that continues: each generation names them alike, and none takes away what the next one set.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest, until } from '../../test/support/applications.ts'
import { ballet, memory, signal, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'

const Go = signal('go', z.null())

test('a timer that is set again by the next generation, in the same moment, stands in the store', async () => {
  const data = new MemoryData()
  const now = Date.now()
  const flow = workflow('flow', { input: z.number(), output: z.null(), signals: [Go] }, async (run, generation) => {
    const sleep = run.sleep('1h')
    if (generation > 0) return sleep.then(() => null)
    await run.step('once', () => null)
    return run.continueAs(1)
  })
  const clock = { now: () => now, after: () => () => {} }
  const app = await openForTest(ballet({ services: [], workflows: [flow] }), { store: memory(data), clock })
  await app.start(flow(0), { id: 'f' })
  await until(app, null, async () => {
    const run = await app.run('f')
    return run?.generation === 1 && run.waits.length > 0
  })
  expect([...data.timers.values()]).toMatchObject([{ op: 'sleep#0', due: now + 3_600_000 }])
})

// What waits for a run that may have ended the last process: it is brought back on trial, after a time or one after the
// other, and what comes meanwhile must neither be lost nor overtake what was there before.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { guarded } from '../../test/support/stores.ts'
import { fault } from '../core/errors.ts'
import type { Store } from '../core/store.ts'
import { ballet, choreography, event, seq, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const Fact = event('a.fact', z.object({ id: z.string() }), { key: 'id' })
const keyed = workflow('keyed', { input: z.object({ id: z.string() }), output: z.json(), key: 'id' }, async (run) => {
  return (await run.receive(Fact, { within: '5s' }))?.type ?? 'too late'
})
const facts = choreography('facts', { key: 'id' }, seq(Fact.as('told')))
const definition = ballet({ services: [], workflows: [keyed], events: [Fact], choreographies: [facts] })

/** Opens the application as the next process: the one before it is forgotten, as if it had died. */
async function nextLife(data: MemoryData, store: Store = memory(data)) {
  const clock = new SteppedClock()
  return { clock, app: await openForTest(definition, { store, clock }) }
}

const rounds = async (count = 20): Promise<void> => {
  for (let round = 0; round < count; round++) await new Promise((resolve) => setImmediate(resolve))
}

test('F11: a time limit that comes while its run is suspected: it does not beat an event that was there before', async () => {
  const data = new MemoryData()
  const first = await nextLife(data)
  await first.app.start(keyed({ id: 'k' }))
  const [run = 0] = data.runs.keys()
  data.suspects.set(run, { run, what: 'turn 1', deaths: 1 })
  const { app, clock } = await nextLife(data)
  await app.publish(Fact({ id: 'k' }))
  clock.pass(6000)
  await rounds()
  // Now it is brought back, long after its time.
  clock.pass(5000)
  expect(await app.result('keyed:k')).toBe('a.fact')
})

test('F6: a read that fails while suspects are tried: whoever opens the application is told that', async () => {
  const data = new MemoryData()
  const first = await nextLife(data)
  for (const id of ['a', 'b']) await first.app.start(keyed({ id }))
  await nextLife(data)
  const store = guarded(memory(data), 'run', () => Promise.reject(fault('STORE_FAILED', { problem: 'a read failed' })))
  await expect(nextLife(data, store)).rejects.toMatchObject({ code: 'STORE_FAILED' })
})

test('F6: a commit that fails while it is looked who is suspected: whoever opens the application is told that', async () => {
  const data = new MemoryData()
  const first = await nextLife(data)
  await first.app.start(keyed({ id: 'k' }))
  const [run = 0] = data.runs.keys()
  data.suspects.set(run, { run, what: 'turn 1', deaths: 0 })
  // Its flow is written when it is opened again, in a commit that nobody waits for.
  await first.app.publish(Fact({ id: 'other' }))
  const failed = Promise.withResolvers<void>()
  const store = guarded(
    guarded(memory(data), 'commit', async () => {
      failed.resolve()
      throw fault('STORE_FAILED', { problem: 'a write failed' })
    }),
    'runs',
    async (pass) => {
      await failed.promise
      await rounds()
      return pass()
    },
  )
  await expect(nextLife(data, store)).rejects.toMatchObject({ code: 'STORE_FAILED' })
})

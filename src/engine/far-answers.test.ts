// How long what other nodes are answered is kept.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, open, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'
import { HandClock } from '../../test/support/clocks.ts'
import { live, rounds } from '../../test/support/sweeps.ts'
import { answersOf } from './far-answers.ts'

const quiet = { info: () => {}, warn: () => {}, error: () => {} }
const nothing = workflow('nothing', { input: z.null(), output: z.null() }, async () => null)

test('the answers of a minute are forgotten a minute later, however many they are', async () => {
  const clock = new HandClock()
  const store = memory(new MemoryData())
  const app = await open(ballet({ services: [], workflows: [nothing] }), { store, clock, log: quiet })
  const answers = async () => (await store.inboxIds(0, answersOf('default'), 10_000)).length
  const row = { ns: 'default', slot: 0, kind: 'act' as const, target: 'nobody' }
  const act = { action: 'cancel', run: 'nobody', request: {} }
  for (let asked = 0; asked < 1200; asked += 100) {
    const asks = Array.from({ length: 100 }, (_, n) => JSON.stringify({ act, ask: `ask-${asked + n}` }))
    await store.post(
      0,
      asks.map((data) => ({ ...row, data, at: clock.now() })),
    )
    await live(clock, 2)
  }
  expect(await answers()).toBe(1200)
  clock.pass(60_000)
  await rounds(50)
  expect(await answers()).toBe(0)
  await app.close()
})

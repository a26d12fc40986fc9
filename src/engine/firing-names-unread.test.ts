// What cannot be read of a schedule, by a codec of another key or because its row is damaged, keeps its names from being free, and stops
// nothing.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { keptLog, openForTest } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { guarded } from '../../test/support/stores.ts'
import { live } from '../../test/support/sweeps.ts'
import { fault } from '../core/errors.ts'
import type { Codec } from '../core/codec.ts'
import { ballet, schedule, workflow } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const work = workflow('work', { input: z.null(), output: z.null() }, () => Promise.resolve(null))
const definition = ballet({
  services: [],
  workflows: [work],
  schedules: [schedule('often', { every: '10s', call: () => work(null) })],
})

const codecOf = (key: string): Codec => ({
  encode: (text) => `${key} ${text}`,
  decode: (payload) => {
    if (!String(payload).startsWith(`${key} `)) throw new Error('there is no such key here')
    return String(payload).slice(key.length + 1)
  },
})

const retention = { runs: '2s', dedupe: '3s' } as const
const FIRST = 'often@20260102T000010Z'

/** A store on which a schedule has fired once. */
async function fired(clock: SteppedClock): Promise<MemoryData> {
  const data = new MemoryData()
  const app = await openForTest(definition, { store: memory(data), clock, retention, codec: codecOf('right') })
  await live(clock, 12)
  await app.close()
  return data
}

test('names of firings become due at a node that has another key', async () => {
  const clock = new SteppedClock(Date.UTC(2026, 0, 2))
  const data = await fired(clock)
  const log = keptLog()
  const app = await openForTest(definition, { store: memory(data), clock, retention, codec: codecOf('wrong'), log })
  await live(clock, 20)
  expect(log.lines.filter((line) => !line.includes('is stuck (unreadable)'))).toEqual([])
  expect(await app.start(work(null), { id: 'own' })).toMatchObject({ created: true })
  await expect(app.run(FIRST)).rejects.toThrow('forgotten')
})

test('names of firings become due where the row of their schedule is damaged: others are free all the same', async () => {
  const clock = new SteppedClock(Date.UTC(2026, 0, 2))
  const data = await fired(clock)
  const own = memory(data)
  const schedules = new Set<number>()
  const store = guarded(own, 'run', async (pass, shard, num) => {
    const row = await pass()
    if (row?.id.startsWith('@schedule:') !== true) return row
    schedules.add(num)
    throw fault('STORE_FAILED', { store: `shard ${shard}`, problem: 'its page is damaged' })
  })
  const log = keptLog()
  const app = await openForTest(definition, { store, clock, retention, codec: codecOf('right'), log })
  await app.start(work(null), { id: 'own' })
  await live(clock, 9)
  expect(schedules.size).toBe(1)
  expect(log.lines).toEqual([])
  expect(await app.run('own')).toBeNull()
  await expect(app.run(FIRST)).rejects.toThrow('forgotten')
})

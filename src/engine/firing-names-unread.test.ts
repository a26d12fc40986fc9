// What a node cannot read of a schedule, with a codec of another key, keeps its names from being free, and stops nothing.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { keptLog, openForTest } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { live } from '../../test/support/sweeps.ts'
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

test('names of firings become due at a node that has another key', async () => {
  const data = new MemoryData()
  const clock = new SteppedClock(Date.UTC(2026, 0, 2))
  const retention = { runs: '2s', dedupe: '3s' } as const
  const first = await openForTest(definition, { store: memory(data), clock, retention, codec: codecOf('right') })
  await live(clock, 12)
  await first.close()
  const log = keptLog()
  const app = await openForTest(definition, { store: memory(data), clock, retention, codec: codecOf('wrong'), log })
  await live(clock, 20)
  expect(log.lines.filter((line) => !line.includes('is stuck (unreadable)'))).toEqual([])
  expect(await app.start(work(null), { id: 'own' })).toMatchObject({ created: true })
})

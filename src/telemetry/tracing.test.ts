// What becomes of batches when more comes than can be told, or when the store does not answer: they are counted, nobody waits for
// them, and what comes later is told again.
import { expect, test } from 'vitest'
import { startCollector } from '../../test/support/collector.ts'
import { keptLog } from '../../test/support/applications.ts'
import { guarded } from '../../test/support/stores.ts'
import { plainCodec } from '../core/codec.ts'
import { fault } from '../core/errors.ts'
import type { EventRow, JournalRow, StoreReader } from '../core/store.ts'
import { systemClock, systemRandom } from '../engine/clock.ts'
import { memory } from '../stores/memory/memory-store.ts'
import { telemetryOf } from './telemetry.ts'
import type { Written } from './tracing.ts'

const event = (number: number): EventRow => ({
  pos: number,
  ns: 'default',
  type: 'order.placed',
  key: `orderId:${number}`,
  source: 'shop',
  id: String(number),
  data: '{}',
  root: `event:shop:${number}`,
  cause: null,
  published: true,
  at: 1_700_000_000_000,
})
const turn = (seq: number): JournalRow => ({ pos: seq, run: 1, seq, kind: 'turn', at: 1, data: '{}\n\n[]' })
const batch = (more: Partial<Written>): Written => ({
  shard: 0,
  runs: [],
  changes: [],
  journal: [],
  events: [],
  ...more,
})

async function tracingOver(reader: StoreReader) {
  const collector = await startCollector()
  const log = keptLog()
  const { tracing } = telemetryOf(
    { endpoint: collector.endpoint },
    {},
    { name: 'shop', version: '1', node: null },
    { reader, ns: 'default', codec: plainCodec, clock: systemClock, random: systemRandom, log, ballet: '1' },
  )
  if (tracing === null) throw new Error('it is told where to send them')
  tracing.opened('store')
  return { tracing, collector, log }
}

test('more rows than may wait: they are dropped and counted, and what comes behind them is told', async () => {
  const { tracing, collector } = await tracingOver(memory())
  tracing.written(batch({ events: Array.from({ length: 100_001 }, (_, number) => event(number)) }))
  tracing.written(batch({ events: [event(1)] }))
  await tracing.close()
  expect(collector.spans.map(({ name }) => name)).toEqual(['event order.placed'])
  expect(tracing.exporter.counts).toMatchObject({ sent: 1, dropped: { behind: 100_001 } })
})

test('a store that does not answer for a run: that run is not told of, the log says so once, and the rest is told', async () => {
  const away = (): Promise<never> => Promise.reject(fault('STORE_UNREACHABLE', { problem: 'away' }))
  const { tracing, collector, log } = await tracingOver(guarded(memory(), 'run', away))
  tracing.written(batch({ journal: [turn(7)], events: [event(1)] }))
  tracing.written(batch({ journal: [{ ...turn(7), run: 2 }], events: [event(2)] }))
  await tracing.close()
  expect(collector.spans).toHaveLength(2)
  expect(log.lines).toEqual([expect.stringMatching(/^warn Not all spans can be told: /)])
})

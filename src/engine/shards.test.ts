// Shards of one process: what becomes of those that come while the application stops.
import { expect, test } from 'vitest'
import { gate, keptLog } from '../../test/support/applications.ts'
import { guarded } from '../../test/support/stores.ts'
import type { Clock } from '../core/clock.ts'
import { fault } from '../core/errors.ts'
import { ballet } from '../index.ts'
import { ShardedDisk } from '../testing/simulation/sharded-disk.ts'
import { shardedStore } from '../testing/simulation/sharded-store.ts'
import { rounds } from '../testing/simulation/world.ts'
import { systemClock } from './clock.ts'
import { openOn } from './open.ts'

test('an application that cannot open for one shard begins no other, also when that is its own only then', async () => {
  const disk = new ShardedDisk('store', 2, systemClock, 1000)
  const late = gate()
  const store = guarded(shardedStore(disk, false), 'acquire', async (pass, shard) => {
    if (shard === 0) throw fault('STORE_FAILED', { problem: 'acquire failed' })
    await late.promise
    return pass()
  })
  const alarms = new Set<object>()
  const clock: Clock = {
    now: () => systemClock.now(),
    after: () => {
      const alarm = {}
      alarms.add(alarm)
      return () => alarms.delete(alarm)
    },
  }
  const opening = openOn(ballet({ name: 'shop', services: [] }), store, { clock, log: keptLog() })
  await expect(opening).rejects.toMatchObject({ code: 'STORE_FAILED' })
  late.open()
  while (disk.tenure(1).epoch === 0) await rounds(1)
  await rounds(20)
  expect(alarms.size).toBe(0)
})

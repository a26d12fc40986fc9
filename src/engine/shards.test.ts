// Shards of one process: what becomes of those that come while the application stops.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, keptLog, openForTest } from '../../test/support/applications.ts'
import { guarded } from '../../test/support/stores.ts'
import type { Clock } from '../core/clock.ts'
import { fault } from '../core/errors.ts'
import { Placement } from '../core/placement.ts'
import { ballet, schedule, workflow } from '../index.ts'
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
  // Nobody takes it for one of a process that has died.
  expect([disk.of(1).owner, disk.of(1).crashes]).toEqual([null, 0])
})

test('an application that cannot open looks at no clock any more for the schedules of a shard that it had', async () => {
  const disk = new ShardedDisk('store', 2, systemClock, 1000)
  const shard = new Placement(disk.info).shardOf('@schedule:often')
  const store = guarded(shardedStore(disk, false), 'acquire', async (pass, wanted) => {
    if (wanted === shard) return pass()
    while (disk.of(shard).runs.size === 0) await rounds(1)
    throw fault('STORE_FAILED', { problem: 'acquire failed' })
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
  const often = schedule('often', { cron: '@yearly', call: () => null })
  const opening = openOn(ballet({ services: [], schedules: [often] }), store, { clock, log: keptLog() })
  await expect(opening).rejects.toMatchObject({ code: 'STORE_FAILED' })
  expect(alarms.size).toBe(0)
})

test('what a node that ends could not give back is free at once, though it still waits for an answer from elsewhere', async () => {
  const disk = new ShardedDisk('store', 2, systemClock, 60_000)
  disk.join({ id: 'b', app: 'shop', version: '1', ballet: '0', address: null })
  expect(disk.takeAll([1], 'b', 'shop')).toHaveLength(1)
  const store = guarded(shardedStore(disk, true), 'release', () => Promise.reject(fault('STORE_UNREACHABLE', {})))
  const flow = workflow('flow', { input: z.null(), output: z.null() }, () => Promise.resolve(null))
  const app = await openForTest(ballet({ name: 'shop', version: '2', services: [], workflows: [flow] }), {
    store,
    graceMs: 60_000,
  })
  expect(disk.survey().shards.map(({ isFree }) => isFree)).toEqual([false, false])
  // The other node takes nothing out of its inbox.
  const place = new Placement(disk.info)
  const id = Array.from({ length: 99 }, (_, number) => `flow-${number}`).find((one) => place.shardOf(one) === 1)
  const asked = app.start(flow(null), { id: String(id) })
  asked.catch(() => {})
  while (disk.of(1).inbox.size === 0) await rounds(1)
  const closed = app.close()
  await rounds(100)
  expect(disk.survey().shards.map(({ isFree }) => isFree)).toEqual([true, false])
  disk.leave('b')
  disk.of(1).inbox.clear()
  await closed
})

// Which shards a node takes, and until when they are its own: on leases in memory, with a clock that is set by hand.
import { expect, test } from 'vitest'
import { keptLog } from '../../test/support/applications.ts'
import { HandClock } from '../../test/support/clocks.ts'
import type { NodeInfo } from '../core/lease.ts'
import { ShardedDisk } from '../testing/simulation/sharded-disk.ts'
import { shardedStore } from '../testing/simulation/sharded-store.ts'
import { rounds } from '../testing/simulation/world.ts'
import { Shares } from './shares.ts'

const LEASE_MS = 3000
const node = (id: string): NodeInfo => ({ id, app: 'shop', version: '1', ballet: '0', address: null })

test('a shard that is lost before its runs are taken up is not held any more: nobody begins it', async () => {
  const [clock, time] = [new HandClock(), new HandClock()]
  const disk = new ShardedDisk('store', 2, time, LEASE_MS)
  const { leases } = shardedStore(disk, true)
  if (leases === undefined) throw new Error('a store that nodes share has leases')
  const held = new Map<number, () => boolean>()
  const lost: number[] = []
  const shares = new Shares({
    leases,
    store: 'store',
    node: node('a'),
    clock,
    log: keptLog(),
    own: async ({ shard }, _hold, isHeld) => void held.set(shard, isHeld),
    handOn: async () => {},
    lost: (shard) => void lost.push(shard),
    changed: () => {},
    tell: () => {},
    onFailure: (error) => {
      throw error
    },
  })
  await shares.start()
  expect([...held.values()].map((isHeld) => isHeld())).toEqual([true, true])
  // Its lease is over, and another node takes one of them before it renews.
  time.pass(LEASE_MS)
  disk.join(node('b'))
  expect(disk.takeAll([1], 'b', 'shop')).toHaveLength(1)
  clock.pass(LEASE_MS / 3)
  await rounds(20)
  expect(lost).toContain(1)
  expect(held.get(1)?.()).toBe(false)
  await shares.close()
})

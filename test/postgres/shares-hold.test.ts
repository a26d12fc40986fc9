// A node has one lease for all its shards. What it takes must not make it sure of what it has lost.
import { expect, test } from 'vitest'
import type { Clock } from '../../src/core/clock.ts'
import type { NodeInfo } from '../../src/core/lease.ts'
import type { Hold } from '../../src/engine/hold.ts'
import { silentLog } from '../../src/engine/log.ts'
import { Shares } from '../../src/engine/shares.ts'
import { systemClock } from '../../src/engine/clock.ts'
import { postgres } from '../../src/stores/postgres/postgres-store.ts'
import { connection, newPlace } from './subject.ts'
import { Counts } from '../../src/engine/counts.ts'

const node = (id: string): NodeInfo => ({ id, app: 'shop', version: '1', ballet: '0', address: `http://${id}:1` })

/** A clock that stands still, and whose alarms are rung by hand. */
class StillClock implements Clock {
  time = 1000
  #alarms: (() => void)[] = []
  now(): number {
    return this.time
  }
  after(_delayMs: number, ring: () => void): () => void {
    this.#alarms.push(ring)
    return () => {
      this.#alarms = this.#alarms.filter((one) => one !== ring)
    }
  }
  ringLast(): void {
    this.#alarms.pop()?.()
  }
}

test('a node that takes a shard is not sure of another that it has lost meanwhile', async () => {
  const at = await newPlace()
  const url = at.url('&shards=4&lease=2')
  const stores = [postgres({ url, clock: systemClock }), postgres({ url, clock: systemClock })] as const
  const [one, two] = stores
  for (const store of stores) await store.open()
  const clock = new StillClock()
  const holds = new Map<number, Hold>()
  const lost: number[] = []
  const { leases } = one
  if (leases === undefined || two.leases === undefined) throw new TypeError('a store without leases')
  const shares = new Shares({
    counts: new Counts(),
    leases,
    store: 'orders',
    node: node('one'),
    clock,
    log: silentLog,
    own: async ({ shard }, hold) => void holds.set(shard, hold),
    handOn: async () => {},
    headOf: () => 0,
    lost: (shard) => void lost.push(shard),
    changed: () => {},
    tell: () => false,
    onFailure: (error) => {
      throw error
    },
  })
  await shares.start()
  expect([...holds.keys()].toSorted()).toEqual([0, 1, 2, 3])
  // It hears nothing for longer than its lease, and another node takes shard 0.
  clock.time += 60_000
  expect(holds.get(0)?.isSure).toBe(false)
  const sql = await connection()
  await sql.unsafe(`UPDATE ${at.schema}.nodes SET until = 1 WHERE id = 'one'`)
  expect((await two.leases.takeAll([0], 'two', 'shop')).map(({ shard }) => shard)).toEqual([0])
  // Shard 3 is free, and its look comes before its next renewal.
  shares.forget(3)
  holds.delete(3)
  await sql.unsafe(`UPDATE ${at.schema}.shards SET owner = NULL, node = NULL WHERE id = 3`)
  shares.hurry()
  clock.ringLast()
  while (!holds.has(3)) await new Promise((resolve) => setImmediate(resolve))
  expect(lost).toEqual([0])
  for (const store of stores) await store.close()
  await at.drop()
})

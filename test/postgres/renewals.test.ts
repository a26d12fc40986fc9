// What a node hears by a renewal: what it has lost is given up before anything goes on that waited for its lease.
import { expect, test } from 'vitest'
import type { Clock } from '../../src/core/clock.ts'
import type { Leases, NodeInfo } from '../../src/core/lease.ts'
import { systemClock } from '../../src/engine/clock.ts'
import type { Hold } from '../../src/engine/hold.ts'
import { Shares } from '../../src/engine/shares.ts'
import { postgres } from '../../src/stores/postgres/postgres-store.ts'
import { keptLog } from '../support/applications.ts'
import { connection, newPlace } from './subject.ts'
import { Counts } from '../../src/engine/counts.ts'

test('an effect of a shard that another node has by now does not begin because the lease runs again', async () => {
  const place = await newPlace()
  const store = postgres({ url: place.url('&shards=2&lease=3'), clock: systemClock })
  await store.open()
  let now = 0
  const alarms: (() => void)[] = []
  const clock: Clock = { now: () => now, after: (_, ring) => (alarms.push(ring), () => {}) }
  const heard: string[] = []
  const renewed = Promise.withResolvers<void>()
  let shared: Hold | undefined
  const shares = new Shares({
    counts: new Counts(),
    leases: store.leases,
    store: store.name,
    node: { id: 'one', app: 'shop', version: '1', ballet: '0', address: null },
    clock,
    log: keptLog(),
    own: async (_, hold) => void (shared = hold),
    handOn: async () => {},
    headOf: () => 0,
    lost: (shard) => void heard.push(`lost ${shard}`),
    changed: () => {},
    tell: () => false,
    onFailure: () => {},
  })
  await shares.start()
  // It was frozen for longer than its lease, and another node has taken one of the two.
  now += 10_000
  shared?.whenSure(() => {
    heard.push('effect')
    renewed.resolve()
  })
  const sql = await connection()
  await sql.unsafe(`UPDATE ${place.schema}.shards SET epoch = epoch + 1, node = 'other' WHERE id = 0`)
  // The last that it has asked to be called for is its renewal.
  alarms.at(-1)?.()
  await renewed.promise
  expect(heard).toEqual(['lost 0', 'effect'])
  await shares.close()
  await store.close()
  await place.drop()
})

test('what another node has taken before the lease was renewed is not taken up', async () => {
  const place = await newPlace()
  const store = postgres({ url: place.url('&shards=2&lease=3'), clock: systemClock })
  await store.open()
  const sql = await connection()
  const { leases } = store
  const slow: Leases = Object.create(leases, {
    lengthMs: { value: leases.lengthMs },
    survey: { value: () => leases.survey() },
    join: { value: (node: NodeInfo) => leases.join(node) },
    renew: { value: (node: string) => leases.renew(node) },
    leave: { value: (node: string) => leases.leave(node) },
    nodes: { value: () => leases.nodes() },
    // It was frozen behind that for longer than its lease.
    takeAll: {
      value: async (...asked: Parameters<Leases['takeAll']>) => {
        const taken = await leases.takeAll(...asked)
        await sql.unsafe(`UPDATE ${place.schema}.shards SET epoch = epoch + 1, node = 'other' WHERE id = 0`)
        return taken
      },
    },
  }) as Leases
  const owned: number[] = []
  const shares = new Shares({
    counts: new Counts(),
    leases: slow,
    store: store.name,
    node: { id: 'one', app: 'shop', version: '1', ballet: '0', address: null },
    clock: { now: () => 0, after: () => () => {} },
    log: keptLog(),
    own: async ({ shard }) => void owned.push(shard),
    handOn: async () => {},
    headOf: () => 0,
    lost: () => {},
    changed: () => {},
    tell: () => false,
    onFailure: () => {},
  })
  await shares.start()
  expect(owned).toEqual([1])
  await shares.close()
  await store.close()
  await place.drop()
})

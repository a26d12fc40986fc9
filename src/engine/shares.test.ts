// Which shards a node takes, and until when they are its own: on leases in memory, with a clock that is set by hand.
import { expect, test } from 'vitest'
import { keptLog } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { fault } from '../core/errors.ts'
import { ownerOf } from '../core/shares.ts'
import type { Leases, NodeInfo } from '../core/lease.ts'
import { ShardedDisk } from '../testing/simulation/sharded-disk.ts'
import { shardedStore } from '../testing/simulation/sharded-store.ts'
import { rounds } from '../testing/simulation/world.ts'
import { Shares } from './shares.ts'
import { LEFT_MS } from './silent-nodes.ts'
import { Counts } from './counts.ts'

const LEASE_MS = 3000
const node = (id: string): NodeInfo => ({ id, app: 'shop', version: '1', ballet: '0', address: null })

function setting(
  leasesOf: (leases: Leases) => Leases = (leases) => leases,
  takenUp: () => Promise<void> = () => Promise.resolve(),
) {
  const [clock, time] = [new SteppedClock(), new SteppedClock()]
  const disk = new ShardedDisk('store', 2, time, LEASE_MS)
  const { leases } = shardedStore(disk, true)
  if (leases === undefined) throw new Error('a store that nodes share has leases')
  const held = new Map<number, () => boolean>()
  const lost: number[] = []
  const handedOn: number[] = []
  const told: string[] = []
  const heads = new Map<number, number>()
  const log = keptLog()
  const shares = new Shares({
    counts: new Counts(),
    leases: leasesOf(leases),
    store: 'store',
    node: node('a'),
    clock,
    log,
    own: ({ shard }, _hold, isHeld) => {
      held.set(shard, isHeld)
      return takenUp()
    },
    handOn: async (shard) => void handedOn.push(shard),
    headOf: (shard) => heads.get(shard) ?? 0,
    lost: (shard) => void lost.push(shard),
    changed: () => {},
    tell: ({ id }, shard) => void told.push(`${id} ${shard}`),
    onFailure: (error) => {
      throw error
    },
  })
  return { clock, time, disk, held, heads, log, lost, handedOn, told, shares }
}

test('a shard that is lost before its runs are taken up is not held any more: nobody begins it', async () => {
  const { clock, time, disk, held, lost, shares } = setting()
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

test('what a node lets lie that seems to live is taken by another, and handed on when its lease shows that it does', async () => {
  const { clock, disk, held, handedOn, told, shares } = setting()
  const [all, falling] = [[0, 1], (others: string) => ownerOf(0, [node('a'), node(others)])?.id]
  // A name to which one of the two shards falls, and not the other.
  const other = Array.from({ length: 100 }, (_, at) => `b${at}`).find((name) => {
    return falling(name) === name && ownerOf(1, [node('a'), node(name)])?.id === 'a'
  })
  if (other === undefined) throw new Error('no name was found')
  disk.join(node(other))
  await shares.start()
  expect([...held.keys()]).toEqual([1])
  // A look comes sooner than it would, since somebody may have been killed.
  clock.pass(LEFT_MS - 1)
  await rounds(20)
  expect([...held.keys()]).toEqual([1])
  clock.pass(1)
  await rounds(20)
  expect([...held.keys()].toSorted()).toEqual(all)
  // For as long as a lease is, nothing goes to it; then it has renewed its own, or is not there any more.
  clock.pass(LEASE_MS - LEFT_MS)
  await rounds(20)
  expect(handedOn).toEqual([])
  for (let pause = 0; pause < 2; pause++) {
    clock.pass(LEASE_MS / 3)
    await rounds(20)
  }
  expect(handedOn).toEqual([0])
  // Whoever lives hears of what a node that leaves gives back.
  told.length = 0
  await shares.leave()
  shares.gave(1)
  expect(told).toEqual([`${other} 1`])
  await shares.close()
})

test('a node that was halted says once which shards it has lost, and for how long its lease was not renewed', async () => {
  const { clock, time, disk, log, lost, shares } = setting()
  await shares.start()
  time.pass(LEASE_MS)
  disk.join(node('b'))
  expect(disk.takeAll([0, 1], 'b', 'shop')).toHaveLength(2)
  clock.pass(24_000)
  await rounds(20)
  expect(lost.toSorted()).toEqual([0, 1])
  for (const shard of lost) shares.forget(shard)
  await rounds(1)
  expect(log.lines.filter((line) => line.includes('lost'))).toEqual([
    'warn This node has lost the shards 0, 1: its lease was not renewed for 24s, and lasts 3s. The process was halted, or the database out of its reach.',
  ])
  await shares.close()
})

test('a shard that is behind what this node has written there is lost: the store has gone back', async () => {
  const { clock, disk, heads, lost, shares } = setting()
  await shares.start()
  disk.of(0).head = 7
  for (const [head, now] of [
    [7, []],
    [8, [0]],
  ] as const) {
    heads.set(0, head)
    clock.pass(LEASE_MS / 3)
    await rounds(20)
    expect([...new Set(lost)]).toEqual(now)
  }
  await shares.close()
})

const words = ['survey', 'join', 'takeAll', 'renew'] as const

/** Leases of which the first `times` answers to these words are lost: what was said is done. */
function losing(leases: Leases, lost: readonly (keyof Leases)[], times: number): Leases {
  const said = new Map<string, number>()
  return new Proxy(leases, {
    get(target, word: keyof Leases) {
      const value: unknown = Reflect.get(target, word)
      if (typeof value !== 'function') return value
      return async (...args: unknown[]) => {
        const answer: unknown = await Reflect.apply(value, target, args)
        if (!lost.includes(word)) return answer
        const count = said.get(word) ?? 0
        said.set(word, count + 1)
        if (count < times) throw fault(word === 'survey' ? 'STORE_UNREACHABLE' : 'COMMIT_UNKNOWN')
        return answer
      }
    },
  })
}

test.each([...words.map((word) => [word]), words].map((lost) => ({ lost })))(
  'a node says again what had no answer: $lost',
  async ({ lost }) => {
    const { clock, held, shares } = setting((leases) => losing(leases, lost, 2))
    const opening = shares.start()
    for (let pause = 0; pause < 8; pause++) {
      await rounds(20)
      clock.pass(100)
    }
    await opening
    expect([...held.values()].map((isHeld) => isHeld())).toEqual([true, true])
    await shares.close()
  },
)

test('a node that has had no answer for as long as a lease does not open', async () => {
  const { clock, shares } = setting((leases) => losing(leases, ['join'], Number.POSITIVE_INFINITY))
  const opening = shares.start().catch((error: unknown) => error)
  for (let pause = 0; pause < LEASE_MS / 100; pause++) {
    await rounds(20)
    clock.pass(100)
  }
  expect(await opening).toMatchObject({ code: 'COMMIT_UNKNOWN' })
  await shares.close()
})

test('a node that is closed while its first words have no answer says them no more', async () => {
  const { clock, disk, shares } = setting((leases) => losing(leases, ['join'], Number.POSITIVE_INFINITY))
  const opening = shares.start().catch((error: unknown) => error)
  await rounds(20)
  await shares.close()
  clock.pass(100)
  expect(await opening).toMatchObject({ code: 'COMMIT_UNKNOWN' })
  expect(disk.survey().shards.every(({ isFree }) => isFree)).toBe(true)
})

test('what is given back is taken soon, though a look, or the answer to the taking, is lost', async () => {
  for (const word of ['survey', 'takeAll', 'renew'] as const) {
    const lost: (keyof Leases)[] = []
    const { clock, disk, held, shares } = setting((leases) => losing(leases, lost, 1))
    disk.join(node('b'))
    expect(disk.takeAll([0, 1], 'b', 'shop')).toHaveLength(2)
    await shares.start()
    expect(held.size).toBe(0)
    lost.push(word)
    disk.leave('b')
    shares.hurry()
    for (let pause = 0; pause < 4; pause++) {
      clock.pass(50)
      await rounds(20)
    }
    expect([word, ...[...held.values()].map((isHeld) => isHeld())]).toEqual([word, true, true])
    await shares.close()
  }
})

test('who is told to look while it takes up its first runs does so when it is open', async () => {
  const up = Promise.withResolvers<void>()
  const { clock, disk, held, shares } = setting(
    (leases) => leases,
    () => up.promise,
  )
  disk.join(node('b'))
  expect(disk.takeAll([1], 'b', 'shop')).toHaveLength(1)
  const opening = shares.start()
  await rounds(20)
  disk.leave('b')
  shares.hurry()
  up.resolve()
  await opening
  clock.pass(100)
  await rounds(20)
  expect([...held.keys()]).toEqual([0, 1])
  await shares.close()
})

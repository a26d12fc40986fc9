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
import { LEFT_MS, SilentNodes } from './silent-nodes.ts'
import { Counts } from './counts.ts'

const LEASE_MS = 3000
const node = (id: string): NodeInfo => ({ id, app: 'shop', version: '1', ballet: '0', address: null })

function setting(
  leasesOf: (leases: Leases) => Leases = (leases) => leases,
  takenUp: () => Promise<void> = () => Promise.resolve(),
  isHeard = true,
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
    tell: ({ id }, shard) => told.push(`${id} ${shard}`) > 0 && isHeard,
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

/** Names of nodes beside `a`: shard 0 falls to the first of them, then to the next, and shard 1 to `a`. */
function heirs(count: number): readonly string[] {
  for (let at = 0; at < 10_000; at++) {
    const names = Array.from({ length: count }, (_, index) => `b${at}-${index}`)
    const nodes = [...names, 'a'].map(node)
    const isSo = nodes.every(({ id }, index) => ownerOf(0, nodes.slice(index))?.id === id)
    if (isSo && ownerOf(1, nodes)?.id === 'a') return names
  }
  throw new Error('no names were found')
}

/** A node `a` beside others whose leases run, and that take nothing. */
async function besideSilent(count: number, isHeard = true) {
  const one = setting(
    (leases) => leases,
    () => Promise.resolve(),
    isHeard,
  )
  const others = heirs(count)
  for (const name of others) one.disk.join(node(name))
  await one.shares.start()
  expect([...one.held.keys()]).toEqual([1])
  const pass = async (ms: number): Promise<void> => {
    one.clock.pass(ms)
    await rounds(20)
  }
  return { ...one, others, pass }
}

test('what a node lets lie that seems to live is taken by another, and handed on when its lease shows that it does', async () => {
  const { held, handedOn, told, shares, pass, others } = await besideSilent(1)
  const [other = ''] = others
  // It hears of it, and is looked after sooner than usual.
  expect(told).toEqual([`${other} 0`])
  await pass(LEFT_MS - 1)
  expect([...held.keys()]).toEqual([1])
  await pass(1)
  expect([...held.keys()].toSorted()).toEqual([0, 1])
  // For as long as a lease is, nothing goes to it; then it has renewed its own, or is not there any more.
  await pass(LEASE_MS - LEFT_MS)
  expect(handedOn).toEqual([])
  for (let pause = 0; pause < 2; pause++) await pass(LEASE_MS / 3)
  expect(handedOn).toEqual([0])
  // Whoever lives hears of what a node that leaves gives back.
  await shares.leave()
  told.length = 0
  shares.gave(1)
  expect(told).toEqual([`${other} 1`])
  await shares.close()
})

test('who cannot be told of a free shard has the time to find it', async () => {
  const { held, shares, pass } = await besideSilent(1, false)
  const lookMs = LEASE_MS / 3
  for (let ms = 0; ms + LEFT_MS < lookMs + LEFT_MS; ms += LEFT_MS) await pass(LEFT_MS)
  expect([...held.keys()]).toEqual([1])
  await pass(LEFT_MS)
  expect([...held.keys()].toSorted()).toEqual([0, 1])
  await shares.close()
})

test('what one after the other lets lie goes to the one behind them', async () => {
  const { held, told, shares, pass, others } = await besideSilent(2)
  await pass(LEFT_MS)
  expect([...held.keys()]).toEqual([1])
  await pass(LEFT_MS)
  expect([...held.keys()].toSorted()).toEqual([0, 1])
  expect(told).toEqual(others.map((name) => `${name} 0`))
  await shares.close()
})

test('while the store cannot be asked, nobody lets anything lie', async () => {
  const lost: (keyof Leases)[] = []
  const { clock, disk, held, shares } = setting((leases) => losing(leases, lost, 1))
  disk.join(node(heirs(1)[0] ?? ''))
  await shares.start()
  lost.push('survey')
  clock.pass(LEFT_MS)
  await rounds(20)
  clock.pass(100)
  await rounds(20)
  expect([...held.keys()]).toEqual([1])
  clock.pass(LEFT_MS)
  await rounds(20)
  expect([...held.keys()].toSorted()).toEqual([0, 1])
  await shares.close()
})

test('a node that lets something lie again soon is left out for twice as long', () => {
  const clock = new SteppedClock()
  const silent = new SilentNodes({ own: 'a', clock, leaseMs: LEASE_MS, lookMs: 1000, tell: () => true })
  const free = [{ shard: 0, next: node('b') }]
  const until = (): number => {
    silent.saw(free)
    clock.pass(LEFT_MS)
    expect(silent.saw(free)).toBe(true)
    let ms = 0
    for (; silent.has('b'); ms += 100) clock.pass(100)
    return ms
  }
  expect([until(), until(), until()]).toEqual([LEASE_MS, 2 * LEASE_MS, 4 * LEASE_MS])
  // It has kept what it had for long.
  clock.pass(8 * LEASE_MS)
  expect(until()).toBe(LEASE_MS)
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

const crm = (id: string): NodeInfo => ({ ...node(id), app: 'crm' })

/** Leases of a node that looks when the other is not there yet, and joins in the same moment: then their ids decide who came first. */
const meeting =
  (other: NodeInfo, disk: () => ShardedDisk) =>
  (leases: Leases): Leases => ({
    ...leases,
    join: async (one) => {
      disk().join(other)
      await leases.join(one)
    },
  })

test('of two applications that begin at once the later one is refused, and leaves before it has taken anything', async () => {
  const one = setting(meeting(crm('_'), () => one.disk))
  await expect(one.shares.start()).rejects.toMatchObject({
    code: 'STORE_LOCKED',
    message: expect.stringContaining('the application "crm" at _'),
  })
  expect(one.disk.survey().nodes).toEqual([crm('_')])
  expect(one.held.size).toBe(0)
  await one.shares.close()
})

const locked: unknown = expect.objectContaining({ code: 'STORE_LOCKED' })

test.each([
  { other: 'leaves', pauses: 1, answer: undefined, held: [0, 1], alive: 'a' },
  { other: 'stays', pauses: LEASE_MS / 200, answer: locked, held: [], alive: 'z' },
  { other: 'takes', pauses: 1, answer: locked, held: [], alive: 'z' },
])(
  'the one that came first takes nothing before the other has left, and is refused when that does not: it $other',
  async ({ other, pauses, answer, held, alive }) => {
    const one = setting(meeting(crm('z'), () => one.disk))
    const opening = one.shares.start().catch((error: unknown) => error)
    await rounds(20)
    expect(one.held.size).toBe(0)
    if (other === 'leaves') one.disk.leave('z')
    if (other === 'takes') one.disk.takeAll([0], 'z', 'crm')
    for (let pause = 0; pause < pauses; pause++) {
      one.clock.pass(100)
      await rounds(20)
    }
    expect(await opening).toEqual(answer)
    expect([...one.held.keys()]).toEqual(held)
    expect(one.disk.survey().nodes.map(({ id }) => id)).toEqual([alive])
    await one.shares.close()
  },
)

test('a node of another application that is there all the same is told of once', async () => {
  const { clock, disk, log, shares } = setting()
  await shares.start()
  const told = () => log.lines.filter((line) => line.includes('"crm"'))
  disk.join(crm('z'))
  for (let look = 0; look < 4; look++) {
    // One that is being refused is there for a moment.
    expect(told()).toHaveLength(look < 2 ? 0 : 1)
    clock.pass(1000)
    await rounds(20)
  }
  expect(told()).toEqual([
    'error The application "crm" at z is at this store as well: what one of the two owns the other cannot carry. End one of them, and give it a store of its own.',
  ])
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

test('the lease is kept while the first runs are taken up, however long that takes', async () => {
  const up = Promise.withResolvers<void>()
  const { clock, time, disk, lost, shares } = setting(
    (leases) => leases,
    () => up.promise,
  )
  const opening = shares.start()
  await rounds(20)
  for (let pause = 0; pause < 6; pause++) {
    clock.pass(LEASE_MS / 3)
    time.pass(LEASE_MS / 3)
    await rounds(20)
  }
  disk.join(node('b'))
  expect([disk.takeAll([0, 1], 'b', 'shop'), shares.isSure, lost]).toEqual([[], true, []])
  up.resolve()
  await opening
  await shares.close()
})

test('who is told to look while it takes up its first runs does so', async () => {
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

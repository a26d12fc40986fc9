// The leases of a store as a process in a story reaches them: a call arrives or does not, at once or a while later, and its
// answer may be lost. Every call has a deadline of its own, so none hangs for ever.
import { fault } from '../../core/errors.ts'
import type { Leases, Taken } from '../../core/lease.ts'
import type { Life } from './life.ts'
import { rounds } from './world.ts'

/** A call that is late arrives after so long, and whoever waits has given up by then; milliseconds. */
const LATE_MS = 2500
const READS = new Set(['look', 'survey', 'nodes', 'leases'])
/** Leases are asked for far less often than the store is: what goes wrong with one call of the store goes wrong here so much more. */
const SHARE = 20

/**
 * Renewals alone fail for a while, as when somebody holds the row of a node: it sees who owns what, and takes what is free, while
 * what it had is taken from it. The function says after how long a renewal fails, milliseconds; null when it does not.
 */
function stallsOf({ world, name }: Life, lengthMs: number): (bad: number) => number | null {
  const chance = world.chance(`${name} stalled leases`)
  let until = 0
  return (bad) => {
    const now = world.clock.now()
    if (now >= until && bad > 0 && chance.is(3 * bad)) until = now + chance.between(1, 3 * lengthMs)
    return now < until ? chance.between(1, lengthMs / 3) : null
  }
}

type Kinds = readonly (readonly [number, 'fine' | 'lost' | 'deaf' | 'late'])[]

/** What becomes of a call, in a weather that stays as it is until there is none. */
const kindsOf = (bad: number): Kinds => [
  [1 - bad, 'fine'],
  [bad / 3, 'lost'],
  [bad / 3, 'deaf'],
  [bad / 3, 'late'],
]
const WELL = kindsOf(0)

/**
 * The leases as `process` reaches them.
 * @param inner those of the store that it reaches now.
 */
export function simulatedLeases(process: Life, inner: () => Leases): Leases {
  const { world } = process
  const chance = world.chance(`${process.name} leases`)
  const slowness = world.chance(`${process.name} slow leases`)
  const { lengthMs } = inner()
  const stall = stallsOf(process, lengthMs)
  let kinds: Kinds | undefined
  const call = async (name: string, work: () => Promise<unknown>): Promise<unknown> => {
    const isRead = READS.has(name)
    process.cross(`before ${name}`)
    const { weather } = world
    const bad = weather === null ? 0 : weather.readFailed * SHARE
    const kind = chance.weighted(weather === null ? WELL : (kinds ??= kindsOf(bad)))
    const stalledMs = name === 'renew' ? stall(bad) : null
    if (chance.is(0.3)) await world.clock.wait(chance.between(1, 6))
    else await rounds(chance.between(0, 2))
    if (!process.isAlive) return undefined
    // Whoever is on the old side of a restored backup keeps what it has: a copy that is taken over anew is the newer one to services.
    if (name === 'takeAll' && process.ground !== world.ground) {
      process.isExcused = true
      throw fault('COMMIT_UNKNOWN')
    }
    if (stalledMs !== null) {
      world.count('lease stalled')
      process.isExcused = true
      world.note(`${process.name} ${name}: stalled`)
      await world.clock.wait(stalledMs)
      throw fault('COMMIT_UNKNOWN')
    }
    if (kind !== 'fine') {
      world.count(`lease ${kind}`)
      process.isExcused = true
      world.note(`${process.name} ${name}: ${kind}`)
      const goes = kind === 'deaf' ? 0 : chance.between(1, LATE_MS)
      if (kind === 'deaf') await work()
      if (kind === 'late' && !isRead) void world.clock.after(goes, () => void work().catch(() => {}))
      await world.clock.wait(chance.between(1, lengthMs / 3))
      throw isRead ? fault('STORE_FAILED', { problem: `${name} failed` }) : fault('COMMIT_UNKNOWN')
    }
    const answer = await work()
    // As late as somebody still waits for it: what it says was true when it was asked for.
    if (slowness.is(bad)) {
      world.count('lease slow')
      await world.clock.wait(slowness.between(1, lengthMs / 3))
    }
    if (!isRead && name !== 'renew') world.note(`${process.name} ${name}`)
    if (name === 'takeAll')
      for (const { shard, epoch } of answer as readonly Taken[]) {
        world.note(`${process.name} has ${shard}`)
        process.epochs.set(shard, epoch)
      }
    process.cross(`after ${name}`)
    if (chance.is(0.3)) await world.clock.wait(chance.between(1, 6))
    return answer
  }
  return new Proxy(inner(), {
    get(_first, name) {
      const target = inner()
      const own: unknown = Reflect.get(target, name)
      if (typeof own !== 'function') return own
      return (...args: unknown[]) =>
        process.live(call(String(name), () => Reflect.apply(own, target, args) as Promise<unknown>))
    },
  })
}

// Places at services that are limited: never more than was said, the oldest first, and whoever gives up leaves nothing behind.
import * as fc from 'fast-check'
import { describe, expect, test } from 'vitest'
import { keptLog } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { callLimit, type CallLimit, type ServiceLimits } from '../define/service-limits.ts'
import { CallLimits, type Bound, type CallPlace } from './call-limits.ts'
import { StopSignal } from './stop-signal.ts'

const limitOf = (given: ServiceLimits, name = 'bank'): CallLimit => callLimit(given, name, 'a test') as CallLimit

/** A call under a limit; it begins when it has its place. */
class Caller {
  readonly place: CallPlace
  begunAt: number | null = null

  constructor(limits: CallLimits, clock: SteppedClock, bounds: readonly Bound[], isUndo = false, age = limits.age()) {
    const given = (): void => {
      this.begunAt = clock.now()
      this.place.begun(new StopSignal())
    }
    this.place = limits.place({ bounds, isUndo, age, given })
    this.place.enter()
  }
}

function setUp(given: ServiceLimits = { atOnce: 1 }) {
  const clock = new SteppedClock(0)
  const log = keptLog()
  const limits = new CallLimits(clock, log)
  const limit = limitOf(given)
  const call = (value = '', isUndo = false): Caller => new Caller(limits, clock, [{ limit, value }], isUndo)
  return { clock, log, limits, limit, call }
}

const begun = (callers: readonly Caller[]): readonly boolean[] => callers.map(({ begunAt }) => begunAt !== null)

describe('at once', () => {
  test('so many begin, and as one leaves the oldest of the others does', () => {
    const { call, limits } = setUp({ atOnce: 2 })
    const callers = [call(), call(), call(), call()]
    expect(begun(callers)).toEqual([true, true, false, false])
    expect(callers.map(({ place }) => place.view?.before)).toEqual([undefined, undefined, 0, 1])
    expect(limits.counts).toEqual([{ name: 'bank', waiting: 2, running: 2 }])
    callers[1]?.place.leave()
    callers[1]?.place.leave()
    expect(begun(callers)).toEqual([true, true, true, false])
  })

  test('what takes back comes before new work, and what was asked for earlier before what came since', () => {
    const { call, clock, limits, limit } = setUp()
    const age = limits.age()
    const [first, later, undo] = [call(), call(), call('', true)]
    const again = new Caller(limits, clock, [{ limit, value: '' }], false, age)
    expect([undo, again, later].map(({ place }) => place.view?.before)).toEqual([0, 1, 2])
    for (const caller of [first, undo, again]) caller.place.leave()
    expect(begun([undo, again, later])).toEqual([true, true, true])
  })

  test('each value of the field is limited for itself', () => {
    const { call } = setUp({ atOnce: 1, per: 'customerId' })
    const callers = [call('ada'), call('ada'), call('bob')]
    expect(begun(callers)).toEqual([true, false, true])
    callers[0]?.place.leave()
    expect(begun(callers)).toEqual([true, true, true])
  })

  test('whoever waits for its service keeps none of the others of that service from it', () => {
    const clock = new SteppedClock(0)
    const limits = new CallLimits(clock, keptLog())
    const [whole, slow] = [limitOf({ atOnce: 2 }, 'crm'), limitOf({ rate: '1/m' }, 'crm.update')]
    const update = (): Caller =>
      new Caller(limits, clock, [
        { limit: slow, value: '' },
        { limit: whole, value: '' },
      ])
    const updates = [update(), update(), update()]
    const read = new Caller(limits, clock, [{ limit: whole, value: '' }])
    expect(begun([...updates, read])).toEqual([true, false, false, true])
    clock.pass(59_000)
    expect(begun(updates)).toEqual([true, false, false])
    updates[0]?.place.leave()
    clock.pass(2000)
    expect(begun(updates)).toEqual([true, true, false])
  })

  test('what holds a place and has not begun counts, and what gives it up does not', () => {
    const clock = new SteppedClock(0)
    const limits = new CallLimits(clock, keptLog())
    const limit = limitOf({ atOnce: 1, rate: '1/s' })
    const held = limits.place({ bounds: [{ limit, value: '' }], isUndo: false, age: limits.age(), given: () => {} })
    held.enter()
    const next = new Caller(limits, clock, [{ limit, value: '' }])
    clock.pass(5000)
    expect([held.state, next.begunAt]).toEqual(['held', null])
    held.leave()
    expect(next.begunAt).toBe(5000)
  })
})

describe('in a time', () => {
  test('attempts are spread evenly, and a pause saves nothing up', () => {
    const { call, clock } = setUp({ rate: '10/s' })
    const callers = Array.from({ length: 3 }, () => call())
    clock.pass(10_000)
    callers.push(call(), call())
    clock.pass(1000)
    expect(callers.map(({ begunAt }) => begunAt)).toEqual([0, 96, 196, 10_000, 10_096])
  })

  test('with a burst so many begin at once after a pause', () => {
    const { call, clock } = setUp({ rate: '10/s', burst: 3 })
    const callers = Array.from({ length: 5 }, () => call())
    clock.pass(1000)
    expect(callers.map(({ begunAt }) => begunAt)).toEqual([0, 0, 0, 96, 196])
  })

  test('whoever held its place for long begins no sooner than it may', () => {
    const { limits, limit, clock, call } = setUp({ rate: '1/s' })
    const held = limits.place({ bounds: [{ limit, value: '' }], isUndo: false, age: limits.age(), given: () => {} })
    held.enter()
    const next = call()
    clock.pass(10_000)
    expect(next.begunAt).toBe(null)
    held.begun(new StopSignal())
    clock.pass(999)
    expect(next.begunAt).toBe(null)
    clock.pass(1)
    expect(next.begunAt).toBe(11_000)
  })

  test('a process that begins where another was takes it to have begun one just now', () => {
    const { call, clock, limits } = setUp({ rate: '1/s', burst: 5 })
    limits.cameFromAnother()
    const callers = [call(), call()]
    clock.pass(3000)
    expect(callers.map(({ begunAt }) => begunAt)).toEqual([1005, 2010])
  })
})

test('a process that begins waits for what others may have done for a minute at the most', () => {
  const { call, clock, limits } = setUp({ rate: '2/d', burst: 2 })
  limits.cameFromAnother()
  const callers = [call(), call()]
  clock.pass(59_999)
  expect(begun(callers)).toEqual([false, false])
  clock.pass(6)
  expect(begun(callers)).toEqual([true, false])
  clock.pass(3600_000)
  expect(begun(callers)).toEqual([true, false])
})

const ARRIVALS = fc.array(
  fc.record({
    after: fc.nat(300),
    takes: fc.nat(900),
    value: fc.constantFrom('a', 'b', 'c'),
    isUndo: fc.boolean(),
    givesUp: fc.boolean(),
  }),
  { maxLength: 60 },
)
const LIMIT = fc.record({
  atOnce: fc.option(fc.integer({ min: 1, max: 4 }), { nil: undefined }),
  calls: fc.integer({ min: 1, max: 40 }),
  burst: fc.integer({ min: 1, max: 3 }),
})

test('whatever comes: never more at once or in a time than was said, none waits without a reason, all come to an end', () => {
  fc.assert(
    fc.property(ARRIVALS, LIMIT, (arrivals, { atOnce, calls, burst }) => {
      const { clock, limits, call } = setUp({ atOnce, rate: `${calls}/s`, burst, per: 'customerId' })
      const ends: { readonly value: string; readonly began: number; readonly ended: number }[] = []
      const order: {
        readonly value: string
        readonly isUndo: boolean
        readonly age: number
        readonly began: number
      }[] = []
      const waiting: { readonly caller: Caller; readonly takes: number; readonly value: string }[] = []
      const settle = (until: number): void => {
        while (clock.now() < until) {
          clock.pass(1)
          for (const one of waiting.slice()) {
            const { caller, takes, value } = one
            if (caller.begunAt === null || caller.begunAt + takes > clock.now()) continue
            waiting.splice(waiting.indexOf(one), 1)
            const { isUrgent: isUndo, age } = caller.place
            order.push({ value, isUndo, age, began: caller.begunAt })
            ends.push({ value, began: caller.begunAt, ended: clock.now() })
            caller.place.leave()
          }
        }
      }
      for (const { after, takes, value, isUndo, givesUp } of arrivals) {
        settle(clock.now() + after)
        const caller = call(value, isUndo)
        if (givesUp && caller.begunAt === null) caller.place.leave()
        else waiting.push({ caller, takes, value })
      }
      settle(clock.now() + 200_000 * Math.min(1, waiting.length))
      expect(waiting).toEqual([])
      expect(limits.counts.every((count) => count.waiting === 0 && count.running === 0)).toBe(true)
      // Of one value and one kind, whoever is older began no later.
      const overtaken = order.flatMap((one) =>
        order.filter(
          ({ value, isUndo, age, began }) =>
            value === one.value && isUndo === one.isUndo && age > one.age && began < one.began,
        ),
      )
      expect(overtaken).toEqual([])
      for (const { value, began } of ends) {
        const same = ends.filter((other) => other.value === value)
        const together = same.filter((other) => other.began <= began && other.ended > began)
        expect(together.length).toBeLessThanOrEqual(Math.max(1, atOnce ?? Infinity))
        const inTime = same.filter((other) => other.began >= began && other.began < began + 1000)
        expect(inTime.length).toBeLessThanOrEqual(calls + burst - 1)
      }
    }),
    { numRuns: 60, endOnFailure: false },
  )
})

test('what falls to others is free when no more is under way than is left here', async () => {
  const { call, limits } = setUp({ atOnce: 4 })
  limits.shares([0, 1, 2, 3], 4)
  const callers = Array.from({ length: 6 }, () => call())
  expect(limits.fit).toBe(null)
  limits.shares([0, 1, 2], 4)
  const told: string[] = []
  const fits = limits.fit?.then(() => told.push('fits'))
  callers[0]?.place.leave()
  await fits
  expect([begun(callers), told]).toEqual([[true, true, true, true, false, false], ['fits']])
  limits.shares([], 4)
  for (const caller of callers.slice(1, 3)) caller.place.leave()
  expect([limits.fit === null, begun(callers)]).toEqual([false, [true, true, true, true, false, false]])
  callers[3]?.place.leave()
  expect(limits.fit).toBe(null)
})

test('what cannot be divided each node has once, and says so once', () => {
  const { call, limits, log } = setUp({ atOnce: 1 })
  limits.shares([0], 8)
  limits.shares([0, 1], 8)
  const callers = [call(), call()]
  expect(begun(callers)).toEqual([true, false])
  expect(log.lines).toEqual([
    'warn The limit of bank (1 at once) is less than can be divided among the nodes: each of them has 1 at once',
  ])
  limits.shares([0, 1, 2, 3, 4, 5, 6, 7], 8)
  expect(begun(callers)).toEqual([true, false])
})

test('a hundred thousand that wait cost each other little, and whoever leaves the line leaves nothing', () => {
  const { call, clock, limits, limit } = setUp({ atOnce: 1 })
  const callers = Array.from({ length: 100_000 }, () => call())
  const other = new Caller(limits, clock, [{ limit: limitOf({ atOnce: 1 }, 'crm'), value: '' }])
  expect(other.begunAt).toBe(0)
  expect([1, 500, 99_999].map((at) => callers[at]?.place.view?.before)).toEqual([0, 499, 1000])
  for (const caller of callers.slice(1, 99_999)) caller.place.leave()
  expect(limits.counts[0]).toEqual({ name: 'bank', waiting: 1, running: 1 })
  callers[0]?.place.leave()
  expect(callers.at(-1)?.begunAt).toBe(0)
  expect(limit.atOnce).toBe(1)
})

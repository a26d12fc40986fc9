// Nodes that share a store divide what a service takes by their shards: together they never ask more, however shards move.
import * as fc from 'fast-check'
import { expect, test } from 'vitest'
import { keptLog } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { callLimit, type CallLimit, type ServiceLimits } from '../define/service-limits.ts'
import { CallLimits, type CallPlace } from './call-limits.ts'
import { StopSignal } from './stop-signal.ts'

const SHARDS = 8

/** Nodes, each with its shards; what they ask is under way until somebody ends it. */
class Nodes {
  readonly clock = new SteppedClock(0)
  readonly begun: number[] = []
  readonly under: { readonly until: number; readonly leave: () => void }[] = []
  most = 0
  readonly #limit: CallLimit
  readonly #nodes: readonly { readonly limits: CallLimits; readonly own: Set<number> }[]

  constructor(given: ServiceLimits, shards: readonly (readonly number[])[]) {
    this.#limit = callLimit(given, 'bank', 'a test') as CallLimit
    this.#nodes = shards.map((own) => ({ limits: new CallLimits(this.clock, keptLog()), own: new Set(own) }))
    for (const node of this.#nodes.keys()) this.#share(node)
  }

  call(node: number, takesMs: number): void {
    const { limits } = this.#of(node)
    const given = (): void => {
      place.begun(new StopSignal())
      this.begun.push(this.clock.now())
      this.under.push({ until: this.clock.now() + takesMs, leave: () => place.leave() })
      this.most = Math.max(this.most, this.under.length)
    }
    const bounds = [{ limit: this.#limit, value: '' }]
    const place: CallPlace = limits.place({ bounds, isUndo: false, age: limits.age(), given })
    place.enter()
  }

  /** A node hands one of its shards on, as shards.ts does: when the rest of it does without. */
  move(from: number, to: number): void {
    const { limits, own } = this.#of(from)
    const [shard] = own
    if (shard === undefined || own.size === 1) return
    own.delete(shard)
    this.#share(from)
    const take = (): void => {
      const taker = this.#of(to)
      taker.own.add(shard)
      taker.limits.cameFromAnother()
      this.#share(to)
    }
    const { fit } = limits
    if (fit === null) take()
    else void fit.then(take)
  }

  async pass(ms: number): Promise<void> {
    for (let passed = 0; passed < ms; passed++) {
      this.clock.pass(1)
      for (const one of this.under.filter(({ until }) => until <= this.clock.now())) {
        this.under.splice(this.under.indexOf(one), 1)
        one.leave()
      }
      await Promise.resolve()
    }
  }

  /** The most that began in a time of so many milliseconds. */
  mostIn(ms: number): number {
    return Math.max(...this.begun.map((at) => this.begun.filter((other) => other >= at && other < at + ms).length), 0)
  }

  #share(node: number): void {
    const { limits, own } = this.#of(node)
    limits.shares([...own], SHARDS)
  }

  #of(node: number) {
    const found = this.#nodes[node]
    if (found === undefined) throw new RangeError('no such node')
    return found
  }
}

test('each has the part of its shards, and together they have all', () => {
  const nodes = new Nodes({ atOnce: 5 }, [[0, 3], [1, 2, 4, 5], [6], [7]])
  for (let call = 0; call < 40; call++) nodes.call(call % 4, 1)
  expect(nodes.most).toBe(5)
})

const STEPS = fc.array(
  fc.oneof(
    { weight: 12, arbitrary: fc.record({ node: fc.nat(1), takesMs: fc.constantFrom(1, 100, 2000) }) },
    { weight: 2, arbitrary: fc.record({ from: fc.nat(1) }) },
    { weight: 8, arbitrary: fc.record({ ms: fc.nat(60) }) },
  ),
  { minLength: 150, maxLength: 400 },
)

test('however shards move, no more is under way than was said, and a rate is passed by one at most', async () => {
  const limit = fc.record({
    atOnce: fc.integer({ min: SHARDS, max: 12 }),
    calls: fc.integer({ min: SHARDS, max: 60 }),
    burst: fc.integer({ min: 1, max: 4 }),
  })
  await fc.assert(
    fc.asyncProperty(STEPS, limit, async (steps, { atOnce, calls, burst }) => {
      const nodes = new Nodes({ atOnce, rate: `${calls}/s`, burst }, [
        [0, 1, 2, 3],
        [4, 5, 6, 7],
      ])
      for (const step of steps) {
        if ('ms' in step) await nodes.pass(step.ms)
        else if ('from' in step) nodes.move(step.from, 1 - step.from)
        else nodes.call(step.node, step.takesMs)
      }
      expect(nodes.most).toBeLessThanOrEqual(atOnce)
      expect(nodes.mostIn(1000)).toBeLessThanOrEqual(calls + burst)
    }),
    { numRuns: 100 },
  )
})

import { expect, test } from 'vitest'
import { SteppedClock } from '../../test/support/clocks.ts'
import { Pulse } from './pulse.ts'

/** When it was called, in milliseconds since the test began. */
function listenerOf(clock: SteppedClock): { readonly times: number[]; readonly listen: () => void } {
  const times: number[] = []
  const began = clock.now()
  return { times, listen: () => times.push(clock.now() - began) }
}

test('one who expects something is called soon, and less and less often', () => {
  const clock = new SteppedClock()
  const pulse = new Pulse(clock, 1000)
  const { times, listen } = listenerOf(clock)
  pulse.join(listen)
  pulse.soon(listen)
  clock.pass(1500)
  expect(times).toEqual([5, 40, 100, 300, 1000])
})

test('many who expect something are called together, however often they say so', () => {
  const clock = new SteppedClock()
  const pulse = new Pulse(clock, 10_000)
  const shards = Array.from({ length: 8 }, () => listenerOf(clock))
  for (const { listen } of shards) pulse.join(listen)
  for (let ms = 0; ms < 100; ms++) {
    for (const { listen } of shards) pulse.soon(listen)
    clock.pass(1)
  }
  clock.pass(400)
  for (const { times } of shards) {
    expect(times).toEqual(shards[0]?.times)
    // At every twentieth millisecond, and once before.
    expect(times.slice(0, 3)).toEqual([5, 20, 40])
    expect(times.length).toBeLessThan(25)
  }
})

test('the more of them look at once, the fewer looks there are', () => {
  const looksOf = (count: number): number => {
    const clock = new SteppedClock()
    const pulse = new Pulse(clock, 100_000)
    const shards = Array.from({ length: count }, () => listenerOf(clock))
    for (const { listen } of shards) pulse.join(listen)
    for (let ms = 0; ms < 3200; ms++) {
      for (const { listen } of shards) pulse.soon(listen)
      clock.pass(1)
    }
    return shards[0]?.times.length ?? 0
  }
  // Each twentieth millisecond, fortieth, eightieth; and some before it was seen how many look.
  expect(looksOf(16) / 160).toBeCloseTo(1, 1)
  expect(looksOf(32) / 80).toBeCloseTo(1, 0)
  expect(looksOf(64) / 40).toBeCloseTo(1, 0)
})

test('who has left is not called any more, and who never came is not either', () => {
  const clock = new SteppedClock()
  const pulse = new Pulse(clock, 1000)
  const [one, other, stranger] = [listenerOf(clock), listenerOf(clock), listenerOf(clock)]
  const leave = pulse.join(one.listen)
  const leaveToo = pulse.join(other.listen)
  for (const { listen } of [one, other, stranger]) pulse.soon(listen)
  clock.pass(5)
  leave()
  clock.pass(50)
  leaveToo()
  clock.pass(5000)
  expect([one.times, other.times, stranger.times]).toEqual([[5], [5, 40], []])
})

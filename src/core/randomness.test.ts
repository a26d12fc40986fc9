import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { streamUuid, turnStream } from './randomness.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const words = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const take = (count: number, stream: () => number): number[] => Array.from({ length: count }, stream)

describe('the stream of a turn', () => {
  it('is the same whenever it is drawn', () => {
    fc.assert(
      fc.property(words, words, fc.nat(), (seed, salt, seq) => {
        expect(take(20, turnStream(seed, salt, seq))).toEqual(take(20, turnStream(seed, salt, seq)))
      }),
    )
  })

  it('never changes: journals rest on it', () => {
    expect(take(3, turnStream(7, 11, 0)).map((number) => Math.floor(number * 2 ** 32))).toMatchInlineSnapshot()
    expect(streamUuid(turnStream(7, 11, 3))).toMatchInlineSnapshot()
  })

  it('is another one for another seed, salt or turn', () => {
    const places = fc.tuple(words, words, fc.nat(1e6))
    fc.assert(
      fc.property(places, places, (one, other) => {
        fc.pre(one.join() !== other.join())
        expect(take(4, turnStream(...one))).not.toEqual(take(4, turnStream(...other)))
      }),
    )
  })

  it('is another one in every of many turns, from the first number on', () => {
    const firsts = new Set(Array.from({ length: 5000 }, (_, seq) => turnStream(1, 2, seq)()))
    // Two of 5,000 numbers of 32 bits are the same once in 344 times; three are not.
    expect(firsts.size).toBeGreaterThan(4997)
  })

  it('has numbers from 0 up to 1, evenly', () => {
    const counts = Array.from({ length: 10 }, () => 0)
    for (let seq = 0; seq < 2000; seq++) {
      for (const number of take(10, turnStream(1, 2, seq))) {
        expect(number >= 0 && number < 1).toBe(true)
        counts[Math.floor(number * 10)]! += 1
      }
    }
    // 2,000 expected in each tenth; five standard deviations are 213.
    for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(214)
  })
})

describe('a UUID of a stream', () => {
  it('is of version 4', () => {
    fc.assert(
      fc.property(words, words, fc.nat(), (seed, salt, seq) => {
        expect(streamUuid(turnStream(seed, salt, seq))).toMatch(UUID)
      }),
    )
  })

  it('is another one each time', () => {
    const stream = turnStream(1, 2, 3)
    expect(new Set(Array.from({ length: 10_000 }, () => streamUuid(stream))).size).toBe(10_000)
  })

  it('is well-formed at both ends of the numbers', () => {
    expect(streamUuid(() => 0)).toBe('00000000-0000-4000-8000-000000000000')
    expect(streamUuid(() => 1 - 2 ** -32)).toBe('ffffffff-ffff-4fff-bfff-ffffffffffff')
  })
})

import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { streamUuid, turnStream } from './randomness.ts'

const UUID = /^[0-9a-f]{8}-[0-9a-f]{4}-4[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/
const words = fc.integer({ min: 0, max: 2 ** 32 - 1 })
const take = (count: number, stream: () => number): number[] => Array.from({ length: count }, stream)

describe('the stream of a turn', () => {
  it('is the same whenever it is drawn', () => {
    fc.assert(
      fc.property(words, fc.nat(), words, (seed, seq, salt) => {
        expect(take(20, turnStream(seed, seq, salt))).toEqual(take(20, turnStream(seed, seq, salt)))
      }),
    )
  })

  it('never changes: journals rest on it', () => {
    const drawn = take(3, turnStream(7, 11, 0)).map((number) => Math.floor(number * 2 ** 32))
    expect(drawn).toMatchInlineSnapshot(`
      [
        3628167275,
        293448620,
        3894016676,
      ]
    `)
    expect(streamUuid(turnStream(7, 3, 11))).toMatchInlineSnapshot(`"a043a672-d9df-434a-9ed9-5c367b736758"`)
  })

  it('needs no salt', () => {
    expect(take(4, turnStream(1, 2))).not.toEqual(take(4, turnStream(1, 3)))
    expect(take(4, turnStream(1, 2))).not.toEqual(take(4, turnStream(2, 2)))
  })

  it('is another one for every seed, turn and salt that are neighbours', () => {
    const streams = [1, 2, 3, 4].flatMap((seed) =>
      [1, 2, 3, 4].flatMap((seq) => [1, 2, 3, 4].map((salt) => turnStream(seed, seq, salt))),
    )
    expect(new Set(streams.map((stream) => stream())).size).toBe(64)
  })

  it('is another one for another seed, salt or turn', () => {
    const places = fc.tuple(words, fc.nat(1e6), words)
    fc.assert(
      fc.property(places, places, (one, other) => {
        fc.pre(one.join() !== other.join())
        expect(take(4, turnStream(...one))).not.toEqual(take(4, turnStream(...other)))
      }),
    )
  })

  it('is another one in every of many turns, from the first number on', () => {
    const firsts = new Set(Array.from({ length: 5000 }, (_, seq) => turnStream(1, seq, 2)()))
    // Two of 5,000 numbers of 32 bits are the same once in 344 times; three are not.
    expect(firsts.size).toBeGreaterThan(4997)
  })

  it('has numbers from 0 up to 1, evenly', () => {
    const counts = Array.from({ length: 10 }, () => 0)
    for (let seq = 0; seq < 2000; seq++) {
      for (const number of take(10, turnStream(1, seq, 2))) counts[Math.floor(number * 10)]! += 1
    }
    expect(counts).toHaveLength(10)
    // 2,000 expected in each tenth; five standard deviations are 213.
    for (const count of counts) expect(Math.abs(count - 2000)).toBeLessThan(214)
  })
})

describe('a UUID of a stream', () => {
  it('is of version 4', () => {
    fc.assert(
      fc.property(words, fc.nat(), words, (seed, seq, salt) => {
        expect(streamUuid(turnStream(seed, seq, salt))).toMatch(UUID)
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

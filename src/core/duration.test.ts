import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { showMs, toMs } from './duration.ts'
import { isBalletError } from './errors.ts'

describe('a duration', () => {
  it.each([
    ['200ms', 200],
    ['10s', 10_000],
    ['1.5m', 90_000],
    ['1.5h', 5_400_000],
    ['2d', 172_800_000],
    ['0s', 0],
    ['0.4ms', 0],
    ['0.0005s', 1],
    ['36525d', 36_525 * 86_400_000],
  ])('%s is %d ms', (duration, ms) => {
    expect(toMs(duration)).toBe(ms)
  })

  it.each([
    '',
    '5',
    's',
    '-1s',
    '1 s',
    ' 1s',
    '1s\n',
    '1e3ms',
    '.5s',
    '1.s',
    '1w',
    '1S',
    'Infinityd',
    '36525.01d',
    `${'9'.repeat(400)}d`,
  ])('%j is none', (duration) => {
    let thrown: unknown
    try {
      toMs(duration)
    } catch (error) {
      thrown = error
    }
    expect(isBalletError(thrown) && thrown.code).toBe('DURATION_INVALID')
  })

  // From JavaScript, or by way of a variable without a type: milliseconds, say.
  it('is none as a number', () => {
    expect(() => toMs(5000)).toThrow('"5000" is not a duration.')
  })

  it('is cut in the message', () => {
    expect(() => toMs('x'.repeat(1000))).toThrow(`"${'x'.repeat(40)}" is not a duration.`)
  })
})

describe('a duration for people', () => {
  it.each([
    [0, '0ms'],
    [250.4, '250ms'],
    [999, '999ms'],
    [1000, '1s'],
    [1234, '1.23s'],
    [60_000, '1m'],
    [5_400_000, '1.5h'],
    [86_400_000, '1d'],
    [100 * 86_400_000, '100d'],
  ])('%d ms is %s', (ms, shown) => {
    expect(showMs(ms)).toBe(shown)
  })

  it('is a duration again, within a hundredth of its unit', () => {
    fc.assert(
      fc.property(fc.nat(1e12), (ms) => {
        expect(Math.abs(toMs(showMs(ms)) - ms)).toBeLessThanOrEqual(Math.max(1, ms * 0.0051))
      }),
    )
  })
})

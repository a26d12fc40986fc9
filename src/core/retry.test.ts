import * as fc from 'fast-check'
import { describe, expect, it } from 'vitest'
import { RETRY, retryDelayMs, retryPolicy, type RetryPolicy } from './retry.ts'

describe('a policy', () => {
  it('is 10 attempts from 200 ms to a minute, then stuck', () => {
    expect(RETRY).toEqual({ attempts: 10, backoffMs: 200, limitMs: 60_000, exhausted: 'stuck' })
    expect(retryPolicy(undefined)).toBe(RETRY)
    expect(retryPolicy({})).toEqual(RETRY)
  })

  it('takes each word of the author, and the rest from its base', () => {
    const base: RetryPolicy = { attempts: 3, backoffMs: 5, limitMs: 7, exhausted: 'fail' }
    expect(retryPolicy(undefined, base)).toBe(base)
    expect(retryPolicy({ attempts: 1 }, base)).toEqual({ ...base, attempts: 1 })
    expect(retryPolicy({ backoff: '1s' }, base)).toEqual({ ...base, backoffMs: 1000 })
    expect(retryPolicy({ limit: '2m' }, base)).toEqual({ ...base, limitMs: 120_000 })
    expect(retryPolicy({ exhausted: 'stuck' }, base)).toEqual({ ...base, exhausted: 'stuck' })
  })

  it('refuses what is no duration', () => {
    expect(() => retryPolicy({ backoff: 'soon' as '1s' })).toThrow('"soon" is not a duration.')
    expect(() => retryPolicy({ limit: '-1s' })).toThrow('"-1s" is not a duration.')
  })
})

describe('the delay before the next attempt', () => {
  const policy: RetryPolicy = { ...RETRY, backoffMs: 200, limitMs: 3000 }

  it('doubles, up to the limit, half of it fixed and half by chance', () => {
    const delays = (fraction: number): number[] => [1, 2, 3, 4, 5, 6].map((n) => retryDelayMs(policy, n, fraction))
    expect(delays(0)).toEqual([100, 200, 400, 800, 1500, 1500])
    expect(delays(0.5)).toEqual([150, 300, 600, 1200, 2250, 2250])
    expect(delays(1)).toEqual([200, 400, 800, 1600, 3000, 3000])
  })

  it('is whole, never above the limit, and never below half of what it would be without chance', () => {
    const policies = fc.record({ backoffMs: fc.nat(1e6), limitMs: fc.nat(1e9) })
    const fractions = fc.double({ min: 0, max: 1, maxExcluded: true, noNaN: true })
    fc.assert(
      fc.property(policies, fc.integer({ min: 1, max: 10_000 }), fractions, (times, attempt, fraction) => {
        const delay = retryDelayMs({ ...RETRY, ...times }, attempt, fraction)
        const full = Math.min(times.limitMs, times.backoffMs * 2 ** Math.min(attempt - 1, 40))
        expect(Number.isSafeInteger(delay)).toBe(true)
        expect(delay).toBeLessThanOrEqual(Math.ceil(full))
        expect(delay).toBeGreaterThanOrEqual(Math.floor(full / 2))
      }),
    )
  })

  it('is never shorter than the service asked for, nor than it is without that, and spreads a crowd behind it', () => {
    const delays = (asked: number): number[] => [0, 0.5, 1].map((by) => retryDelayMs(policy, 3, by, asked))
    expect(delays(0)).toEqual([400, 600, 800])
    expect(delays(100)).toEqual([400, 600, 800])
    expect(delays(30_000)).toEqual([30_000, 30_200, 30_400])
  })

  it('never shrinks from one attempt to the next, and grows with chance', () => {
    fc.assert(
      fc.property(
        fc.integer({ min: 1, max: 100 }),
        fc.double({ min: 0, max: 0.99, noNaN: true }),
        (attempt, fraction) => {
          expect(retryDelayMs(RETRY, attempt + 1, fraction)).toBeGreaterThanOrEqual(
            retryDelayMs(RETRY, attempt, fraction),
          )
          expect(retryDelayMs(RETRY, attempt, fraction)).toBeGreaterThanOrEqual(retryDelayMs(RETRY, attempt, 0))
        },
      ),
    )
  })
})

// What an author may say of how often a service is asked, and what is refused of it.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { DEFINITION } from './definition-symbol.ts'
import { operation } from './operation.ts'
import { callLimit, type ServiceLimits } from './service-limits.ts'
import { service } from './service.ts'

const of = (given: unknown): unknown => callLimit(given as ServiceLimits, 'bank', 'service "bank"')

test('a limit in numbers, and in words', () => {
  expect(of(undefined)).toBe(null)
  expect(of({ atOnce: 20, rate: '100/s' })).toEqual({
    name: 'bank',
    atOnce: 20,
    rate: { calls: 100, ms: 1000, burst: 1 },
    per: null,
    words: '20 at once, 100/s',
  })
  expect(of({ rate: '5/10s', burst: 2, per: 'customerId' })).toEqual({
    name: 'bank',
    atOnce: null,
    rate: { calls: 5, ms: 10_000, burst: 2 },
    per: 'customerId',
    words: '5/10s, 2 of them at a time',
  })
  expect(of({ rate: '10/m' })).toMatchObject({ rate: { ms: 60_000 }, words: '10/m' })
})

test.each([
  [{}, 'limits must say atOnce or rate'],
  [{ per: 'id' }, 'limits must say atOnce or rate'],
  [{ atOnce: 0 }, 'limits.atOnce must be a whole number from 1, not 0'],
  [{ atOnce: 1.5 }, 'limits.atOnce must be a whole number from 1, not 1.5'],
  [{ atOnce: 1, burst: 2 }, 'limits.burst means nothing without limits.rate'],
  [{ rate: '1/s', burst: 0 }, 'limits.burst must be a whole number from 1, not 0'],
  [{ rate: '100' }, 'limits.rate must be a number in a time, such as "100/s" or "10/m", not 100'],
  [{ rate: '0/s' }, 'limits.rate must be a number in a time'],
  [{ rate: '1/w' }, 'limits.rate must be a number in a time'],
  [{ rate: '1/32d' }, 'limits.rate must be in a time from 1ms up to 31 days'],
  [{ rate: '1/0s' }, 'limits.rate must be in a time from 1ms up to 31 days'],
  [{ atOnce: 1, per: 'a b' }, 'limits.per must be a field of the input, not "a b"'],
  [{ atOnce: 1, key: 'id' }, 'key'],
  [7, 'its options must be an object'],
])('%j is refused', (given, problem) => {
  expect(() => of(given)).toThrow(problem)
})

test('an operation is limited by itself and with its service', () => {
  const input = z.object({ id: z.string() })
  const bank = service(
    'bank',
    { pay: operation({ input, limits: { atOnce: 1, per: 'id' } }), ask: operation({ input }) },
    { limits: { atOnce: 5 } },
  )
  const [pay, ask] = bank[DEFINITION].operations
  expect(pay?.limits.map(({ name, words }) => `${name}: ${words}`)).toEqual(['bank.pay: 1 at once', 'bank: 5 at once'])
  expect(ask?.limits).toEqual([bank[DEFINITION].limit])
  // @ts-expect-error: a field that its input does not have
  operation({ input, limits: { atOnce: 1, per: 'customerId' } })
  expect(() => service('bank', {}, { limit: 1 } as never)).toThrow('limits')
})

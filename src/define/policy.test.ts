// How attempts are made: the defaults, an operation's words over them, a call's words over those.
import { expect, it } from 'vitest'
import type { Duration } from '../core/duration.ts'
import { attemptPolicy, ATTEMPTS, type Policy } from './policy.ts'

it('is ten attempts of a minute each, from 200 ms doubling to 1 minute, then stuck', () => {
  expect(attemptPolicy({}, 'x')).toEqual({
    retry: { attempts: 10, backoffMs: 200, limitMs: 60_000, exhausted: 'stuck' },
    timeoutMs: 60_000,
  })
})

it('takes what is said, and the rest from the base', () => {
  const operation = attemptPolicy({ retry: { attempts: 3, backoff: '1s' }, timeout: '10s' }, 'x')
  expect(operation).toEqual({ retry: { ...ATTEMPTS.retry, attempts: 3, backoffMs: 1000 }, timeoutMs: 10_000 })
  const call = attemptPolicy({ retry: { exhausted: 'fail', limit: '5s' }, timeout: undefined }, 'x', operation)
  expect(call).toEqual({
    retry: { attempts: 3, backoffMs: 1000, limitMs: 5000, exhausted: 'fail' },
    timeoutMs: 10_000,
  })
})

it.each([0, -1, 1.5, Number.NaN, Number.POSITIVE_INFINITY, '3' as unknown as number])(
  'refuses %j attempts',
  (attempts) => {
    expect(() => attemptPolicy({ retry: { attempts } }, 'operation "a.b"')).toThrow(
      'operation "a.b": retry.attempts must be a whole number from 1',
    )
  },
)

it.each<[string, unknown, string]>([
  ['an unknown way to end', { retry: { exhausted: 'stop' } }, 'retry.exhausted must be "stuck" or "fail", not "stop"'],
  ['an unknown word', { retry: { tries: 3 } }, 'retry of x: there is no option "tries"'],
  ['no object', { retry: 3 }, 'retry of x: its options must be an object'],
  ['no time at all', { timeout: '0s' }, 'timeout must be 1ms or longer'],
])('refuses %s', (_what, policy, message) => {
  expect(() => attemptPolicy(policy as Policy, 'x')).toThrow(message)
})

it.each(['10 minutes', '-1s', '1', ''])('refuses the duration %j, and says where it stands', (duration) => {
  for (const [field, policy] of [
    ['timeout', { timeout: duration }],
    ['retry.backoff', { retry: { backoff: duration } }],
    ['retry.limit', { retry: { limit: duration } }],
  ] as const) {
    const message = `operation "a.b": ${field} "${duration}" is not a duration.`
    expect(() => attemptPolicy(policy as { timeout: Duration }, 'operation "a.b"')).toThrow(
      expect.objectContaining({ code: 'DURATION_INVALID', message }),
    )
  }
})

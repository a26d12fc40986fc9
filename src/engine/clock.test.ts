// The clock of the machine: timers past the limit of setTimeout, and ids that sort by time. Node's timers are faked
// here, because nobody waits a month.
import { afterEach, beforeEach, expect, test, vi } from 'vitest'
import { systemClock, systemRandom } from './clock.ts'

beforeEach(() => {
  vi.useFakeTimers({ now: 1_000_000 })
})
afterEach(() => {
  vi.useRealTimers()
})

test.each([0, 1, 999, 2 ** 31 - 1, 2 ** 31, 40 * 86_400_000])(
  'a timer of %i ms fires then, and not before',
  (delayMs) => {
    const fired = vi.fn<() => void>()
    systemClock.after(delayMs, fired)
    if (delayMs > 0) vi.advanceTimersByTime(delayMs - 1)
    expect(fired).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(fired).toHaveBeenCalledOnce()
  },
)

test('a timer that was cancelled does not fire, also when it was cancelled on its way', () => {
  const fired = vi.fn<() => void>()
  const cancel = systemClock.after(3 * 86_400_000, fired)
  vi.advanceTimersByTime(2 * 86_400_000)
  cancel()
  cancel()
  vi.advanceTimersByTime(5 * 86_400_000)
  expect(fired).not.toHaveBeenCalled()
})

test.each([3_600_000, -3_600_000, 365 * 86_400_000])(
  'a clock that is set by %i ms meanwhile does not change how long is waited',
  (stepMs) => {
    const fired = vi.fn<() => void>()
    systemClock.after(1000, fired)
    vi.advanceTimersByTime(400)
    vi.setSystemTime(Date.now() + stepMs)
    vi.advanceTimersByTime(599)
    expect(fired).not.toHaveBeenCalled()
    vi.advanceTimersByTime(1)
    expect(fired).toHaveBeenCalledOnce()
  },
)

test('uuids are of version 7 and sort by their time', () => {
  const ids = [1, 2, 2 ** 40].map((now) => systemRandom.uuid(now))
  for (const id of ids) expect(id).toMatch(/^[0-9a-f]{8}-[0-9a-f]{4}-7[0-9a-f]{3}-[89ab][0-9a-f]{3}-[0-9a-f]{12}$/)
  expect(ids.toSorted()).toEqual(ids)
  expect(new Set(Array.from({ length: 1000 }, () => systemRandom.uuid(5))).size).toBe(1000)
})

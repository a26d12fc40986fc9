// Until when a process may be sure of its lease: it counts from when the renewal was sent, by time that passes.
import type { Clock } from '../core/clock.ts'
import { expect, test } from 'vitest'
import { SteppedClock } from '../../test/support/clocks.ts'
import { LeaseHold, sentNow, sureHold } from './hold.ts'

test('a lease is sure for its length, from when it was asked for', () => {
  const clock = new SteppedClock()
  const hold = new LeaseHold(clock, 1000, sentNow(clock))
  clock.pass(999)
  expect(hold.isSure).toBe(true)
  clock.pass(1)
  expect(hold.isSure).toBe(false)
})

test('what waits begins when a renewal has come that is not too old itself, once and in order', () => {
  const clock = new SteppedClock()
  const hold = new LeaseHold(clock, 1000, sentNow(clock))
  const begun: string[] = []
  hold.whenSure(() => begun.push('at once'))
  clock.pass(1000)
  hold.whenSure(() => begun.push('first'))
  hold.whenSure(() => begun.push('second'))
  const sentAt = sentNow(clock)
  // The answer to this renewal came after the process had been frozen for the whole length.
  clock.pass(1000)
  hold.renewed(sentAt)
  expect(begun).toEqual(['at once'])
  hold.renewed(sentNow(clock))
  hold.renewed(sentNow(clock))
  expect(begun).toEqual(['at once', 'first', 'second'])
})

/** A clock of which one time is ahead, as that of the day is after the machine was suspended. */
function halted() {
  const ahead = { elapsed: 0, now: 0 }
  const clock = new SteppedClock()
  const times: Clock = {
    now: () => clock.now() + ahead.now,
    elapsed: () => clock.now() + ahead.elapsed,
    after: (delayMs, callback) => clock.after(delayMs, callback),
  }
  return { ahead, clock: times }
}

test.each(['elapsed', 'now'] as const)('a halt that only one of the times of a machine shows (%s) ends it', (time) => {
  const { ahead, clock } = halted()
  const hold = new LeaseHold(clock, 1000, sentNow(clock))
  // Under way meanwhile: it counts from before.
  const sentAt = sentNow(clock)
  ahead[time] = 1000
  expect([hold.isSure, hold.unrenewedMs]).toEqual([false, 1000])
  hold.renewed(sentAt)
  expect(hold.isSure).toBe(false)
  hold.renewed(sentNow(clock))
  expect(hold.isSure).toBe(true)
})

test('a time of day that is set back makes it no longer', () => {
  const { ahead, clock } = halted()
  const hold = new LeaseHold(clock, 1000, sentNow(clock))
  ahead.now = -3_600_000
  ahead.elapsed = 999
  expect(hold.isSure).toBe(true)
  ahead.elapsed = 1000
  expect(hold.isSure).toBe(false)
})

test('without leases it is always sure', () => {
  const begun: string[] = []
  sureHold.whenSure(() => begun.push('at once'))
  expect([sureHold.isSure, begun]).toEqual([true, ['at once']])
})

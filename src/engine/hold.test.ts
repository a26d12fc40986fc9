// Until when a process may be sure of its lease: it counts from when the renewal was sent, by time that passes.
import { elapsedOf } from '../core/clock.ts'
import { expect, test } from 'vitest'
import { SteppedClock } from '../../test/support/clocks.ts'
import { LeaseHold, sureHold } from './hold.ts'

test('a lease is sure for its length, from when it was asked for', () => {
  const clock = new SteppedClock()
  const hold = new LeaseHold(clock, 1000, elapsedOf(clock))
  clock.pass(999)
  expect(hold.isSure).toBe(true)
  clock.pass(1)
  expect(hold.isSure).toBe(false)
})

test('what waits begins when a renewal has come that is not too old itself, once and in order', () => {
  const clock = new SteppedClock()
  const hold = new LeaseHold(clock, 1000, elapsedOf(clock))
  const begun: string[] = []
  hold.whenSure(() => begun.push('at once'))
  clock.pass(1000)
  hold.whenSure(() => begun.push('first'))
  hold.whenSure(() => begun.push('second'))
  const sentAt = elapsedOf(clock)
  // The answer to this renewal came after the process had been frozen for the whole length.
  clock.pass(1000)
  hold.renewed(sentAt)
  expect(begun).toEqual(['at once'])
  hold.renewed(elapsedOf(clock))
  hold.renewed(elapsedOf(clock))
  expect(begun).toEqual(['at once', 'first', 'second'])
})

test('without leases it is always sure', () => {
  const begun: string[] = []
  sureHold.whenSure(() => begun.push('at once'))
  expect([sureHold.isSure, begun]).toEqual([true, ['at once']])
})

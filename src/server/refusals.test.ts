// How much of what is refused stands in the log.
import { expect, test } from 'vitest'
import { keptLog } from '../../test/support/applications.ts'
import { HandClock } from '../testing/hand-clock.ts'
import { Refusals } from './refusals.ts'

const unsigned = { status: 401, code: 'SIGNATURE_REFUSED', detail: 'another secret.' }

test('each kind has a line at once, and then one a minute at most, with how many there were', () => {
  const [clock, log] = [new HandClock(), keptLog()]
  const refusals = new Refusals(clock, log)
  for (let times = 0; times < 1000; times++) refusals.add('POST /charge', unsigned)
  refusals.add('POST /charge', { status: 413, code: 'BODY_TOO_LARGE', detail: 'too large.' })
  expect(log.lines).toEqual([
    'warn POST /charge was refused (401): another secret.',
    'warn POST /charge was refused (413): too large.',
  ])
  clock.pass('59999ms')
  refusals.add('POST /charge', unsigned)
  expect(log.lines).toHaveLength(2)
  clock.pass('1ms')
  refusals.add('POST /refund', unsigned)
  expect(log.lines.slice(2)).toEqual(['warn 1001 requests were refused (401): the last, POST /refund: another secret.'])
})

test('what nobody has thought of is told as an error', () => {
  const [clock, log] = [new HandClock(), keptLog()]
  new Refusals(clock, log).add('POST /x', { status: 500, code: 'INVARIANT', detail: 'odd.' })
  expect(log.lines).toEqual(['error POST /x was refused (500): odd.'])
})

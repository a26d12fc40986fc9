// For how long a node waits for what it has asked of the one that carries a run.
import { expect, test } from 'vitest'
import { SteppedClock } from '../../test/support/clocks.ts'
import { carryingOf } from './carrying.ts'

const question = new Request('http://localhost/api/runs/a?wait=10s')
const action = new Request('http://localhost/api/runs/a/retry', { method: 'POST', body: '{"by":"ann"}' })

test.each([
  ['a question for its time and a little longer', question, 12_000],
  ['an action for as long as one that goes by way of the inbox', action, 30_000],
])('%s', (_, request, mostMs) => {
  const clock = new SteppedClock()
  const { over } = carryingOf(request, { clock, isCarried: () => true })
  clock.pass(mostMs - 1)
  expect(over.aborted).toBe(false)
  clock.pass(1)
  expect(over.reason).toBe(`no answer in ${mostMs / 1000} s`)
})

test.each([question, action])('no longer than that node carries the run', (request) => {
  const clock = new SteppedClock()
  let isCarried = true
  const { over } = carryingOf(request, { clock, isCarried: () => isCarried })
  clock.pass(1000)
  expect(over.aborted).toBe(false)
  isCarried = false
  clock.pass(250)
  expect(over.reason).toBe('another node is about to carry the run')
})

test('what is left is answered here: a question for the rest of its time, an action as it came', async () => {
  const clock = new SteppedClock()
  const asked = carryingOf(question, { clock, isCarried: () => true })
  const acted = carryingOf(action, { clock, isCarried: () => true })
  clock.pass(4000)
  for (const { stop } of [asked, acted]) stop()
  expect(asked.here().url).toBe('http://localhost/api/runs/a?wait=6000ms')
  expect(await acted.here().json()).toEqual({ by: 'ann' })
})

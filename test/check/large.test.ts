// A service with very many steps is checked in a moment. By the cube of them these would take minutes, and the test its limit.
import { expect, it } from 'vitest'
import { z } from 'zod'
import { ballet } from '../../src/define/ballet.ts'
import { checkApplication } from '../../src/define/check/check.ts'
import { choreography } from '../../src/define/choreography.ts'
import { event } from '../../src/define/event.ts'
import { operation } from '../../src/define/operation.ts'
import { seq } from '../../src/define/pattern.ts'
import { service } from '../../src/define/service.ts'
import { never } from './sound.ts'

const STEPS = 2000
const key = { key: 'orderId' } as const
const id = z.object({ orderId: z.string() })

it('checks two thousand steps of one service', { timeout: 30_000 }, () => {
  const events = Array.from({ length: STEPS + 1 }, (_one, number) => event(`step.s${number}`, id, key))
  const [first, second, ...rest] = events
  const steps = events.slice(1).map((outcome, number) => ({
    name: `do${number}`,
    operation: operation({ input: id, outcomes: [outcome], run: never }),
  }))
  const long = service('long', Object.fromEntries(steps.map((step) => [step.name, step.operation])))
  for (const [number, { name }] of steps.entries()) {
    const after = events[number]
    const call = long[name]
    if (after !== undefined && call !== undefined) long.on(after, (data) => call(data))
  }
  if (first === undefined || second === undefined) throw new RangeError('no steps')
  const flow = choreography('long', key, seq(first, second, ...rest))
  expect(checkApplication(ballet({ services: [long], choreographies: [flow] }))).toEqual([])
  // Each of the reactions leads to the next one, and the last back to the first.
  const last = events.at(-1) ?? first
  const again = service('again', { do: operation({ input: id, outcomes: [first], run: never }) })
  again.on(last, (data) => again.do(data))
  const round = ballet({ services: [long, again], choreographies: [flow] })
  expect(checkApplication(round).map(({ code, place }) => [code, place])).toEqual([
    ['outcome-misplaced', 'choreography "long", reaction "again:step.s2000"'],
    ['cycle-endless', 'event "step.s0"'],
  ])
})

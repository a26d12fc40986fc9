// A service that is down is told of once, however many calls wait for it, and once when it is back.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { keptLog, openForTest } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { ballet, operation, service, workflow } from '../index.ts'
import { rounds } from '../testing/simulation/world.ts'
import { Outages } from './outages.ts'

const refused = { code: 'Error', message: 'connect ECONNREFUSED' }

test('calls that are made again and again say so once, and once that they are answered', async () => {
  const clock = new SteppedClock()
  const backAt = clock.now() + 60_000
  const bank = service('bank', {
    charge: operation({
      input: z.string(),
      output: z.string(),
      run: (order) => {
        if (clock.now() < backAt) throw new Error(refused.message)
        return order
      },
    }),
    ask: operation({ input: z.string(), output: z.string(), run: (order) => order }),
  })
  const order = workflow('order', { input: z.string(), output: z.string() }, async (run, id) => {
    await run.call(bank.ask(id))
    return run.call(bank.charge(id))
  })
  const log = keptLog()
  const definition = ballet({ services: [bank], workflows: [order] })
  const app = await openForTest(definition, { log, clock })
  const ids = ['a', 'b', 'c']
  for (const id of ids) await app.start(order(id), { id })
  const all = Promise.all(ids.map((id) => app.result(id)))
  // Attempts are no more than a minute apart.
  for (let second = 0; second < 150; second++) {
    await rounds(20)
    clock.pass(1000)
  }
  expect(await all).toEqual(ids)
  expect(log.lines).toEqual([
    expect.stringMatching(
      /^warn bank[.]charge has not answered for \S+: \d+ attempts failed, the last with Error: connect ECONNREFUSED[.]/,
    ),
    expect.stringMatching(/^info bank[.]charge answers again, after \S+ in which \d+ attempts failed$/),
  ])
})

test('what fails now and then, or for a moment, is not told of', () => {
  const log = keptLog()
  const clock = new SteppedClock()
  const outages = new Outages(clock, log)
  for (let attempt = 0; attempt < 100; attempt++) outages.failed('a', refused)
  outages.answered('a')
  for (let second = 0; second < 60; second++) {
    outages.failed('a', refused)
    outages.failed('b', { ...refused, message: 'b cannot be reached.' })
    clock.pass(1000)
    outages.answered('a')
  }
  expect(log.lines).toHaveLength(1)
  expect(log.lines[0]).toMatch(/^warn b has not answered for 10s: 11 attempts failed, .*[^.]\. They are made again/)
})

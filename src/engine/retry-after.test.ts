// A service that limits says when it may be asked again, and is not asked before: in this process, in the next one, and
// whatever the policy of retries has for its own delays.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest, until } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { ballet, operation, RetryAfterError, service, TerminalError, workflow, type Application } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const output = z.string()
const HOUR_MS = 3_600_000

/** A CRM that answers each attempt with the next of these, and with `done` behind them; the times at which it was asked. */
function limited(errors: readonly Error[], clock: SteppedClock, attempts = 10) {
  const asked: number[] = []
  const began = clock.now()
  const crm = service('crm', {
    update: operation({
      input: z.null(),
      output,
      retry: { attempts, backoff: '200ms', limit: '1s' },
      run: () => {
        const error = errors[asked.push(clock.now() - began) - 1]
        if (error !== undefined) throw error
        return 'done'
      },
    }),
  })
  return { definition: ballet({ services: [crm], workflows: [] }), crm, asked, began }
}

const always = (times: number, ms: number): readonly Error[] =>
  Array.from({ length: times }, () => new RetryAfterError('429', ms))

/** The attempt of which a run says that it failed, once that is durable. */
const failedAttempt = (app: Application, number = 1) =>
  until(app, null, async () => {
    const attempt = (await app.run('one'))?.waits[0]?.attempt
    return attempt?.number === number && attempt
  })

test.each<[string, Error, number]>([
  ['an error of ours', new RetryAfterError('429', 30_000), 30_000],
  ['an error of a library', Object.assign(new Error('429'), { retryAfterMs: 30_000 }), 30_000],
  ['less than the policy waits at least', new RetryAfterError('429', 20), 100],
  ['a year: a day', new RetryAfterError('429', 365 * 24 * HOUR_MS), 24 * HOUR_MS],
  ['what is no time: the policy', new RetryAfterError('429', Number.NaN), 100],
])('%s is waited for, and half of the delay of the policy on top at most', async (_what, error, least) => {
  const clock = new SteppedClock()
  const { definition, crm, asked, began } = limited([error], clock)
  const app = await openForTest(definition, { clock })
  await app.start(crm.update(null), { id: 'one' })
  const { next } = await failedAttempt(app)
  const due = Date.parse(String(next)) - began
  expect(due).toBeGreaterThanOrEqual(least)
  expect(due).toBeLessThanOrEqual(least + 100)
  await clock.moveTo(began + due - 1)
  expect(asked).toEqual([0])
  await clock.moveTo(began + due)
  expect(await app.result('one')).toBe('done')
  expect(asked).toEqual([0, due])
})

test('it holds in the next process, and an attempt by hand does not wait for it', async () => {
  const clock = new SteppedClock()
  const { definition, crm, asked, began } = limited(always(2, HOUR_MS), clock)
  const data = new MemoryData()
  const first = await openForTest(definition, { store: memory(data), clock })
  await first.start(crm.update(null), { id: 'one' })
  const { next } = await failedAttempt(first)
  await first.close()
  const second = await openForTest(definition, { store: memory(data), clock })
  await clock.moveTo(Date.parse(String(next)) - 1)
  expect((await second.run('one'))?.waits[0]?.attempt).toMatchObject({ number: 1, next })
  expect(asked).toEqual([0])
  await clock.moveTo(Date.parse(String(next)))
  await failedAttempt(second, 2)
  expect(asked).toEqual([0, Date.parse(String(next)) - began])
  await second.retry('one', { op: 'crm.update#0', by: 'ann', why: 'they lifted it' })
  expect(await second.result('one')).toBe('done')
})

test('it holds when the process is told to end while the attempt is under way', async () => {
  const clock = new SteppedClock()
  const data = new MemoryData()
  const begun = Promise.withResolvers<void>()
  const limit = Promise.withResolvers<never>()
  let asked = 0
  const crm = service('crm', {
    update: operation({
      input: z.null(),
      output,
      run: () => {
        if (++asked > 1) return 'done'
        begun.resolve()
        return limit.promise
      },
    }),
  })
  const definition = ballet({ services: [crm], workflows: [] })
  const first = await openForTest(definition, { store: memory(data), clock, graceMs: 60_000 })
  await first.start(crm.update(null), { id: 'one' })
  await begun.promise
  const closed = first.close()
  limit.reject(new RetryAfterError('429', 30_000))
  await closed
  const second = await openForTest(definition, { store: memory(data), clock })
  const { next } = await failedAttempt(second)
  await clock.moveTo(Date.parse(String(next)) - 1)
  expect(asked).toBe(1)
  await clock.moveTo(Date.parse(String(next)))
  expect(await second.result('one')).toBe('done')
})

test('each such attempt counts, so that who always says so is stuck in the end', async () => {
  const clock = new SteppedClock()
  const { definition, crm, asked } = limited(always(9, 1000), clock, 3)
  const app = await openForTest(definition, { clock })
  await app.start(crm.update(null), { id: 'one' })
  for (const number of [1, 2]) await clock.moveTo(Date.parse(String((await failedAttempt(app, number)).next)))
  expect(await failedAttempt(app, 3)).toMatchObject({ next: null, error: { code: 'RetryAfterError' } })
  await until(app, null, async () => (await app.run('one'))?.status === 'stuck')
  expect(asked).toHaveLength(3)
})

test('what is never to be tried again is not, whatever else it says; a step may ask for time as well', async () => {
  const clock = new SteppedClock()
  const never = Object.assign(new TerminalError('closed'), { retryAfterMs: 1000 })
  const { definition, crm } = limited([never], clock)
  let steps = 0
  const flow = workflow('flow', { input: z.null(), output }, async (run) => {
    const words = await run.call(crm.update(null)).catch((error: Error) => error.message)
    await run.step('mail', () => {
      if (++steps === 1) throw new RetryAfterError('the mail server is busy', HOUR_MS)
    })
    return words
  })
  const app = await openForTest({ ...definition, ...ballet({ services: [crm], workflows: [flow] }) }, { clock })
  await app.start(flow(null), { id: 'one' })
  const { next } = await failedAttempt(app)
  await clock.moveTo(Date.parse(String(next)) - 1)
  expect(steps).toBe(1)
  await clock.moveTo(Date.parse(String(next)))
  expect(await app.result('one')).toBe('crm.update failed: closed')
})

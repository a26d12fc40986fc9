// What keeps failing is known of whoever carries it: also the oldest behind many that wait for something else, and after a restart.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest, until } from '../../test/support/applications.ts'
import { ballet, operation, service, signal, workflow, type Application } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'
import { failingTogether } from './failing.ts'

const retry = { attempts: 100_000, backoff: '20ms', limit: '20ms' } as const
const throws = (): never => {
  throw new Error('connect ECONNREFUSED')
}
const depot = service('depot', {
  ship: operation({ input: z.string(), output: z.null(), retry, run: throws }),
  count: operation({ input: z.string(), output: z.null(), run: () => null }),
})
const Go = signal('go', z.null())
const wait = workflow('wait', { input: z.null(), output: z.null(), signals: [Go] }, async (run) => {
  await run.receive(Go)
  return null
})
const stepping = workflow('stepping', { input: z.null(), output: z.null() }, async (run) => {
  await run.step('print', throws, { retry })
  return null
})
const definition = ballet({ services: [depot], workflows: [wait, stepping] })

const seen = (app: Application, calls: number) =>
  until(app, null, async () => {
    const page = await app.failing()
    const isAll = page.failing.reduce((sum, one) => sum + one.calls, 0) === calls
    return isAll && page
  })

test('the oldest calls that fail are known behind many that wait for something else, those of runs that left memory too, and after a restart', async () => {
  const data = new MemoryData()
  const app = await openForTest(definition, { store: memory(data), liveRuns: 5 })
  for (const id of ['a', 'b']) await app.start(depot.ship(id), { id })
  await app.start(stepping(null), { id: 's' })
  await app.start(depot.count('c'), { id: 'c' })
  await Promise.all(Array.from({ length: 150 }, (_, n) => app.start(wait(null), { id: `w${n}` })))
  const known = {
    failing: [
      { kind: 'operation', name: 'depot.ship', calls: 2, attempts: expect.any(Number) as number, runs: ['a', 'b'] },
      { kind: 'step', name: 'stepping', calls: 1, attempts: expect.any(Number) as number, runs: ['s'] },
    ],
    shards: { known: 1, of: 1 },
  }
  expect(await seen(app, 3)).toEqual(known)
  await app.cancel('b')
  expect(await seen(app, 2)).toMatchObject({
    failing: [
      { calls: 1, runs: ['a'] },
      { calls: 1, runs: ['s'] },
    ],
  })
  await app.close()
  const again = await openForTest(definition, { store: memory(data), liveRuns: 5 })
  const [first] = (await seen(again, 2)).failing
  expect(first).toMatchObject({ name: 'depot.ship', calls: 1, runs: ['a'] })
})

test('what several nodes know is put together, and what nobody has answered for is said', () => {
  const of = (name: string, calls: number, runs: readonly string[]) =>
    ({ kind: 'operation', name, calls, attempts: calls, runs }) as const
  const one = { failing: [of('a', 1, ['1']), of('b', 5, ['2'])], shards: { known: 3, of: 8 } }
  const other = { failing: [of('a', 7, ['3', '4', '5', '6', '7'])], shards: { known: 4, of: 8 } }
  expect(failingTogether([one, other])).toEqual({
    failing: [{ ...of('a', 8, ['1', '3', '4', '5', '6']), attempts: 7 }, of('b', 5, ['2'])],
    shards: { known: 7, of: 8 },
  })
})

// What `show` finds below a run that waits, against an application in which it is so.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest, until } from '../../test/support/applications.ts'
import { ballet, operation, service, workflow } from '../index.ts'
import { stuckBelow } from './stuck-below.ts'

const Id = z.object({ id: z.string() })
const bank = service('bank', {
  ask: operation({
    input: Id,
    retry: { attempts: 1 },
    run: () => {
      throw new Error('the bank is away')
    },
  }),
})
const leaf = workflow('leaf', { input: Id, output: z.null() }, async (run, input) => {
  if (input.id === 'slow') await run.sleep('1h')
  else await run.call(bank.ask(input))
  return null
})
const middle = workflow('middle', { input: Id, output: z.null() }, async (run, input) => run.call(leaf(input)))
const root = workflow('root', { input: z.null(), output: z.null() }, async (run) => {
  await Promise.all(['away', 'slow'].map((id) => run.call(middle({ id }), { id })))
  return null
})

test('the stuck run at the bottom is found from each run above it, and from no other', async () => {
  const app = await openForTest(ballet({ services: [bank], workflows: [leaf, middle, root] }))
  await app.start(root(null), { id: 'r' })
  const stuck = await until(app, null, async () => (await app.runs({ status: ['stuck'] })).items[0])
  expect(stuck?.name).toBe('leaf')
  const below = async (id: string): Promise<readonly string[]> => {
    const run = await app.run(id)
    return run === null ? ['none'] : (await stuckBelow(app, run)).map((one) => one.id)
  }
  expect(await below('r')).toEqual([stuck?.id])
  expect(await below(stuck?.parent ?? '')).toEqual([stuck?.id])
  expect(await below(stuck?.id ?? '')).toEqual([])
  const { items } = await app.runs({ name: 'middle' })
  const other = items.find(({ id }) => id !== stuck?.parent)
  expect(await below(other?.id ?? '')).toEqual([])
})

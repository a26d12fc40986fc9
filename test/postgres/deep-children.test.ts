// A workflow that calls itself ever deeper: ids of children grow with each level, and an index of PostgreSQL takes so many bytes.
import { createHash } from 'node:crypto'
import { expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, workflow, type Call } from '../../src/index.ts'
import { keptLog, openForTest, until } from '../support/applications.ts'
import { placeForTest } from './two-versions.ts'

const digestOf = (text: string): string => createHash('sha256').update(text).digest('hex')
const below = (n: number): Call<number> => down(n - 1)
const down = workflow('down', { input: z.number(), output: z.number() }, async (run, n): Promise<number> => {
  return n === 0 ? 0 : 1 + (await run.call(below(n), { id: digestOf(`${n}`) }))
})
const other = workflow('other', { input: z.null(), output: z.string() }, async () => 'done')

test('a workflow that calls itself too deep is stuck where it cannot go on, the node carries all else, and all of it can be cancelled', async () => {
  const log = keptLog()
  const store = (await placeForTest()).url('&shards=8&lease=2&pool=4')
  const app = await openForTest(ballet({ name: 'shop', services: [], workflows: [down, other] }), { store, log })
  await app.start(down(60), { id: 'top' })
  const [stuck] = await until(app, null, async () => {
    const { items } = await app.runs({ status: ['stuck'] })
    return items.length > 0 && items
  })
  expect(stuck).toMatchObject({
    reason: 'threw',
    error: {
      code: 'RUN_THREW',
      message: expect.stringMatching(
        /CHILD_ID_TOO_LONG: The run that down\/[0-9a-f]{64} would begin has an id of 10\d\d characters, and 1000 are the limit/,
      ),
    },
  })
  expect(await app.result((await app.start(other(null))).id)).toBe('done')
  await app.cancel('top', { by: 'ann', why: 'it is too deep' })
  expect(await app.settled('top', 30_000)).toMatchObject({ status: 'cancelled' })
  expect((await app.runs({ status: ['stuck'] })).items).toEqual([])
})

// A call that nobody waits for: as its run ends with the turn in which it was asked for, it is not made, and the log says so.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { keptLog, openForTest } from '../../test/support/applications.ts'
import { ballet, operation, service, workflow } from '../index.ts'

const made: string[] = []
const bank = service('bank', {
  refund: operation({ input: z.string(), output: z.null(), run: (id) => (made.push(id), null) }),
})
const forgets = workflow('forgets', { input: z.string(), output: z.null() }, async (run, id) => {
  void run.call(bank.refund(id))
  return null
})
const waits = workflow('waits', { input: z.string(), output: z.null() }, async (run, id) => run.call(bank.refund(id)))
test('a call without an await is said to be none, and others are not', async () => {
  const log = keptLog()
  const app = await openForTest(ballet({ services: [bank], workflows: [forgets, waits] }), { log })
  await app.result((await app.start(forgets('a'), { id: 'a' })).id)
  await app.result((await app.start(waits('b'), { id: 'b' })).id)
  expect(made).toEqual(['b'])
  expect(log.lines).toEqual([
    'warn The run "a" has returned without waiting for bank.refund#0, which it asked for in the same moment: that is not made. Await it, or start it with run.start',
  ])
})

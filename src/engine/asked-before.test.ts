// What a process before this one asked for, and nothing is known of, is told: its attempt may have reached the service.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest, until } from '../../test/support/applications.ts'
import { ballet, operation, service, workflow, type Application } from '../index.ts'

const input = z.null()
const output = z.string()

test('a call and a step whose attempts the end of a process broke off', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-asked-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  let begun = 0
  const all = gate()
  const fails = gate()
  const hang = async (): Promise<string> => {
    begun += 1
    if (begun === 3) all.open()
    await fails.promise
    throw new RangeError('down')
  }
  const pay = service('pay', { charge: operation({ input, output, retry: { backoff: '1h' }, run: hang }) })
  const flow = workflow('flow', { input, output }, async (run) => {
    await Promise.all([run.call(pay.charge(null)), run.step('book', hang), run.sleep('1h')])
    return 'done'
  })
  const definition = ballet({ services: [pay], workflows: [flow] })
  const store = `file:${join(folder, 'store.db')}`
  const asked = async (app: Application, run: string): Promise<unknown> =>
    (await app.run(run))?.waits.map((wait) => [wait.op, wait.asked])

  const first = await openForTest(definition, { store })
  await first.start(flow(null), { id: 'f' })
  await first.start(pay.charge(null), { id: 'p' })
  await all.promise
  const unasked = [
    ['pay.charge#0', undefined],
    ['book#0', undefined],
    ['sleep#0', undefined],
  ]
  expect(await asked(first, 'f')).toEqual(unasked)
  expect(await asked(first, 'p')).toEqual([['pay.charge#0', undefined]])
  await first.close()

  const second = await openForTest(definition, { store })
  await second.start(flow(null), { id: 'new' })
  expect(await asked(second, 'f')).toEqual([
    ['pay.charge#0', 'before'],
    ['book#0', 'before'],
    ['sleep#0', undefined],
  ])
  expect(await asked(second, 'p')).toEqual([['pay.charge#0', 'before']])
  expect(await asked(second, 'new')).toEqual(unasked)
  // Of an attempt that failed the journal tells.
  fails.open()
  await until(second, null, async () => (await second.run('p'))?.waits[0]?.attempt !== undefined)
  expect(await asked(second, 'p')).toEqual([['pay.charge#0', undefined]])
})

// Services that are limited, on a running application: calls wait for their place, are made in their order, say what they wait
// for, and go on so after a process has died.
import { afterEach, expect, test } from 'vitest'
import { cpSync, mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { z } from 'zod'
import { openForTest } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import { rounds } from '../../test/support/sweeps.ts'
import { waitingLine } from '../cli/why-waiting.ts'
import { ballet, operation, service, workflow, type Application, type Workflow } from '../index.ts'

const folders: string[] = []
afterEach(() => {
  for (const folder of folders.splice(0)) rmSync(folder, { recursive: true, force: true })
})
const newFolder = (): string => {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-limits-'))
  folders.push(folder)
  return folder
}
const storeIn = (folder: string): string => `file:${join(folder, 'test.db')}`

/** A bank of which the test answers each attempt, in the order in which they came. */
function limitedBank(limits: { atOnce?: number; rate?: '1/s'; per?: string }) {
  const asked: string[] = []
  const answers: PromiseWithResolvers<void>[] = []
  const attempt = async (order: { id: string }): Promise<void> => {
    asked.push(order.id)
    const answer = Promise.withResolvers<void>()
    answers.push(answer)
    await answer.promise
  }
  const input = z.object({ id: z.string(), customer: z.string().optional() })
  const bank = service(
    'bank',
    {
      charge: operation({ input, run: attempt, timeout: '10s', retry: { backoff: '1s', limit: '1s' } }),
      refund: operation({ input, run: ({ id }) => attempt({ id: `undo ${id}` }), undoes: 'charge' }),
    },
    { limits },
  )
  const order = workflow(
    'order',
    { input: z.tuple([z.string(), z.string()]), output: z.null() },
    async (run, [id, customer]) => {
      await run.call(bank.charge({ id, customer }), { undo: bank.refund({ id, customer }) })
      await run.sleep('1h')
      return null
    },
  )
  const app = (
    options: Parameters<typeof openForTest>[1] = {},
    others: readonly Workflow[] = [],
  ): Promise<Application> =>
    openForTest(ballet({ name: 'limited', services: [bank], workflows: [order, ...others] }), options)
  return { asked, answers, order, app, bank }
}

const metric = (app: Application, name: string): number | undefined =>
  app
    .metrics()
    .find((one) => one.name === `ballet_limit_calls_${name}`)
    ?.samples.map((one) => ('value' in one ? one.value : NaN))[0]

test('so many are made at once, the oldest first; who waits says for what', async () => {
  const { asked, answers, order, app: open } = limitedBank({ atOnce: 1 })
  const clock = new SteppedClock()
  const app = await open({ clock })
  for (const id of ['a', 'b', 'c']) await app.start(order([id, 'ada']), { id })
  await rounds()
  expect(asked).toEqual(['a'])
  const run = await app.run('c')
  expect(run?.waits).toMatchObject([{ for: 'bank.charge', place: { at: 'bank', limit: '1 at once', before: 1 } }])
  expect(run === null ? '' : waitingLine(run, clock.now())).toBe(
    'Waits for a place at bank (1 at once, 1 before it) to call bank.charge, 0ms so far; it is made when there is one.',
  )
  expect((await app.run('a'))?.waits[0]?.place).toBe(undefined)
  expect([metric(app, 'running'), metric(app, 'waiting')]).toEqual([1, 2])
  // What waits has no attempt that could take too long.
  clock.pass(9000)
  answers[0]?.resolve()
  await rounds()
  clock.pass(9000)
  answers[1]?.resolve()
  await rounds()
  clock.pass(9000)
  answers[2]?.resolve()
  await rounds()
  expect(asked).toEqual(['a', 'b', 'c'])
  expect((await app.journal('c'))?.items.filter(({ kind }) => kind === 'note')).toEqual([])
  expect([metric(app, 'running'), metric(app, 'waiting')]).toEqual([0, 0])
})

test('an attempt that fails leaves its place, and comes before what was asked for later', async () => {
  const { asked, answers, order, app: open } = limitedBank({ atOnce: 1 })
  const clock = new SteppedClock()
  const app = await open({ clock })
  for (const id of ['a', 'b', 'c']) await app.start(order([id, 'ada']), { id })
  await rounds()
  answers[0]?.reject(new Error('not now'))
  await rounds()
  expect(asked).toEqual(['a', 'b'])
  clock.pass(1000)
  await rounds()
  expect((await app.run('a'))?.waits[0]?.place?.before).toBe(0)
  answers[1]?.resolve()
  await rounds()
  expect(asked).toEqual(['a', 'b', 'a'])
  expect((await app.run('c'))?.waits[0]?.place?.before).toBe(0)
})

test('what is cancelled while it waits is not made, and taken back as what is not known; an undo comes before new work', async () => {
  const { asked, answers, order, app: open } = limitedBank({ atOnce: 1 })
  const clock = new SteppedClock()
  const app = await open({ clock })
  await app.start(order(['done', 'ada']), { id: 'done' })
  await rounds()
  answers[0]?.resolve()
  await rounds()
  for (const id of ['a', 'b', 'c']) await app.start(order([id, 'ada']), { id })
  await rounds()
  await app.cancel('b')
  await app.cancel('done')
  await rounds()
  expect((await app.run('b'))?.waits[0]).toMatchObject({ undoes: 'bank.charge#0', place: { before: 0 } })
  expect((await app.run('done'))?.waits[0]).toMatchObject({ undoes: 'bank.charge#0', place: { before: 1 } })
  for (let answered = 1; answered < 4; answered++) {
    answers[answered]?.resolve()
    await rounds()
  }
  expect(asked).toEqual(['done', 'a', 'undo b', 'undo done', 'c'])
  for (const id of ['b', 'done']) expect((await app.run(id))?.status).toBe('cancelled')
})

test('by a field: each value for itself', async () => {
  const { asked, answers, order, app: open } = limitedBank({ atOnce: 1, per: 'customer' })
  const app = await open({ clock: new SteppedClock() })
  for (const [id, who] of [
    ['a', 'ada'],
    ['b', 'ada'],
    ['c', 'bob'],
  ] as const)
    await app.start(order([id, who]), { id })
  await rounds()
  expect(asked).toEqual(['a', 'c'])
  expect((await app.run('b'))?.waits[0]?.place).toEqual({
    at: 'bank',
    limit: '1 at once',
    per: { field: 'customer', value: 'ada' },
    before: 0,
  })
  answers[0]?.resolve()
  await rounds()
  expect(asked).toEqual(['a', 'c', 'b'])
})

test('after a crash the limit holds on, with the oldest first, and a rate begins no double', async () => {
  const { asked, answers, order, app: open } = limitedBank({ atOnce: 1, rate: '1/s' })
  const folder = newFolder()
  const clock = new SteppedClock()
  const first = await open({ clock, store: storeIn(folder) })
  const ids = ['a', 'b', 'c']
  for (const id of ids) await first.start(order([id, 'ada']), { id })
  await rounds()
  expect(asked).toEqual(['a'])
  // What the disk has in the middle of it is what a process that dies leaves.
  const left = newFolder()
  cpSync(folder, left, { recursive: true })
  const second = await open({ clock, store: storeIn(left) })
  await rounds()
  expect(asked).toEqual(['a'])
  expect((await second.run('c'))?.waits[0]?.place?.before).toBe(2)
  for (let answered = 1; answered < 4; answered++) {
    clock.pass(1000)
    await rounds()
    expect(asked).toHaveLength(answered)
    clock.pass(5)
    await rounds()
    expect(asked).toHaveLength(answered + 1)
    answers[answered]?.resolve()
    await rounds()
  }
  expect(asked).toEqual(['a', 'a', 'b', 'c'])
})

test('an attempt that nobody waits for any more, since its run has ended, has its place until its time is over and no longer', async () => {
  const clock = new SteppedClock()
  const { asked, app, bank } = limitedBank({ atOnce: 1 })
  const forgetful = workflow('forgetful', { input: z.string(), output: z.null() }, async (run, id) => {
    void run.call(bank.charge({ id }))
    await run.sleep('1s')
    return null
  })
  const limited = await app({ clock }, [forgetful])
  const began = clock.now()
  await limited.start(forgetful('a'), { id: 'a' })
  await limited.start(forgetful('b'), { id: 'b' })
  await rounds()
  await clock.moveTo(began + 1000)
  expect(await limited.result('a')).toBe(null)
  await clock.moveTo(began + 9999)
  expect(asked).toEqual(['a'])
  await limited.start(forgetful('d'), { id: 'd' })
  await clock.moveTo(began + 10_000)
  expect(asked).toEqual(['a', 'd'])
})

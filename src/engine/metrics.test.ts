// What the numbers of an application are where something is out of the ordinary: a full store, a run that is parked on disk,
// phases, what is set aside. What they are otherwise, and in which format, is in server/metrics.test.ts.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest, until } from '../../test/support/applications.ts'
import { guarded } from '../../test/support/stores.ts'
import { fault } from '../core/errors.ts'
import { ballet, memory, operation, service, signal, workflow, type Application } from '../index.ts'
import { systemClock } from './clock.ts'

const Go = signal('go', z.string())
const wait = workflow('wait', { input: z.null(), output: z.string(), signals: [Go] }, async (run) => {
  const { data } = await run.receive(Go)
  return data === 'again' ? run.continueAs(null) : data
})

/** The sum of the samples that have these labels. */
function read(app: Application, name: string, labels: Readonly<Record<string, string>> = {}): number {
  const metric = app.metrics().find((one) => one.name === name)
  expect(metric?.kind).toMatch(/counter|gauge/)
  return (metric?.samples ?? []).reduce((sum, sample) => {
    const isAsked = Object.entries(labels).every(([label, value]) => sample.labels[label] === value)
    return sum + (isAsked && 'value' in sample ? sample.value : 0)
  }, 0)
}

test('a store that is full: it says so, with what was refused and what did not fit, until there is space', async () => {
  let isFull = false
  const spaceAgain = gate()
  const info = (line: string): void => void (line.includes('There is space again') && spaceAgain.open())
  const full = (): Error => fault('STORE_FULL', { problem: 'the disk is full' })
  const store = guarded(
    guarded(memory(), 'commit', (pass, batch) => (isFull && !batch.urgent ? Promise.reject(full()) : pass())),
    'hasRoom',
    (pass) => (isFull ? Promise.resolve(false) : pass()),
  )
  const app = await openForTest(ballet({ services: [], workflows: [wait] }), {
    store,
    log: { info, warn: () => {}, error: () => {} },
  })
  const numbers = (): readonly number[] => [
    read(app, 'ballet_store_full'),
    read(app, 'ballet_refusals_total', { code: 'STORE_FULL' }),
    read(app, 'ballet_commits_failed_total', { code: 'STORE_FULL' }),
  ]
  expect(numbers()).toEqual([0, 0, 0])
  isFull = true
  await app.start(wait(null))
  await expect(app.start(wait(null))).rejects.toMatchObject({ code: 'STORE_FULL' })
  expect(numbers()).toEqual([1, 1, 1])
  isFull = false
  await spaceAgain.promise
  expect(numbers()).toEqual([0, 1, 1])
})

test('runs that are parked on disk count as open, as those that are brought back and those of a later generation', async () => {
  const app = await openForTest(ballet({ services: [], workflows: [wait] }), { liveRuns: 1 })
  const ids = ['w-1', 'w-2', 'w-3', 'w-4']
  for (const id of ids) await app.start(wait(null), { id })
  await until(app, null, async () => read(app, 'ballet_runs_live') === 1)
  const open = (): number => read(app, 'ballet_runs_open', { kind: 'workflow', name: 'wait', status: 'running' })
  expect(open()).toBe(4)
  for (const id of ids) await app.signal(id, Go('again'))
  await until(app, null, async () => (await app.run('w-4'))?.generation === 1)
  expect(open()).toBe(4)
  for (const id of ids) {
    await app.signal(id, Go('done'))
    await app.result(id)
  }
  expect([open(), read(app, 'ballet_runs_open'), read(app, 'ballet_runs_live')]).toEqual([0, 0, 0])
  expect(read(app, 'ballet_runs_ended_total', { status: 'completed' })).toBe(4)
})

test('a run that is scheduled or takes back what it did stands under that', async () => {
  const [began, mayRefund] = [gate(), gate()]
  const bank = service('bank', {
    pay: operation({ input: z.null(), output: z.null(), run: () => null }),
    refund: operation({
      input: z.null(),
      output: z.null(),
      undoes: 'pay',
      run: async () => {
        began.open()
        await mayRefund.promise
        return null
      },
    }),
  })
  const order = workflow('order', { input: z.null(), output: z.null(), signals: [Go] }, async (run) => {
    await run.call(bank.pay(null), { undo: bank.refund(null) })
    await run.receive(Go)
    return null
  })
  const app = await openForTest(ballet({ services: [bank], workflows: [order] }))
  const standing = (): Readonly<Record<string, number>> => {
    const statuses = ['scheduled', 'running', 'undoing'] as const
    return Object.fromEntries(statuses.map((status) => [status, read(app, 'ballet_runs_open', { status })]))
  }
  await app.start(order(null), { id: 'later', at: '2100-01-01T00:00:00Z' })
  await app.start(order(null), { id: 'now' })
  await until(app, null, async () => (await app.run('now'))?.waits[0]?.kind === 'receive')
  expect(standing()).toEqual({ scheduled: 1, running: 1, undoing: 0 })
  await app.cancel('now')
  await began.promise
  expect(standing()).toEqual({ scheduled: 1, running: 0, undoing: 1 })
  expect([read(app, 'ballet_attempts_running'), read(app, 'ballet_calls_open')]).toEqual([1, 1])
  mayRefund.open()
  await app.settled('now', 60_000)
  await app.cancel('later')
  await app.settled('later', 60_000)
  expect(standing()).toEqual({ scheduled: 0, running: 0, undoing: 0 })
  expect(read(app, 'ballet_runs_ended_total', { status: 'cancelled' })).toBe(2)
})

test('what cannot be read for a while is set aside, and is told as long as it is', async () => {
  const parent = workflow('parent', { input: z.null(), output: z.string() }, async (run) => {
    const begun = run.start(wait(null))
    begun.signal(Go('money'))
    return begun.result()
  })
  let isAway = true
  const codec = {
    encode: (text: string) => text,
    decode: (payload: unknown) => {
      if (isAway && String(payload).includes('"judged"')) throw new Error('the key is away')
      return String(payload)
    },
  }
  const aside = gate()
  const error = (line: string): void => void (line.includes('is set aside until it can be') && aside.open())
  const app = await openForTest(ballet({ services: [], workflows: [wait, parent] }), {
    codec,
    clock: { ...systemClock, after: (ms, ring) => systemClock.after(Math.min(ms, 1), ring) },
    log: { info: () => {}, warn: () => {}, error },
  })
  await app.start(parent(null), { id: 'p' })
  await aside.promise
  expect([read(app, 'ballet_inbox_aside_rows'), read(app, 'ballet_inbox_set_aside_total')]).toEqual([1, 1])
  isAway = false
  expect(await app.result('p')).toBe('money')
  expect([read(app, 'ballet_inbox_aside_rows'), read(app, 'ballet_inbox_set_aside_total')]).toEqual([0, 1])
})

test('a shard that another process has taken away is counted, and the numbers stay as they were', async () => {
  let isTaken = false
  const store = guarded(memory(), 'commit', (pass, { shard }) =>
    isTaken ? Promise.reject(fault('SHARD_FENCED', { shard })) : pass(),
  )
  const app = await openForTest(ballet({ services: [], workflows: [wait] }), { store })
  await app.start(wait(null))
  expect(read(app, 'ballet_shards_fenced_total')).toBe(0)
  isTaken = true
  await expect(app.start(wait(null))).rejects.toMatchObject({ code: 'SHARD_FENCED' })
  expect(await app.stopped).toMatchObject({ code: 'SHARD_FENCED' })
  expect(read(app, 'ballet_shards_fenced_total')).toBe(1)
  expect(read(app, 'ballet_commits_failed_total', { code: 'SHARD_FENCED' })).toBe(1)
  await app.close()
  expect(read(app, 'ballet_runs_started_total')).toBe(2)
})

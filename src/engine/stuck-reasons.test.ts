// Runs that are stuck for one reason and then for another, or no more: what they say of themselves is what can be done.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest, until } from '../../test/support/applications.ts'
import { ballet, memory, operation, service, signal, workflow, type Application } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'

const output = z.json()
const Go = signal('go', z.null())

const isStuck = (app: Application, reason: string): Promise<unknown> =>
  until(app, null, async () => (await app.run('f'))?.reason === reason)

function payment(state: { isDown: boolean }) {
  return service('pay', {
    charge: operation({
      input: z.null(),
      output: z.string(),
      retry: { attempts: 1 },
      run: () => {
        if (state.isDown) throw new Error('down')
        return 'paid'
      },
    }),
  })
}

/** Code that throws when it is told to go on, or does something else before. */
function versionOf(body: 'throws' | 'differs') {
  const pay = payment({ isDown: false })
  const flow = workflow('flow', { input: z.null(), output, signals: [Go] }, async (run) => {
    if (body === 'differs') await run.call(pay.charge(null))
    await run.receive(Go)
    throw new RangeError(body)
  })
  return { flow, definition: ballet({ services: [pay], workflows: [flow] }) }
}

test('a run with a stuck call that is too long when it is brought back says so, and is stopped', async () => {
  const data = new MemoryData()
  const pay = payment({ isDown: true })
  const flow = workflow('flow', { input: z.null(), output }, async (run) => run.call(pay.charge(null)))
  const definition = ballet({ services: [pay], workflows: [flow] })
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(flow(null), { id: 'f' })
  await isStuck(first, 'call')
  await first.close()
  const second = await openForTest(definition, { store: memory(data), limits: { turns: 1 } })
  await isStuck(second, 'limit')
  await second.cancel('f')
  expect(await second.settled('f', 5000)).toMatchObject({ status: 'cancelled' })
})

test('a run that threw while a call was stuck is stuck by the call alone once its code is mended, then free', async () => {
  const state = { isDown: true, isBroken: true }
  const pay = payment(state)
  const flow = workflow('flow', { input: z.null(), output, signals: [Go] }, async (run) => {
    const other = async (): Promise<void> => {
      await run.receive(Go)
      if (state.isBroken) throw new RangeError('a bug')
    }
    await Promise.all([run.call(pay.charge(null)), other()])
    await run.sleep('1d')
    return null
  })
  const app = await openForTest(ballet({ services: [pay], workflows: [flow] }))
  await app.start(flow(null), { id: 'f' })
  await isStuck(app, 'call')
  await app.signal('f', Go(null))
  await isStuck(app, 'threw')
  state.isBroken = false
  await app.retry('f')
  expect(await app.run('f')).toMatchObject({ reason: 'call', choices: [{ action: 'retry' }, {}, {}, {}] })
  state.isDown = false
  await app.retry('f')
  await until(app, null, async () => (await app.run('f'))?.waits.some(({ kind }) => kind === 'timer'))
  expect(await app.run('f')).toMatchObject({ status: 'running' })
})

test('a frozen run takes as many signals as it may hold, whatever it has received before', async () => {
  const flow = workflow('flow', { input: z.null(), output, signals: [Go] }, async (run) => {
    for (let count = 0; count < 3; count++) await run.receive(Go)
    throw new RangeError('a bug')
  })
  const app = await openForTest(ballet({ services: [], workflows: [flow] }), { limits: { signals: 3 } })
  await app.start(flow(null), { id: 'f' })
  for (let count = 0; count < 3; count++) await app.signal('f', Go(null))
  await isStuck(app, 'threw')
  for (let count = 0; count < 3; count++) expect(await app.signal('f', Go(null))).toMatchObject({ created: true })
  await expect(app.signal('f', Go(null))).rejects.toMatchObject({ code: 'SIGNALS_FULL' })
})

test('an operation that was left alone and asked to stop is not begun when it is retried', async () => {
  const data = new MemoryData()
  const began = gate()
  let calls = 0
  const slow = service('slow', {
    work: operation({
      input: z.null(),
      output: z.null(),
      run: (_input, { signal: stopped }) => {
        calls += 1
        began.open()
        return new Promise<null>((_resolve, reject) => stopped.addEventListener('abort', reject))
      },
    }),
  })
  const definition = ballet({ services: [slow], workflows: [] })
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(slow.work(null), { id: 'f' })
  await began.promise
  await first.close()
  const [[num, row]] = [...data.runs] as [[number, NonNullable<ReturnType<typeof data.runs.get>>]]
  data.runs.set(num, { ...row, status: 'stuck', reason: 'poisoned' })
  const second = await openForTest(definition, { store: memory(data) })
  expect(await second.cancel('f')).toMatchObject({ changed: true })
  await second.retry('f')
  expect(await second.settled('f', 5000)).toMatchObject({ status: 'cancelled' })
  expect(calls).toBe(1)
})

test('a workflow that was left alone and asked to stop calls nothing when it is retried, but what is shielded', async () => {
  const data = new MemoryData()
  const began = gate()
  const log: string[] = []
  const pay = service('pay', {
    charge: operation({
      input: z.string(),
      output: z.string(),
      timeout: '50ms',
      retry: { attempts: 1 },
      run: async (name, { signal: stopped }) => {
        log.push(name)
        if (log.length === 2) began.open()
        if (log.length > 2) return 'paid'
        return new Promise<string>((_resolve, reject) => stopped.addEventListener('abort', reject))
      },
    }),
  })
  const flow = workflow('flow', { input: z.null(), output }, async (run) => {
    const shielded = run.shield((own) => own.call(pay.charge('shielded')))
    try {
      return await run.call(pay.charge('open'))
    } finally {
      await shielded
    }
  })
  const definition = ballet({ services: [pay], workflows: [flow] })
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(flow(null), { id: 'f' })
  await began.promise
  await first.close()
  const [[num, row]] = [...data.runs] as [[number, NonNullable<ReturnType<typeof data.runs.get>>]]
  data.runs.set(num, { ...row, status: 'stuck', reason: 'poisoned' })
  const second = await openForTest(definition, { store: memory(data) })
  expect(await second.cancel('f')).toMatchObject({ changed: true })
  await second.retry('f')
  expect(await second.settled('f', 5000)).toMatchObject({ status: 'cancelled' })
  expect(log.toSorted()).toEqual(['open', 'shielded', 'shielded'])
})

test('a run whose code did not fit and now throws says that it threw', async () => {
  const data = new MemoryData()
  const openWith = (body: 'throws' | 'differs'): Promise<Application> =>
    openForTest(versionOf(body).definition, { store: memory(data) })
  const first = await openWith('throws')
  await first.start(versionOf('throws').flow(null), { id: 'f' })
  await first.signal('f', Go(null))
  await isStuck(first, 'threw')
  await first.close()
  const second = await openWith('differs')
  await isStuck(second, 'diverged')
  await second.close()
  const third = await openWith('throws')
  await isStuck(third, 'threw')
  expect((await third.run('f'))?.error?.message).toContain('throws')
})

test('what is left of a generation that is over does not park the next', async () => {
  const late = gate()
  const flow = workflow('flow', { input: z.number(), output, signals: [Go] }, async (run, generation) => {
    if (generation === 0) {
      void late.promise.then(() => run.sleep('1h'))
      await run.step('once', () => null)
      return run.continueAs(1)
    }
    await run.receive(Go)
    return 'whole'
  })
  const app = await openForTest(ballet({ services: [], workflows: [flow] }))
  await app.start(flow(0), { id: 'f' })
  await until(app, null, async () => {
    const run = await app.run('f')
    return run?.generation === 1 && run.waits.length > 0
  })
  late.open()
  await app.signal('f', Go(null))
  expect(await app.settled('f', 5000)).toMatchObject({ status: 'completed', output: 'whole' })
})

// Found by a newcomer: whoever retried such a run was not told that it had thrown again.
test('a run that is retried and throws or differs again says so each time, and once only', async () => {
  const data = new MemoryData()
  const stuckTimes = async (app: Application): Promise<number> => {
    const rows = (await app.journal('f', { limit: 1000 }))?.items ?? []
    return rows.filter(({ note }) => (note as { readonly kind?: string } | undefined)?.kind === 'stuck').length
  }
  for (const [body, reason, before] of [
    ['throws', 'threw', 0],
    ['differs', 'diverged', 2],
  ] as const) {
    const { flow, definition } = versionOf(body)
    const app = await openForTest(definition, { store: memory(data) })
    if (before === 0) {
      await app.start(flow(null), { id: 'f' })
      await app.signal('f', Go(null))
    }
    await isStuck(app, reason)
    expect(await stuckTimes(app)).toBe(before + 1)
    await app.retry('f', { by: 'ann' })
    await until(app, null, async () => (await stuckTimes(app)) === before + 2)
    await app.close()
    // Opened again it is stuck for the same reason, as everybody knows.
    const again = await openForTest(definition, { store: memory(data) })
    await isStuck(again, reason)
    expect(await stuckTimes(again)).toBe(before + 2)
    await again.close()
  }
})

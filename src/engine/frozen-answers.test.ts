// A run whose code cannot go on, with calls under way or while it takes back: what its calls come to is kept for it, and
// whoever stops it has it taken back by that. Found by newcomers who looked at a bank's books.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest, until } from '../../test/support/applications.ts'
import { ballet, memory, operation, service, signal, TerminalError, workflow, type Application } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { OfflineReplay } from './offline-replay.ts'

const output = z.json()
const Go = signal('go', z.null())

const stuck = (app: Application, reason: string): Promise<unknown> =>
  until(app, null, async () => (await app.run('f'))?.reason === reason)
const settled = (app: Application): Promise<unknown> => app.settled('f', 60_000)
const journalKinds = async (app: Application): Promise<readonly string[]> =>
  ((await app.journal('f', { limit: 1000 }))?.items ?? []).map(({ kind, delivered }) => {
    return `${kind} ${(delivered as { readonly kind?: string } | undefined)?.kind ?? ''}`
  })

/** A bank that logs what it does; a slow transfer answers when its gate says so. */
function bankFor(log: string[]) {
  const entered = gate()
  const answer = gate<number>()
  const state = { attempts: 0, isAborted: false }
  const bank = service('bank', {
    take: operation({ input: z.string(), output: z.string(), run: (what) => (log.push(`take ${what}`), what) }),
    give: operation({ input: z.string(), undoes: 'take', run: (what) => void log.push(`give ${what}`) }),
    transfer: operation({
      input: z.null(),
      output: z.number(),
      timeout: '1m',
      retry: { attempts: 3, backoff: '1ms' },
      run: async (_input, { signal: aborting }) => {
        state.attempts += 1
        aborting.addEventListener('abort', () => (state.isAborted = true))
        entered.open()
        const amount = await answer.promise
        log.push(`transfer ${amount}`)
        return amount
      },
    }),
    revoke: operation({ input: z.number(), undoes: 'transfer', run: (amount) => void log.push(`revoke ${amount}`) }),
  })
  return { bank, entered, answer, state }
}

/** Makes a slow call, and throws while that is under way. */
function racing(bank: ReturnType<typeof bankFor>['bank'], throws = true) {
  return workflow('flow', { input: z.null(), output, signals: [Go] }, async (run) => {
    const slow = run.call(bank.transfer(null), {
      undo: (amount) => (amount === undefined ? null : bank.revoke(amount)),
    })
    await run.call(bank.take('a'), { undo: bank.give('a') })
    await run.receive(Go)
    if (throws) throw new RangeError('a bug')
    return slow
  })
}

async function throwBeside(log: string[], data: MemoryData) {
  const parts = bankFor(log)
  const app = await openForTest(ballet({ services: [parts.bank], workflows: [racing(parts.bank)] }), {
    store: memory(data),
  })
  await app.start(racing(parts.bank)(null), { id: 'f' })
  await parts.entered.promise
  await app.signal('f', Go(null))
  await stuck(app, 'threw')
  return { ...parts, app }
}

const answered = (app: Application): Promise<unknown> =>
  until(app, null, async () => (await journalKinds(app)).includes('mail done'))

test('F21: a call is under way when the code throws: its answer is kept, and taken back when the run is cancelled', async () => {
  const log: string[] = []
  const data = new MemoryData()
  const { app, bank, answer, state } = await throwBeside(log, data)
  expect(state.isAborted).toBe(false)
  expect(await app.run('f')).toMatchObject({ waits: [{ op: 'bank.transfer#0' }] })
  answer.open(7)
  await answered(app)
  expect(await app.run('f')).toMatchObject({ status: 'stuck', reason: 'threw', waits: [] })
  await app.cancel('f')
  expect(await settled(app)).toMatchObject({ status: 'cancelled' })
  expect(log).toEqual(['take a', 'transfer 7', 'give a', 'revoke 7'])
  await app.close()
  const reader = memory(data)
  await reader.open()
  const definition = ballet({ services: [bank], workflows: [racing(bank)] })
  expect(await new OfflineReplay({ definition, reader }).one('f')).toMatchObject({ verdict: 'ok' })
})

test('F21: a call is under way when the code throws, and answers after the cancellation: it is waited for and taken back', async () => {
  const log: string[] = []
  const { app, answer, state } = await throwBeside(log, new MemoryData())
  await app.cancel('f')
  await until(app, null, async () => state.isAborted)
  answer.open(7)
  expect(await settled(app)).toMatchObject({ status: 'cancelled' })
  expect(log).toEqual(['take a', 'give a', 'transfer 7', 'revoke 7'])
  expect(state.attempts).toBe(1)
})

test('F15: a call has answered while the code could not go on: mended, it goes on with that answer', async () => {
  const log: string[] = []
  const data = new MemoryData()
  const first = await throwBeside(log, data)
  first.answer.open(7)
  await answered(first.app)
  await first.app.close()
  const { bank, state } = bankFor(log)
  const flow = racing(bank, false)
  const second = await openForTest(ballet({ services: [bank], workflows: [flow] }), { store: memory(data) })
  expect(await settled(second)).toMatchObject({ status: 'completed', output: 7 })
  expect([log, state.attempts]).toEqual([['take a', 'transfer 7'], 0])
})

test('a call that fails while the code cannot go on is made again when it can, and not before', async () => {
  const log: string[] = []
  const data = new MemoryData()
  const first = await throwBeside(log, data)
  first.answer.fail(new Error('the line is dead'))
  await until(
    first.app,
    null,
    async () => (await journalKinds(first.app)).filter((kind) => kind === 'note ').length >= 2,
  )
  expect(first.state.attempts).toBe(1)
  await first.app.close()
  const { bank, answer, state } = bankFor(log)
  answer.open(8)
  const second = await openForTest(ballet({ services: [bank], workflows: [racing(bank, false)] }), {
    store: memory(data),
  })
  expect(await settled(second)).toMatchObject({ status: 'completed', output: 8 })
  expect(state.attempts).toBe(1)
})

test('F21: a run is let fail while its call is under way: that call is told to stop, and what it did stays done, which is said', async () => {
  const log: string[] = []
  const { app, state } = await throwBeside(log, new MemoryData())
  await app.fail('f', { error: { message: 'by hand' }, by: 'ann' })
  expect(state.isAborted).toBe(true)
  expect(await app.run('f')).toMatchObject({ status: 'failed', error: { details: { takenBack: false } } })
  expect(log).toEqual(['take a'])
})

test('F21: a run is stopped that has reached its limit: no attempt is made after that', async () => {
  const log: string[] = []
  const { bank, entered, answer, state } = bankFor(log)
  const flow = workflow('flow', { input: z.null(), output, signals: [Go] }, async (run) => {
    const slow = run.call(bank.transfer(null), {
      undo: (amount) => (amount === undefined ? null : bank.revoke(amount)),
    })
    for (;;) await Promise.race([slow, run.receive(Go)])
  })
  const app = await openForTest(ballet({ services: [bank], workflows: [flow] }), { limits: { turns: 4 } })
  await app.start(flow(null), { id: 'f' })
  await entered.promise
  for (const id of ['1', '2', '3', '4']) await app.signal('f', Go(null), { id })
  await stuck(app, 'limit')
  await app.cancel('f')
  await until(app, null, async () => state.isAborted)
  answer.open(7)
  expect(await settled(app)).toMatchObject({ status: 'cancelled' })
  expect([log, state.attempts]).toEqual([['transfer 7', 'revoke 7'], 1])
})

/** Takes back three things, of which the second cannot be computed at first. */
function undoing(bank: ReturnType<typeof bankFor>['bank'], mended: { is: boolean }, how: 'fails' | 'undoes') {
  return workflow('flow', { input: z.null(), output, signals: [Go] }, async (run) => {
    for (const what of ['a', 'b', 'c'])
      await run.call(bank.take(what), {
        undo: () => {
          if (what === 'b' && !mended.is) throw new RangeError('a bug of the undo')
          return bank.give(what)
        },
      })
    await run.receive(Go)
    if (how === 'fails') throw new TerminalError('not today')
    await run.undo()
    throw new RangeError('a bug behind the undo')
  })
}

test.each(['fails', 'undoes'] as const)(
  'F21: an undo cannot be computed in the turn in which the one before it was answered (%s): cancelled, then mended, all is taken back',
  async (how) => {
    const log: string[] = []
    const data = new MemoryData()
    const mended = { is: false }
    const { bank } = bankFor(log)
    const definition = ballet({ services: [bank], workflows: [undoing(bank, mended, how)] })
    const first = await openForTest(definition, { store: memory(data) })
    await first.start(undoing(bank, mended, how)(null), { id: 'f' })
    await first.signal('f', Go(null))
    for (const by of ['nobody', 'ann', 'bob']) {
      await stuck(first, 'threw')
      expect((await first.run('f'))?.error?.message).toContain('a bug of the undo')
      if (by !== 'nobody') await first.cancel('f', { by })
    }
    await stuck(first, 'threw')
    await first.close()
    mended.is = true
    const second = await openForTest(definition, { store: memory(data) })
    expect(await settled(second)).toMatchObject({ status: 'cancelled' })
    expect(log.slice(3)).toEqual(['give c', 'give b', 'give a'])
    await second.close()
    const reader = memory(data)
    await reader.open()
    expect(await new OfflineReplay({ definition, reader }).one('f')).toMatchObject({ verdict: 'ok' })
  },
)

test('F21: everything is taken back, and the code behind that throws: cancelled, it ends and runs no more of it', async () => {
  const log: string[] = []
  const { bank } = bankFor(log)
  const flow = undoing(bank, { is: true }, 'undoes')
  const app = await openForTest(ballet({ services: [bank], workflows: [flow] }))
  await app.start(flow(null), { id: 'f' })
  await app.signal('f', Go(null))
  await stuck(app, 'threw')
  expect(log.slice(3)).toEqual(['give c', 'give b', 'give a'])
  await app.cancel('f')
  expect(await settled(app)).toMatchObject({ status: 'cancelled' })
  expect(log).toHaveLength(6)
})

test('what a person says of a call is not refused where it was written before its turn, as while processes die, and its run has thrown by then', async () => {
  let isBroken = true
  const bank = service('bank', {
    transfer: operation({
      input: z.null(),
      output: z.number(),
      retry: { attempts: 1 },
      run: () => {
        throw new Error('down')
      },
    }),
  })
  const flow = workflow('flow', { input: z.null(), output, signals: [Go] }, async (run) => {
    const slow = run.call(bank.transfer(null))
    await run.receive(Go)
    if (isBroken) throw new RangeError('a bug')
    return slow
  })
  const data = new MemoryData()
  // A process that has died.
  const dead = memory(data)
  await dead.open()
  await dead.acquire(0, 'bank')
  const app = await openForTest(ballet({ services: [bank], workflows: [flow] }), { store: memory(data) })
  await app.start(flow(null), { id: 'f' })
  await stuck(app, 'call')
  const op = 'bank.transfer#0'
  const [, acted] = await Promise.all([app.signal('f', Go(null)), app.answer('f', { op, value: 7, by: 'ann' })])
  expect(acted).toMatchObject({ changed: true, ops: [op] })
  await stuck(app, 'threw')
  isBroken = false
  await app.retry('f')
  expect(await settled(app)).toMatchObject({ status: 'completed', output: 7 })
})

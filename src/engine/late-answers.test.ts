// A call that was taken back because nobody knew how it came out, and then comes out after all: what it did does not
// stay done (the first rule of the protocol).
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, keptLog, openForTest, until } from '../../test/support/applications.ts'
import { guarded } from '../../test/support/stores.ts'
import {
  ballet,
  operation,
  service,
  signal,
  TerminalError,
  workflow,
  type Application,
  type CallValue,
  type OperationContext,
} from '../index.ts'
import { contentHash } from './content-hash.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'

const output = z.json()
const Go = signal('go', z.string())

/** A bank whose charges take as long as the gate, and take no notice of being given up. */
function bankWith(refund: (n: number | null) => void = () => {}, attempts = 1, exhausted: 'stuck' | 'fail' = 'stuck') {
  const entered = gate<OperationContext>()
  const answer = gate<number>()
  const refunds: { readonly n: number | null; readonly context: OperationContext }[] = []
  const bank = service('bank', {
    charge: operation({
      input: z.null(),
      output: z.number(),
      timeout: '20ms',
      retry: { attempts, backoff: '1ms', exhausted },
      run: (_input, context) => (entered.open(context), answer.promise),
    }),
    refund: operation({
      input: z.number().nullable(),
      undoes: 'charge',
      run: (n, context) => {
        refunds.push({ n, context })
        refund(n)
      },
    }),
  })
  return { bank, entered, answer, refunds }
}

/** The run that takes back the first call of this name, by what it does. */
const lateId = (run: string, call: string, { name, input }: CallValue): string =>
  `${run}~late:${call}.0:${contentHash({ call: name, input }).slice(0, 8)}`

const settled = (app: Application, id: string) =>
  until(app, null, async () => {
    const run = await app.run(id)
    return run !== null && run.status !== 'running' && run
  })

test('after its run has ended it is taken back again, by a run of its own under a key of its own', async () => {
  const { bank, entered, answer, refunds } = bankWith()
  const flow = workflow('flow', { input: z.object({ id: z.string() }), output, key: 'id' }, async (run) => {
    return run.call(bank.charge(null), { undo: (n) => bank.refund(n ?? null) })
  })
  const log = keptLog()
  const app = await openForTest(ballet({ services: [bank], workflows: [flow] }), { log })
  await app.start(flow({ id: 'k' }))
  const charge = await entered.promise
  await app.cancel('flow:k', { by: 'ann' })
  expect(await settled(app, 'flow:k')).toMatchObject({ status: 'cancelled' })
  expect(refunds.map(({ n }) => n)).toEqual([null])
  answer.open(7)
  const late = await settled(app, lateId('flow:k', 'bank.charge', bank.refund(7)))
  expect(late).toMatchObject({ status: 'completed', cause: 'run:flow:k', parent: 'flow:k', key: { value: 'k' } })
  expect(refunds.map(({ n }) => n)).toEqual([null, 7])
  const [first, second] = refunds.map(({ context }) => context)
  expect([first?.undoes, second?.undoes]).toEqual([charge.idempotencyKey, charge.idempotencyKey])
  expect(second?.idempotencyKey).not.toBe(first?.idempotencyKey)
  const notes = (await app.journal('flow:k'))?.items.map(({ note }) => note)
  expect(notes).toContainEqual({ kind: 'late', op: 'bank.charge#0', attempt: 1, run: late.id })
  expect(log.lines.at(-1)).toContain('answered after it had been taken back')
})

test('where there was nothing to take back as far as was known, that is what is said', async () => {
  const { bank, entered, answer, refunds } = bankWith()
  const flow = workflow('flow', { input: z.null(), output }, async (run) => {
    return run.call(bank.charge(null), { undo: (n) => (n === undefined ? null : bank.refund(n)) })
  })
  const log = keptLog()
  const app = await openForTest(ballet({ services: [bank], workflows: [flow] }), { log })
  await app.start(flow(null), { id: 'k' })
  await entered.promise
  await app.cancel('k', { by: 'ann' })
  expect(await settled(app, 'k')).toMatchObject({ status: 'cancelled' })
  answer.open(7)
  const late = await settled(app, lateId('k', 'bank.charge', bank.refund(7)))
  expect(refunds.map(({ n }) => n)).toEqual([7])
  const notes = (await app.journal('k'))?.items.map(({ note }) => note)
  expect(notes).toContainEqual({ kind: 'late', op: 'bank.charge#0', attempt: 1, nothing: true, run: late.id })
  expect(log.lines.at(-1)).toContain('answered after there had been nothing to take back: it is taken back, by')
})

test('F21: several attempts answer after their call was taken back: those that answer alike are taken back once, others too', async () => {
  const answers = [gate<number>(), gate<number>(), gate<number>()]
  const refunds: (number | null)[] = []
  let made = 0
  const bank = service('bank', {
    charge: operation({
      input: z.null(),
      output: z.number(),
      timeout: '20ms',
      retry: { attempts: 3, backoff: '1ms', exhausted: 'fail' },
      run: () => answers[made++]?.promise ?? 0,
    }),
    refund: operation({ input: z.number().nullable(), undoes: 'charge', run: (n) => void refunds.push(n) }),
  })
  const flow = workflow('flow', { input: z.null(), output }, (run) =>
    run.call(bank.charge(null), { undo: (n) => bank.refund(n ?? null) }),
  )
  const app = await openForTest(ballet({ services: [bank], workflows: [flow] }))
  await app.start(flow(null), { id: 'f' })
  await app.result('f').catch(() => {})
  answers[0]?.open(1)
  await settled(app, lateId('f', 'bank.charge', bank.refund(1)))
  answers[1]?.open(1)
  answers[2]?.open(2)
  await settled(app, lateId('f', 'bank.charge', bank.refund(2)))
  expect(refunds).toEqual([null, 1, 2])
  expect((await app.runs({ kind: 'operation' })).items).toHaveLength(2)
})

test('also while its run goes on, and when it was a step', async () => {
  const { bank, refunds } = bankWith()
  const answer = gate<number>()
  const flow = workflow('flow', { input: z.null(), output }, async (run) => {
    const step = run.step('book', () => answer.promise, { timeout: '10ms', undo: (n) => bank.refund(n ?? null) })
    await Promise.race([step, run.sleep('1ms')])
    await run.undo()
    await run.sleep('1h')
    return null
  })
  const app = await openForTest(ballet({ services: [bank], workflows: [flow] }))
  await app.start(flow(null), { id: 'f' })
  await until(app, null, async () => (await app.run('f'))?.waits.some(({ op }) => op === 'sleep#1'))
  answer.open(5)
  expect(await settled(app, lateId('f', 'book', bank.refund(5)))).toMatchObject({ status: 'completed' })
  expect(refunds.map(({ n, context }) => [n, context.undoes?.split(':').at(-1)])).toEqual([
    [null, 'book#0'],
    [5, 'book#0'],
  ])
  expect((await app.run('f'))?.status).toBe('running')
})

/** Whatever becomes of the run between the charge, whose time is over, and its end, the undo of it is known. */
const lives: Record<
  string,
  (app: Application, lives: { readonly flow: (n: number) => CallValue }) => Promise<unknown>
> = {
  'has thrown, and was cancelled': async (app) => {
    expect(await settled(app, 'f')).toMatchObject({ reason: 'threw' })
    await app.cancel('f')
  },
  'has continued': async (app) => app.signal('f', Go('continue')),
  'was parked on disk': async (app, { flow }) => {
    for (const id of ['g', 'h']) {
      await app.start(flow(0), { id })
      await until(app, null, async () => (await app.run(id))?.waits.some(({ kind }) => kind === 'receive'))
    }
    await app.signal('f', Go('fail'))
  },
}

test.each(Object.keys(lives))('also when its run %s meanwhile, and has ended', async (life) => {
  const { bank, answer, refunds } = bankWith(() => {}, 1, 'fail')
  const flow = workflow('flow', { input: z.number(), output, signals: [Go] }, async (run, n) => {
    if (n === 1) await run.call(bank.charge(null), { undo: (got) => bank.refund(got ?? null) }).catch(() => {})
    if (n === 1 && life.startsWith('has thrown')) throw new TypeError('a bug')
    if (n < 2 && (await run.receive(Go)).data === 'continue') await run.continueAs(2)
    throw new TerminalError('no')
  })
  const app = await openForTest(ballet({ services: [bank], workflows: [flow] }), { liveRuns: 1 })
  await app.start(flow(1), { id: 'f' })
  await until(app, null, async () => (await app.run('f'))?.waits[0]?.kind !== 'call')
  await lives[life]?.(app, { flow })
  await app.result('f').catch(() => {})
  expect(refunds).toHaveLength(1)
  answer.open(7)
  // What a continued run hands on is a call, made when nobody knew.
  const again = bank.refund(life === 'has continued' ? null : 7)
  expect(await settled(app, lateId('f', 'bank.charge', again))).toMatchObject({ status: 'completed' })
  expect(refunds).toHaveLength(2)
})

test('an undo that is to come, or of a call that is known to have happened, needs no second', async () => {
  const hold = gate()
  const { bank, answer, refunds, entered } = bankWith(() => {}, 2)
  let attempts = 0
  const slow = service('slow', {
    take: operation({
      input: z.null(),
      output: z.number(),
      timeout: '20ms',
      retry: { attempts: 2, backoff: '1ms' },
      run: () => (++attempts === 1 ? answer.promise : 2),
    }),
    give: operation({ input: z.number(), undoes: 'take', run: () => hold.promise }),
  })
  const flow = workflow('flow', { input: z.null(), output }, async (run) => {
    void run.call(bank.charge(null), { undo: (n) => bank.refund(n ?? null) })
    await run.call(slow.take(null), { undo: (n) => slow.give(n ?? 0) })
    throw new TerminalError('enough')
  })
  const app = await openForTest(ballet({ services: [bank, slow], workflows: [flow] }))
  await app.start(flow(null), { id: 'f' })
  await entered.promise
  // The undo of the last call is being made, that of the first waits for it.
  await until(app, null, async () => {
    const waits = (await app.run('f'))?.waits ?? []
    return waits.length === 1 && waits[0]?.op === 'undo:slow.take#0'
  })
  answer.open(9)
  hold.open()
  expect(await settled(app, 'f')).toMatchObject({ status: 'failed' })
  expect(refunds).toHaveLength(1)
  expect((await app.runs()).items).toHaveLength(1)
})

test('nor one that waits for the commit of its turn', async () => {
  const { bank, answer, refunds } = bankWith(() => {}, 1, 'fail')
  const [asked, hold] = [gate(), gate()]
  const store = guarded(memory(new MemoryData()), 'commit', async (pass, { journal }) => {
    if (journal.some(({ data }) => String(data).includes('"undo:'))) await (asked.open(), hold.promise)
    return pass()
  })
  const flow = workflow('flow', { input: z.null(), output, signals: [Go] }, async (run) => {
    await run.call(bank.charge(null), { undo: (n) => bank.refund(n ?? null) }).catch(() => {})
    await run.receive(Go)
    throw new TerminalError('no')
  })
  const app = await openForTest(ballet({ services: [bank], workflows: [flow] }), { store })
  await app.start(flow(null), { id: 'f' })
  await until(app, null, async () => (await app.run('f'))?.waits[0]?.kind === 'receive')
  const sent = app.signal('f', Go('on'))
  await asked.promise
  answer.open(9)
  await app.run('f')
  hold.open()
  await sent
  expect(await settled(app, 'f')).toMatchObject({ status: 'failed' })
  expect(refunds).toHaveLength(1)
  expect((await app.runs()).items).toHaveLength(1)
})

test('one that comes while the application closes is kept, and taken back when it is opened again', async () => {
  const data = new MemoryData()
  const { bank, answer, refunds } = bankWith(() => {}, 1, 'fail')
  const [began, hold] = [gate(), gate()]
  const slow = service('slow', { work: operation({ input: z.null(), run: () => (began.open(), hold.promise) }) })
  const flow = workflow('flow', { input: z.null(), output }, async (run) => {
    return run.call(bank.charge(null), { undo: (n) => bank.refund(n ?? null) })
  })
  const definition = ballet({ services: [bank, slow], workflows: [flow] })
  const first = await openForTest(definition, { store: memory(data), graceMs: 60_000 })
  await first.start(flow(null), { id: 'f' })
  expect(await settled(first, 'f')).toMatchObject({ status: 'failed' })
  await first.start(slow.work(null))
  await began.promise
  const closed = first.close()
  answer.open(7)
  await answer.promise
  hold.open()
  await closed
  const app = await openForTest(definition, { store: memory(data) })
  expect(await settled(app, lateId('f', 'bank.charge', bank.refund(7)))).toMatchObject({ status: 'completed' })
  expect(refunds.map(({ n }) => n)).toEqual([null, 7])
})

test('a body that refuses what was undone has nothing to take back, nor has an undo that asks for nothing', async () => {
  const { bank, entered, answer, refunds } = bankWith()
  const asks: unknown[] = []
  const flow = workflow('flow', { input: z.null(), output }, async (run) => {
    await run.call(bank.charge(null), { undo: (n) => (asks.push(n), null) })
    return null
  })
  const app = await openForTest(ballet({ services: [bank], workflows: [flow] }))
  for (const id of ['a', 'b']) {
    await app.start(flow(null), { id })
    await entered.promise
    await app.cancel(id)
    expect(await settled(app, id)).toMatchObject({ status: 'cancelled' })
  }
  answer.open(3)
  await until(app, null, async () => asks.length === 4 || (await app.start(flow(null)), false))
  expect([asks.slice(0, 4), refunds]).toEqual([[undefined, undefined, 3, 3], []])
  expect((await app.runs({ kind: 'operation' })).items).toEqual([])
})

test('one that cannot be made is told, and one that the service refuses waits for a person', async () => {
  const { bank, entered, answer } = bankWith((n) => {
    if (n !== null) throw new TerminalError('too late')
  })
  const flow = workflow('flow', { input: z.boolean(), output }, async (run, fails) => {
    const undo = (n?: number) => {
      if (n !== undefined && fails) throw new Error('no idea')
      return bank.refund(n ?? null)
    }
    return run.call(bank.charge(null), { undo })
  })
  const log = keptLog()
  const data = new MemoryData()
  const definition = ballet({ services: [bank], workflows: [flow] })
  const app = await openForTest(definition, { log, store: memory(data) })
  await app.start(flow(true), { id: 'a' })
  await app.start(flow(false), { id: 'b' })
  await entered.promise
  for (const id of ['a', 'b']) {
    await app.cancel(id)
    expect(await settled(app, id)).toMatchObject({ status: 'cancelled' })
  }
  answer.open(3)
  const late = lateId('b', 'bank.charge', bank.refund(3))
  expect(await settled(app, late)).toMatchObject({ status: 'stuck', reason: 'call' })
  expect(log.lines).toContainEqual(expect.stringContaining('cannot be taken back again: no idea'))
  const notes = (await app.journal('a'))?.items.map(({ note }) => note)
  expect(notes?.at(-1)).toMatchObject({ kind: 'late', op: 'bank.charge#0', run: null, error: { message: 'no idea' } })
  // It is an undo also after a restart.
  await app.close()
  const again = await openForTest(definition, { store: memory(data) })
  await again.retry(late)
  expect(await settled(again, late)).toMatchObject({ status: 'stuck', reason: 'call' })
})

test('F21: what takes back a late answer and cannot go on is let fail: whoever does that is told what stays done', async () => {
  const data = new MemoryData()
  const down = gate()
  const { bank, entered, answer } = bankWith((n) => {
    if (n === null) return
    down.open()
    throw new Error('the bank is away')
  })
  const flow = workflow('flow', { input: z.null(), output }, async (run) => {
    return run.call(bank.charge(null), { undo: (n) => bank.refund(n ?? null) })
  })
  const first = await openForTest(ballet({ services: [bank], workflows: [flow] }), { store: memory(data) })
  await first.start(flow(null), { id: 'f' })
  await entered.promise
  await first.cancel('f')
  await settled(first, 'f')
  answer.open(7)
  await down.promise
  await first.close()
  // Three processes have died while it alone was under way.
  const late = lateId('f', 'bank.charge', bank.refund(7))
  const { num = 0 } = [...data.runs.values()].find(({ id }) => id === late) ?? {}
  data.suspects.set(num, { run: num, what: 'effect bank.refund#0', deaths: 3 })
  const second = await openForTest(ballet({ services: [bank], workflows: [flow] }), { store: memory(data) })
  expect(await settled(second, late)).toMatchObject({ status: 'stuck', reason: 'poisoned' })
  const given = await second.fail(late, { error: { message: 'by hand' }, by: 'ann', why: 'no such bank any more' })
  expect(given).toMatchObject({ changed: true, dropped: 'undo' })
  const notes = (await second.journal(late))?.items.map(({ note }) => note)
  expect(notes).toContainEqual(expect.objectContaining({ action: 'fail', drops: 'undo', by: 'ann' }))
})

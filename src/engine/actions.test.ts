// What a person does to a stuck run: retry, answer, fail; on the record, refused where it cannot be, the same after a
// restart.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest, until } from '../../test/support/applications.ts'
import { ballet, event, memory, operation, service, workflow, type Application } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'

const output = z.json()
const Paid = event('paid', z.object({ orderId: z.string() }), { key: 'orderId' })
const Declined = event('declined', z.object({ orderId: z.string() }), { key: 'orderId' })

/** A payment that breaks until it is mended, and a workflow that pays. */
function shop(state = { broken: true }, log: string[] = []) {
  const payment = service('payment', {
    charge: operation({
      input: z.object({ orderId: z.string() }),
      outcomes: [Paid, Declined],
      retry: { attempts: 2, backoff: '1ms' },
      run: ({ orderId }) => {
        log.push('charge')
        if (state.broken) throw new Error('payment is down')
        return Paid({ orderId })
      },
    }),
    refund: operation({
      input: z.object({ orderId: z.string() }),
      undoes: 'charge',
      retry: { attempts: 1 },
      run: () => {
        log.push('refund')
        if (state.broken) throw new Error('payment is down')
      },
    }),
  })
  const checkout = workflow('checkout', { input: z.object({ orderId: z.string() }), output }, async (run, order) => {
    const paid = await run.call(payment.charge(order), { undo: payment.refund(order) })
    await run.step('note', () => void log.push(paid.type))
    return paid.type
  })
  return { definition: ballet({ services: [payment], workflows: [checkout] }), payment, checkout, state, log }
}

const isStuck = (app: Application, id: string): Promise<unknown> =>
  until(app, null, async () => (await app.run(id))?.status === 'stuck')

test('F22: a stuck call that a person retries: it is tried again, and its run is free', async () => {
  const { definition, checkout, state, log } = shop()
  const app = await openForTest(definition)
  await app.start(checkout({ orderId: '1' }), { id: 'c' })
  await isStuck(app, 'c')
  expect((await app.run('c'))?.choices).toEqual([
    { action: 'retry', op: 'payment.charge#0' },
    { action: 'answer', op: 'payment.charge#0' },
    { action: 'fail', op: 'payment.charge#0' },
    { action: 'cancel' },
  ])
  state.broken = false
  expect(await app.retry('c', { by: 'ann', why: 'it is back' })).toEqual({
    id: 'c',
    action: 'retry',
    changed: true,
    ops: ['payment.charge#0'],
  })
  expect(await app.result('c')).toBe('paid')
  expect(log).toEqual(['charge', 'charge', 'charge', 'paid'])
  const notes = (await app.journal('c', { limit: 100 }))?.items.map((row) => row.note)
  expect(notes).toContainEqual({
    kind: 'action',
    action: 'retry',
    op: 'payment.charge#0',
    by: 'ann',
    why: 'it is back',
  })
})

test('F22: a stuck call that a person answers: with what its service may answer alone', async () => {
  const { definition, checkout } = shop()
  const app = await openForTest(definition)
  await app.start(checkout({ orderId: '1' }), { id: 'c' })
  await isStuck(app, 'c')
  const op = 'payment.charge#0'
  for (const [value, code] of [
    [{ type: 'stolen', data: {} }, 'REQUEST_INVALID'],
    ['paid', 'REQUEST_INVALID'],
    [{ type: 'paid', data: { orderId: 1 } }, 'INPUT_INVALID'],
  ] as const)
    await expect(app.answer('c', { op, value })).rejects.toMatchObject({ code })
  await expect(app.answer('c', { op, value: { type: 'paid', data: { orderId: '2' } } })).rejects.toMatchObject({
    code: 'REQUEST_INVALID',
    message: expect.stringContaining('value.data.orderId: it is "2", and the call was made for "1"'),
  })
  await expect(app.answer('c', { op: 'payment.charge#1', value: null })).rejects.toMatchObject({
    code: 'OP_UNKNOWN',
    message: expect.stringContaining('Did you mean "payment.charge#0"?'),
  })
  expect(await app.answer('c', { op, value: { type: 'declined', data: { orderId: '1' } }, by: 'ann' })).toMatchObject({
    changed: true,
    ops: [op],
  })
  expect(await app.result('c')).toBe('declined')
  const turns = (await app.journal('c', { limit: 100 }))?.items.map((row) => row.delivered)
  expect(turns).toContainEqual(expect.objectContaining({ kind: 'done', op, by: 'ann', why: '' }))
  expect((await app.events({ types: ['declined'] })).items).toHaveLength(1)
})

test('F22: a stuck call that a person fails: it fails; a stuck undo does not, but can be answered', async () => {
  const { definition, checkout, log } = shop()
  const app = await openForTest(definition)
  await app.start(checkout({ orderId: '1' }), { id: 'c' })
  await isStuck(app, 'c')
  await app.fail('c', { op: 'payment.charge#0', error: { message: 'nobody home' }, by: 'ann' })
  const undo = 'undo:payment.charge#0'
  await until(app, null, async () => (await app.run('c'))?.choices.some((choice) => choice.op === undo))
  expect(await app.run('c')).toMatchObject({
    phase: 'undoing',
    choices: [
      { action: 'retry', op: undo },
      { action: 'answer', op: undo },
    ],
  })
  await expect(app.fail('c', { op: undo, error: { message: 'no' } })).rejects.toMatchObject({ code: 'ACTION_REFUSED' })
  await app.answer('c', { op: undo, value: undefined })
  expect(await app.settled('c', 60_000)).toMatchObject({
    status: 'failed',
    error: { code: 'CALL_FAILED', message: expect.stringContaining('nobody home') },
  })
  expect(log.filter((line) => line === 'refund')).toHaveLength(1)
})

test('F22: a stuck run that a person cancels: what may have happened is taken back', async () => {
  const { definition, checkout, log, state } = shop()
  const app = await openForTest(definition)
  await app.start(checkout({ orderId: '1' }), { id: 'c' })
  await isStuck(app, 'c')
  state.broken = false
  await app.cancel('c')
  expect(await app.settled('c', 60_000)).toMatchObject({ status: 'cancelled' })
  expect(log).toEqual(['charge', 'charge', 'refund'])
})

test('F22: a restart while something is stuck: it stays so, and can be acted on after it', async () => {
  const data = new MemoryData()
  const one = shop()
  const first = await openForTest(one.definition, { store: memory(data) })
  await first.start(one.checkout({ orderId: '1' }), { id: 'c' })
  await first.start(one.payment.charge({ orderId: '2' }), { id: 'p' })
  await isStuck(first, 'c')
  await isStuck(first, 'p')
  await first.close()
  const app = await openForTest(one.definition, { store: memory(data) })
  expect(app.recovered).toMatchObject({ runs: 2, stuck: 2 })
  expect(one.log).toHaveLength(4)
  one.state.broken = false
  await app.retry('c')
  await app.answer('p', { op: 'payment.charge#0', value: { type: 'paid', data: { orderId: '2' } } })
  expect(await app.result('c')).toBe('paid')
  expect(await app.result('p')).toMatchObject({ type: 'paid' })
})

test('a call under way is left alone; one that waits for its next attempt is tried at once', async () => {
  const held = gate<string>()
  const log: string[] = []
  const slow = service('slow', {
    wait: operation({ input: z.null(), output: z.string(), run: () => held.promise }),
    fail: operation({
      input: z.null(),
      output: z.string(),
      retry: { backoff: '1h', limit: '1h' },
      run: (_input, { attempt }) => {
        log.push(`attempt ${attempt}`)
        if (attempt === 1) throw new Error('not yet')
        return 'now'
      },
    }),
  })
  const app = await openForTest(ballet({ services: [slow] }))
  await app.start(slow.wait(null), { id: 'w' })
  await app.start(slow.fail(null), { id: 'f' })
  for (const action of [
    () => app.retry('w', { op: 'slow.wait#0' }),
    () => app.answer('w', { op: 'slow.wait#0', value: 'x' }),
    () => app.retry('w'),
  ])
    await expect(action()).rejects.toMatchObject({ code: 'ACTION_REFUSED', status: 409 })
  await until(app, null, async () => (await app.run('f'))?.waits[0]?.attempt?.number === 1)
  await app.retry('f', { op: 'slow.fail#0' })
  expect(await app.result('f')).toBe('now')
  expect(log).toEqual(['attempt 1', 'attempt 2'])
  held.open('done')
  expect(await app.result('w')).toBe('done')
})

test('F22: code that threw and is retried: it goes on where it stands; with the same fault it stays stuck, and can be ended by hand', async () => {
  const state = { broken: true }
  const flow = workflow('flow', { input: z.null(), output }, async (run) => {
    await run.sleep('1ms')
    if (state.broken) throw new RangeError('a bug')
    return 'well'
  })
  const app = await openForTest(ballet({ services: [], workflows: [flow] }))
  await app.start(flow(null), { id: 'a' })
  await app.start(flow(null), { id: 'b' })
  await isStuck(app, 'a')
  await isStuck(app, 'b')
  expect((await app.run('a'))?.choices).toEqual([
    { action: 'retry', after: 'mend the code' },
    { action: 'cancel' },
    { action: 'fail' },
  ])
  expect(await app.retry('a')).toMatchObject({ changed: true, ops: [] })
  expect(await app.run('a')).toMatchObject({ status: 'stuck', reason: 'threw' })
  await app.fail('b', { error: { code: 'GIVEN_UP', message: 'nobody needs it' } })
  expect(await app.run('b')).toMatchObject({ status: 'failed', error: { code: 'GIVEN_UP' } })
  state.broken = false
  await app.retry('a')
  expect(await app.result('a')).toBe('well')
})

test('F22: several people act at once on a run whose code threw: each act is judged by what came of the one before', async () => {
  let tries = 0
  const flow = workflow('flow', { input: z.null(), output }, async (run) => {
    await run.sleep('1ms')
    tries += 1
    throw new RangeError('a bug')
  })
  const app = await openForTest(ballet({ services: [], workflows: [flow] }))
  await app.start(flow(null), { id: 'a' })
  await isStuck(app, 'a')
  const atOnce = async (...acts: readonly (() => Promise<unknown>)[]): Promise<readonly unknown[]> => {
    // Whoever asks while the inbox is being read waits for one and the same read.
    const before = app.retry('nobody').catch(() => {})
    const results = await Promise.allSettled(acts.map(async (act) => act()))
    await before
    return results.map((one) => (one.status === 'fulfilled' ? 'done' : (one.reason as { code?: string }).code))
  }
  const retry = () => app.retry('a')
  expect([await atOnce(retry, retry, retry), tries]).toEqual([['done', 'done', 'done'], 4])
  const fail = () => app.fail('a', { error: { code: 'GIVEN_UP', message: 'nobody needs it' } })
  expect([await atOnce(retry, fail, retry), tries]).toEqual([['done', 'done', 'RUN_ENDED'], 5])
  expect(await app.run('a')).toMatchObject({ status: 'failed', error: { code: 'GIVEN_UP' } })
})

test('all runs that match are acted on, each by itself', async () => {
  const { definition, checkout, state } = shop()
  const app = await openForTest(definition)
  for (let n = 0; n < 5; n++) await app.start(checkout({ orderId: String(n) }), { id: `c${n}` })
  for (let n = 0; n < 5; n++) await isStuck(app, `c${n}`)
  state.broken = false
  expect(await app.actOnAll({ action: 'retry', name: 'checkout', reason: 'call', limit: 3 })).toEqual({
    action: 'retry',
    matched: 3,
    changed: 3,
    more: true,
    refused: [],
  })
  expect(await app.actOnAll({ action: 'cancel', name: 'nothing' })).toMatchObject({ matched: 0 })
  expect(await app.actOnAll({ action: 'retry' })).toMatchObject({ matched: 2, changed: 2, more: false })
  for (let n = 0; n < 5; n++) expect(await app.result(`c${n}`)).toBe('paid')
  for (const limit of [0, 10_001, 1.5])
    await expect(app.actOnAll({ action: 'retry', limit })).rejects.toMatchObject({ code: 'QUERY_INVALID' })
})

test('a rehearsal says which runs match, and leaves them as they are', async () => {
  const { definition, checkout } = shop()
  const app = await openForTest(definition)
  for (let n = 0; n < 3; n++) await app.start(checkout({ orderId: String(n) }), { id: `c${n}` })
  for (let n = 0; n < 3; n++) await isStuck(app, `c${n}`)
  const of = (limit: number) => app.actOnAll({ action: 'cancel', name: 'checkout', limit, rehearse: true })
  const nothing = { action: 'cancel', changed: 0, refused: [] }
  expect(await of(3)).toEqual({ ...nothing, matched: 3, more: false, rehearsed: ['c2', 'c1', 'c0'] })
  expect(await of(2)).toEqual({ ...nothing, matched: 2, more: true, rehearsed: ['c2', 'c1'] })
  for (let n = 0; n < 3; n++) expect(await app.run(`c${n}`)).toMatchObject({ status: 'stuck', reason: 'call' })
  // @ts-expect-error -- a program without types says it in a word, and means that nothing is to be done
  await expect(app.actOnAll({ action: 'cancel', rehearse: 'yes' })).rejects.toMatchObject({ code: 'QUERY_INVALID' })
})

test('a run that is stuck while it takes back after a cancellation is not offered another one', async () => {
  const { definition, checkout, state } = shop()
  const app = await openForTest(definition)
  await app.start(checkout({ orderId: '1' }), { id: 'c' })
  await isStuck(app, 'c')
  await app.cancel('c', { by: 'ann' })
  const undo = 'undo:payment.charge#0'
  await until(app, null, async () => (await app.run('c'))?.choices.some((choice) => choice.op === undo))
  expect((await app.run('c'))?.choices).toEqual([
    { action: 'retry', op: undo },
    { action: 'answer', op: undo },
  ])
  expect(await app.cancel('c')).toMatchObject({ changed: false })
  state.broken = false
  await app.retry('c')
  expect(await app.settled('c', 60_000)).toMatchObject({ status: 'cancelled' })
})

test('a waiting call that a person hurried, and a process that ended in that attempt: the next one makes the same attempt', async () => {
  const data = new MemoryData()
  const attempts: number[] = []
  let entered = gate()
  const slow = service('slow', {
    act: operation({
      input: z.null(),
      output: z.null(),
      retry: { attempts: 3, backoff: '1h' },
      run: (_, { attempt }) => {
        attempts.push(attempt)
        if (attempt === 1) throw new Error('not yet')
        entered.open()
        return new Promise<null>(() => {})
      },
    }),
  })
  const asks = workflow('asks', { input: z.null(), output }, (run) => run.call(slow.act(null)))
  const definition = ballet({ services: [slow], workflows: [asks] })
  const app = await openForTest(definition, { store: memory(data) })
  await app.start(asks(null), { id: 'asks' })
  await until(app, null, async () => (await app.run('asks'))?.waits[0]?.attempt?.number === 1)
  await app.retry('asks', { op: 'slow.act#0' })
  await entered.promise
  await app.close()
  entered = gate()
  await openForTest(definition, { store: memory(data) })
  await entered.promise
  expect(attempts).toEqual([1, 2, 2])
})

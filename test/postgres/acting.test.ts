// What a person asks of runs at a node that carries none of them: retry, answer, fail, and one action for all, done where each
// run is, once, and answered as it came out there.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { ballet, operation, service, TerminalError, workflow, type OpenOptions } from '../../src/index.ts'
import { until } from '../support/applications.ts'
import { fastClock } from '../support/clocks.ts'
import { connection } from './subject.ts'
import { nodesOf, type Nodes } from './two-versions.ts'

interface World {
  /** Whether the bank is open, and the code is as it should be. */
  readonly world: { isOpen: boolean; isMended: boolean; charged: readonly string[] }
}

async function nodes(ofOwner: OpenOptions = {}, ofOld: OpenOptions = {}): Promise<Nodes & World> {
  const world = { isOpen: false, isMended: false, charged: [] as string[] }
  const bank = service('bank', {
    charge: operation({
      input: z.string(),
      output: z.string(),
      retry: { attempts: 1 },
      run: (who) => {
        if (!world.isOpen) throw new Error('the bank is closed')
        world.charged.push(who)
        return `charged ${who}`
      },
    }),
    pass: operation({ input: z.null(), output: z.null(), run: () => null }),
  })
  const pay = workflow('pay', { input: z.string(), output: z.string() }, async (run, who) => {
    try {
      return await run.call(bank.charge(who))
    } catch (error) {
      if (error instanceof TerminalError || String(error).includes('given up')) return 'not charged'
      throw error
    }
  })
  const flawed = workflow('flawed', { input: z.null(), output: z.string() }, async (run) => {
    await run.call(bank.pass(null))
    if (!world.isMended) throw new TypeError('flawed')
    return 'mended'
  })
  const definition = (version: string) => ballet({ name: 'shop', version, services: [bank], workflows: [pay, flawed] })
  return { ...(await nodesOf(definition, ofOwner, ofOld)), world }
}

const OP = 'bank.charge#0'

async function stuck({ owner }: Nodes, ...ids: readonly string[]): Promise<void> {
  for (const id of ids)
    await owner.startNamed({ call: id.startsWith('f') ? 'flawed' : 'pay', input: id.startsWith('f') ? null : id, id })
  for (const id of ids) await until(owner, null, async () => (await owner.run(id))?.status === 'stuck')
}

test('retry, answer and fail of a stuck call, at any node', async () => {
  const all = await nodes()
  const { old, owner, world } = all
  await stuck(all, 'a', 'b', 'c')
  const op = (await owner.run('a'))?.waits[0]
  expect(op).toBeDefined()
  expect(await old.answer('a', { op: OP, value: 'by hand', by: 'ann', why: 'seen at the counter' })).toEqual({
    id: 'a',
    action: 'answer',
    changed: true,
    ops: [OP],
  })
  expect(await old.result('a')).toBe('by hand')
  expect(await old.fail('b', { op: OP, error: { message: 'given up' }, by: 'ann' })).toMatchObject({ changed: true })
  expect(await old.result('b')).toBe('not charged')
  world.isOpen = true
  expect(await old.retry('c', { by: 'ann' })).toEqual({ id: 'c', action: 'retry', changed: true, ops: [OP] })
  expect(await old.result('c')).toBe('charged c')
  // Who did it, and why, is on the record.
  const journal = JSON.stringify((await old.journal('a'))?.items)
  expect(journal).toContain('seen at the counter')
})

test('of two who act on one call in one moment the second is told what came of the first, and what was answered is not done', async () => {
  const all = await nodes()
  const { old, world } = all
  const ids = Array.from({ length: 8 }, (_, n) => `p${n}`)
  await stuck(all, ...ids)
  world.isOpen = true
  const byHand: string[] = []
  for (const id of ids) {
    const acts = await Promise.allSettled([old.answer(id, { op: OP, value: 'by hand' }), old.retry(id)])
    expect(acts.map(({ status }) => status).toSorted()).toEqual(['fulfilled', 'rejected'])
    if (acts[0].status === 'fulfilled') byHand.push(id)
  }
  const results = await Promise.all(ids.map((id) => old.result(id)))
  expect(results).toEqual(ids.map((id) => (byHand.includes(id) ? 'by hand' : `charged ${id}`)))
  expect(world.charged.toSorted()).toEqual(ids.filter((id) => !byHand.includes(id)))
})

test('what is refused where the run is, is refused so at any node, and nothing is done', async () => {
  const all = await nodes()
  const { old, owner } = all
  await stuck(all, 'a')
  for (const node of [owner, old]) {
    await expect(node.retry('nobody')).rejects.toMatchObject({ code: 'RUN_UNKNOWN' })
    await expect(node.answer('a', { op: 'bank.chrage#0', value: 'x' })).rejects.toMatchObject({
      code: 'OP_UNKNOWN',
      message: expect.stringContaining(OP) as unknown,
    })
    await expect(node.answer('a', { op: OP, value: 1 })).rejects.toMatchObject({ code: 'INPUT_INVALID' })
    await expect(node.fail('a', { error: { message: 'no' } })).rejects.toMatchObject({ code: 'ACTION_REFUSED' })
    await expect(node.retry('a', { by: 'x'.repeat(257) })).rejects.toMatchObject({ code: 'REQUEST_INVALID' })
  }
  await old.answer('a', { op: OP, value: 'x' })
  for (const node of [owner, old])
    await expect(node.answer('a', { op: OP, value: 'x' })).rejects.toMatchObject({ code: 'RUN_ENDED' })
  expect((await owner.journal('a'))?.items.filter(({ kind }) => kind === 'turn').length).toBe(2)
})

test('an answer that is no JSON is refused in the same words at any node, and nothing is answered', async () => {
  const step = workflow('step', { input: z.null(), output: z.json() }, async (run) => {
    const count = (): number => {
      throw new Error('it cannot be counted')
    }
    return run.step('count', count, { retry: { attempts: 1 } })
  })
  const { old, owner } = await nodesOf((version) => ballet({ name: 'shop', version, services: [], workflows: [step] }))
  await owner.start(step(null), { id: 's' })
  await until(owner, null, async () => (await owner.run('s'))?.status === 'stuck')
  const op = (await owner.run('s'))?.waits[0]?.op ?? ''
  const cycle: { self?: unknown } = {}
  cycle.self = cycle
  let deep: unknown = 0
  for (let level = 0; level < 20_000; level++) deep = [deep]
  for (const node of [owner, old]) {
    for (const value of [() => 7, 10n, cycle, deep])
      await expect(node.answer('s', { op, value })).rejects.toMatchObject({
        code: 'VALUE_NOT_JSON',
        details: { what: 'the answer' },
      })
  }
  const message = 10n as unknown as string
  await expect(old.fail('s', { op, error: { message } })).rejects.toMatchObject({ code: 'VALUE_NOT_JSON' })
  expect(await old.answer('s', { op, value: 7 })).toMatchObject({ changed: true })
  expect(await old.result('s')).toBe(7)
})

test('an answer that is no JSON before its schema is taken at any node, or refused in the same words', async () => {
  const day = operation({
    input: z.null(),
    output: z.date().transform((date) => date.toISOString()),
    retry: { attempts: 1 },
    run: () => {
      throw new Error('nobody knows the day')
    },
  })
  const shelf = service('shelf', { day })
  const { old, owner } = await nodesOf((version) => ballet({ name: 'shop', version, services: [shelf] }))
  for (const [id, node] of Object.entries({ a: owner, b: old })) {
    await owner.start(shelf.day(null), { id })
    await until(owner, null, async () => (await owner.run(id))?.status === 'stuck')
    for (const value of ['1970-01-01T00:00:00.000Z', 10n, undefined])
      await expect(node.answer(id, { op: 'shelf.day#0', value })).rejects.toMatchObject({
        code: 'INPUT_INVALID',
        message: expect.stringContaining('what shelf.day answered'),
      })
    expect(await node.answer(id, { op: 'shelf.day#0', value: new Date(0), by: 'ann' })).toMatchObject({ changed: true })
    expect(await node.result(id)).toBe('1970-01-01T00:00:00.000Z')
  }
})

test('a run whose code cannot go on is retried with mended code, or let fail, at any node', async () => {
  const all = await nodes()
  const { old, world } = all
  await stuck(all, 'f1', 'f2')
  expect(await old.fail('f1', { error: { message: 'given up' }, by: 'ann' })).toMatchObject({ changed: true, ops: [] })
  await expect(old.result('f1')).rejects.toMatchObject({ code: 'RUN_FAILED' })
  world.isMended = true
  expect(await old.retry('f2')).toEqual({ id: 'f2', action: 'retry', changed: true, ops: [] })
  expect(await old.result('f2')).toBe('mended')
})

test('one action for all that match reaches the runs of every node', async () => {
  const all = await nodes()
  const { old, world } = all
  const ids = Array.from({ length: 4 }, (_, at) => `r${at}`)
  await stuck(all, ...ids)
  world.isOpen = true
  expect(await old.actOnAll({ action: 'retry', by: 'ann' })).toEqual({
    action: 'retry',
    matched: 4,
    changed: 4,
    more: false,
    refused: [],
  })
  for (const id of ids) expect(await old.result(id)).toBe(`charged ${id}`)
})

test('a cancellation is answered as it came out where the run is, the second time as well', async () => {
  const held = workflow('held', { input: z.null(), output: z.null() }, async (run) => {
    await run.shield((own) => own.sleep('1h'))
    return null
  })
  const { old, owner } = await nodesOf((version) => ballet({ name: 'shop', version, services: [], workflows: [held] }))
  await owner.start(held(null), { id: 'h' })
  const said = { id: 'h', action: 'cancel', ops: [] } as const
  expect(await old.cancel('h', { by: 'ann', why: 'no more' })).toEqual({ ...said, changed: true })
  expect((await owner.run('h'))?.phase).toBe('cancelling')
  for (const node of [old, owner]) expect(await node.cancel('h', { by: 'bob' })).toEqual({ ...said, changed: false })
  await expect(old.cancel('nobody')).rejects.toMatchObject({ code: 'RUN_UNKNOWN' })
})

test('one action for many runs of a node that is silent finds that out once: what is beyond that is not asked, and says so', async () => {
  const all = await nodes({}, { clock: fastClock(30) })
  const { old, owner, schema, world } = all
  const ids = Array.from({ length: 80 }, (_, n) => `p${n}`)
  await stuck(all, ...ids)
  world.isOpen = true
  const sql = await connection()
  const locked = Promise.withResolvers<void>()
  const over = Promise.withResolvers<void>()
  // The owner renews its lease, and commits nothing.
  const holding = sql.begin(async (tx) => {
    await tx.unsafe(`SELECT FROM ${schema}.shards FOR UPDATE`)
    locked.resolve()
    await over.promise
  })
  await locked.promise
  const acted = await old.actOnAll({ action: 'retry', by: 'ann' })
  over.resolve()
  await holding
  expect(acted).toMatchObject({ matched: 80, changed: 0, more: false })
  const codes = acted.refused.map(({ code }) => code)
  expect(codes.filter((code) => code === 'OWNER_SILENT').length).toBe(32)
  expect(codes.filter((code) => code === 'OWNER_UNREACHABLE').length).toBe(48)
  expect(acted.refused.at(-1)?.message).toContain('it has not taken what was asked of it before')
  // What was asked of it is done when it is heard of again, and nothing else.
  await until(owner, null, async () => world.charged.length >= 32)
  expect(await owner.actOnAll({ action: 'retry', by: 'ann' })).toMatchObject({ matched: 48, changed: 48, refused: [] })
})

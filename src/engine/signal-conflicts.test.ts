// A signal that comes again under its id with other data is another one, and refused: as a start is, and an event.
import { mkdtempSync, rmSync } from 'node:fs'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { expect, onTestFinished, test } from 'vitest'
import { z } from 'zod'
import { openForTest, until } from '../../test/support/applications.ts'
import type { Schema } from '../core/schema.ts'
import { ballet, signal, workflow, type Application } from '../index.ts'
import { serve } from '../server.ts'

const output = z.json()
const Paid = signal('paid', z.object({ amount: z.number(), at: z.number().default(() => performance.now()) }))
const Refused = signal('refused', z.object({ amount: z.number() }))
const Over = signal('over', z.null())
const signals = [Paid, Refused, Over]

const conflict = { code: 'SIGNAL_CONFLICT', details: { id: 'f', signal: 's' } }

/** Of what the run had, the same is known, whatever its schema makes of it now, and others are told apart. */
async function areToldApart(app: Application): Promise<void> {
  expect(await app.signal('f', Paid({ amount: 1 }), { id: 's' })).toEqual({ id: 's', created: false })
  await expect(app.signal('f', Paid({ amount: 2 }), { id: 's' })).rejects.toMatchObject(conflict)
  await expect(app.signal('f', Refused({ amount: 1 }), { id: 's' })).rejects.toMatchObject(conflict)
}

function storeForTest(): string {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-signals-'))
  onTestFinished(() => rmSync(folder, { recursive: true, force: true }))
  return `file:${join(folder, 'store.db')}`
}

const waiting = workflow('waiting', { input: z.null(), output, signals }, async (run) => {
  await run.receive(Over)
  const { data } = await run.receive(Paid)
  await run.receive(Over)
  return data.amount
})

test.each([1, 10_000])(
  'it is refused while the run keeps it, when it was received, after a restart and the end, with %i runs in memory',
  async (liveRuns) => {
    const store = storeForTest()
    const definition = ballet({ services: [], workflows: [waiting] })
    const first = await openForTest(definition, { store, liveRuns })
    await first.start(waiting(null), { id: 'f' })
    await first.start(waiting(null), { id: 'other' })
    expect(await first.signal('f', Paid({ amount: 1 }), { id: 's' })).toEqual({ id: 's', created: true })
    await areToldApart(first)
    await first.signal('other', Paid({ amount: 1 }), { id: 's' })
    await areToldApart(first)
    await first.close()
    const second = await openForTest(definition, { store, liveRuns })
    await areToldApart(second)
    await second.signal('f', Over(null))
    await areToldApart(second)
    await second.signal('f', Over(null))
    expect(await second.result('f')).toBe(1)
    await areToldApart(second)
  },
)

test('one is the same whatever its schema fills in, in place', async () => {
  let filled = 0
  const Filled = signal('filled', {
    '~standard': {
      version: 1,
      vendor: 'in-place',
      validate: (value: unknown) => ({ value: Object.assign(value as { n: number; at?: number }, { at: filled++ }) }),
    },
  } satisfies Schema<{ n: number; at?: number }>)
  const flow = workflow('flow', { input: z.null(), output, signals: [Filled] }, async (run) => {
    return (await run.receive(Filled)).data.n
  })
  const app = await openForTest(ballet({ services: [], workflows: [flow] }), { store: storeForTest() })
  await app.start(flow(null), { id: 'f' })
  const send = (n: number): Promise<object> => app.signal('f', Filled({ n }), { id: 's' })
  expect(await send(1)).toMatchObject({ created: true })
  expect(await send(1)).toMatchObject({ created: false })
  await expect(send(2)).rejects.toMatchObject(conflict)
})

test('of two in one moment one is taken', async () => {
  const app = await openForTest(ballet({ services: [], workflows: [waiting] }), { store: storeForTest() })
  await app.start(waiting(null), { id: 'f' })
  const sent = [1, 2].map((amount) => app.signal('f', Paid({ amount }), { id: 's' }))
  const [first, second] = await Promise.allSettled(sent)
  expect(first).toMatchObject({ status: 'fulfilled', value: { created: true } })
  expect(second).toMatchObject({ status: 'rejected', reason: conflict })
})

test('it is refused in a later generation of the run, and when that has ended', async () => {
  const again = workflow('again', { input: z.number(), output, signals }, async (run, n) => {
    const { data } = await run.receive([Paid, Refused])
    return n === 1 ? data.amount : run.continueAs(n + 1)
  })
  const app = await openForTest(ballet({ services: [], workflows: [again] }), { store: storeForTest() })
  await app.start(again(0), { id: 'f' })
  await app.signal('f', Paid({ amount: 1 }), { id: 's' })
  await until(app, null, async () => (await app.run('f'))?.generation === 1)
  await areToldApart(app)
  await app.signal('f', Refused({ amount: 3 }))
  expect(await app.result('f')).toBe(3)
  await areToldApart(app)
})

test('it is refused while the code of the run cannot go on, and comes once when it can', async () => {
  let isBroken = true
  const broken = workflow('broken', { input: z.null(), output, signals }, async (run) => {
    await run.receive(Over)
    if (isBroken) throw new TypeError('oops')
    const { data } = await run.receive(Paid)
    return [data.amount, (await run.receive(Refused)).data.amount]
  })
  const store = storeForTest()
  const definition = ballet({ services: [], workflows: [broken] })
  const first = await openForTest(definition, { store })
  await first.start(broken(null), { id: 'f' })
  await first.signal('f', Over(null))
  await until(first, null, async () => (await first.run('f'))?.status === 'stuck')
  expect(await first.signal('f', Paid({ amount: 1 }), { id: 's' })).toEqual({ id: 's', created: true })
  await areToldApart(first)
  await first.close()
  const second = await openForTest(definition, { store })
  await areToldApart(second)
  isBroken = false
  await second.retry('f')
  await second.signal('f', Refused({ amount: 7 }))
  expect(await second.result('f')).toEqual([1, 7])
})

test('a run whose code does not repeat its journal knows the signals that it has had behind that', async () => {
  const store = storeForTest()
  const Told = signal('told', z.number())
  const shop = (step: string) => {
    const flow = workflow('flow', { input: z.null(), output: z.json(), signals: [Told] }, async (run) => {
      await run.step(step, () => null)
      return [(await run.receive(Told)).data, (await run.receive(Told)).data]
    })
    return { definition: ballet({ services: [], workflows: [flow] }), flow }
  }
  const { definition, flow } = shop('one')
  const first = await openForTest(definition, { store })
  await first.start(flow(null), { id: 'f' })
  await until(first, null, async () => (await first.run('f'))?.waits[0]?.kind === 'receive')
  expect(await first.signal('f', Told(1), { id: 's' })).toEqual({ id: 's', created: true })
  await first.close()
  const broken = await openForTest(shop('other').definition, { store })
  expect(await broken.run('f')).toMatchObject({ status: 'stuck', reason: 'diverged' })
  expect(await broken.signal('f', Told(1), { id: 's' })).toEqual({ id: 's', created: false })
  await expect(broken.signal('f', Told(2), { id: 's' })).rejects.toMatchObject({ code: 'SIGNAL_CONFLICT' })
  expect(await broken.signal('f', Told(3), { id: 't' })).toEqual({ id: 't', created: true })
  await broken.close()
  const mended = await openForTest(definition, { store })
  expect(await mended.result('f')).toEqual([1, 3])
})

test('over HTTP it is a conflict', async () => {
  const app = await openForTest(ballet({ services: [], workflows: [waiting] }), { store: storeForTest() })
  await using server = await serve(app, { port: 0 })
  await app.start(waiting(null), { id: 'f' })
  const send = async (amount: number): Promise<[number, unknown]> => {
    const headers = { 'content-type': 'application/json' }
    const body = JSON.stringify({ id: 's', data: { amount } })
    const answer = await fetch(`${server.url}/api/runs/f/signals/paid`, { method: 'POST', headers, body })
    return [answer.status, await answer.json()]
  }
  expect(await send(1)).toEqual([202, { id: 's', created: true }])
  expect(await send(1)).toEqual([200, { id: 's', created: false }])
  expect(await send(2)).toEqual([409, expect.objectContaining(conflict)])
  expect(await app.signal('f', Paid({ amount: 1 }), { id: 's' })).toMatchObject({ created: false })
})

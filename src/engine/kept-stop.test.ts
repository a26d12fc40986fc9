// A run whose code cannot go on was asked to stop, and that was acknowledged: it stops once its code can go on, whatever else
// was kept for it before.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest, until } from '../../test/support/applications.ts'
import { turnText, type Delivered } from '../core/journal.ts'
import type { JournalRow } from '../core/store.ts'
import { ballet, event, operation, service, signal, workflow, type Application } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'
import { memory } from '../stores/memory/memory-store.ts'
import { historyOf } from './history.ts'

const output = z.json()
const Go = signal('go', z.null())

/** Code that takes something, waits for a signal, and has ended with that; or does something else before; or throws behind it. */
function shop(log: string[], code: { is: 'right' | 'different' | 'throwing' }) {
  const stock = service('stock', {
    take: operation({ input: z.string(), output: z.string(), run: (sku) => (log.push(`take ${sku}`), sku) }),
    give: operation({ input: z.string(), undoes: 'take', run: (sku) => void log.push(`give ${sku}`) }),
  })
  const flow = workflow('flow', { input: z.null(), output, signals: [Go] }, async (run) => {
    if (code.is === 'different') await run.sleep('1ms')
    await run.call(stock.take('a'), { undo: stock.give('a') })
    await run.receive(Go)
    if (code.is === 'throwing') throw new RangeError('a bug')
    return 'done'
  })
  return { flow, definition: ballet({ services: [stock], workflows: [flow] }) }
}

const isStuck = (app: Application, id: string, reason: string): Promise<unknown> =>
  until(app, null, async () => (await app.run(id))?.reason === reason)

const waits = (app: Application): Promise<unknown> =>
  until(app, null, async () => (await app.run('f'))?.waits.some(({ kind }) => kind === 'receive'))

/** A run that has taken something and waits, of which the code does something else now. */
async function diverged(log: string[], code: { is: 'right' | 'different' | 'throwing' }, data: MemoryData) {
  const { flow, definition } = shop(log, code)
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(flow(null), { id: 'f' })
  await waits(first)
  if (code.is === 'throwing') {
    await first.signal('f', Go(null))
    await isStuck(first, 'f', 'threw')
  }
  await first.close()
  code.is = 'different'
  const second = await openForTest(definition, { store: memory(data) })
  await isStuck(second, 'f', 'diverged')
  return { app: second, definition }
}

for (const how of ['a retry', 'a restart'] as const) {
  test(`a cancellation comes before the signal that was kept before it, by ${how}`, async () => {
    const log: string[] = []
    const code: { is: 'right' | 'different' } = { is: 'right' }
    const data = new MemoryData()
    const { app, definition } = await diverged(log, code, data)
    await app.signal('f', Go(null))
    expect(await app.cancel('f', { by: 'ann' })).toMatchObject({ kept: true, changed: true })
    if (how === 'a restart') await app.close()
    code.is = 'right'
    const mended = how === 'a restart' ? await openForTest(definition, { store: memory(data) }) : app
    if (how === 'a retry') await app.retry('f')
    expect(await mended.settled('f', 5000)).toMatchObject({
      status: 'cancelled',
      error: { details: { by: 'ann' } },
    })
    expect(log).toEqual(['take a', 'give a'])
  })
}

test('a turn that threw is not made again by a run that was asked to stop since', async () => {
  const log: string[] = []
  const code: { is: 'right' | 'different' | 'throwing' } = { is: 'throwing' }
  const { app } = await diverged(log, code, new MemoryData())
  expect(await app.cancel('f')).toMatchObject({ kept: true })
  code.is = 'right'
  await app.retry('f')
  expect(await app.settled('f', 5000)).toMatchObject({ status: 'cancelled' })
  expect(log).toEqual(['take a', 'give a'])
})

test('a run that has become too long meanwhile stops all the same', async () => {
  const log: string[] = []
  const code: { is: 'right' | 'different' } = { is: 'right' }
  const data = new MemoryData()
  const { app, definition } = await diverged(log, code, data)
  expect(await app.cancel('f')).toMatchObject({ kept: true })
  await app.close()
  code.is = 'right'
  const mended = await openForTest(definition, { store: memory(data), limits: { turns: 1 } })
  expect(await mended.settled('f', 5000)).toMatchObject({ status: 'cancelled' })
  expect(log).toEqual(['take a', 'give a'])
})

test('a run whose code was gone before its first turn does not begin when it was asked to stop', async () => {
  const log: string[] = []
  const flow = workflow('flow', { input: z.null(), output }, async () => (log.push('began'), 'done'))
  const definition = ballet({ services: [], workflows: [flow] })
  const data = new MemoryData()
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(flow(null), { id: 'f', at: new Date(Date.now() + 86_400_000) })
  await first.close()
  // As if its time had come while its code was gone.
  for (const [num, row] of data.runs) data.runs.set(num, { ...row, phase: null })
  const without = await openForTest(ballet({ services: [], workflows: [] }), { store: memory(data) })
  await isStuck(without, 'f', 'diverged')
  expect(await without.cancel('f')).toMatchObject({ kept: true })
  await without.close()
  const back = await openForTest(definition, { store: memory(data) })
  expect(await back.settled('f', 5000)).toMatchObject({ status: 'cancelled' })
  expect(log).toEqual([])
})

test('a reaction that was asked to stop while it was left alone is not mapped again', async () => {
  const Placed = event('order.placed', z.object({ orderId: z.string() }), { key: 'orderId' })
  let isMended = false
  const desk = service('desk', { note: operation({ input: z.null(), output: z.null(), run: () => null }) })
  desk.on(Placed, () => {
    if (!isMended) throw new RangeError('a bug')
    return null
  })
  const definition = ballet({ services: [desk], events: [Placed] })
  const data = new MemoryData()
  const id = 'desk:order.placed:one'
  const first = await openForTest(definition, { store: memory(data) })
  await first.publish(Placed({ orderId: 'o' }), { id: 'one' })
  await isStuck(first, id, 'threw')
  await first.close()
  // As if processes had died of it.
  for (const [num, row] of data.runs) data.runs.set(num, { ...row, reason: 'poisoned' })
  const second = await openForTest(definition, { store: memory(data) })
  expect(await second.cancel(id)).toMatchObject({ kept: true })
  isMended = true
  await second.retry(id)
  expect(await second.settled(id, 5000)).toMatchObject({ status: 'cancelled' })
})

test('beside a cancellation that was acknowledged, one that a process had written before its turn, and died, is not kept', () => {
  const mail = (seq: number, delivered: Delivered): JournalRow => {
    return { pos: seq + 2, run: 1, seq, kind: 'mail', at: 0, data: turnText(delivered, '[]') }
  }
  const rows = [
    mail(0, { kind: 'cancel', by: 'bob', why: '', untold: true }),
    mail(1, { kind: 'signal', name: 'go', id: 's', payload: 'null', hash: undefined }),
    mail(2, { kind: 'cancel', by: 'ann', why: '' }),
  ]
  const context = { decode: String, notBefore: () => {} }
  const { history } = historyOf(context, { id: 'f', name: 'flow', generation: 0, since: 0 }, rows)
  expect(history.mail.map((one) => ('by' in one ? one.by : one.kind))).toEqual(['ann', 'signal'])
})

test('a signal that was kept twice before its turn, and once more for the frozen run, stands behind what came before it', () => {
  const kept = (seq: number, id: string, isUntold: boolean): JournalRow => {
    const given = { kind: 'signal', name: 'go', id, payload: 'null', hash: undefined } as const
    const data = turnText({ ...given, ...(isUntold && { untold: true }) }, '[]')
    return { pos: seq + 2, run: 1, seq, kind: 'mail', at: 0, data }
  }
  const rows = [
    kept(0, 'first', true),
    kept(1, 'second', true),
    kept(2, 'second', true),
    kept(3, 'second', true),
    kept(4, 'first', false),
    kept(5, 'second', false),
  ]
  const context = { decode: String, notBefore: () => {} }
  const { history } = historyOf(context, { id: 'f', name: 'flow', generation: 0, since: 0 }, rows)
  expect(history.mail.map((one) => one.kind === 'signal' && [one.id, one.mail])).toEqual([
    ['first', 4],
    ['second', 5],
  ])
})

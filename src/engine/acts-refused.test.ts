// What a person asks for and cannot have is refused in true words, and what can be had of it is done.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest, until } from '../../test/support/applications.ts'
import { ballet, event, memory, operation, service, signal, workflow, type Application } from '../index.ts'
import { MemoryData } from '../stores/memory/memory-data.ts'

const input = z.null()
const output = z.string()

/** Until just these calls of the run are for a person to act on. */
const areStuck = (app: Application, ...ops: readonly string[]): Promise<unknown> =>
  until(app, null, async () => {
    const choices = (await app.run('f'))?.choices.flatMap(({ action, op }) => (action === 'answer' ? [op] : []))
    return choices?.toSorted().join(' ') === ops.toSorted().join(' ')
  })

test('a call that has been given up, of which an attempt may still be under way, is not tried again', async () => {
  const data = new MemoryData()
  const began = gate()
  let calls = 0
  const pay = service('pay', {
    charge: operation({
      input,
      output,
      run: () => {
        calls += 1
        began.open()
        return new Promise<string>(() => {})
      },
    }),
    refund: operation({ input, output, undoes: 'charge', run: () => 'refunded' }),
  })
  const flow = workflow('flow', { input, output }, (run) => run.call(pay.charge(null), { undo: pay.refund(null) }))
  const definition = ballet({ services: [pay], workflows: [flow] })
  const first = await openForTest(definition, { store: memory(data) })
  await first.start(flow(null), { id: 'f' })
  await began.promise
  await first.cancel('f')
  await first.close()
  const second = await openForTest(definition, { store: memory(data) })
  const retried = second.retry('f', { op: 'pay.charge#0' })
  await expect(retried).rejects.toMatchObject({ code: 'ACTION_REFUSED', details: { action: 'retry' } })
  await expect(retried).rejects.toThrow('may still be under way')
  const notes = (await second.journal('f', { limit: 100 }))?.items.map(({ note }) => note)
  expect(notes).not.toContainEqual(expect.objectContaining({ kind: 'action' }))
  // Whoever knows how it came out may say so.
  expect(await second.answer('f', { op: 'pay.charge#0', value: 'charged' })).toMatchObject({ changed: true })
  expect(await second.settled('f', 5000)).toMatchObject({ status: 'cancelled' })
  expect(calls).toBe(1)
})

test('of what is stuck, a retry of the whole run tries what can be tried', async () => {
  let isDown = true
  const pay = service('pay', {
    ask: operation({
      input,
      output,
      retry: { attempts: 1 },
      run: () => {
        if (isDown) throw new Error('down')
        return 'asked'
      },
    }),
    refund: operation({
      input,
      output,
      run: (): string => {
        throw Object.assign(new Error('it cannot be'), { terminal: true })
      },
    }),
  })
  const charging = workflow('charging', { input, output }, async () => 'charged')
  const refunding = workflow('refunding', { input, output }, (run) => run.call(pay.refund(null)))
  const flow = workflow('flow', { input, output }, async (run) => {
    await run.call(charging(null), { undo: refunding(null) })
    await Promise.all([run.shield((own) => own.call(pay.ask(null))), run.sleep('1d')])
    return 'done'
  })
  const app = await openForTest(ballet({ services: [pay], workflows: [flow, charging, refunding] }))
  await app.start(flow(null), { id: 'f' })
  await areStuck(app, 'pay.ask#0')
  await app.cancel('f')
  await areStuck(app, 'pay.ask#0', 'undo:charging#0')
  isDown = false
  expect(await app.retry('f')).toMatchObject({ changed: true, ops: ['pay.ask#0', 'undo:charging#0'] })
  await areStuck(app, 'undo:charging#0')
  await app.answer('f', { op: 'undo:charging#0', value: 'refunded' })
  expect(await app.settled('f', 5000)).toMatchObject({ status: 'cancelled' })
})

test('a reaction that waits behind another has not begun, and cannot be answered', async () => {
  const Placed = event('placed', z.object({ id: z.string() }), { key: 'id' })
  const held = gate()
  const pay = service('pay', {
    charge: operation({ input: z.object({ id: z.string() }), output, run: () => held.promise.then(() => 'charged') }),
  })
  pay.on(Placed, (placed) => pay.charge(placed))
  const app = await openForTest(ballet({ services: [pay], workflows: [] }))
  for (const id of ['e1', 'e2']) await app.publish(Placed({ id: 'o' }), { id })
  const [second, first] = (await app.runs()).items
  const request = { op: first?.waits[0]?.op ?? 'pay.charge#0', value: 'charged' }
  await expect(app.answer(second?.id ?? '', request)).rejects.toThrow('has not begun')
  await expect(app.answer(first?.id ?? '', request)).rejects.toThrow('is under way')
  held.open()
  expect(await app.settled(second?.id ?? '', 5000)).toMatchObject({ status: 'completed' })
})

test('a signal that is given again after its run has ended is told that it was given', async () => {
  const Go = signal('go', z.string())
  const flow = workflow('flow', { input, output, signals: [Go] }, async (run) => (await run.receive(Go)).data)
  const app = await openForTest(ballet({ services: [], workflows: [flow] }))
  await app.start(flow(null), { id: 'f' })
  expect(await app.signal('f', Go('on'), { id: 's1' })).toEqual({ id: 's1', created: true })
  expect(await app.result('f')).toBe('on')
  expect(await app.signal('f', Go('on'), { id: 's1' })).toEqual({ id: 's1', created: false })
  const ended = { code: 'RUN_ENDED' }
  await expect(app.signal('f', Go('on'), { id: 's2' })).rejects.toMatchObject(ended)
  await expect(app.signal('f', Go('on'))).rejects.toMatchObject(ended)
})

test('a reason that no run is stuck for is refused, with those that there are', async () => {
  const app = await openForTest(ballet({ services: [], workflows: [] }))
  const request = { action: 'cancel', reason: 'bogus' } as const
  await expect(app.actOnAll(request)).rejects.toThrow('call, threw, diverged, limit, poisoned, conflict, unreadable')
})

test('an answer that its service does not give is refused, with those that it gives', async () => {
  const Paid = event('paid', z.object({ id: z.string() }), { key: 'id' })
  const Declined = event('declined', z.object({ id: z.string() }), { key: 'id' })
  const pay = service('pay', {
    charge: operation({
      input,
      outcomes: [Paid, Declined],
      retry: { attempts: 1 },
      run: () => {
        throw new Error('down')
      },
    }),
  })
  const app = await openForTest(ballet({ services: [pay], workflows: [] }))
  await app.start(pay.charge(null), { id: 'f' })
  await areStuck(app, 'pay.charge#0')
  for (const value of ['paid', { type: 'payed', data: {} }, null]) {
    const answered = app.answer('f', { op: 'pay.charge#0', value })
    await expect(answered).rejects.toMatchObject({ code: 'REQUEST_INVALID', details: { path: 'value' } })
    await expect(answered).rejects.toThrow('paid or declined')
  }
})

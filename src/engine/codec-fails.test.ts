// A codec that fails, for a moment: what memory says and the store cannot be told stops the application, in good order, and
// the next opening goes on from what is durable. What is asked for while nothing has changed is refused alone.
import { mkdtemp, rm } from 'node:fs/promises'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, beforeEach, expect, test } from 'vitest'
import { z } from 'zod'
import { gate, openForTest, until } from '../../test/support/applications.ts'
import { SteppedClock } from '../../test/support/clocks.ts'
import type { Clock } from '../core/clock.ts'
import type { Codec } from '../core/codec.ts'
import {
  ballet,
  choreography,
  event,
  operation,
  seq,
  service,
  signal,
  sqlite,
  workflow,
  type Application,
  type ApplicationDefinition,
} from '../index.ts'
import { systemClock } from './clock.ts'

const output = z.json()
const away = { message: 'the key service is away' }
const Order = z.object({ orderId: z.string() })
const A = event('a.done', Order, { key: 'orderId' })
const B = event('b.done', Order, { key: 'orderId' })
const C = event('c.done', Order, { key: 'orderId' })
const Go = signal('go', z.string())

let folder: string
beforeEach(async () => {
  folder = await mkdtemp(join(tmpdir(), 'ballet-codec-'))
})
afterEach(() => rm(folder, { recursive: true }))

/** One store, and a codec that fails with the next text in which `isHit` sees what it waits for, once. */
function place(byHand?: Clock) {
  let isHit: ((text: string) => boolean) | null = null
  let aheadMs = 0
  const codec: Codec = {
    encode(text) {
      if (isHit?.(text) !== true) return text
      isHit = null
      throw new Error(away.message)
    },
    decode: (payload) => String(payload),
  }
  const clock = byHand ?? { ...systemClock, now: () => systemClock.now() + aheadMs }
  return {
    failNext: (words = '') => {
      isHit = (text) => text.includes(words)
    },
    hourLater: () => {
      aheadMs += 3_600_000
    },
    open: (definition: ApplicationDefinition): Promise<Application> =>
      openForTest(definition, { store: sqlite({ file: join(folder, 'store.db') }), codec, clock }),
  }
}

const never = (): Promise<never> => new Promise(() => {})

const stuck = (app: Application, id: string) =>
  until(app, null, async () => {
    const run = await app.run(id)
    return run?.status === 'stuck' && run
  })

test('a signal for a stuck run that cannot be written is not taken for one that the run has', async () => {
  let isMended = false
  const { open, failNext } = place()
  const flow = workflow('flow', { input: z.null(), output, signals: [Go] }, async (run) => {
    await run.sleep('1ms')
    if (!isMended) throw new Error('a bug')
    return (await run.receive(Go)).data
  })
  const definition = ballet({ services: [], workflows: [flow] })
  const app = await open(definition)
  await app.start(flow(null), { id: 'one' })
  await stuck(app, 'one')
  failNext()
  await expect(app.signal('one', Go('money'), { id: 's' })).rejects.toMatchObject(away)
  expect(await app.stopped).toMatchObject(away)
  await expect(app.signal('one', Go('money'), { id: 's' })).rejects.toMatchObject(away)
  await app.close()
  const next = await open(definition)
  await stuck(next, 'one')
  expect(await next.signal('one', Go('money'), { id: 's' })).toEqual({ id: 's', created: true })
  isMended = true
  await next.retry('one')
  expect(await next.result('one')).toBe('money')
})

test('a signal whose turn cannot be written is answered, and comes again', async () => {
  const { open, failNext } = place()
  const flow = workflow('flow', { input: z.null(), output, signals: [Go] }, async (run) => (await run.receive(Go)).data)
  const definition = ballet({ services: [], workflows: [flow] })
  const app = await open(definition)
  await app.start(flow(null), { id: 'one' })
  await until(app, null, async () => (await app.run('one'))?.waits.length === 1)
  failNext('"signal"')
  await expect(app.signal('one', Go('x'), { id: 's' })).rejects.toMatchObject(away)
  await app.close()
  const next = await open(definition)
  expect(await next.signal('one', Go('x'), { id: 's' })).toEqual({ id: 's', created: true })
  expect(await next.result('one')).toBe('x')
})

const watched = () => ballet({ services: [], events: [A, B, C], choreographies: [timely] as never })
const timely = choreography('timely', { key: 'orderId' }, seq(A, B.within('1m'), C))
const orders = ['1', '2', '3']
const flowStands = (app: Application, orderId: string) =>
  until(app, null, async () => (await app.flow('timely', orderId)) !== null)

test('a question by which a passed deadline cannot be told leaves no flow wrong', async () => {
  const { open, failNext, hourLater } = place()
  const app = await open(watched())
  for (const orderId of orders) await app.publish(A({ orderId }))
  for (const orderId of orders) await flowStands(app, orderId)
  hourLater()
  failNext('"awaited"')
  await Promise.all(orders.map((orderId) => app.publish(B({ orderId }))))
  await app.flow('timely', '1').catch(() => {})
  expect(await app.stopped).toMatchObject(away)
  await app.close()
  const next = await open(watched())
  for (const orderId of orders) await next.publish(C({ orderId }))
  const flows = await Promise.all(orders.map((orderId) => next.flow('timely', orderId)))
  expect(flows.map((flow) => [flow?.state, flow?.overdues])).toEqual(orders.map(() => ['complete', 1]))
  const told = await next.events({ types: ['timely.overdue'] })
  expect(told.items.map(({ subject }) => subject).toSorted()).toEqual(orders)
})

test('a passed deadline that cannot be told beside requests stops the application, and not its process', async () => {
  const { open, failNext, hourLater } = place()
  const app = await open(watched())
  await app.publish(A({ orderId: '1' }))
  await flowStands(app, '1')
  hourLater()
  failNext('"awaited"')
  await app.publish(B({ orderId: '1' }))
  expect(await app.stopped).toMatchObject(away)
})

test('an attempt of an earlier life that is waited for, and whose end cannot be written, stops the application', async () => {
  const clock = new SteppedClock()
  const { open, failNext } = place(clock)
  const begun = gate()
  const charge = operation({
    input: z.null(),
    output,
    timeout: '1m',
    run: () => {
      begun.open()
      return never()
    },
  })
  const psp = service('psp', { charge })
  const definition = ballet({ services: [psp] })
  const app = await open(definition)
  await app.start(psp.charge(null), { id: 'one' })
  await begun.promise
  const cancelled = app.cancel('one').catch(() => {})
  await until(app, null, async () => (await app.run('one'))?.phase === 'cancelling')
  await app.close()
  await cancelled
  const next = await open(definition)
  failNext()
  clock.pass(60_000)
  expect(await next.stopped).toMatchObject(away)
})

const flaky = () => {
  let attempts = 0
  const charge = operation({
    input: z.null(),
    output: z.string(),
    retry: { attempts: 1 },
    run: () => {
      if (++attempts < 2) throw new Error('flaky')
      return 'paid'
    },
  })
  const psp = service('psp', { charge })
  const flow = workflow('flow', { input: z.null(), output }, async (run) => run.call(psp.charge(null)))
  return { flow, definition: ballet({ services: [psp], workflows: [flow] }) }
}

test('a retry that cannot be written leaves the call stuck', async () => {
  const { open, failNext } = place()
  const { flow, definition } = flaky()
  const app = await open(definition)
  await app.start(flow(null), { id: 'one' })
  await stuck(app, 'one')
  failNext()
  await expect(app.retry('one')).rejects.toMatchObject(away)
  expect(await app.stopped).toMatchObject(away)
  await app.close()
  const next = await open(definition)
  expect(await next.retry('one')).toMatchObject({ changed: true, ops: ['psp.charge#0'] })
  expect(await next.result('one')).toBe('paid')
})

test('an answer by hand that cannot be written is answered, and leaves the call stuck', async () => {
  const { open, failNext } = place()
  const { flow, definition } = flaky()
  const app = await open(definition)
  await app.start(flow(null), { id: 'one' })
  await stuck(app, 'one')
  failNext('"done"')
  await expect(app.answer('one', { op: 'psp.charge#0', value: 'by hand' })).rejects.toMatchObject(away)
  await app.close()
  const next = await open(definition)
  await next.answer('one', { op: 'psp.charge#0', value: 'by hand' })
  expect(await next.result('one')).toBe('by hand')
})

const desk = () => {
  const own = service('desk', {
    long: operation({ input: z.null(), output: z.null(), timeout: '50ms', run: never }),
    end: operation({ input: Order, outcomes: [B], timeout: '50ms', run: never }),
  })
  own.on(A, (data) => own.end(data))
  const flow = choreography('flow', { key: 'orderId' }, seq(A, B))
  return { own, flow, definition: ballet({ services: [own], events: [A, B], choreographies: [flow] as never }) }
}

test.each(['solo', 'flow:1'])('a cancellation of %s that cannot be written is not answered as done', async (id) => {
  const { open, failNext } = place()
  const { own, flow, definition } = desk()
  const app = await open(definition)
  await app.start(own.long(null), { id: 'solo' })
  await app.conduct(flow)(A({ orderId: '1' }))
  failNext('"cancel"')
  await expect(app.cancel(id)).rejects.toMatchObject(away)
  await expect(app.cancel(id)).rejects.toMatchObject(away)
  expect(await app.stopped).toMatchObject(away)
  await app.close()
  const next = await open(definition)
  expect(await next.cancel(id)).toMatchObject({ changed: true })
  expect((await next.settled(id, 10_000))?.status).toBe('cancelled')
})

test('what is asked for while nothing has changed is refused alone', async () => {
  const { open, failNext } = place()
  const { own, flow, definition } = desk()
  const app = await open(definition)
  const asked = [
    () => app.start(own.long(null), { id: 'solo' }),
    () => app.publish(A({ orderId: '2' }), { id: 'e' }),
    () => app.conduct(flow)(A({ orderId: '1' })),
  ]
  for (const ask of asked) {
    failNext()
    await expect(ask()).rejects.toMatchObject(away)
    expect(await ask()).toMatchObject({ created: true })
  }
})

test('code that goes on outside its turn is not told of a codec that fails', async () => {
  const { open, failNext } = place()
  const outside = gate()
  const told = gate<unknown>()
  const flow = workflow('flow', { input: z.null(), output, signals: [Go] }, async (run) => {
    const branch = async (): Promise<void> => {
      await outside.promise
      run.now()
    }
    branch().catch((error: unknown) => told.open(error))
    return (await run.receive(Go)).data
  })
  const app = await open(ballet({ services: [], workflows: [flow] }))
  await app.start(flow(null), { id: 'one' })
  await until(app, null, async () => (await app.run('one'))?.waits.length === 1)
  failNext()
  outside.open()
  expect(await told.promise).toMatchObject({ code: 'FOREIGN_AWAIT' })
  expect(await app.stopped).toMatchObject(away)
})

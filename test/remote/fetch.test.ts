// A service that nobody can call fetches its calls over real HTTP: what it has room for, in both styles, with undo, and what becomes
// of a call whose asker goes away at any moment.
import { once } from 'node:events'
import { mkdtempSync, rmSync } from 'node:fs'
import { createServer, type AddressInfo } from 'node:net'
import { tmpdir } from 'node:os'
import { join } from 'node:path'
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { fetched, fetchWork, type FetchWorkOptions } from '../../src/http.ts'
import { ballet, operation, service, workflow, type OperationContext, type Service } from '../../src/index.ts'
import { serve } from '../../src/server.ts'
import { gate, keptLog, openForTest, until } from '../support/applications.ts'
import { secret } from './asking.ts'
import { Charged, Order, OrderCreated, payment, Refunded, shipping, specs, Sent, takenBack } from './contracts.ts'
import { effects, Life } from './life.ts'

const token = 'a-token-of-an-operator'
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** The services, as they are carried out in a process of their own. */
function carried(seen: (what: string, context: OperationContext) => unknown = () => {}): Service[] {
  const pay = service('payment', {
    charge: operation({
      ...specs.charge,
      async run({ orderId }, context) {
        await seen(`charge ${orderId}`, context)
        return Charged({ orderId, by: context.idempotencyKey })
      },
    }),
    refund: operation({
      ...specs.refund,
      async run({ orderId }, context) {
        await seen(`refund ${orderId}`, context)
        return Refunded({ orderId })
      },
    }),
  })
  const ship = service('shipping', {
    send: operation({
      ...specs.send,
      async run({ orderId }, context) {
        await seen(`send ${orderId}`, context)
        return Sent({ orderId })
      },
    }),
  })
  return [pay, ship]
}

const fetching = (at: string, services = carried(), options: Partial<FetchWorkOptions> = {}) => {
  const fetchingServices = fetchWork(services, { at, secrets: [secret], log: keptLog(), ...options })
  closing.push(() => fetchingServices.close())
  return fetchingServices
}

async function served(definition: Parameters<typeof openForTest>[0]) {
  const app = await openForTest(definition)
  const serving = await serve(app, { port: 0, token, log: keptLog() })
  closing.push(() => serving.close())
  return { app, at: serving.url, serving }
}

test('orchestrated: calls wait until they are fetched, and are taken back so too', async () => {
  const [pay, ship] = [fetched(payment(), { secrets: [secret] }), fetched(shipping(), { secrets: [secret] })]
  const order = takenBack(pay, ship)
  const { app, at } = await served(ballet({ services: [pay, ship], workflows: [order] }))
  const { id } = await app.start(order({ orderId: '1', amount: 5 }))
  const [wait] = (await app.run(id))?.waits ?? []
  expect(wait?.place).toMatchObject({
    at: 'payment',
    limit: 'fetched by the service',
    before: 0,
    fetched: { running: 0 },
  })
  const seen: string[] = []
  fetching(
    at,
    carried((what) => seen.push(what)),
  )
  expect(await app.result(id)).toContain('payment.charge#0')
  expect(seen).toEqual(['charge 1', 'send 1', 'refund 1'])
})

test('choreographed', async () => {
  const [pay, ship] = [fetched(payment(), { secrets: [secret] }), fetched(shipping(), { secrets: [secret] })]
  pay.on(OrderCreated, (created) => pay.charge(created))
  ship.on(Charged, ({ orderId }) => ship.send({ orderId }))
  const { app, at } = await served(ballet({ services: [pay, ship] }))
  fetching(at)
  await app.publish(OrderCreated({ orderId: '2', amount: 5 }), { id: '2' })
  const sent = async () => (await app.events({ key: 'orderId:2', types: ['shipping.sent'] })).items[0]
  expect(await until(app, 'orderId:2', sent)).toMatchObject({ data: { orderId: '2' } })
})

test('a process is killed with a call in its hands: the next does it by the same key, and each effect is there once', async () => {
  const folder = mkdtempSync(join(tmpdir(), 'ballet-fetch-'))
  closing.push(
    () => rmSync(folder, { recursive: true }),
    () => Life.endAll(),
  )
  const pay = fetched(payment(), { secrets: [secret] })
  const order = workflow(
    'order',
    { input: Order, output: z.string(), key: 'orderId' },
    async (run, { orderId, amount }) => {
      const paid = await run.call(pay.charge({ orderId, amount }), {
        undo: pay.refund({ orderId }),
        timeout: '1500ms',
      })
      await run.undo()
      return paid.data.by
    },
  )
  const ship = fetched(shipping(), { secrets: [secret] })
  const { app, at } = await served(ballet({ services: [pay, ship], workflows: [order] }))
  const settings = { BOOKS: join(folder, 'books'), AT: at }
  const { id } = await app.start(order({ orderId: '1+charge', amount: 5 }))
  const first = new Life(settings)
  await first.said('done charge 1+charge')
  expect(await first.kill()).toBe('SIGKILL')
  const second = new Life(settings)
  const by = await app.result(id)
  const done = effects(settings.BOOKS)
  expect(done.map(({ what, attempt }) => `${what}, attempt ${attempt}`)).toEqual([
    'charge 1+charge, attempt 1',
    'refund 1+charge, attempt 1',
  ])
  expect(done[0]?.key).toBe(by)
  // It has asked for more, and ends all the same.
  expect(await second.kill('SIGTERM')).toBe(0)
})

test('a process that is to end answers what it has, and leaves the rest to others', async () => {
  const pay = fetched(payment(), { secrets: [secret] })
  const { app, at } = await served(ballet({ services: [pay] }))
  const [begun, goOn] = [gate(), gate()]
  const first = fetching(
    at,
    carried(() => {
      begun.open()
      return goOn.promise
    }),
    { atOnce: 1 },
  )
  const starts = ['1', '2'].map((orderId) => app.start(pay.charge({ orderId, amount: 5 }), { id: orderId }))
  await Promise.all(starts)
  await begun.promise
  const closed = first.close()
  goOn.open()
  await closed
  expect(await app.result('1')).toMatchObject({ type: 'payment.charged' })
  expect((await app.run('2'))?.waits).toMatchObject([{ place: { at: 'payment', fetched: { running: 0 } } }])
  const seen: string[] = []
  fetching(
    at,
    carried((what) => seen.push(what)),
  )
  expect(await app.result('2')).toMatchObject({ type: 'payment.charged' })
  expect(seen).toEqual(['charge 2'])
})

test('an application that cannot be reached is asked again, and its log says both', async () => {
  const pay = fetched(payment(), { secrets: [secret] })
  const app = await openForTest(ballet({ services: [pay] }))
  await app.start(pay.charge({ orderId: '1', amount: 5 }), { id: '1' })
  const free = createServer().listen(0, '127.0.0.1')
  await once(free, 'listening')
  const { port } = free.address() as AddressInfo
  free.close()
  await once(free, 'close')
  const told = gate()
  const log = keptLog()
  const warn = (message: string): void => {
    log.warn(message)
    told.open()
  }
  fetching(`http://127.0.0.1:${port}`, carried().slice(0, 1), { log: { ...log, warn } })
  await told.promise
  const serving = await serve(app, { port, log: keptLog() })
  closing.push(() => serving.close())
  expect(await app.result('1')).toMatchObject({ type: 'payment.charged' })
  expect(log.lines).toEqual([
    expect.stringMatching(/^warn the calls of payment cannot be fetched at http:\S+: .*ECONNREFUSED/),
    'info the calls of payment are fetched again',
  ])
})

test('an answer that nobody takes for a while is sent again, and the call is made once', async () => {
  const pay = fetched(payment(), { secrets: [secret] })
  const { app, at, serving } = await served(ballet({ services: [pay] }))
  const [begun, goOn] = [gate(), gate()]
  const seen: string[] = []
  const run = (what: string): Promise<void> => {
    seen.push(what)
    begun.open()
    return goOn.promise
  }
  fetching(at, carried(run).slice(0, 1), { atOnce: 1 })
  await app.start(pay.charge({ orderId: '1', amount: 5 }), { id: '1' })
  await begun.promise
  await serving.close()
  // Somebody is there, who takes nothing.
  const deaf = createServer((socket) => void socket.destroy()).listen(serving.port, '127.0.0.1')
  await once(deaf, 'listening')
  const refused = once(deaf, 'connection')
  goOn.open()
  await refused
  deaf.close()
  await once(deaf, 'close')
  const again = await serve(app, { port: serving.port, log: keptLog() })
  closing.push(() => again.close())
  expect(await app.result('1')).toMatchObject({ type: 'payment.charged' })
  expect(seen).toEqual(['charge 1'])
})

test.each<[string, (text: string) => unknown, number]>([
  ['too large', (text) => text.repeat(2000), 413],
  ['nested too deep', (text) => Array.from({ length: 200 }).reduce((inner: unknown) => [inner], text), 400],
])('an answer that is %s is told as the failure that it is', async (_what, run, status) => {
  const bank = service('bank', { ask: operation({ input: z.string(), output: z.string(), retry: { attempts: 1 } }) })
  const there = fetched(bank, { secrets: [secret], answerLimitBytes: 1000 })
  const { app, at } = await served(ballet({ services: [there] }))
  const ask = operation({ input: z.string(), output: z.string(), run: (text) => run(text) as string })
  fetching(at, [service('bank', { ask })])
  await app.start(there.ask('x'), { id: '1' })
  await until(app, null, async () => (await app.run('1'))?.status === 'stuck')
  expect(JSON.stringify((await app.run('1'))?.error)).toContain(`its answer was refused with ${status}`)
})

type Json = string | number | Json[]
const Json: z.ZodType<Json> = z.lazy(() => z.union([z.string(), z.number(), z.array(Json)]))

test('an input that cannot be read there is stuck, and keeps nothing else that is handed out with it', async () => {
  const bank = service('bank', { ask: operation({ input: Json, output: z.string() }) })
  const there = fetched(bank, { secrets: [secret] })
  const { app, at } = await served(ballet({ services: [there] }))
  let deep: Json = 1
  for (let level = 0; level < 200; level += 1) deep = [deep]
  await app.start(there.ask(deep), { id: 'deep' })
  await app.start(there.ask('flat'), { id: 'flat' })
  const ask = operation({ input: Json, output: z.string(), run: () => 'answered' })
  fetching(at, [service('bank', { ask })])
  expect(await app.result('flat')).toBe('answered')
  await until(app, null, async () => (await app.run('deep'))?.status === 'stuck')
  expect((await app.run('deep'))?.waits).toMatchObject([{ attempt: { error: { code: 'INPUT_INVALID' } } }])
})

test('what cannot be put together is refused', () => {
  expect(() => fetched(payment(), { secrets: [undefined] })).toThrow(/needs a secret: whoever asks for its work/)
  expect(() => fetched(payment(), { secrets: [secret], waiting: 0 })).toThrow(/waiting must be a whole number/)
  expect(() => fetched(payment(), { secrets: [secret], answerLimitBytes: 0 })).toThrow(/answerLimitBytes must be/)
  expect(() => fetchWork(carried(), { at: 'http://127.0.0.1:1', secrets: [] })).toThrow(/needs a secret/)
  expect(() => fetchWork(carried(), { at: undefined, secrets: [secret] })).toThrow(/it has no url/)
  expect(() => fetchWork(carried(), { at: 'http://127.0.0.1:1', secrets: [secret], atOnce: 0 })).toThrow(
    /atOnce must be/,
  )
  expect(() => fetchWork(payment(), { at: 'http://127.0.0.1:1', secrets: [secret] })).toThrow(/has no run/)
})

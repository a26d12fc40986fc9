// A service that nobody can call fetches its calls over real HTTP: what it has room for, in both styles, with undo, and what becomes
// of a call whose asker goes away at any moment.
import { afterEach, expect, test } from 'vitest'
import { z } from 'zod'
import { fetched, fetchWork, type FetchWorkOptions } from '../../src/http.ts'
import { ballet, operation, service, workflow, type OperationContext } from '../../src/index.ts'
import { serve } from '../../src/server.ts'
import { keptLog, openForTest, until } from '../support/applications.ts'
import { Charged, Order, OrderCreated, payment, Refunded, shipping, specs, Sent } from './contracts.ts'

const secret = `whsec_${Buffer.alloc(32, 9).toString('base64')}`
const token = 'a-token-of-an-operator'
const closing: (() => unknown)[] = []
afterEach(async () => {
  for (const close of closing.splice(0).reverse()) await close()
})

/** The services, as they are carried out in a process of their own. */
function carried(seen: (what: string, context: OperationContext) => unknown = () => {}) {
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
  const order = workflow(
    'order',
    { input: Order, output: z.string(), key: 'orderId' },
    async (run, { orderId, amount }) => {
      const paid = await run.call(pay.charge({ orderId, amount }), { undo: pay.refund({ orderId }) })
      await run.call(ship.send({ orderId }))
      await run.undo()
      return paid.data.by
    },
  )
  const { app, at } = await served(ballet({ services: [pay, ship], workflows: [order] }))
  const { id } = await app.start(order({ orderId: '1', amount: 5 }))
  const [wait] = (await app.run(id))?.waits ?? []
  expect(wait?.place).toMatchObject({ at: 'payment (fetched)', before: 0, fetched: { running: 0 } })
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

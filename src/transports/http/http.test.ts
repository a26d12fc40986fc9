// A service in another place: called by a workflow, by a reaction, and taken back, over real HTTP.
import { expect, test } from 'vitest'
import { z } from 'zod'
import { openForTest } from '../../../test/support/applications.ts'
import { elsewhere, serveService } from '../../http.ts'
import { ballet, event, operation, service, TerminalError, workflow, type OperationContext } from '../../index.ts'
import { silentLog } from '../../engine/log.ts'

const secret = `whsec_${Buffer.alloc(32, 7).toString('base64')}`
const Id = z.object({ orderId: z.string() })
const OrderCreated = event('order.created', Id.extend({ amount: z.number() }), { key: 'orderId' })
const Approved = event('payment.approved', Id.extend({ receipt: z.string() }), { key: 'orderId' })
const Declined = event('payment.declined', Id, { key: 'orderId' })
const Report = z.object({ cents: z.object({ cents: z.number() }), nothing: z.boolean(), paid: z.string() })
const Refunded = event('payment.refunded', Id, { key: 'orderId' })

/** The contract, which both sides have. */
const contract = {
  charge: { input: Id.extend({ amount: z.number() }), outcomes: [Approved, Declined] },
  refund: { input: Id, undoes: 'charge', outcomes: [Refunded] },
  price: { input: Id, output: z.object({ cents: z.number() }) },
  note: { input: Id },
} as const

/** As the application knows it: without a run. */
const asked = () =>
  service('payment', {
    charge: operation(contract.charge),
    refund: operation(contract.refund),
    price: operation(contract.price),
    note: operation(contract.note),
  })

/** As it is where it is carried out. */
function theirs() {
  const seen: { readonly op: string; readonly context: OperationContext }[] = []
  const payment = service('payment', {
    charge: operation({
      ...contract.charge,
      run: ({ orderId, amount }, context) => {
        seen.push({ op: 'charge', context })
        if (amount > 100) throw new TerminalError('too much')
        return amount > 50 ? Declined({ orderId }) : Approved({ orderId, receipt: context.idempotencyKey })
      },
    }),
    refund: operation({
      ...contract.refund,
      run: ({ orderId }, context) => {
        seen.push({ op: 'refund', context })
        return Refunded({ orderId })
      },
    }),
    price: operation({ ...contract.price, run: () => ({ cents: 5 }) }),
    note: operation({ ...contract.note, run: ({ orderId }, context) => context.log.info(`noted ${orderId}`) }),
  })
  return { payment, seen }
}

test('a workflow calls it, and takes it back', async () => {
  const { payment, seen } = theirs()
  await using there = await serveService(payment, { port: 0, secrets: [secret], log: silentLog })
  const here = elsewhere(asked(), { url: there.url, secrets: [secret] })
  const order = workflow(
    'order',
    { input: OrderCreated.schema, output: Report, key: 'orderId' },
    async (run, { orderId, amount }) => {
      const cents = await run.call(here.price({ orderId }))
      const nothing = await run.call(here.note({ orderId }))
      const paid = await run.call(here.charge({ orderId, amount }), { undo: here.refund({ orderId }) })
      await run.undo()
      return { cents, nothing: nothing === undefined, paid: paid.type }
    },
  )
  const app = await openForTest(ballet({ services: [here], workflows: [order] }))
  const { id } = await app.start(order({ orderId: '8841', amount: 5 }))
  expect(await app.result(id)).toEqual({ cents: { cents: 5 }, nothing: true, paid: 'payment.approved' })
  expect(seen.map(({ op }) => op)).toEqual(['charge', 'refund'])
  const [charge, refund] = seen.map(({ context }) => context)
  expect(charge).toMatchObject({ run: 'order:8841', op: 'payment.charge#0', attempt: 1, key: 'orderId:8841' })
  expect(refund?.undoes).toBe(charge?.idempotencyKey)
  const spans = [charge, refund].map((context) => context?.traceparent.split('-') ?? [])
  // One trace, and in it a span for each.
  expect(new Set(spans.map(([, trace]) => trace)).size).toBe(1)
  expect(new Set(spans.map(([, , span]) => span)).size).toBe(2)
  const failed = await app.start(order({ orderId: '2', amount: 500 }))
  expect(await app.settled(failed.id, 10_000)).toMatchObject({
    status: 'failed',
    error: { code: 'TERMINAL', message: 'too much' },
  })
})

test('a reaction calls it', async () => {
  const { payment } = theirs()
  await using there = await serveService(payment, { port: 0 })
  const here = elsewhere(asked(), { url: there.url }).on(OrderCreated, (order) => payment.charge(order))
  const app = await openForTest(ballet({ services: [here] }))
  await app.publish(OrderCreated({ orderId: '1', amount: 60 }), { id: '1' })
  const run = await app.settled('payment:order.created:1', 10_000)
  expect(run).toMatchObject({ status: 'completed', output: { type: 'payment.declined', data: { orderId: '1' } } })
})

test('its process has routes of its own beside the operations, and what they throw is told by code', async () => {
  const { payment } = theirs()
  const lines: string[] = []
  const log = { ...silentLog, error: (message: string) => void lines.push(message) }
  const http = (request: Request): Response | undefined => {
    const { pathname } = new URL(request.url)
    if (pathname === '/broken') throw new Error('a password')
    return pathname === '/ledger' ? Response.json({ well: true }) : undefined
  }
  await using there = await serveService(payment, { port: 0, log, http })
  expect(await (await fetch(`${there.url}/ledger`)).json()).toEqual({ well: true })
  const broken = await fetch(`${there.url}/broken`)
  expect([broken.status, await broken.text()]).toEqual([500, expect.not.stringContaining('a password')])
  expect(lines).toEqual(['GET /broken failed'])
  const foreign = await fetch(`${there.url}/ledger`, {
    method: 'POST',
    headers: { origin: 'https://elsewhere.example' },
  })
  expect(foreign.status).toBe(403)
  const here = elsewhere(asked(), { url: there.url })
  const app = await openForTest(ballet({ services: [here] }))
  const { id } = await app.start(here.price({ orderId: '1' }))
  expect(await app.result(id)).toEqual({ cents: 5 })
})

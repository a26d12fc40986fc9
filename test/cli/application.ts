// The application that the tests of the command run: a shop of two services, a workflow and two reactions, and a few
// operations that go wrong on purpose. It is text, because each test has it as a file of its own that it may change.

export const application = `
import { ballet, event, on, operation, service, signal, TerminalError, workflow } from 'ballet'
import { z } from 'zod'

const Order = z.object({ orderId: z.string(), total: z.number() })
const OrderCreated = event('order.created', Order, { key: 'orderId' })
const PaymentApproved = event('payment.approved', z.object({ orderId: z.string(), receipt: z.string() }), { key: 'orderId' })
const PaymentDeclined = event('payment.declined', z.object({ orderId: z.string() }), { key: 'orderId' })
const OrderShipped = event('order.shipped', z.object({ orderId: z.string(), tracking: z.string() }), { key: 'orderId' })
const Noted = event('visit.noted', z.object({ visitId: z.string() }), { key: 'visitId' })
const Approve = signal('approve', z.object({ by: z.string() }))

const payment = service('payment', {
  charge: operation({
    input: Order,
    outcomes: [PaymentApproved, PaymentDeclined],
    retry: { attempts: 3, backoff: '10ms' },
    run(input, { attempt }) {
      if (input.total === 13 && attempt === 1) throw new Error('the bank is away')
      return input.total > 1000 ? PaymentDeclined({ orderId: input.orderId }) : PaymentApproved({ orderId: input.orderId, receipt: 'r-1' })
    },
  }),
  hang: operation({ input: z.object({}), output: z.object({}), run: () => new Promise(() => {}) }),
  refuse: operation({ input: z.object({}), output: z.object({}), run: () => { throw new TerminalError('no such account \\u001b[31m') } }),
  never: operation({ input: z.object({}), output: z.object({}), retry: { attempts: 1 }, run: () => { throw new Error('always') } }),
})
const shipping = service('shipping', {
  ship: operation({
    input: z.object({ orderId: z.string() }),
    outcomes: [OrderShipped],
    run: (input) => OrderShipped({ orderId: input.orderId, tracking: 't-1' }),
  }),
})
payment.on(OrderCreated, (order) => payment.charge(order))
shipping.on(PaymentApproved, (paid) => shipping.ship({ orderId: paid.orderId }))

const wrap = workflow('wrap', { input: z.object({ paper: z.string() }), output: z.string(), signals: [Approve] }, async (run, input) => {
  await run.receive(Approve)
  return input.paper
})
const checkout = workflow('checkout', { input: Order, output: z.object({ status: z.string() }), key: 'orderId', signals: [Approve] }, async (run, order) => {
  const paid = await run.call(payment.charge(order))
  if (paid.type === 'payment.declined') return { status: 'declined' }
  const said = await run.receive(Approve)
  await run.call(shipping.ship({ orderId: order.orderId }))
  return { status: \`version 1, approved by \${said.data.by}\` }
})
const parent = workflow('parent', { input: z.object({}), output: z.string() }, (run) => run.call(wrap({ paper: 'red' })))

export default ballet({ name: 'shop', version: '1', services: [payment, shipping], workflows: [checkout, wrap, parent], events: [Noted] })
`

// The whole of it in one screen: the same services called by a workflow and connected by reactions.
import { ballet, event, on, open, operation, service, signal, workflow, type Run } from 'ballet'
import { z } from 'zod'

const id = z.object({ orderId: z.string() })
const Order = id.extend({ total: z.number() })
const OrderCreated = event('order.created', Order, { key: 'orderId' })
const PaymentApproved = event('payment.approved', id.extend({ receipt: z.string() }), { key: 'orderId' })
const PaymentDeclined = event('payment.declined', id.extend({ reason: z.string() }), { key: 'orderId' })
const PaymentRefunded = event('payment.refunded', id, { key: 'orderId' })
const OrderShipped = event('order.shipped', id.extend({ tracking: z.string() }), { key: 'orderId' })
const ShippingFailed = event('shipping.failed', id.extend({ reason: z.string() }), { key: 'orderId' })
const Approve = signal('approve', z.object({ by: z.string() }))
const CancelOrder = signal('cancel-order', z.object({ by: z.string() }))

const payment = service('payment', {
  charge: operation({
    input: Order,
    outcomes: [PaymentApproved, PaymentDeclined],
    retry: { attempts: 5, backoff: '200ms' },
    timeout: '10s',
    async run({ orderId, total }, { idempotencyKey }) {
      if (total > 100) return PaymentDeclined({ orderId, reason: 'limit' })
      return PaymentApproved({ orderId, receipt: idempotencyKey })
    },
  }),
  refund: operation({
    input: id,
    undoes: 'charge',
    outcomes: [PaymentRefunded],
    run: (input) => PaymentRefunded(input),
  }),
})
const shipping = service('shipping', {
  ship: operation({
    input: id,
    outcomes: [OrderShipped, ShippingFailed],
    run: ({ orderId }) => OrderShipped({ orderId, tracking: 't' }),
  }),
})

// Orchestrated.
const stages = z.object({ stage: z.enum(['approval', 'paying', 'shipping']) })
const checkout = workflow(
  'checkout',
  {
    input: Order,
    output: z.object({
      status: z.enum(['confirmed', 'declined', 'cancelled', 'refunded']),
      tracking: z.string().optional(),
    }),
    state: stages,
    key: 'orderId',
    signals: [Approve, CancelOrder],
  },
  async (run, { orderId, total }) => {
    if (total > 50 && !(await approved(run))) return { status: 'declined' }
    run.set({ stage: 'paying' })
    const paid = await run.call(payment.charge({ orderId, total }), { undo: payment.refund({ orderId }) })
    if (paid.type === 'payment.declined') return { status: 'declined' }
    run.set({ stage: 'shipping' })
    const abort = new AbortController()
    const shipped = await Promise.race([
      run.call(shipping.ship({ orderId }), { abort: abort.signal }),
      run.receive(CancelOrder),
    ])
    if (shipped.type === 'order.shipped') return { status: 'confirmed', tracking: shipped.data.tracking }
    abort.abort()
    await run.undo()
    return { status: shipped.type === 'cancel-order' ? 'cancelled' : 'refunded' }
  },
)

/** A function that is handed a run says what it needs of it. */
async function approved(run: Run<z.infer<typeof stages>, typeof Approve | typeof CancelOrder>): Promise<boolean> {
  run.set({ stage: 'approval' })
  return Approve.is(await run.receive([Approve, CancelOrder], { within: '2d' }))
}

// Choreographed.
const reactions = [
  on(payment, OrderCreated, (order) => payment.charge(order)),
  on(shipping, PaymentApproved, ({ orderId }) => shipping.ship({ orderId })),
  on(payment, ShippingFailed, ({ orderId }) => payment.refund({ orderId })),
]

export const shop = ballet({ name: 'shop', services: [payment, shipping], workflows: [checkout], reactions })

export async function main(): Promise<void> {
  const app = await open(shop, { store: 'file:.ballet/shop.db' })
  await app.start(checkout({ orderId: '8841', total: 30 }))
  await app.publish(OrderCreated({ orderId: '8842', total: 30 }))
  await app.close()
}

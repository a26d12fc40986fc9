// The contracts and services that the type tests of this folder speak of. Files that end in .test-d.ts are compiled and
// never run: each mistake in them stands under a @ts-expect-error, so that a mistake which begins to compile is an error
// itself. Where such a comment goes on with `says:`, messages.test.ts holds the compiler to these words.
import { event, operation, service, signal, workflow } from 'ballet'
import { z } from 'zod'

export const id = z.object({ orderId: z.string() })
const Item = z.object({ sku: z.string(), qty: z.number() })

export const OrderCreated = event('order.created', id.extend({ total: z.number(), items: z.array(Item) }), {
  key: 'orderId',
})
export const PaymentApproved = event('payment.approved', id.extend({ receipt: z.string() }), { key: 'orderId' })
export const PaymentDeclined = event('payment.declined', id.extend({ reason: z.string() }), { key: 'orderId' })
export const PaymentRefunded = event('payment.refunded', id, { key: 'orderId' })
const StockReserved = event('stock.reserved', id.extend({ sku: z.string() }), { key: 'orderId' })
const StockReleased = event('stock.released', id.extend({ sku: z.string() }), { key: 'orderId' })
export const CartClosed = event('cart.closed', z.object({ cartId: z.string() }), { key: 'cartId' })

export const Approve = signal('approve', z.object({ by: z.string() }))
export const CancelOrder = signal('cancel-order', z.object({ by: z.string(), reason: z.string().optional() }))

export const payment = service('payment', {
  charge: operation({
    input: id.extend({ amount: z.number() }),
    outcomes: [PaymentApproved, PaymentDeclined],
    retry: { attempts: 5, backoff: '200ms' },
    timeout: '10s',
    async run(input, context) {
      return input.amount > 100
        ? PaymentDeclined({ orderId: input.orderId, reason: 'limit' })
        : PaymentApproved({ orderId: input.orderId, receipt: context.idempotencyKey })
    },
  }),
  refund: operation({
    input: id,
    undoes: 'charge',
    outcomes: [PaymentRefunded],
    run: async ({ orderId }) => PaymentRefunded({ orderId }),
  }),
})

export const catalog = service('catalog', {
  reserve: operation({
    input: id.extend(Item.shape),
    outcomes: [StockReserved],
    run: ({ orderId, sku }) => StockReserved({ orderId, sku }),
  }),
  release: operation({
    input: id.extend({ sku: z.string() }),
    undoes: 'reserve',
    outcomes: [StockReleased],
    run: (input) => StockReleased(input),
  }),
  price: operation({ input: Item, output: z.object({ cents: z.number() }), run: ({ qty }) => ({ cents: qty * 100 }) }),
  touch: operation({ input: Item, run: () => {} }),
})

export const wrap = workflow(
  'gift-wrap',
  { input: id, output: z.object({ wrapped: z.boolean() }), key: 'orderId' },
  async () => ({ wrapped: true }),
)

/** Whether two types are one and the same. */
export type Same<A, B> = (<T>() => T extends A ? 1 : 2) extends <T>() => T extends B ? 1 : 2 ? true : false
/** Compiles only when `A` and `B` are the same type. */
export declare function same<A, B>(...proof: Same<A, B> extends true ? [] : ['the types differ']): void

// Reactions: from the data of an event to a call, or null.
import { ballet, on } from 'ballet'
import { Approve, catalog, OrderCreated, payment, PaymentApproved, PaymentDeclined, wrap } from './contracts.ts'

payment.on(OrderCreated, (order) => payment.charge({ orderId: order.orderId, amount: order.total }))
payment.on(PaymentApproved, (_data, event) => wrap({ orderId: event.data.orderId }), { order: 'none' })
payment
  .on(PaymentDeclined, ({ orderId, reason }) => (reason === 'limit' ? payment.refund({ orderId }) : null))
  .on(PaymentDeclined, (declined) => payment.refund(declined), { name: 'again' })

// As values, for an application.
ballet({
  services: [payment, catalog],
  workflows: [wrap],
  events: [PaymentApproved],
  reactions: [
    on(payment, OrderCreated, (order) => payment.charge({ orderId: order.orderId, amount: order.total })),
    on(catalog, PaymentDeclined, () => null, { name: 'nothing', order: 'none' }),
  ],
})

// @ts-expect-error not a call; says: Type 'number' is not assignable to type 'Call
payment.on(OrderCreated, (order) => order.total)
// @ts-expect-error an operation that was not applied; says: is not assignable to type 'Call
payment.on(OrderCreated, () => payment.charge)
// @ts-expect-error a promise; says: a call is a value
payment.on(OrderCreated, async ({ orderId }) => payment.refund({ orderId }))
// @ts-expect-error a way without an answer: say null; says: Not all code paths return a value
payment.on(OrderCreated, ({ orderId, total }) => {
  if (total > 0) return payment.refund({ orderId })
})
// @ts-expect-error an event value is not a call; says: missing the following properties from type 'Call
payment.on(OrderCreated, ({ orderId }) => PaymentApproved({ orderId, receipt: '' }))
// @ts-expect-error a wrong field in the mapping; says: Property 'totl' does not exist
payment.on(OrderCreated, (order) => payment.charge({ orderId: order.orderId, amount: order.totl }))
// @ts-expect-error a missing field in the mapping; says: Property 'amount' is missing
payment.on(OrderCreated, ({ orderId }) => payment.charge({ orderId }))
// @ts-expect-error a signal goes to one run
payment.on(Approve, () => null)
// @ts-expect-error an unknown order; says: '"strict"' is not assignable
payment.on(OrderCreated, () => null, { order: 'strict' })
// @ts-expect-error the service itself, not its name; says: Argument of type 'string' is not assignable
on('payment', OrderCreated, () => null)
// @ts-expect-error a workflow is not a service
ballet({ services: [wrap] })
// @ts-expect-error an operation is not a service
ballet({ services: [payment.charge] })
// @ts-expect-error a service is not a workflow
ballet({ services: [], workflows: [payment] })
// @ts-expect-error a typo in a part; says: Did you mean to write 'workflows'?
ballet({ services: [], workflow: [wrap] })

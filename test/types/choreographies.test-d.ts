// Choreographies: the events of one key, and the union of the endings.
import {
  after,
  all,
  choice,
  choreography,
  many,
  optional,
  precedence,
  response,
  seq,
  type Choreography,
  type Pattern,
} from 'ballet'
import {
  CancelOrder,
  CartClosed,
  OrderCreated,
  payment,
  PaymentApproved,
  PaymentDeclined,
  PaymentRefunded,
  same,
} from './contracts.ts'

const key = { key: 'orderId' } as const

// The endings are inferred.
const fulfilment = choreography(
  'fulfilment',
  key,
  seq(
    OrderCreated,
    choice(
      seq(PaymentApproved.within('30s'), optional(PaymentRefunded)).as('paid'),
      PaymentDeclined.within('30s').as('declined'),
    ),
  ),
  {
    never: [after(PaymentRefunded, PaymentApproved)],
    always: [precedence(PaymentApproved, PaymentRefunded), response(OrderCreated, PaymentApproved, { within: '1h' })],
    onDeadline: 'emit',
  },
)
same<typeof fulfilment, Choreography<'fulfilment', 'paid' | 'declined'>>()

const unnamed = choreography('unnamed', key, seq(OrderCreated, optional(PaymentDeclined.as('declined'))))
same<typeof unnamed, Choreography<'unnamed', 'complete' | 'declined'>>()
const single = choreography('single', key, OrderCreated)
same<typeof single, Choreography<'single', 'complete'>>()

const joined = all(OrderCreated, choice(PaymentApproved.as('a'), PaymentDeclined), many(PaymentRefunded.within('1s')))
same<typeof joined, Pattern<'a' | null, 'orderId'>>()
same<ReturnType<typeof named>, Pattern<'a' | 'b', 'orderId'>>()
const named = () => joined.as('b').within('2d')

// @ts-expect-error an event of another key; says: an event of the flow has the key 'cartId', and the choreography follows 'orderId'
choreography('mixed', key, seq(OrderCreated, CartClosed))
// @ts-expect-error also deep inside; says: an event of the flow has the key 'cartId', and the choreography follows 'orderId'
choreography('deep', key, seq(OrderCreated, many(choice(PaymentApproved, optional(CartClosed.within('1s'))))))
// @ts-expect-error also alone; says: an event of the flow has the key 'orderId', and the choreography follows 'cartId'
choreography('alone', { key: 'cartId' }, OrderCreated)
// @ts-expect-error also in a rule; says: Type '"cartId"' is not assignable to type '"orderId"'
choreography('rule', key, OrderCreated, { never: [after(OrderCreated, CartClosed)] })
// @ts-expect-error also from outside; says: Type '"cartId"' is not assignable to type '"orderId"'
choreography('outside', key, OrderCreated, { outside: [CartClosed] })
// @ts-expect-error a rule that forbids is no demand; says: Type '"after"' is not assignable to type
choreography('demand', key, OrderCreated, { always: [after(OrderCreated, PaymentApproved)] })
// @ts-expect-error a flow needs a key; says: Property 'key' is missing
choreography('keyless', {}, OrderCreated)
// @ts-expect-error nothing follows nothing; says: Expected at least 1 arguments
seq()
// @ts-expect-error a signal is sent to a run, and is no part of a flow; says: is not assignable to parameter of type 'Part
seq(OrderCreated, CancelOrder)
// @ts-expect-error a call is no event; says: is not assignable to parameter of type 'Part
seq(OrderCreated, payment.refund({ orderId: '1' }))
// @ts-expect-error an event value is no event type; says: is not assignable to parameter of type 'Part
seq(OrderCreated, PaymentRefunded({ orderId: '1' }))
// @ts-expect-error no duration; says: '"30 seconds"' is not assignable to
PaymentApproved.within('30 seconds')

// Services: the names of their operations, what undoes what, and the calls that they give.
import { operation, service, type Call, type EventOf } from 'ballet'
import { z } from 'zod'
import { catalog, id, payment, PaymentApproved, PaymentDeclined, same, wrap } from './contracts.ts'

// A call knows its answer, its name and what it takes back.
const call = payment.charge({ orderId: '1', amount: 1 })
same<
  typeof call,
  Call<EventOf<typeof PaymentApproved> | EventOf<typeof PaymentDeclined>, 'payment.charge', 'nothing'>
>()
const back = catalog.release({ orderId: '1', sku: 'a' })
same<(typeof back)['name'], 'catalog.release'>()
same<(typeof back)['~undoes'], 'catalog.reserve' | undefined>()
same<ReturnType<typeof catalog.price>, Call<{ cents: number }, 'catalog.price', 'nothing'>>()
same<ReturnType<typeof catalog.touch>, Call<undefined, 'catalog.touch', 'nothing'>>()
same<ReturnType<typeof wrap>, Call<{ wrapped: boolean }, 'gift-wrap', 'nothing'>>()
same<typeof payment.serviceName, 'payment'>()

const one = operation({ input: id, output: z.number(), run: async () => 1 })
// @ts-expect-error a reserved name; says: an operation cannot be named 'on'
service('s', { on: one })
// @ts-expect-error a service must not look like a promise; says: an operation cannot be named 'then'
service('s', { then: one })
// @ts-expect-error taken; says: an operation cannot be named 'serviceName'
service('s', { serviceName: one })
// @ts-expect-error a typo in undoes; says: undoes names 'charg', which is no operation of this service
service('s', { charge: one, refund: operation({ input: id, undoes: 'charg' }) })
// @ts-expect-error itself; says: an operation cannot undo itself
service('s', { charge: operation({ input: id, undoes: 'charge' }) })
// @ts-expect-error an undo of an undo; says: 'b' is an undo itself and cannot be undone
service('s', { a: one, b: operation({ input: id, undoes: 'a' }), c: operation({ input: id, undoes: 'b' }) })
// @ts-expect-error not an operation
service('s', { charge: async () => 1 })

// @ts-expect-error a wrong field of the input; says: Type 'string' is not assignable to type 'number'
payment.charge({ orderId: '1', amount: '1' })
// @ts-expect-error a missing field; says: Property 'amount' is missing
payment.charge({ orderId: '1' })
// @ts-expect-error an unknown field; says: 'ammount' does not exist
payment.charge({ orderId: '1', ammount: 1 })
// @ts-expect-error an unknown operation; says: Property 'chrage' does not exist
payment.chrage({ orderId: '1', amount: 1 })

export async function outside(): Promise<void> {
  // @ts-expect-error a call that nobody makes; says: a call is a value: nothing happens until it is given to run.call or app.start
  await payment.charge({ orderId: '1', amount: 1 })
  // @ts-expect-error nor this one; says: a call is a value: nothing happens until it is given to run.call or app.start
  await wrap({ orderId: '1' })
}

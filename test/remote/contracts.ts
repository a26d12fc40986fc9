// What an application and the services that are processes of their own have agreed upon. Neither has the other's code.
import { z } from 'zod'
import { event, operation, service, workflow } from '../../src/index.ts'

const Id = z.object({ orderId: z.string() })
export const Order = Id.extend({ amount: z.int() })
export const OrderCreated = event('order.created', Order, { key: 'orderId' })
export const Charged = event('payment.charged', Id.extend({ by: z.string() }), { key: 'orderId' })
export const Refunded = event('payment.refunded', Id, { key: 'orderId' })
export const Sent = event('shipping.sent', Id, { key: 'orderId' })

const policy = { retry: { attempts: 100, backoff: '20ms', limit: '100ms' }, timeout: '20s' } as const
const charge = { input: Order, outcomes: [Charged], ...policy } as const
const refund = { input: Id, undoes: 'charge', outcomes: [Refunded], ...policy } as const
const send = { input: Id, outcomes: [Sent], ...policy } as const

export const payment = () => service('payment', { charge: operation(charge), refund: operation(refund) })
export const shipping = () => service('shipping', { send: operation(send) })
export const specs = { charge, refund, send }

/** Charges for an order and sends it, and takes the charge back. Answers with the key under which it was charged. */
export const takenBack = (pay: ReturnType<typeof payment>, ship: ReturnType<typeof shipping>) =>
  workflow('order', { input: Order, output: z.string(), key: 'orderId' }, async (run, { orderId, amount }) => {
    const paid = await run.call(pay.charge({ orderId, amount }), { undo: pay.refund({ orderId }) })
    await run.call(ship.send({ orderId }))
    await run.undo()
    return paid.data.by
  })

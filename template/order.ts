// The way of an order: a function that may be interrupted anywhere by the end of the process, and goes on from there.
import { workflow } from 'ballet'
import { z } from 'zod'
import { Order, OrderConfirmed } from './events.ts'
import { payment } from './payment.ts'
import { stock } from './stock.ts'

export const order = workflow(
  'order',
  { input: Order, output: z.object({ status: z.enum(['confirmed', 'declined', 'sold out']) }), key: 'orderId' },
  async (run, { orderId, item, amount }) => {
    // How a call is taken back is said where it is made.
    const reserved = await run.call(stock.reserve({ orderId, item }), { undo: stock.release({ orderId }) })
    if (reserved.type === 'stock.short') return { status: 'sold out' }

    // Nothing is known of it while it is under way: then it is taken back all the same.
    const paid = await run.call(payment.charge({ orderId, amount }), {
      undo: (outcome) => (outcome?.type === 'payment.declined' ? null : payment.refund({ orderId })),
    })
    if (paid.type === 'payment.declined') {
      await run.undo()
      return { status: 'declined' }
    }

    run.emit(OrderConfirmed({ orderId, item, amount }))
    return { status: 'confirmed' }
  },
)

// The order process as a workflow: one function calls the services in its own order. A call names how it is taken
// back; `run.undo()` takes back what was done, last thing first. The function may be interrupted anywhere by the end
// of the process, and goes on from there.
import { workflow } from 'ballet'
import { z } from 'zod'
import { Ending, Order } from './contracts.ts'
import type { Services } from './services.ts'

const Confirmation = z.object({ status: Ending, tracking: z.string().optional() })
const Stage = z.object({ stage: z.enum(['reserving', 'paying', 'shipping', 'telling']) })

export const checkoutWorkflow = ({ catalog, payment, shipping, notification }: Services) =>
  workflow(
    'checkout',
    { input: Order, output: Confirmation, state: Stage, key: 'orderId' },
    async (run, { orderId, items, customer }) => {
      const tell = async (ending: Ending, detail: string) => {
        run.set({ stage: 'telling' })
        await run.call(notification.notify({ orderId, customer, ending, detail }))
      }

      run.set({ stage: 'reserving' })
      const stock = await run.call(catalog.reserve({ orderId, items, customer }), {
        undo: (outcome) => (outcome?.type === 'stock.short' ? null : catalog.release({ orderId })),
      })
      if (stock.type === 'stock.short') {
        await tell('declined', stock.data.reason)
        return { status: 'declined' }
      }

      run.set({ stage: 'paying' })
      const paid = await run.call(payment.charge({ orderId, amount: stock.data.total, customer }), {
        undo: (outcome) => (outcome?.type === 'payment.declined' ? null : payment.refund({ orderId })),
      })
      if (paid.type === 'payment.declined') {
        await run.undo()
        await tell('declined', paid.data.reason)
        return { status: 'declined' }
      }

      run.set({ stage: 'shipping' })
      const shipped = await run.call(shipping.ship({ orderId, customer }))
      if (shipped.type === 'shipping.failed') {
        await run.undo()
        await tell('refunded', shipped.data.reason)
        return { status: 'refunded' }
      }

      await tell('confirmed', shipped.data.tracking)
      return { status: 'confirmed', tracking: shipped.data.tracking }
    },
  )

export type Checkout = ReturnType<typeof checkoutWorkflow>

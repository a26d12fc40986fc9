// The order process as a workflow: one function calls the services in its own order. A call names how it is taken
// back; `run.undo()` takes back what was done, last thing first. The function may be interrupted anywhere by the end
// of the process, and goes on from there.
import { isBalletError, workflow } from 'ballet'
import { z } from 'zod'
import { listenForCancel } from './cancellation.ts'
import { CancelOrder, Ending, Order, type Item } from './contracts.ts'
import type { Services } from './services.ts'

const Confirmation = z.object({ status: Ending, tracking: z.string().optional() })
const Stage = z.object({ stage: z.enum(['reserving', 'paying', 'shipping', 'telling']) })

export const checkoutWorkflow = (services: Services) =>
  workflow(
    'checkout',
    { input: Order, output: Confirmation, state: Stage, key: 'orderId', signals: [CancelOrder] },
    async (run, order) => {
      const { catalog, payment, shipping, notification } = services
      const { orderId, items, customer } = order
      const { abort, settled } = listenForCancel(run, order, services)

      const end = async (status: Ending, detail: string, own = run) => {
        own.set({ stage: 'telling' })
        await own.call(notification.notify({ orderId, customer, news: status, detail }))
        await settled()
        return { status }
      }

      try {
        run.set({ stage: 'reserving' })
        const reserve = ({ sku }: Item) =>
          run.call(catalog.reserve({ ...order, sku }), {
            id: sku,
            undo: (outcome) => (outcome?.data.short === undefined ? catalog.release({ orderId, sku }) : null),
          })
        const stock = await Promise.all(items.map(reserve))
        const short = stock.flatMap(({ data }) => data.short ?? [])
        if (short.length > 0) {
          await run.undo()
          return await end('declined', short.join(', '))
        }

        run.set({ stage: 'paying' })
        const amount = stock.reduce((sum, { data }) => sum + data.price, 0)
        const paid = await run.call(payment.charge({ ...order, amount }), {
          abort,
          undo: (outcome) => (outcome?.type === 'payment.declined' ? null : payment.refund({ orderId })),
        })
        if (paid.type === 'payment.declined') {
          await run.undo()
          return await end('declined', paid.data.reason)
        }

        run.set({ stage: 'shipping' })
        const shipped = await run.call(shipping.ship(order), {
          abort,
          undo: (outcome) => (outcome || abort.aborted ? null : shipping.stop({ ...order, by: 'the shop' })),
        })
        if (shipped.type === 'shipping.failed') {
          await run.undo()
          return await end(shipped.data.stopped ? 'cancelled' : 'refunded', shipped.data.reason)
        }
        return { ...(await end('confirmed', shipped.data.tracking)), tracking: shipped.data.tracking }
      } catch (error) {
        // Given up by the customer, or with the whole run by whoever runs the shop: it is undone and told all the same.
        if (!isBalletError(error) || !['CALL_ABORTED', 'RUN_CANCELLED'].includes(error.code)) throw error
        return run.shield(async (shielded) => {
          await shielded.undo()
          return end('cancelled', String(abort.reason ?? 'at the wish of the shop'), shielded)
        })
      }
    },
  )

export type Checkout = ReturnType<typeof checkoutWorkflow>

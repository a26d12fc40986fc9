// The order process as a workflow: one function calls the services in its own order. A call names how it is taken
// back; `run.undo()` takes back what was done, last thing first. The function may be interrupted anywhere by the end
// of the process, and goes on from there.
import { isBalletError, workflow } from 'ballet'
import { z } from 'zod'
import { CancelOrder, Ending, Order, type Item, type News } from './contracts.ts'
import type { Services } from './services.ts'

const Confirmation = z.object({ status: Ending, tracking: z.string().optional() })
const Stage = z.object({ stage: z.enum(['reserving', 'paying', 'shipping', 'telling']) })

export const checkoutWorkflow = ({ catalog, payment, shipping, notification }: Services) =>
  workflow(
    'checkout',
    { input: Order, output: Confirmation, state: Stage, key: 'orderId', signals: [CancelOrder] },
    async (run, order) => {
      const { orderId, items, customer } = order
      const tell = (news: News, detail: string) => run.call(notification.notify({ orderId, customer, news, detail }))

      // The customer may cancel at any time. Shipping says whether that is in time; if so, what is under way is given up.
      const cancellation = new AbortController()
      const { signal: abort } = cancellation
      const cancel = async (by: string) => {
        const answer = await run.call(shipping.stop({ ...order, by }))
        if (answer.type === 'shipping.stopped') cancellation.abort(answer.data.reason)
        else if (answer.data.tracking !== null) await tell('too late', answer.data.tracking)
      }
      let cancelling = Promise.resolve()
      const asked = run.receive(CancelOrder).then(({ data }) => (cancelling = cancel(data.by)))
      // A stop that a person lets fail stops nothing.
      asked.catch(() => {})

      const end = async (status: Ending, detail: string) => {
        run.set({ stage: 'telling' })
        await tell(status, detail)
        await cancelling.catch(() => {})
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
        const shipped = await run.call(shipping.ship(order), { abort })
        if (shipped.type === 'shipping.failed') {
          await run.undo()
          return await end(shipped.data.stopped ? 'cancelled' : 'refunded', shipped.data.reason)
        }
        return { ...(await end('confirmed', shipped.data.tracking)), tracking: shipped.data.tracking }
      } catch (error) {
        if (!isBalletError(error) || error.code !== 'CALL_ABORTED') throw error
        await run.undo()
        return end('cancelled', String(abort.reason))
      }
    },
  )

export type Checkout = ReturnType<typeof checkoutWorkflow>

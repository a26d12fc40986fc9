// The order process as a workflow: one function calls the services in its own order. A call names how it is taken
// back; `run.undo()` takes back what was done, last thing first. The function may be interrupted anywhere by the end
// of the process, and goes on from there.
import { isBalletError, workflow } from 'ballet'
import { z } from 'zod'
import { listenForCancel, stopParcel } from './cancellation.js'
import { CancelOrder, Ending, Order } from './contracts.js'
const Confirmation = z.object({ status: Ending, tracking: z.string().optional() })
const Progress = z.object({
  stage: z.enum(['reserving', 'paying', 'shipping', 'telling']),
  /** The customer has asked for the order to be cancelled. */
  cancel: z.literal('asked').optional(),
})
/** Tells whoever looks how far the order is. */
const teller = () => {
  let progress = { stage: 'reserving' }
  return (run, news) => {
    progress = { ...progress, ...news }
    run.set(progress)
  }
}
/**
 * The end of an order: the customer is told, and whoever cancelled in the meantime has an answer before the run ends. Nothing
 * interrupts it, or the customer would be told twice.
 */
const ending =
  ({ orderId, customer }, { notification }, settled, tell) =>
  (run, status, detail) =>
    run.shield(async (shielded) => {
      tell(shielded, { stage: 'telling' })
      await shielded.call(notification.notify({ orderId, customer, news: status, detail }))
      await settled()
      return { status }
    })
export const checkoutWorkflow = (services) =>
  workflow(
    'checkout',
    { input: Order, output: Confirmation, state: Progress, key: 'orderId', signals: [CancelOrder] },
    async (run, order) => {
      const { catalog, payment, shipping } = services
      const { orderId, items } = order
      const tell = teller()
      const { abort, settled } = listenForCancel(run, order, services, () => tell(run, { cancel: 'asked' }))
      const end = ending(order, services, settled, tell)
      /** Of the parcel, once it has left the house: from then on nothing is taken back, whoever asks for it. */
      let tracking
      /** Shipping was asked, and has not answered. */
      let isShipping = false
      try {
        tell(run, { stage: 'reserving' })
        const reserve = ({ sku }) =>
          run.call(catalog.reserve({ ...order, sku }), {
            id: sku,
            undo: (outcome) =>
              tracking === undefined && outcome?.data.short === undefined ? catalog.release({ orderId, sku }) : null,
          })
        const stock = await Promise.all(items.map(reserve))
        const short = stock.flatMap(({ data }) => data.short ?? [])
        if (short.length > 0) {
          await run.undo()
          return await end(run, 'declined', short.join(', '))
        }
        tell(run, { stage: 'paying' })
        const amount = stock.reduce((sum, { data }) => sum + data.price, 0)
        const paid = await run.call(payment.charge({ ...order, amount }), {
          abort,
          undo: (outcome) =>
            tracking === undefined && outcome?.type !== 'payment.declined' ? payment.refund({ orderId }) : null,
        })
        if (paid.type === 'payment.declined') {
          await run.undo()
          return await end(run, 'declined', paid.data.reason)
        }
        tell(run, { stage: 'shipping' })
        isShipping = true
        const shipped = await run.call(shipping.ship(order), {
          abort,
          undo: (outcome) => {
            if (outcome?.type === 'order.shipped') tracking = outcome.data.tracking
            return outcome || abort.aborted || !isShipping ? null : shipping.stop({ ...order, by: 'the shop' })
          },
        })
        isShipping = false
        if (shipped.type === 'shipping.failed') {
          await run.undo()
          return await end(run, shipped.data.stopped ? 'cancelled' : 'refunded', shipped.data.reason)
        }
        tracking = shipped.data.tracking
        return { ...(await end(run, 'confirmed', tracking)), tracking }
      } catch (error) {
        if (!isBalletError(error)) throw error
        return run.shield(async (shielded) => {
          if (isShipping && !abort.aborted) {
            tracking = await stopParcel(shielded, order, services, 'the shop')
            isShipping = false
          }
          // Given up by the customer, or with the whole run by whoever runs the shop: undone, if it can be, and told.
          if (!['CALL_ABORTED', 'RUN_CANCELLED'].includes(error.code)) throw error
          if (tracking !== undefined) return { ...(await end(shielded, 'confirmed', tracking)), tracking }
          await shielded.undo()
          return end(shielded, 'cancelled', String(abort.reason ?? 'at the wish of the shop'))
        })
      }
    },
  )

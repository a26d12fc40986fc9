import { readOrder } from './status.js'
/** Whether nothing happens to an order any more without a person. */
export const isOver = ({ status }) => status !== 'in progress'
/**
 * The states of an order, the last one over, or earlier when `signal` is aborted. Several commits may make one state.
 */
export async function* follow(app, orderId, signal) {
  let wake = () => {}
  let changed = new Promise((resolve) => (wake = resolve))
  const stop = app.watch(`orderId:${orderId}`, () => wake())
  const abort = () => wake()
  signal?.addEventListener('abort', abort)
  try {
    for (;;) {
      const order = await readOrder(app, orderId)
      if (order !== null) yield order
      if (signal?.aborted || (order !== null && isOver(order))) return
      await changed
      changed = new Promise((resolve) => (wake = resolve))
    }
  } finally {
    stop()
    signal?.removeEventListener('abort', abort)
  }
}

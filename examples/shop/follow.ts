// Follows an order while it happens: every state of it that differs from the one before, until it has ended.
import type { Application } from 'ballet'
import { readOrder, type OrderView } from './status.ts'

/** Whether nothing happens to an order any more without a person. */
export const isOver = ({ status }: OrderView): boolean => status !== 'in progress'

/**
 * The states of an order, the last one over, or earlier when `signal` is aborted. Several commits may make one state.
 */
export async function* follow(app: Application, orderId: string, signal?: AbortSignal): AsyncGenerator<OrderView> {
  let wake = (): void => {}
  let changed = new Promise<void>((resolve) => (wake = resolve))
  const stop = app.watch(`orderId:${orderId}`, () => wake())
  const abort = (): void => wake()
  signal?.addEventListener('abort', abort)
  try {
    for (;;) {
      const order = await readOrder(app, orderId)
      if (order !== null) yield order
      if (signal?.aborted || (order !== null && isOver(order))) return
      await changed
      changed = new Promise<void>((resolve) => (wake = resolve))
    }
  } finally {
    stop()
    signal?.removeEventListener('abort', abort)
  }
}

// A customer cancels while a workflow carries the order through: the word comes as a signal, at any time. Shipping says
// whether it is in time. If it is, `abort` is aborted with the reason, and whatever was called with it is given up; if it
// is too late, the customer is told. A workflow that ends waits for `settled` first, so that nobody is left without an answer.
import type { Run } from 'ballet'
import { CancelOrder, type Order } from './contracts.ts'
import type { Services } from './services.ts'

export interface Cancellation {
  readonly abort: AbortSignal
  /** Resolves when a cancellation that has come is answered, or at once. */
  readonly settled: () => Promise<void>
}

/** Listens for the customer who cancels, as long as the run goes on; `heard` is called when he does. */
export function listenForCancel(
  run: Run<never, typeof CancelOrder>,
  order: Order,
  { shipping, notification }: Services,
  heard: () => void,
): Cancellation {
  const cancellation = new AbortController()
  const cancel = async (by: string): Promise<void> => {
    const answer = await run.call(shipping.stop({ ...order, by }))
    if (answer.type === 'shipping.stopped') return cancellation.abort(answer.data.reason)
    const { tracking: detail, ...told } = answer.data
    if (detail !== null) await run.call(notification.notify({ ...told, news: 'too late', detail }))
  }
  let cancelling = Promise.resolve()
  const listening = run.receive(CancelOrder).then(({ data }) => {
    heard()
    return (cancelling = cancel(data.by))
  })
  // What a person lets fail here cancels nothing, and the order goes on.
  const ignore = (): void => {}
  listening.catch(ignore)
  return { abort: cancellation.signal, settled: () => cancelling.catch(ignore) }
}

/**
 * Stops a parcel of which nobody knows whether it has left: shipping decides, as it does for the customer who cancels.
 * Gives its tracking number if it has left, and then nothing of the order may be taken back.
 */
export async function stopParcel(
  run: Run<never, typeof CancelOrder>,
  order: Order,
  { shipping }: Services,
  by: string,
): Promise<string | undefined> {
  const answer = await run.call(shipping.stop({ ...order, by }))
  return answer.type === 'shipping.stop-too-late' ? (answer.data.tracking ?? undefined) : undefined
}

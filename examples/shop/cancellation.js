import { CancelOrder } from './contracts.js'
/** Listens for the customer who cancels, as long as the run goes on; `heard` is called when he does. */
export function listenForCancel(run, order, { shipping, notification }, heard) {
  const cancellation = new AbortController()
  const cancel = async (by) => {
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
  const ignore = () => {}
  listening.catch(ignore)
  return { abort: cancellation.signal, settled: () => cancelling.catch(ignore) }
}
/**
 * Stops a parcel of which nobody knows whether it has left: shipping decides, as it does for the customer who cancels.
 * Gives its tracking number if it has left, and then nothing of the order may be taken back.
 */
export async function stopParcel(run, order, { shipping }, by) {
  const answer = await run.call(shipping.stop({ ...order, by }))
  return answer.type === 'shipping.stop-too-late' ? (answer.data.tracking ?? undefined) : undefined
}

// run.receive: which events and signals a workflow gets, and what it gets of them.
import { workflow, type EventOf, type Run, type SignalOf } from 'ballet'
import { z } from 'zod'
import { Approve, CancelOrder, CartClosed, id, PaymentApproved, PaymentDeclined, same } from './contracts.ts'

const base = { input: id, output: z.null() } as const

workflow('keyed', { ...base, key: 'orderId', signals: [CancelOrder, Approve] }, async (run) => {
  const paid = await run.receive(PaymentApproved)
  same<typeof paid, EventOf<typeof PaymentApproved>>()
  const answer = await run.receive([PaymentApproved, PaymentDeclined, CancelOrder], { within: '2d' })
  same<
    typeof answer,
    EventOf<typeof PaymentApproved> | EventOf<typeof PaymentDeclined> | SignalOf<typeof CancelOrder> | null
  >()
  if (answer?.type === 'cancel-order') same<typeof answer.data.by, string>()
  await run.receive([Approve, PaymentApproved])

  // @ts-expect-error nothing may have come; says: possibly 'null'
  void (await run.receive(PaymentApproved, { within: '1h' })).data
  // @ts-expect-error it may be the other; says: Property 'receipt' does not exist
  void (await run.receive([PaymentApproved, CancelOrder])).data.receipt
  // @ts-expect-error it would never come; says: the key of this event is not the key of the workflow: cart.closed has cartId
  await run.receive(CartClosed)
  // @ts-expect-error nor among others; says: the key of this event is not the key of the workflow: cart.closed has cartId
  await run.receive([PaymentApproved, CartClosed])
  // @ts-expect-error not a duration; says: '"tomorrow"' is not assignable to type '`${number}
  await run.receive(PaymentApproved, { within: 'tomorrow' })
  // @ts-expect-error a typo in an option; says: 'whitin' does not exist
  await run.receive(PaymentApproved, { whitin: '1h' })
  return null
})

workflow('undeclared', { ...base, key: 'orderId', signals: [Approve] }, async (run) => {
  // @ts-expect-error it would never come; says: the workflow does not declare the signal 'cancel-order' in its signals
  await run.receive(CancelOrder)
  // @ts-expect-error nor among others; says: the workflow does not declare the signal 'cancel-order' in its signals
  await run.receive([Approve, CancelOrder])
  return null
})

workflow('keyless', base, async (run) => {
  // @ts-expect-error a run without a key gets no events; says: the key of this event is not the key of the workflow
  await run.receive(PaymentApproved)
  // @ts-expect-error nor undeclared signals; says: the workflow does not declare the signal 'approve' in its signals
  await run.receive(Approve)
  return null
})

// A function that is handed a run says what it needs of it.
async function plain(run: Run): Promise<void> {
  await run.sleep('1s')
  // @ts-expect-error it did not ask for the signal; says: the workflow does not declare the signal 'approve' in its signals
  await run.receive(Approve)
}
async function approval(run: Run<never, typeof Approve>): Promise<string> {
  return (await run.receive(Approve)).data.by
}
async function payments(run: Run<never, never, 'orderId'>): Promise<string> {
  return (await run.receive(PaymentApproved)).data.receipt
}
workflow('handing', { ...base, key: 'orderId', signals: [Approve, CancelOrder] }, async (run) => {
  await plain(run)
  await approval(run)
  await payments(run)
  return null
})
workflow('lacking', base, async (run) => {
  await plain(run)
  // @ts-expect-error this run does not take the signal
  await approval(run)
  // @ts-expect-error this run has no such key
  await payments(run)
  return null
})

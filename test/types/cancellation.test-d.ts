// Giving up: abort, what becomes of children, shields, handles, and the input of the next generation.
import { workflow, type Run, type RunHandle } from 'ballet'
import { z } from 'zod'
import { Approve, CancelOrder, catalog, id, payment, same, wrap } from './contracts.ts'

const Stage = z.object({ stage: z.enum(['paying', 'shipping']) })
const options = { input: id, output: z.null(), state: Stage, key: 'orderId', signals: [CancelOrder] } as const

workflow('abort', options, async (run, { orderId }) => {
  const charge = payment.charge({ orderId, amount: 1 })
  const abort = new AbortController()
  await run.call(charge, { abort: abort.signal })
  await run.step('look', () => 1, { abort: AbortSignal.any([abort.signal]) })
  await run.call(charge, { abort: undefined, onCancel: undefined })
  // @ts-expect-error the controller is not its signal; says: Type 'AbortController' is missing the following properties from type 'AbortSignal'
  await run.call(charge, { abort })
  // @ts-expect-error nor is the function that aborts; says: Type '() => void' is not assignable to type 'AbortSignal'
  await run.step('look', () => 1, { abort: () => abort.abort() })
  // @ts-expect-error it goes on by itself: its handle stops it; says: 'abort' does not exist in type 'StartOptions'
  run.start(wrap({ orderId }), { abort: abort.signal })
  return null
})

workflow('children', options, async (run, { orderId }) => {
  const wrapped = await run.call(wrap({ orderId }), { onCancel: 'wait' })
  same<typeof wrapped, { wrapped: boolean }>()
  await run.call(wrap({ orderId }), { onCancel: 'leave', undo: payment.refund({ orderId }) })
  await run.call(wrap({ orderId }), { onCancel: 'cancel' })
  // @ts-expect-error not a policy; says: Type '"stop"' is not assignable to type '"cancel" | "leave" | "wait" | undefined'
  await run.call(wrap({ orderId }), { onCancel: 'stop' })
  // @ts-expect-error a step is no run; says: 'onCancel' does not exist in type 'StepOptions<number>'
  await run.step('look', () => 1, { onCancel: 'wait' })
  const handle = run.start(wrap({ orderId }), { onCancel: 'cancel', id: 'second' })
  run.start(catalog.touch({ sku: 'a', qty: 1 }), { onCancel: 'leave' })
  // @ts-expect-error it is not waited for; says: Type '"wait"' is not assignable to type '"cancel" | "leave" | undefined'
  run.start(wrap({ orderId }), { onCancel: 'wait' })
  same<typeof handle, RunHandle<{ wrapped: boolean }>>()
  same<ReturnType<typeof handle.cancel>, void>()
  handle.cancel()
  // @ts-expect-error why it stops stands in the journal of this run; says: Expected 0 arguments, but got 1
  handle.cancel('no longer needed')
  // @ts-expect-error there is nothing to take back of it here; says: Property 'undo' does not exist on type 'RunHandle
  handle.undo()
  return null
})

workflow('shield', options, async (run, { orderId }) => {
  const told = await run.shield(async (shielded) => {
    same<typeof shielded, typeof run>()
    shielded.set({ stage: 'shipping' })
    const received = await shielded.receive(CancelOrder)
    same<(typeof received)['type'], 'cancel-order'>()
    return shielded.shield((again) => again.call(wrap({ orderId })))
  })
  same<typeof told, { wrapped: boolean }>()
  // @ts-expect-error it is the same run: no other state; says: '"resting"' is not assignable to type '"paying" | "shipping"'
  await run.shield(async (shielded) => shielded.set({ stage: 'resting' }))
  // @ts-expect-error nor another signal; says: the workflow does not declare the signal 'approve' in its signals
  await run.shield((shielded) => shielded.receive(Approve))
  // @ts-expect-error it is awaited, so it is asynchronous; says: Type 'number' is not assignable to type 'Promise<
  await run.shield(() => 1)
  await run.shield(tell)
  // @ts-expect-error a part that asks for more than the workflow has; says: is not assignable to
  await run.shield(approve)
  return null
})

async function tell(run: Run): Promise<void> {
  await run.sleep('1s')
}
async function approve(run: Run<never, typeof Approve>): Promise<void> {
  await run.receive(Approve)
}

const Round = z.object({ orderId: z.string(), round: z.number().default(0), note: z.string().optional() })
workflow('generations', { ...options, input: Round }, async (run, { orderId, round }) => {
  if (round > 9) return null
  // What the schema fills in may be left out.
  if (round === 8) return run.continueAs({ orderId })
  // @ts-expect-error the input is needed; says: Expected 1 arguments, but got 0
  if (round === 7) return run.continueAs()
  // @ts-expect-error a field of another type; says: Type 'string' is not assignable to type 'number'
  if (round === 6) return run.continueAs({ orderId, round: 'next' })
  // @ts-expect-error the key is needed; says: Property 'orderId' is missing in type '{ round: number; }'
  if (round === 5) return run.continueAs({ round: round + 1 })
  // @ts-expect-error a call is not its input; says: Property 'orderId' is missing
  if (round === 4) return run.continueAs(wrap({ orderId }))
  const never = run.continueAs({ orderId, round: round + 1 })
  same<Awaited<typeof never>, never>()
  return never
})

// Workflows: options, output and state.
import { signal, TerminalError, workflow, type SignalValue, type Workflow } from 'ballet'
import { z } from 'zod'
import { Approve, CartClosed, id, payment, same } from './contracts.ts'

const Confirmation = z.object({
  status: z.enum(['confirmed', 'declined']),
  tracking: z.string().optional(),
  lines: z.array(z.object({ sku: z.string(), gift: z.boolean().optional() })).default([]),
})

const checkout = workflow(
  'checkout',
  { input: id.extend({ total: z.number().default(1) }), output: Confirmation, key: 'orderId' },
  async (run, order) => {
    same<typeof order, { orderId: string; total: number }>()
    if (order.total > 1000) throw new TerminalError('too much')
    const paid = await run.call(payment.charge({ orderId: order.orderId, amount: order.total }))
    if (paid.type === 'payment.declined') return { status: 'declined' }
    return { status: 'confirmed', tracking: paid.data.receipt, lines: [{ sku: 'a' }, { sku: 'b', gift: true }] }
  },
)
same<
  typeof checkout,
  Workflow<'checkout', { orderId: string; total?: number | undefined }, z.infer<typeof Confirmation>>
>()
checkout({ orderId: '1' })

const base = { input: id, output: Confirmation } as const
// @ts-expect-error a typo in an optional field of the output; says: 'trackin' is not a field of the output
workflow('w', base, async () => ({ status: 'confirmed', trackin: 'typo' }))
// @ts-expect-error deeper in, too; says: 'gifft' is not a field of the output
workflow('w', base, async () => ({ status: 'confirmed', lines: [{ sku: 'a', gifft: true }] }))
// @ts-expect-error a value that the output does not have; says: '"lost"' is not assignable to type '"confirmed" | "declined"'
workflow('w', base, async () => ({ status: 'lost' }))
// @ts-expect-error no output; says: Type 'void' is not assignable
workflow('w', base, async () => {})
// @ts-expect-error the body is async
workflow('w', base, () => ({ status: 'confirmed' }))
// @ts-expect-error not a field; says: '"id"' is not assignable to type '"orderId"'
workflow('w', { ...base, key: 'id' }, async () => ({ status: 'confirmed' }))
// @ts-expect-error a number cannot be a key; says: no field here is a required string
workflow('w', { ...base, input: z.object({ n: z.number() }), key: 'n' }, async () => ({ status: 'confirmed' }))
// Signals that are defined where they are listed.
workflow('w', { ...base, signals: [signal('hurry', id), signal('slow-down', z.null())] }, async (run) => {
  // @ts-expect-error declared are those two; says: the workflow does not declare the signal 'approve' in its signals
  await run.receive(Approve)
  return { status: 'confirmed' }
})
const one = { ...base, signals: [signal('hurry', id)] }
workflow('w', one, async (run) => {
  const hurry = await run.receive(one.signals)
  same<typeof hurry, SignalValue<'hurry', { orderId: string }>>()
  return { status: 'confirmed' }
})
// @ts-expect-error an event is not a signal
workflow('w', { ...base, signals: [CartClosed] }, async () => ({ status: 'confirmed' }))
// @ts-expect-error a typo in an option; says: Did you mean to write 'signals'?
workflow('w', { ...base, signal: [Approve] }, async () => ({ status: 'confirmed' }))
// @ts-expect-error the output is stored: no dates; says: the schema gives something that JSON does not keep as it is
workflow('w', { ...base, output: z.date() }, async () => new Date(0))
// @ts-expect-error a wrong input; says: Type 'number' is not assignable to type 'string'
checkout({ orderId: 1 })

workflow('stateful', { ...base, state: z.object({ stage: z.enum(['paying', 'shipping']) }) }, async (run) => {
  run.set({ stage: 'paying' })
  // @ts-expect-error not a stage; says: '"resting"' is not assignable to type '"paying" | "shipping"'
  run.set({ stage: 'resting' })
  // @ts-expect-error a field too many; says: 'since' does not exist
  run.set({ stage: 'paying', since: 1 })
  return { status: 'confirmed' }
})
workflow('stateless', base, async (run) => {
  // @ts-expect-error nothing is declared; says: the workflow has no state: give it a schema
  run.set({ stage: 'paying' })
  return { status: 'confirmed' }
})

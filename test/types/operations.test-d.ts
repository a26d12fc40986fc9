// Operations: what they take, what they may answer with, and how they are tried.
import { event, operation, type EventValue, type Operation } from 'ballet'
import { z } from 'zod'
import { CartClosed, id, PaymentApproved, PaymentDeclined, PaymentRefunded, same } from './contracts.ts'

const Receipt = z.object({
  status: z.enum(['paid', 'owed']),
  note: z.string().optional(),
  lines: z.array(z.object({ cents: z.number(), tax: z.number().optional() })),
})

// Outcomes, an output, or nothing; at once or later.
const charge = operation({
  input: id,
  outcomes: [PaymentApproved, PaymentDeclined],
  run: (input) => PaymentApproved({ ...input, receipt: 'r' }),
})
same<
  typeof charge,
  Operation<
    { orderId: string },
    | EventValue<'payment.approved', { orderId: string; receipt: string }>
    | EventValue<'payment.declined', { orderId: string; reason: string }>,
    never
  >
>()
const bill = operation({ input: id, output: Receipt, run: async () => ({ status: 'paid', lines: [{ cents: 1 }] }) })
same<typeof bill, Operation<{ orderId: string }, z.infer<typeof Receipt>, never>>()
const nothing = operation({
  input: id,
  undoes: 'charge',
  async run(input, { signal, log }) {
    log.info(input.orderId, { aborted: signal.aborted })
  },
})
same<typeof nothing, Operation<{ orderId: string }, undefined, 'charge'>>()
operation({ input: id, outcomes: [PaymentRefunded] })
operation({ input: id, output: z.void(), run: () => {} })
operation({ input: id, output: z.json(), run: async () => ({ any: [1, null, { thing: true }] }) })
operation({
  input: id,
  output: z.discriminatedUnion('ok', [
    z.object({ ok: z.literal(true), cents: z.number() }),
    z.object({ ok: z.literal(false), why: z.string() }),
  ]),
  run: async (input) => (input.orderId === '1' ? { ok: true, cents: 1 } : { ok: false, why: 'no' }),
})

// Outcomes that are defined where they are listed.
const parcel = operation({
  input: id,
  outcomes: [
    event('parcel.sent', id.extend({ tracking: z.string() }), { key: 'orderId' }),
    event('parcel.lost', id, { key: 'orderId' }),
  ],
})
same<
  typeof parcel,
  Operation<
    { orderId: string },
    EventValue<'parcel.sent', { orderId: string; tracking: string }> | EventValue<'parcel.lost', { orderId: string }>,
    never
  >
>()
operation({
  input: id,
  outcomes: [event('parcel.lost', id, { key: 'orderId' })],
  // @ts-expect-error an outcome that is not declared; says: '"payment.refunded"' is not assignable to type '"parcel.lost"'
  run: (input) => PaymentRefunded(input),
})
operation({
  input: id,
  // @ts-expect-error of two keys; says: the outcomes of one operation must have one key field
  outcomes: [
    event('parcel.lost', id, { key: 'orderId' }),
    event('cart.lost', z.object({ cartId: id.shape.orderId }), { key: 'cartId' }),
  ],
})

const approved = { input: id, outcomes: [PaymentApproved] } as const
// @ts-expect-error an outcome that is not declared; says: '"payment.declined"' is not assignable to type '"payment.approved"'
operation({ ...approved, run: async (i) => PaymentDeclined({ ...i, reason: '' }) })
operation({
  ...approved,
  // @ts-expect-error nor as one of two; says: '"payment.declined"' is not assignable to type '"payment.approved"'
  run: ({ orderId }) => {
    return orderId === '' ? PaymentDeclined({ orderId, reason: '' }) : PaymentApproved({ orderId, receipt: '' })
  },
})
// @ts-expect-error an outcome is returned, not its data
operation({ input: id, outcomes: [PaymentRefunded], run: async (i) => ({ orderId: i.orderId }) })
// @ts-expect-error two keys in one operation; says: the outcomes of one operation must have one key field
operation({ input: id, outcomes: [PaymentApproved, CartClosed] })
// @ts-expect-error two ways to answer; says: an operation answers with outcomes or with an output, not with both
operation({ input: id, outcomes: [PaymentApproved], output: z.number() })
// @ts-expect-error an output of another type; says: Type 'string' is not assignable to type 'number'
operation({ input: id, output: z.number(), run: async () => 'one' })
// @ts-expect-error a typo in an optional field of the output; says: 'nite' is not a field of the output
operation({ input: id, output: Receipt, run: async () => ({ status: 'paid', nite: '', lines: [] }) })
// @ts-expect-error and of one deeper in; says: 'tex' is not a field of the output
operation({ input: id, output: Receipt, run: async () => ({ status: 'paid', lines: [{ cents: 1, tex: 2 }] }) })
// @ts-expect-error an answer where none is declared; says: Type 'number' is not assignable to type 'void'
operation({ input: id, run: async () => 5 })
// @ts-expect-error a Date is not JSON; says: the schema gives something that JSON does not keep as it is
operation({ input: z.object({ at: z.date() }) })
// @ts-expect-error the output neither; says: the schema gives something that JSON does not keep as it is
operation({ input: id, output: z.bigint() })
// @ts-expect-error a field that the input does not have; says: Did you mean 'orderId'?
operation({ input: id, outcomes: [PaymentRefunded], run: async (input) => PaymentRefunded({ orderId: input.ordrId }) })
// @ts-expect-error a typo in an option; says: Did you mean to write 'outcomes'?
operation({ input: id, outcoms: [PaymentApproved] })
// @ts-expect-error not a duration; says: '"10 minutes"' is not assignable to type '`${number}
operation({ input: id, timeout: '10 minutes' })
// @ts-expect-error not one either; says: '"soon"' is not assignable to type '`${number}
operation({ input: id, retry: { attempts: 3, backoff: 'soon' } })
// @ts-expect-error not a way to end; says: '"stop"' is not assignable to type '"fail" | "stuck"
operation({ input: id, retry: { exhausted: 'stop' } })

// Event and signal types: their schemas, their keys, and the values that they build.
import { event, signal, type EventOf, type EventValue, type Json, type Schema, type SignalOf } from 'ballet'
import { z } from 'zod'
import { CancelOrder, id, PaymentApproved, PaymentDeclined, same } from './contracts.ts'

// What an author gives and what others see differ by the schema.
const Counted = event('counted', id.extend({ count: z.number().default(1), at: z.date().transform(String) }), {
  key: 'orderId',
})
const counted = Counted({ orderId: '1', at: new Date(0) })
same<typeof counted.data, { orderId: string; count?: number | undefined; at: Date }>()
same<EventOf<typeof Counted>, EventValue<'counted', { orderId: string; count: number; at: string }>>()
same<SignalOf<typeof CancelOrder>['data'], { by: string; reason?: string | undefined }>()

// JSON of any shape, interfaces and unions are data.
interface Address {
  readonly street: string
  readonly lines: readonly string[]
}
event('moved', z.object({ orderId: z.string(), to: z.custom<Address>(), raw: z.json() }), { key: 'orderId' })
signal('anything', z.json())
const Either = z.discriminatedUnion('kind', [
  z.object({ kind: z.literal('a'), orderId: z.string(), only: z.string() }),
  z.object({ kind: z.literal('b'), orderId: z.string() }),
])
event('either', Either, { key: 'orderId' })

// Any library that implements Standard Schema serves.
declare const Bare: Schema<{ orderId: string; count?: number }, { orderId: string; count: number }>
const Bared = event('bared', Bare, { key: 'orderId' })
same<EventOf<typeof Bared>['data'], { orderId: string; count: number }>()
Bared({ orderId: '1' })

// `is` narrows.
export function reasonOf(paid: EventOf<typeof PaymentApproved> | EventOf<typeof PaymentDeclined> | null): string {
  if (PaymentDeclined.is(paid)) return paid.data.reason
  // @ts-expect-error an approved payment has no reason; says: Property 'reason' does not exist
  return paid?.data.reason
}

// @ts-expect-error the key may be missing; says: no field here is a required string
event('e', z.object({ n: z.string().optional() }), { key: 'n' })
// @ts-expect-error the key is a number; says: '"n"' is not assignable to type
event('e', z.object({ n: z.number(), s: z.string() }), { key: 'n' })
// @ts-expect-error no such field; says: '"orderid"' is not assignable
event('e', id, { key: 'orderid' })
// @ts-expect-error only some of the data have it; says: '"only"' is not assignable
event('e', Either, { key: 'only' })
// @ts-expect-error an event needs a key
event('e', id)
// @ts-expect-error a date is not JSON; says: the schema gives something that JSON does not keep as it is
event('e', id.extend({ at: z.date() }), { key: 'orderId' })
// @ts-expect-error neither is a map; says: the schema gives something that JSON does not keep as it is
event('e', id.extend({ tags: z.map(z.string(), z.string()) }), { key: 'orderId' })
// @ts-expect-error nor what is unknown; says: the schema gives something that JSON does not keep as it is
signal('s', z.unknown())
// @ts-expect-error nor nothing; says: the schema may give undefined
signal('s', z.string().optional())

// @ts-expect-error a field has another type; says: Type 'number' is not assignable to type 'string'
PaymentApproved({ orderId: 1, receipt: 'r' })
// @ts-expect-error a field is missing; says: Property 'receipt' is missing
PaymentApproved({ orderId: '1' })
// @ts-expect-error a field is not known; says: 'reciept' does not exist
PaymentApproved({ orderId: '1', reciept: 'r' })
// @ts-expect-error a typo in an optional field of a signal; says: 'raeson' does not exist
CancelOrder({ by: 'customer', raeson: 'late' })

export const json: Json = PaymentApproved({ orderId: '1', receipt: 'r' }).data

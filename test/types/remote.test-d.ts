// A service that is put elsewhere: to the compiler it is the service that it was.
import type { Run, Service } from 'ballet'
import { elsewhere, fetched, fetchWork, serviceHandler, serveService } from 'ballet/http'
import { OrderCreated, payment, same } from './contracts.ts'

const there = elsewhere(payment, { url: process.env['PAYMENT_URL'], secrets: [process.env['PAYMENT_SECRET']] })
same<typeof there, typeof payment>()
same<ReturnType<typeof there.charge>, ReturnType<typeof payment.charge>>()
same<(typeof there)['serviceName'], 'payment'>()
there.on(OrderCreated, ({ orderId, total }) => there.charge({ orderId, amount: total }))

// @ts-expect-error a wrong field of the input; says: Type 'string' is not assignable to type 'number'
there.charge({ orderId: '1', amount: '1' })
// @ts-expect-error no service
elsewhere({ charge: 1 }, { url: '' })
// @ts-expect-error a typo in an option; says: 'secret' does not exist
elsewhere(payment, { url: '', secret: 'x' })
// @ts-expect-error no url; says: Property 'url' is missing
elsewhere(payment, {})

export const paying = (run: Run): Promise<unknown> => {
  // @ts-expect-error an undo that is none of this call
  void run.call(there.charge({ orderId: '1', amount: 1 }), { undo: there.charge({ orderId: '1', amount: 1 }) })
  return run.call(there.charge({ orderId: '1', amount: 1 }), { undo: there.refund({ orderId: '1' }) })
}

// Null is said, and not forgotten.
// @ts-expect-error no secrets; says: Property 'secrets' is missing
serviceHandler(payment, {})
export const handle: (request: Request) => Promise<Response> = serviceHandler([payment, there], { secrets: null })
export const served: Promise<{ readonly url: string }> = serveService(payment, { port: 0 })
export const some: Service = payment

const away = fetched(payment, { secrets: [process.env['PAYMENT_SECRET']] })
same<typeof away, typeof payment>()
// @ts-expect-error no secrets; says: Property 'secrets' is missing
fetched(payment, {})
// @ts-expect-error a service that fetches is at no url; says: 'url' does not exist
fetched(payment, { secrets: [], url: '' })
// @ts-expect-error no service
fetched({ charge: 1 }, { secrets: [] })
// @ts-expect-error nowhere to fetch from; says: Property 'at' is missing
fetchWork(payment, { secrets: [] })
export const fetching: { close(): Promise<void> } = fetchWork([payment, away], { at: '', secrets: [], atOnce: 5 })

// run.call and run.start: outcomes, undo, options.
import { workflow, type EventOf } from 'ballet'
import { z } from 'zod'
import { catalog, CancelOrder, id, payment, PaymentApproved, PaymentDeclined, same, wrap } from './contracts.ts'

const options = { input: id, output: z.null(), key: 'orderId', signals: [CancelOrder] } as const

workflow('outcomes', options, async (run, { orderId }) => {
  const paid = await run.call(payment.charge({ orderId, amount: 1 }))
  same<typeof paid, EventOf<typeof PaymentApproved> | EventOf<typeof PaymentDeclined>>()
  if (paid.type === 'payment.declined') same<typeof paid.data.reason, string>()
  // @ts-expect-error it may have been declined; says: Property 'receipt' does not exist
  void paid.data.receipt
  // @ts-expect-error no such outcome; says: have no overlap
  void (paid.type === 'payment.refunded')
  same<Awaited<ReturnType<typeof wrapped>>, { wrapped: boolean }>()
  const wrapped = () => run.call(wrap({ orderId }))
  const first = await Promise.race([wrapped(), run.receive(CancelOrder)])
  // @ts-expect-error it may have been cancelled; says: Property 'wrapped' does not exist
  void first.wrapped
  const price = await run.call(catalog.price({ sku: 'a', qty: 1 }), { retry: { attempts: 2 }, timeout: '5s' })
  same<typeof price, { cents: number }>()
  const touched = await run.call(catalog.touch({ sku: 'a', qty: 1 }))
  same<typeof touched, undefined>()
  const handle = run.start(wrap({ orderId }), { id: 'second' })
  const later = await handle.result()
  same<typeof later, { wrapped: boolean }>()
  handle.signal(CancelOrder({ by: 'clerk' }))
  return null
})

workflow('undo', options, async (run, { orderId }) => {
  const charge = payment.charge({ orderId, amount: 1 })
  await run.call(charge, { undo: payment.refund({ orderId }), abort: new AbortController().signal, publish: true })
  await run.call(charge, { undo: (paid) => (paid?.type === 'payment.declined' ? null : payment.refund({ orderId })) })
  await run.call(wrap({ orderId }), { undo: payment.refund({ orderId }) })
  const kept = maybe()
  await run.call(charge, { undo: kept ? payment.refund({ orderId }) : undefined })
  // @ts-expect-error it undoes nothing; says: '"nothing"' is not assignable to type '"payment.charge"'
  await run.call(charge, { undo: payment.charge({ orderId, amount: 1 }) })
  // @ts-expect-error it undoes another operation; says: '"catalog.reserve"' is not assignable to type '"payment.charge"'
  await run.call(charge, { undo: catalog.release({ orderId, sku: 'a' }) })
  // @ts-expect-error also behind a function; says: '"catalog.reserve"' is not assignable to type '"payment.charge"'
  await run.call(charge, { undo: () => catalog.release({ orderId, sku: 'a' }) })
  // @ts-expect-error the outcome may be unknown; says: possibly 'undefined'
  await run.call(charge, { undo: (paid) => (paid.type === 'payment.declined' ? null : payment.refund({ orderId })) })
  // @ts-expect-error a workflow undoes nothing; says: '"nothing"' is not assignable to type '"payment.charge"'
  await run.call(charge, { undo: wrap({ orderId }) })
  // @ts-expect-error a typo in an option; says: Did you mean to write 'timeout'?
  await run.call(charge, { timeot: '1s' })
  // @ts-expect-error not a duration; says: '"1 second"' is not assignable to type '`${number}
  await run.call(charge, { timeout: '1 second' })
  // @ts-expect-error the operation was not applied; says: is not assignable to parameter of type 'Call
  await run.call(payment.charge)
  // @ts-expect-error an event is emitted, not called; says: missing the following properties from type 'Call
  await run.call(PaymentApproved({ orderId, receipt: '' }))
  // @ts-expect-error a call that nobody makes; says: a call is a value: nothing happens until it is given to run.call or app.start
  await payment.refund({ orderId })
  return null
})

declare function maybe(): boolean

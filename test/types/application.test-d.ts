// What an application's definition and a running application take.
import {
  ballet,
  checkFit,
  choreography,
  open,
  type Application,
  type ApplicationDefinition,
  type Fault,
  type Json,
  type RunId,
} from 'ballet'
import { CancelOrder, OrderCreated, payment, same, wrap } from './contracts.ts'

const definition = ballet({
  name: 'shop',
  version: '1.2.0',
  services: [payment],
  workflows: [wrap],
  http: (app) => async (request) => (request.url.endsWith('/runs') ? Response.json(await app.runs()) : undefined),
})
same<typeof definition, ApplicationDefinition>()
same<ReturnType<typeof checkFit>, readonly Fault[]>()

export async function use(): Promise<void> {
  const app = await open(definition, { store: 'memory:' })
  same<typeof app, Application>()
  const started = await app.start(wrap({ orderId: '1' }), { id: 'wrap-1' })
  const wrapped = await app.result(started.id)
  same<typeof wrapped, { wrapped: boolean }>()
  const within = await app.start(wrap({ orderId: '2' }), { tx: {} })
  same<Awaited<ReturnType<typeof app.result<{ wrapped: boolean }>>>, { wrapped: boolean }>()
  same<typeof within.id, RunId<{ wrapped: boolean }>>()
  const other = await app.result('wrap-1')
  same<typeof other, Json | undefined>()
  // The id of a run is a string wherever one is taken, and no name that the compiler does not know is needed for one.
  const text: string = started.id
  await app.run(text)
  await app.start(payment.charge({ orderId: '1', amount: 1 }))
  await app.publish(OrderCreated({ orderId: '1', total: 1, items: [] }))
  await app.signal('wrap-1', CancelOrder({ by: 'customer' }))
  const placed = choreography('placed', { key: 'orderId' }, OrderCreated)
  const { id } = await app.conduct(placed)(OrderCreated({ orderId: '1', total: 1, items: [] }), { id: 'e-1' })
  same<typeof id, string>()
  // @ts-expect-error a flow is begun by an event
  await app.conduct(placed)(wrap({ orderId: '1' }))
  // @ts-expect-error a choreography is conducted, not a workflow
  app.conduct(wrap)
  // @ts-expect-error not applied to an input
  await app.start(wrap)
  // @ts-expect-error an event is published
  await app.start(OrderCreated({ orderId: '1', total: 1, items: [] }))
  // @ts-expect-error a call is started
  await app.publish(payment.refund({ orderId: '1' }))
  // @ts-expect-error an event is published, not sent to a run
  await app.signal('wrap-1', OrderCreated({ orderId: '1', total: 1, items: [] }))
  await app.close()
}

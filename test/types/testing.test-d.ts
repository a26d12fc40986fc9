// Generated tests: the endings that are asked for are those of the choreography, and services are services.
import { ballet, choice, choreography, on, seq } from 'ballet'
import { everyPath, project, type PathsReport } from 'ballet/testing'
import { OrderCreated, payment, PaymentApproved, PaymentDeclined, same } from './contracts.ts'

const flow = choreography(
  'fulfilment',
  { key: 'orderId' },
  seq(OrderCreated, choice(PaymentApproved.as('paid'), PaymentDeclined.as('declined'))),
)
const app = ballet({ services: [payment], choreographies: [flow] })

same<Awaited<ReturnType<typeof everyPath<'paid' | 'declined'>>>, PathsReport<'paid' | 'declined'>>()
void everyPath(app, flow, { endings: ['paid'], without: [PaymentDeclined], repeats: 2, limit: 10 })
void everyPath(app, flow, { data: { 'order.created': ({ path, known }) => (path.length > 0 ? null : { ...known }) } })
// @ts-expect-error no path can end so
void everyPath(app, flow, { endings: ['payed'] })
// @ts-expect-error an event type, and not its name
void everyPath(app, flow, { without: ['payment.declined'] })
void project(flow, payment, { patienceMs: 100 })
void project(flow, payment, { reactions: [on(payment, OrderCreated, () => null)] })
// @ts-expect-error a service is no reaction
void project(flow, payment, { reactions: [payment] })
// @ts-expect-error an application is no service
void project(flow, app)

// How many events a second the monitor of a choreography takes, in memory and on one core: 10,000 orders at a time, each
// with a state of its own, are walked through the five paths of an order flow. Twice: the step alone, and the step with
// its verdict and its deadlines, as a monitor asks for them.
import { all, choice, choreography, event, isBroken, many, optional, response, seq, type FlowState } from 'ballet'
import { z } from 'zod'

const id = z.object({ orderId: z.string() })
const define = (type: string) => event(type, id, { key: 'orderId' })
const Created = define('order.created')
const Reserved = define('stock.reserved')
const Approved = define('payment.approved')
const Declined = define('payment.declined')
const Shipped = define('order.shipped')
const Invoiced = define('invoice.sent')
const Failed = define('shipping.failed')
const Refunded = define('payment.refunded')
const Released = define('stock.released')
const Notified = define('customer.notified')

export const order = choreography(
  'order',
  { key: 'orderId' },
  seq(
    Created,
    Reserved.within('5s'),
    choice(
      seq(
        Approved.within('30s'),
        choice(
          seq(all(Shipped.within('2d'), Invoiced.within('1h')), Notified.within('1m')).as('fulfilled'),
          seq(Failed, Refunded.within('1h'), many(Released), Notified.within('1m')).as('refunded'),
        ),
      ),
      seq(Declined.within('30s'), optional(Released), Notified.within('1m')).as('declined'),
    ),
  ),
  { always: [response(Failed, Refunded)] },
)

const types = (...events: readonly { readonly type: string }[]): readonly string[] => events.map(({ type }) => type)
const PATHS = [
  types(Created, Reserved, Approved, Shipped, Invoiced, Notified),
  types(Created, Reserved, Approved, Invoiced, Shipped, Notified),
  types(Created, Reserved, Approved, Failed, Refunded, Released, Released, Notified),
  types(Created, Reserved, Declined, Released, Notified),
  types(Created, Reserved, Declined, Notified),
]
const ORDERS = 10_000

/** Walks `ORDERS` orders side by side until `ms` have passed; gives steps a second. */
export function stepsPerSecond(ms: number, asks: boolean): number {
  const { flow } = order
  let steps = 0
  let seen = 0
  const began = performance.now()
  while (performance.now() - began < ms) {
    const states: FlowState[] = Array.from({ length: ORDERS }, (_one, at) => flow.start(at))
    for (let turn = 0; turn < 8; turn++) {
      for (let index = 0; index < ORDERS; index++) {
        const type = PATHS[index % PATHS.length]?.[turn]
        if (type === undefined) continue
        const next = flow.step(states[index] as FlowState, type, steps)
        if (isBroken(next)) throw new RangeError(`${type} broke the flow`)
        states[index] = next
        steps++
        if (asks) seen += flow.deadlines(next).length + flow.verdict(next).standing.length
      }
    }
    if (states.some((state) => flow.verdict(state).standing === 'on track'))
      throw new RangeError('an order did not end')
  }
  if (asks && seen === 0) throw new RangeError('nothing was asked')
  return steps / ((performance.now() - began) / 1000)
}

if (import.meta.main) {
  for (const [name, asks] of [
    ['step', false],
    ['step, verdict and deadlines', true],
  ] as const) {
    stepsPerSecond(300, asks)
    const runs = Array.from({ length: 5 }, () => stepsPerSecond(1000, asks)).toSorted((one, other) => one - other)
    const [least, , median, , most] = runs.map((one) => (one / 1e6).toFixed(2))
    console.log(`${name}: ${median} million a second (median of 5 runs of 1 s; ${least} to ${most})`)
  }
}

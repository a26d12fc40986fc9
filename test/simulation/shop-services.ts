// The services of the shop as a story has them: they keep the contracts and the rules of examples/shop, with books in
// memory (a database for each service would take longer than the rest of the story).
import { operation, service, type EventValue, type OperationContext, type ServiceLimits } from 'ballet'
import { z } from 'zod'
import * as contracts from '../../examples/shop/contracts.ts'
import type { Services } from '../../examples/shop/services.ts'
import type { SimulatedProcess } from '../../src/testing/simulation/process.ts'
import type { World } from '../../src/testing/simulation/world.ts'
import type { Books, Done } from './books.ts'

const { Order, OrderId, Sku, Amends } = contracts

const PRICES: Readonly<Record<string, number>> = { 'pointe-shoes': 8900, tutu: 24_900, ribbon: 450, poster: 1500 }
/** An attempt that was given up is outwaited after a crash: with a minute, stories would be long. */
const POLICY = { timeout: '2s' } as const

/** Made once: a schema is compiled when it is used first. */
const Reserve = Order.extend({ sku: Sku })
const Release = z.object({ orderId: OrderId, sku: Sku, amends: Amends.optional() })
const CheckOut = z.object({ orderId: OrderId, cartId: contracts.CartId })
const Charge = Order.extend({ amount: z.int() })
const Refund = z.object({ orderId: OrderId, amends: Amends.optional() })
const Stop = Order.extend({ by: contracts.By })
const Notify = z.object({ orderId: OrderId, customer: contracts.Customer, news: contracts.News, detail: z.string() })

/** In how many stories services are limited, and to what. */
const LIMITED = 0.3
const CATALOG_TAKES = { atOnce: 1 } as const
const PAYMENT_TAKES = { atOnce: 1, rate: '10/s' } as const

/** What the services know of one order. */
interface Kept {
  readonly reserved: Map<string, { readonly price: number; readonly short: string | null; released: boolean }>
  charged: number | null
  isRefunded: boolean
  closed: string | null
  decision: { readonly what: 'shipped' | 'failed' | 'stopped'; readonly detail: string } | null
}

/** The state of all services: it survives the processes that ask them. */
export class ShopState {
  readonly #orders = new Map<string, Kept>()

  of(orderId: string): Kept {
    const kept = this.#orders.get(orderId)
    if (kept !== undefined) return kept
    const none: Kept = { reserved: new Map(), charged: null, isRefunded: false, closed: null, decision: null }
    this.#orders.set(orderId, none)
    return none
  }

  /** What was decided about the parcel of an order: this, unless something else was before. */
  decide(orderId: string, what: NonNullable<Kept['decision']>): NonNullable<Kept['decision']> {
    return (this.of(orderId).decision ??= what)
  }
}

const applied = <Answer>(answer: Answer, amount?: number): Done<Answer> => ({ outcome: 'applied', answer, amount })
const refused = <Answer>(answer: Answer): Done<Answer> => ({ outcome: 'refused', answer })

/** Counts the attempts that a process makes, and holds it to what it was told that a service takes. */
class Counted {
  readonly #process: SimulatedProcess
  readonly #under = new Map<string, number>()
  readonly #began: number[] = []

  constructor(process: SimulatedProcess) {
    this.#process = process
  }

  /** An attempt is under way until it has answered, or was told to stop. */
  async count<Answer>({ op, signal }: OperationContext, attempt: () => Promise<Answer>): Promise<Answer> {
    const { world } = this.#process
    const asked = op.replace(/^undo:/, '').split('.')[0] ?? ''
    const limit = asked === 'payment' ? PAYMENT_TAKES : asked === 'catalog' ? CATALOG_TAKES : undefined
    if (limit === undefined || !isLimited(world)) return attempt()
    const under = (this.#under.get(asked) ?? 0) + 1
    this.#under.set(asked, under)
    if (under > limit.atOnce) world.blame('LIMIT', `${under} attempts at ${asked} are under way at once`)
    if (asked === 'payment') this.#judgeRate()
    let isOver = false
    const over = (): void => {
      if (!isOver) this.#under.set(asked, (this.#under.get(asked) ?? 1) - 1)
      isOver = true
    }
    signal.addEventListener('abort', over)
    try {
      return await attempt()
    } finally {
      over()
    }
  }

  #judgeRate(): void {
    const { world } = this.#process
    const now = world.clock.now()
    this.#began.push(now)
    const inTime = this.#began.filter((at) => at > now - 1000).length
    if (inTime > 10) world.blame('LIMIT', `${inTime} attempts at payment have begun within a second`)
  }
}

/** Does a piece of work of a service once for the key of its call, for whoever makes the attempt. */
export type Once = <Work extends Done<EventValue>>(
  context: OperationContext,
  run: string,
  step: string,
  work: (state: ShopState) => Work,
) => Promise<Work['answer']>

/** As one process asks the services. */
export function onceOf(process: SimulatedProcess, books: Books, state: ShopState): Once {
  const counted = new Counted(process)
  return (context, run, step, work) =>
    counted.count(context, () => books.call(process, context, { run, step }, () => work(state)))
}

/** Whether the services of a story are limited: in some, so that the others go as fast as they can. */
export function isLimited(world: World): boolean {
  return world.chance('limits').is(LIMITED)
}

/** The services, asked by whoever makes an attempt. */
export function shopServices(once: Once, takesLittle: boolean): Services {
  return {
    catalog: catalogOf(once, takesLittle ? CATALOG_TAKES : undefined),
    cart: cartOf(),
    payment: paymentOf(once, takesLittle ? PAYMENT_TAKES : undefined),
    shipping: shippingOf(once),
    notification: notificationOf(once),
  }
}

function catalogOf(once: Once, limits: ServiceLimits | undefined) {
  return service(
    'catalog',
    {
      reserve: operation({
        input: Reserve,
        outcomes: [contracts.ItemReserved, contracts.ItemShort, contracts.StockReserved, contracts.StockShort],
        ...POLICY,
        run: ({ sku, ...order }, context) =>
          once(context, order.orderId, `reserve#${sku}`, (state) => {
            const answer = reserve(state, order, sku)
            return answer.data.short === undefined ? applied(answer) : refused(answer)
          }),
      }),
      release: operation({
        input: Release,
        undoes: 'reserve',
        outcomes: [contracts.StockReleased],
        ...POLICY,
        run: ({ orderId, sku, amends }, context) =>
          once(context, orderId, `release#${sku}`, (state) => {
            const answer = contracts.StockReleased({ orderId, sku, amends })
            const held = state.of(orderId).reserved.get(sku)
            if (held === undefined || held.short !== null || held.released) return refused(answer)
            held.released = true
            return applied(answer)
          }),
      }),
    },
    { limits },
  )
}

function reserve(state: ShopState, order: contracts.Order, sku: string) {
  const { orderId, items } = order
  const { qty = 0 } = items.find((item) => item.sku === sku) ?? {}
  const { reserved } = state.of(orderId)
  const each = PRICES[sku]
  const short = each === undefined ? `0 of ${sku} left` : null
  const price = qty * (each ?? 5900)
  reserved.set(sku, { price, short, released: false })
  const answer = { ...order, sku, price, ...(short === null ? {} : { short }) }
  if (reserved.size < items.length) return short === null ? contracts.ItemReserved(answer) : contracts.ItemShort(answer)
  const all = items.flatMap((item) => reserved.get(item.sku) ?? [])
  const reasons = all.flatMap((one) => one.short ?? [])
  if (reasons.length === 0)
    return contracts.StockReserved({ ...answer, total: all.reduce((sum, one) => sum + one.price, 0) })
  const held = items.flatMap((item) => (reserved.get(item.sku)?.short === null ? item.sku : []))
  return contracts.StockShort({ ...answer, reason: reasons.join(', '), reserved: held })
}

/** Nobody has a cart here; the shop's definitions name the service. */
const cartOf = () =>
  service('cart', {
    checkOut: operation({
      input: CheckOut,
      outcomes: [contracts.CartCheckedOut, contracts.CartRefused],
      run: ({ orderId, cartId }) => contracts.CartRefused({ orderId, cartId, reason: 'there are none' }),
    }),
  })

const paymentOf = (once: Once, limits: ServiceLimits | undefined) =>
  service(
    'payment',
    {
      charge: operation({
        input: Charge,
        outcomes: [contracts.PaymentApproved, contracts.PaymentDeclined],
        ...POLICY,
        run: ({ amount, ...order }, context) =>
          once(context, order.orderId, 'charge', (state) => {
            const { orderId, customer } = order
            const kept = state.of(orderId)
            if (kept.closed !== null)
              return refused(contracts.PaymentDeclined({ ...order, reason: kept.closed, news: 'cancelled' }))
            if (customer.card === 'card-declined')
              return refused(contracts.PaymentDeclined({ ...order, reason: 'the card was declined', news: 'declined' }))
            kept.charged = amount
            return applied(contracts.PaymentApproved({ ...order, amount, receipt: `receipt-${orderId}` }), amount)
          }),
      }),
      refund: operation({
        input: Refund,
        undoes: 'charge',
        outcomes: [contracts.PaymentRefunded, contracts.NothingToRefund],
        ...POLICY,
        run: ({ orderId, amends }, context) =>
          once(context, orderId, 'refund', (state) => {
            const kept = state.of(orderId)
            if (kept.charged === null || kept.isRefunded) {
              kept.closed ??= amends?.detail ?? 'it was taken back'
              return refused(contracts.NothingToRefund({ orderId }))
            }
            kept.isRefunded = true
            return applied(contracts.PaymentRefunded({ orderId, amount: kept.charged, amends }), kept.charged)
          }),
      }),
    },
    { limits },
  )

const shippingOf = (once: Once) =>
  service('shipping', {
    ship: operation({
      input: Order,
      outcomes: [contracts.OrderShipped, contracts.ShippingFailed],
      ...POLICY,
      run: (order, context) =>
        once(context, order.orderId, 'ship', (state) => {
          const { orderId, customer } = order
          const fails = customer.city === 'Atlantis'
          const { what, detail } = state.decide(
            orderId,
            fails
              ? { what: 'failed', detail: `no carrier goes to ${customer.city}` }
              : { what: 'shipped', detail: `parcel-${orderId}` },
          )
          if (what === 'shipped') return applied(contracts.OrderShipped({ ...order, tracking: detail }))
          return refused(contracts.ShippingFailed({ ...order, reason: detail, stopped: what === 'stopped' }))
        }),
    }),
    stop: operation({
      input: Stop,
      undoes: 'ship',
      outcomes: [contracts.ShippingStopped, contracts.StopTooLate],
      ...POLICY,
      run: ({ by, ...order }, context) =>
        once(context, order.orderId, 'stop', (state) => {
          const { what, detail } = state.decide(order.orderId, { what: 'stopped', detail: `at the wish of ${by}` })
          if (what === 'stopped') return applied(contracts.ShippingStopped({ ...order, reason: detail }))
          return refused(contracts.StopTooLate({ ...order, tracking: what === 'shipped' ? detail : null }))
        }),
    }),
  })

const STEPS: Readonly<Record<contracts.News, string>> = {
  confirmed: 'notify',
  declined: 'apologise',
  refunded: 'apologise',
  cancelled: 'apologise',
  'too late': 'regret',
}

const notificationOf = (once: Once) =>
  service('notification', {
    notify: operation({
      input: Notify,
      outcomes: [contracts.CustomerNotified],
      ...POLICY,
      run: ({ orderId, news, detail }, context) =>
        once(context, orderId, STEPS[news], () => applied(contracts.CustomerNotified({ orderId, news, detail }))),
    }),
  })

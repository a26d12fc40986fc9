// Places orders. Whoever asks twice for the same order gets the same order: its id names the workflow's run or the
// event that begins the choreography, and both are taken once. What the engine cannot know is that the run and the
// event exclude each other; so requests for one order go one after the other in this process, and look first whether the
// order exists in the other style. Between nodes nothing does: whoever asks two of them for one order in two styles at the
// same moment gets both, so a client that asks again asks for the same style.
import { randomUUID } from 'node:crypto'
import { BalletError, type Application } from 'ballet'
import { z } from 'zod'
import { checkOutCart, type CartDesk } from './cart-checkout.ts'
import { fulfilment } from './choreography.ts'
import type { Checkout } from './checkout.ts'
import {
  By,
  CancelOrder,
  CartId,
  Customer,
  Items,
  Order,
  OrderCancelled,
  OrderCreated,
  OrderId,
  type Item,
} from './contracts.ts'
import { nearest } from './nearest.ts'
import { conflict, final, unknownOrder } from './order-problems.ts'
import { Problem } from './problem.ts'
import { deriveOrder, readOrder, Style } from './status.ts'
import { Turns } from './turns.ts'

/** What `POST /orders` takes: the items themselves, or the cart that holds them. */
export const OrderRequest = z
  .strictObject({
    orderId: OrderId.optional(),
    style: Style.optional(),
    items: Items.optional(),
    cart: CartId.optional(),
    customer: z.strictObject({ ...Customer.shape, city: Customer.shape.city.default('Paris') }),
  })
  .refine(({ items, cart }) => (items === undefined) !== (cart === undefined), {
    path: ['items'],
    message: 'give either items or a cart',
  })
export type OrderRequest = z.infer<typeof OrderRequest>

/** What `POST /orders/{id}/cancel` takes. */
export const CancelRequest = z.strictObject({ by: By.default('the customer') })

export interface Placed {
  readonly orderId: string
  readonly style: Style
}

export interface OrderDesk extends CartDesk {
  readonly checkout: Checkout
}

/** An order in one of these can be cancelled; shipping says whether that was in time. */
const GOING_ON: ReadonlySet<string> = new Set(['in progress', 'stuck', 'failed'])

/** What the engine says of an order that exists otherwise. */
const CONFLICTS: ReadonlySet<string> = new Set(['RUN_CONFLICT', 'EVENT_CONFLICT', 'CONDUCT_REFUSED'])

export class Orders {
  readonly #app: Application
  readonly #desk: OrderDesk
  readonly #turns = new Turns()

  constructor(app: Application, desk: OrderDesk) {
    this.#app = app
    this.#desk = desk
  }

  /** Durable when it resolves. @throws Problem 409 when the order exists otherwise, 422 for an unknown product. */
  place({ orderId: given, style = 'orchestrated', items, cart, customer }: OrderRequest): Promise<Placed> {
    // A cart makes one order, so that asking again after a lost answer is safe even without an id.
    const orderId = given ?? (cart === undefined ? `order-${randomUUID().slice(-12)}` : `order-${cart}`)
    return this.#turns.take(orderId, async () => {
      const before = await readOrder(this.#app, orderId)
      if (before !== null && before.style !== style) throw conflict(orderId, `is ${before.style} already`)
      if (items !== undefined) await this.checkItems(items)
      const taken = items ?? (await checkOutCart(this.#app, this.#desk, { orderId, cartId: cart ?? '' }))
      await this.#begin({ orderId, items: taken, customer }, style)
      return { orderId, style }
    })
  }

  /**
   * Asks for an order to be cancelled, whichever style it has; durable when it resolves. Whether that was in time is
   * shipping's to say, and stands in the order then. @throws Problem 404 for no order, 409 when it is final.
   */
  cancel(orderId: string, by: string): Promise<Placed> {
    return this.#turns.take(orderId, async () => {
      const view = await this.#app.key('orderId', orderId)
      const order = deriveOrder(view)
      if (order === null) throw unknownOrder(orderId)
      const { style, status, cancellation } = order
      // Asking twice is asking once.
      if (cancellation !== undefined) return { orderId, style }
      if (!GOING_ON.has(status)) throw final(orderId, status)
      if (style === 'orchestrated') await this.#signal(orderId, by, status)
      else {
        const placed = Order.parse(view.events.find(({ type }) => type === OrderCreated.type)?.data)
        // A source of its own, because the event that began the order has this id.
        await this.#app.publish(OrderCancelled({ ...placed, by }), { id: orderId, source: 'customer' })
      }
      return { orderId, style }
    })
  }

  async #signal(orderId: string, by: string, status: string): Promise<void> {
    try {
      await this.#app.signal(`checkout:${orderId}`, CancelOrder({ by }), { id: 'cancel-order' })
    } catch (error) {
      if (error instanceof BalletError && error.code === 'RUN_ENDED')
        throw final(orderId, status === 'in progress' ? 'over' : status)
      // Somebody else has asked for it, by way of another process.
      if (error instanceof BalletError && error.code === 'SIGNAL_CONFLICT') return
      throw error
    }
  }

  /** @throws Problem 422 with the path of the first product that does not exist. */
  async checkItems(
    items: readonly Item[],
    path: (index: number) => string = (index) => `items.${index}.sku`,
  ): Promise<void> {
    const known = (await this.#desk.counter.products()).map(({ sku }) => sku)
    const index = items.findIndex(({ sku }) => !known.includes(sku))
    const unknown = items[index]
    if (unknown === undefined) return
    const detail = `There is no product "${unknown.sku}".${nearest(unknown.sku, known)}`
    throw new Problem(422, 'PRODUCT_UNKNOWN', detail, 'GET /products lists them.', path(index))
  }

  async #begin(order: Order, style: Style): Promise<void> {
    try {
      if (style === 'orchestrated') await this.#app.start(this.#desk.checkout(order))
      else if (style === 'choreographed') await this.#app.publish(OrderCreated(order), { id: order.orderId })
      else await this.#app.conduct(fulfilment)(OrderCreated(order), { id: order.orderId })
    } catch (error) {
      if (!(error instanceof BalletError)) throw error
      if (!CONFLICTS.has(error.code)) throw error
      throw conflict(order.orderId, 'exists with other items or another customer')
    }
  }
}

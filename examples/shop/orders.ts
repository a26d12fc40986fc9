// Places orders. Whoever asks twice for the same order gets the same order: its id names the workflow's run or the
// event that begins the choreography, and both are taken once. What the engine cannot know is that the run and the
// event exclude each other; so requests for one order go one after the other (the store belongs to this process alone)
// and look first whether the order exists in the other style.
import { randomUUID } from 'node:crypto'
import { BalletError, type Application, type RunView } from 'ballet'
import { z } from 'zod'
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
import { Problem } from './problem.ts'
import type { Services, ShopBooks } from './services.ts'
import { readCart, whyNot } from './services/cart.ts'
import { products } from './services/catalog.ts'
import { deriveOrder, readOrder, Style } from './status.ts'

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

export interface OrderDesk {
  readonly services: Services
  readonly books: ShopBooks
  readonly checkout: Checkout
}

const CART_WAIT_MS = 5_000

export class Orders {
  readonly #app: Application
  readonly #desk: OrderDesk
  /** The last request for an order that is under way, by the order. */
  readonly #turns = new Map<string, Promise<unknown>>()

  constructor(app: Application, desk: OrderDesk) {
    this.#app = app
    this.#desk = desk
  }

  /** Durable when it resolves. @throws Problem 409 when the order exists otherwise, 422 for an unknown product. */
  place({ orderId: given, style = 'orchestrated', items, cart, customer }: OrderRequest): Promise<Placed> {
    // A cart makes one order, so that asking again after a lost answer is safe even without an id.
    const orderId = given ?? (cart === undefined ? `order-${randomUUID().slice(-12)}` : `order-${cart}`)
    return this.#inTurn(orderId, async () => {
      const before = await readOrder(this.#app, orderId)
      if (before !== null && before.style !== style) throw conflict(orderId, `is ${before.style} already`)
      if (items !== undefined) this.checkItems(items)
      const taken = items ?? (await this.#checkOut(orderId, cart ?? ''))
      await this.#begin({ orderId, items: taken, customer }, style)
      return { orderId, style }
    })
  }

  /**
   * Asks for an order to be cancelled, whichever style it has; durable when it resolves. Whether that was in time is
   * shipping's to say, and stands in the order then. @throws Problem 404 for no order, 409 when it is final.
   */
  cancel(orderId: string, by: string): Promise<Placed> {
    return this.#inTurn(orderId, async () => {
      const view = await this.#app.key('orderId', orderId)
      const order = deriveOrder(view)
      if (order === null) throw unknownOrder(orderId)
      const { style, status, cancellation } = order
      // Asking twice is asking once.
      if (cancellation !== undefined) return { orderId, style }
      if (status !== 'in progress' && status !== 'stuck') throw final(orderId, status)
      if (style === 'orchestrated') await this.#signal(orderId, by)
      else {
        const placed = Order.parse(view.events.find(({ type }) => type === OrderCreated.type)?.data)
        // A source of its own, because the event that began the order has this id.
        await this.#app.publish(OrderCancelled({ ...placed, by }), { id: orderId, source: 'customer' })
      }
      return { orderId, style }
    })
  }

  async #signal(orderId: string, by: string): Promise<void> {
    try {
      await this.#app.signal(`checkout:${orderId}`, CancelOrder({ by }), { id: 'cancel-order' })
    } catch (error) {
      if (error instanceof BalletError && error.code === 'RUN_ENDED') throw final(orderId, 'over')
      throw error
    }
  }

  /** @throws Problem 422 with the path of the first product that does not exist. */
  checkItems(items: readonly Item[], path: (index: number) => string = (index) => `items.${index}.sku`): void {
    const known = products(this.#desk.books.catalog).map(({ sku }) => sku)
    const index = items.findIndex(({ sku }) => !known.includes(sku))
    const unknown = items[index]
    if (unknown === undefined) return
    const detail = `There is no product "${unknown.sku}".${nearest(unknown.sku, known)}`
    throw new Problem(422, 'PRODUCT_UNKNOWN', detail, 'GET /products lists them.', path(index))
  }

  async #begin(order: Order, style: Style): Promise<void> {
    try {
      if (style === 'orchestrated') await this.#app.start(this.#desk.checkout(order))
      else await this.#app.publish(OrderCreated(order), { id: order.orderId })
    } catch (error) {
      if (!(error instanceof BalletError)) throw error
      if (error.code !== 'RUN_CONFLICT' && error.code !== 'EVENT_CONFLICT') throw error
      throw conflict(order.orderId, 'exists with other items or another customer')
    }
  }

  /** Hands a cart over to an order: a durable operation of the cart, started under the name of the order. */
  async #checkOut(orderId: string, cartId: string): Promise<Item[]> {
    const no = whyNot(readCart(this.#desk.books.cart, cartId), orderId)
    if (no === 'it is empty') throw new Problem(422, 'CART_EMPTY', `The cart ${cartId} is empty.`, cartHint, 'cart')
    if (no !== null)
      throw new Problem(409, 'CART_TAKEN', `The cart ${cartId} cannot be ordered: ${no}.`, cartHint, 'cart')
    const { id } = await this.#start(orderId, cartId)
    const outcome = cartOutcome(await this.#app.settled(id, CART_WAIT_MS))
    if (outcome === null) {
      throw new Problem(503, 'CART_SLOW', 'The cart has not answered yet.', 'Send the same request again in a moment.')
    }
    if (outcome.items === undefined) {
      throw new Problem(409, 'CART_TAKEN', `The cart ${cartId} cannot be ordered: ${outcome.reason}.`, cartHint, 'cart')
    }
    return outcome.items
  }

  async #start(orderId: string, cartId: string): Promise<{ readonly id: string }> {
    try {
      return await this.#app.start(this.#desk.services.cart.checkOut({ orderId, cartId }), {
        id: `cart.checkOut:${orderId}`,
      })
    } catch (error) {
      if (error instanceof BalletError && error.code === 'RUN_CONFLICT') throw conflict(orderId, 'is for another cart')
      throw error
    }
  }

  async #inTurn<Result>(orderId: string, work: () => Promise<Result>): Promise<Result> {
    const turn = (this.#turns.get(orderId) ?? Promise.resolve()).then(work)
    const settled = turn.then(
      () => {},
      () => {},
    )
    this.#turns.set(orderId, settled)
    try {
      return await turn
    } finally {
      if (this.#turns.get(orderId) === settled) this.#turns.delete(orderId)
    }
  }
}

const cartHint = 'GET /carts/{id} shows it; POST /carts/{id}/items adds to it.'

const conflict = (orderId: string, problem: string): Problem =>
  new Problem(
    409,
    'ORDER_CONFLICT',
    `The order ${orderId} ${problem}.`,
    'Use another orderId, or send the same order again.',
    'orderId',
  )

export const unknownOrder = (orderId: string): Problem =>
  new Problem(404, 'ORDER_UNKNOWN', `There is no order "${orderId}".`, 'GET /orders lists them.')

const final = (orderId: string, status: string): Problem =>
  new Problem(409, 'ORDER_FINAL', `The order ${orderId} is ${status}.`, 'Only an order in progress can be cancelled.')

/** What the cart answered, or null when it has not ended. */
function cartOutcome(
  run: RunView | null,
): { readonly items?: Item[] | undefined; readonly reason?: string | undefined } | null {
  if (run?.status !== 'completed') return null
  return z.object({ data: z.object({ items: Items.optional(), reason: z.string().optional() }) }).parse(run.output).data
}

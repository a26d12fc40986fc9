// Hands a cart over to an order: a durable operation of the cart, started under the name of the order, so that asking
// again is the same handing over. What it answers is what is ordered.
import { BalletError, type Application, type RunView } from 'ballet'
import { z } from 'zod'
import { Items, type Item } from './contracts.ts'
import type { Counter } from './counter.ts'
import { conflict } from './order-problems.ts'
import { Problem } from './problem.ts'
import type { Services } from './services.ts'
import { whyNot } from './services/cart.ts'

export interface CartDesk {
  readonly services: Services
  readonly counter: Counter
}

interface Handing {
  readonly orderId: string
  readonly cartId: string
}

const CART_WAIT_MS = 5_000

/** The items of the cart, which is the order's from now on. @throws Problem 409, 422 or 503 when it cannot be had. */
export async function checkOutCart(app: Application, desk: CartDesk, handing: Handing): Promise<Item[]> {
  const { orderId, cartId } = handing
  const no = whyNot(await desk.counter.cart(cartId), orderId)
  if (no === 'it is empty') throw new Problem(422, 'CART_EMPTY', `The cart ${cartId} is empty.`, hint, 'cart')
  if (no !== null) throw taken(cartId, no)
  const { id } = await start(app, desk, handing)
  const outcome = outcomeOf(await app.settled(id, CART_WAIT_MS))
  if (outcome === null) {
    throw new Problem(503, 'CART_SLOW', 'The cart has not answered yet.', 'Send the same request again in a moment.')
  }
  if (outcome.items === undefined) throw taken(cartId, outcome.reason ?? '')
  return outcome.items
}

async function start(app: Application, desk: CartDesk, handing: Handing): Promise<{ readonly id: string }> {
  const { orderId } = handing
  try {
    return await app.start(desk.services.cart.checkOut(handing), { id: `cart.checkOut:${orderId}` })
  } catch (error) {
    if (error instanceof BalletError && error.code === 'RUN_CONFLICT') throw conflict(orderId, 'is for another cart')
    throw error
  }
}

const hint = 'GET /carts/{id} shows it; POST /carts/{id}/items adds to it.'

const taken = (cartId: string, reason: string): Problem =>
  new Problem(409, 'CART_TAKEN', `The cart ${cartId} cannot be ordered: ${reason}.`, hint, 'cart')

/** What the cart answered, or null when it has not ended. */
function outcomeOf(
  run: RunView | null,
): { readonly items?: Item[] | undefined; readonly reason?: string | undefined } | null {
  if (run?.status !== 'completed') return null
  return z.object({ data: z.object({ items: Items.optional(), reason: z.string().optional() }) }).parse(run.output).data
}

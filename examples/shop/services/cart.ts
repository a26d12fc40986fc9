// Shopping Cart: what a customer has chosen so far. A cart lives across requests until one order checks it out; then
// it belongs to that order for ever.
import { operation, service } from 'ballet'
import { z } from 'zod'
import type { Books } from '../books.ts'
import { CartCheckedOut, CartId, CartRefused, Item, OrderId } from '../contracts.ts'
import { transaction } from '../database.ts'
import { applied, refused } from '../effects.ts'

export const cartTables = `
  CREATE TABLE IF NOT EXISTS carts (id TEXT PRIMARY KEY, order_id TEXT);
  CREATE TABLE IF NOT EXISTS cart_items (cart TEXT, sku TEXT, qty INTEGER NOT NULL, PRIMARY KEY (cart, sku));
`

export interface Cart {
  readonly id: string
  readonly items: readonly Item[]
  /** The order that checked it out. */
  readonly order: string | null
}

export const cartService = (books: Books) =>
  service('cart', {
    checkOut: operation({
      input: z.object({ orderId: OrderId, cartId: CartId }),
      outcomes: [CartCheckedOut, CartRefused],
      run: ({ orderId, cartId }, context) =>
        books.once(context, { orderId, operation: 'checkOut' }, () => {
          const cart = readCart(books, cartId)
          const reason = whyNot(cart, orderId)
          if (reason !== null) return refused(CartRefused({ orderId, cartId, reason }))
          books.db.prepare('UPDATE carts SET order_id = ? WHERE id = ?').run(orderId, cartId)
          return applied(CartCheckedOut({ orderId, cartId, items: [...cart.items] }))
        }),
    }),
  })

/** Why an order cannot have this cart, or null when it can. */
export function whyNot({ items, order }: Cart, orderId: string): string | null {
  if (order !== null && order !== orderId) return `it was checked out by ${order}`
  return items.length === 0 ? 'it is empty' : null
}

/** A cart; one that nobody has put anything into is empty. */
export function readCart({ db }: Books, id: string): Cart {
  const row = db.prepare('SELECT order_id FROM carts WHERE id = ?').get(id)
  const { order_id: order } =
    row === undefined ? { order_id: null } : z.object({ order_id: z.string().nullable() }).parse(row)
  const items = db.prepare('SELECT sku, qty FROM cart_items WHERE cart = ? ORDER BY rowid').all(id)
  return { id, items: items.map((item) => Item.parse(item)), order }
}

/** Puts something into a cart. Answers with the cart, or with why it takes nothing any more. */
export function addToCart(books: Books, id: string, { sku, qty }: Item): Cart | { readonly full: string } {
  return transaction(books.db, () => {
    const { items, order } = readCart(books, id)
    if (order !== null) return { full: `the cart was checked out by ${order}` }
    const before = items.find((item) => item.sku === sku)
    if (before === undefined && items.length >= 50) return { full: 'the cart has 50 different products already' }
    if ((before?.qty ?? 0) + qty > 1_000) return { full: `the cart would have more than 1000 of ${sku}` }
    books.db.prepare('INSERT OR IGNORE INTO carts (id) VALUES (?)').run(id)
    books.db
      .prepare('INSERT INTO cart_items VALUES (?, ?, ?) ON CONFLICT DO UPDATE SET qty = qty + excluded.qty')
      .run(id, sku, qty)
    return readCart(books, id)
  })
}

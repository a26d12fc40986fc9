// Product Catalog: what the shop sells, at which price, and how much of it is left. The items of an order are reserved
// each on its own, in any order and at once. The catalog keeps what it answered for each; its answer for the last one of
// an order says how all of them went. So nobody else has to count.
import { operation, service, TerminalError } from 'ballet'
import { z } from 'zod'
import type { Books } from '../books.ts'
import {
  Amends,
  ItemReserved,
  ItemShort,
  Order,
  OrderId,
  Sku,
  StockReleased,
  StockReserved,
  StockShort,
} from '../contracts.ts'
import { applied, refused } from '../effects.ts'

const Product = z.object({ sku: z.string(), name: z.string(), price: z.number(), stock: z.number() })
export type Product = z.infer<typeof Product>

/** Money in cents. Of the music box there is none: an order for it ends `declined`. */
export const catalogTables = `
  CREATE TABLE IF NOT EXISTS products (sku TEXT PRIMARY KEY, name TEXT NOT NULL, price INTEGER NOT NULL, stock INTEGER NOT NULL);
  INSERT OR IGNORE INTO products VALUES
    ('pointe-shoes', 'Pointe shoes, pink satin', 8900, 1000000),
    ('tutu', 'Classical tutu, white', 24900, 1000000),
    ('ribbon', 'Ribbon, 2.5 m', 450, 1000000),
    ('poster', 'Poster of the season', 1500, 1000000),
    ('music-box', 'Music box (sold out)', 5900, 0);
  CREATE TABLE IF NOT EXISTS reservations (
    order_id TEXT, sku TEXT, qty INTEGER NOT NULL, price INTEGER NOT NULL, short TEXT,
    released INTEGER NOT NULL DEFAULT 0, PRIMARY KEY (order_id, sku));
`

/** What was answered for one item of an order; `short` says why it was not reserved. */
const Reservation = z.object({ sku: z.string(), qty: z.number(), price: z.number(), short: z.string().nullable() })
type Reservation = z.infer<typeof Reservation>

export const catalogService = (books: Books) =>
  service('catalog', {
    reserve: operation({
      input: Order.extend({ sku: Sku }),
      outcomes: [ItemReserved, ItemShort, StockReserved, StockShort],
      run: ({ sku, ...order }, context) =>
        books.once(context, { orderId: order.orderId, operation: 'reserve', item: sku }, () => {
          const answer = reserve(books, order, sku)
          return answer.data.short === undefined ? applied(answer) : refused(answer)
        }),
    }),

    release: operation({
      input: z.object({ orderId: OrderId, sku: Sku, amends: Amends.optional() }),
      undoes: 'reserve',
      outcomes: [StockReleased],
      run: ({ orderId, sku, amends }, context) =>
        books.once(context, { orderId, operation: 'release', item: sku }, () => {
          const held = reservations(books, orderId).find((one) => one.sku === sku && one.short === null)
          const released = books.db
            .prepare('UPDATE reservations SET released = 1 WHERE order_id = ? AND sku = ? AND released = 0')
            .run(orderId, sku)
          if (held === undefined || released.changes === 0) return refused(StockReleased({ orderId, sku, amends }))
          books.db.prepare('UPDATE products SET stock = stock + ? WHERE sku = ?').run(held.qty, sku)
          return applied(StockReleased({ orderId, sku, amends }))
        }),
    }),
  })

/** Reserves one item, if there is enough of it, and answers for it, or for the whole order when it is the last. */
function reserve(books: Books, order: Order, sku: string) {
  const { orderId, items } = order
  const { qty = 0 } = items.find((item) => item.sku === sku) ?? {}
  const { price: each, stock } = product(books, sku)
  const left = books.declines ? 'none' : stock < qty ? String(stock) : null
  const short = left === null ? null : `${left} of ${sku} left`
  const price = qty * each
  if (short === null) books.db.prepare('UPDATE products SET stock = stock - ? WHERE sku = ?').run(qty, sku)
  books.db
    .prepare('INSERT INTO reservations (order_id, sku, qty, price, short) VALUES (?, ?, ?, ?, ?)')
    .run(orderId, sku, qty, price, short)

  const answer = { ...order, sku, price, ...(short === null ? {} : { short }) }
  const answered = reservations(books, orderId)
  if (answered.length < items.length) return short === null ? ItemReserved(answer) : ItemShort(answer)
  // In the sequence of the order, whichever came first: the same is said however it went.
  const all = items.flatMap((item) => answered.filter((one) => one.sku === item.sku))
  const reasons = all.flatMap((one) => one.short ?? [])
  if (reasons.length === 0) return StockReserved({ ...answer, total: all.reduce((sum, one) => sum + one.price, 0) })
  const reserved = all.flatMap((one) => (one.short === null ? one.sku : []))
  return StockShort({ ...answer, reason: reasons.join(', '), reserved })
}

function reservations({ db }: Books, orderId: string): Reservation[] {
  return db
    .prepare('SELECT sku, qty, price, short FROM reservations WHERE order_id = ?')
    .all(orderId)
    .map((row) => Reservation.parse(row))
}

function product({ db }: Books, sku: string): Product {
  const row = db.prepare('SELECT sku, name, price, stock FROM products WHERE sku = ?').get(sku)
  // No attempt will ever find it.
  if (row === undefined) throw new TerminalError(`there is no product ${sku}`)
  return Product.parse(row)
}

/** All products, with what is left of each. */
export function products({ db }: Books): Product[] {
  return db
    .prepare('SELECT sku, name, price, stock FROM products ORDER BY sku')
    .all()
    .map((row) => Product.parse(row))
}

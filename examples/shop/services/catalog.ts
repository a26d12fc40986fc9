// Product Catalog: what the shop sells, at which price, and how much of it is left. Stock of an order is reserved as
// a whole or not at all.
import { operation, service, TerminalError } from 'ballet'
import { z } from 'zod'
import { applied, refused, type Books } from '../books.ts'
import { Customer, Items, OrderId, StockReleased, StockReserved, StockShort, Told, type Item } from '../contracts.ts'

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
    key TEXT PRIMARY KEY, order_id TEXT NOT NULL, items TEXT NOT NULL, released INTEGER NOT NULL DEFAULT 0);
  CREATE INDEX IF NOT EXISTS reservations_order ON reservations (order_id);
`

const Reservation = z.object({ key: z.string(), items: z.string().transform((text) => Items.parse(JSON.parse(text))) })

export const catalogService = (books: Books) =>
  service('catalog', {
    reserve: operation({
      input: z.object({ orderId: OrderId, items: Items, customer: Customer }),
      outcomes: [StockReserved, StockShort],
      run: ({ orderId, items, customer }, context) =>
        books.once(context, { orderId, operation: 'reserve' }, () => {
          const lines = pricedLines(books, items)
          const short = books.declines ? lines[0] : lines.find(({ qty, stock }) => qty > stock)
          if (short !== undefined) {
            const reason = `${books.declines ? 'none' : short.stock} of ${short.sku} left`
            return refused(StockShort({ orderId, reason, customer }))
          }
          for (const { sku, qty } of lines) {
            books.db.prepare('UPDATE products SET stock = stock - ? WHERE sku = ?').run(qty, sku)
          }
          const total = lines.reduce((sum, { qty, price }) => sum + qty * price, 0)
          books.db
            .prepare('INSERT INTO reservations (key, order_id, items) VALUES (?, ?, ?)')
            .run(context.idempotencyKey, orderId, JSON.stringify(items))
          return applied(StockReserved({ orderId, total, customer }))
        }),
    }),

    release: operation({
      input: z.object({ orderId: OrderId, told: Told.optional() }),
      undoes: 'reserve',
      outcomes: [StockReleased],
      run: ({ orderId, told }, context) =>
        books.once(context, { orderId, operation: 'release' }, () => {
          const row = books.db
            .prepare(
              'SELECT key, items FROM reservations WHERE order_id = ? AND key = coalesce(?, key) AND released = 0 ORDER BY rowid DESC',
            )
            .get(orderId, context.undoes)
          if (row === undefined) return refused(StockReleased({ orderId, told }))
          const { key, items } = Reservation.parse(row)
          for (const { sku, qty } of items) {
            books.db.prepare('UPDATE products SET stock = stock + ? WHERE sku = ?').run(qty, sku)
          }
          books.db.prepare('UPDATE reservations SET released = 1 WHERE key = ?').run(key)
          return applied(StockReleased({ orderId, told }))
        }),
    }),
  })

/** All products, with what is left of each. */
export function products({ db }: Books): Product[] {
  return db
    .prepare('SELECT sku, name, price, stock FROM products ORDER BY sku')
    .all()
    .map((row) => Product.parse(row))
}

/** One line for each product of an order, with its price and stock. */
function pricedLines(books: Books, items: readonly Item[]): (Product & Item)[] {
  const quantities = new Map<string, number>()
  for (const { sku, qty } of items) quantities.set(sku, (quantities.get(sku) ?? 0) + qty)
  return [...quantities].map(([sku, qty]) => {
    const row = books.db.prepare('SELECT sku, name, price, stock FROM products WHERE sku = ?').get(sku)
    // No attempt will ever find it.
    if (row === undefined) throw new TerminalError(`there is no product ${sku}`)
    return { ...Product.parse(row), qty }
  })
}

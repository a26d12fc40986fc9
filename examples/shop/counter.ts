// What is asked of the services beside the orders: the price list, the carts while they are filled, what they are told to do
// wrong, and their ledgers. Here of services in this process; apart/desk.ts asks those that are processes of their own.
import type { Item } from './contracts.ts'
import type { Fault } from './faults.ts'
import type { openServices } from './services.ts'
import { addToCart, readCart, type Cart } from './services/cart.ts'
import { products, type Product } from './services/catalog.ts'

type Soon<Value> = Value | Promise<Value>

export interface Counter {
  products(): Soon<readonly Product[]>
  cart(id: string): Soon<Cart>
  /** The cart, or why it takes nothing any more. */
  addToCart(id: string, item: Item): Soon<Cart | { readonly full: string }>
  readonly faults: {
    list(): Soon<readonly Fault[]>
    set(fault: Fault): Soon<void>
    clear(): Soon<void>
  }
  /** The ledgers of all services as JSON lines, oldest first. */
  ledger(): Promise<string>
}

/** The counter of services that are open in this process. */
export function counterOf({ books, faults, ledger }: ReturnType<typeof openServices>): Counter {
  return {
    products: () => products(books.catalog),
    cart: (id) => readCart(books.cart, id),
    addToCart: (id, item) => addToCart(books.cart, id, item),
    faults,
    ledger,
  }
}

import { type Application } from 'ballet'
import { type Item } from './contracts.ts'
import type { Services, ShopBooks } from './services.ts'
export interface CartDesk {
  readonly services: Services
  readonly books: ShopBooks
}
interface Handing {
  readonly orderId: string
  readonly cartId: string
}
/** The items of the cart, which is the order's from now on. @throws Problem 409, 422 or 503 when it cannot be had. */
export declare function checkOutCart(app: Application, desk: CartDesk, handing: Handing): Promise<Item[]>
export {}

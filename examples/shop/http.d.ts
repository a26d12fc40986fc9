import type { HttpRoutes } from 'ballet'
import { type Faults } from './faults.ts'
import { type OrderDesk } from './orders.ts'
export interface ShopDesk extends OrderDesk {
  readonly faults: Faults
  readonly ledger: () => string
}
/** The routes of a shop, for `ballet({ http })`. */
export declare function shopRoutes(desk: ShopDesk): HttpRoutes

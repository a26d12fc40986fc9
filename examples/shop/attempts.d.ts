import type { Application } from 'ballet'
import { type OrderView } from './status.ts'
/** The order with the number of attempts at every finished step that took more than one. */
export declare function withAttempts(app: Application, order: OrderView): Promise<OrderView>

import type { Application } from 'ballet'
import { type OrderView } from './status.ts'
/** Whether nothing happens to an order any more without a person. */
export declare const isOver: ({ status }: OrderView) => boolean
/**
 * The states of an order, the last one over, or earlier when `signal` is aborted. Several commits may make one state.
 */
export declare function follow(app: Application, orderId: string, signal?: AbortSignal): AsyncGenerator<OrderView>

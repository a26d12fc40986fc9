import type { Run } from 'ballet'
import { CancelOrder, type Order } from './contracts.ts'
import type { Services } from './services.ts'
export interface Cancellation {
  readonly abort: AbortSignal
  /** Resolves when a cancellation that has come is answered, or at once. */
  readonly settled: () => Promise<void>
}
/** Listens for the customer who cancels, as long as the run goes on; `heard` is called when he does. */
export declare function listenForCancel(
  run: Run<never, typeof CancelOrder>,
  order: Order,
  { shipping, notification }: Services,
  heard: () => void,
): Cancellation
/**
 * Stops a parcel of which nobody knows whether it has left: shipping decides, as it does for the customer who cancels.
 * Gives its tracking number if it has left, and then nothing of the order may be taken back.
 */
export declare function stopParcel(
  run: Run<never, typeof CancelOrder>,
  order: Order,
  { shipping }: Services,
  by: string,
): Promise<string | undefined>

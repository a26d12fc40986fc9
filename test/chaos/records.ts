// What a campaign writes down while it goes on: what the clients of the shop were told (orders), and what was done to
// the shop (faults). The clients write a `submit` before they send, so that whatever the shop does with a request has a
// row before it. The rows have the names that an auditor knows who has never seen the engine; fields beyond those are
// for the audit of this folder.

import type { BlowKind } from './blows.ts'
import type { ClusterBlowKind } from './cluster-blows.ts'

/** The ways in which an order ends for good; `in progress` and `stuck` are none of them. */
export type Ending = 'confirmed' | 'declined' | 'refunded' | 'cancelled'

/** Whoever runs the shop knows the runs of an order, and can cancel that of a workflow. */
export type CancelledBy = 'the customer' | 'the shop'

/** One thing that happened between a client and the shop. `t` is in milliseconds since the epoch, by the client. */
export type OrderRow =
  /** The client is about to send; `wants` are the ways in which an order of this kind may end. */
  | {
      readonly t: number
      readonly type: 'submit'
      readonly id: string
      readonly flow: string
      readonly key: string
      readonly wants: readonly Ending[]
      /** What is ordered. */
      readonly items: readonly string[]
    }
  /** The shop said that it has the order; `run` is what it called it. */
  | { readonly t: number; readonly type: 'ack'; readonly id: string; readonly run: string }
  /**
   * `nack`: the shop said that it took nothing. `unknown`: no answer came, whatever the shop did. `gone`: it was asked for
   * an order that it had acknowledged, and said that it knows of none.
   */
  | { readonly t: number; readonly type: 'nack' | 'unknown' | 'gone'; readonly id: string }
  /** The shop said that it will see whether the order can still be cancelled; `by` the customer, or whoever runs it. */
  | { readonly t: number; readonly type: 'cancel'; readonly id: string; readonly by: CancelledBy }
  /** The end of the order, as it was read; `amount` in cents, `roots` the causal graphs that its runs and events name. */
  | {
      readonly t: number
      readonly type: 'final'
      readonly id: string
      readonly status: string
      readonly amount: number
      /** What was said of a cancellation. */
      readonly cancellation?: string | undefined
      readonly roots: readonly string[]
    }

/** One thing that was done to the shop. */
export interface FaultRow {
  readonly t: number
  readonly type: 'fault' | 'heal'
  readonly kind: BlowKind | ClusterBlowKind | 'slow' | 'fail' | 'lose' | 'restart'
  /** The process, or one of its services. */
  readonly target: string
  /** Of a blow: the moment that it was meant for, and whether the shop was still recovering. */
  readonly moment?: string
  readonly recovering?: boolean
  /** Of a blow: orders that the shop had begun and not carried through, and requests that had no answer. */
  readonly open?: number
  readonly cut?: number
  /** Of a blow to a service: calls that it was carrying out. */
  readonly calls?: number
  /** Of a blow: requests that were refused while it lasted. */
  readonly refused?: number
  /** Of a blow after which another node took over: from it until that one owned the store, and until it was ready. */
  readonly ownedMs?: number
  readonly readyMs?: number
  /** Of one that was asked to end: until its process was gone. */
  readonly goneMs?: number
}

/** The rows of one campaign, oldest first. */
export class Records {
  readonly orders: OrderRow[] = []
  readonly faults: FaultRow[] = []
  /** Called after every row: somebody counts acknowledgements, somebody sees that things go on. */
  readonly #listeners = new Set<(row: OrderRow | FaultRow) => void>()

  order(row: OrderRow): void {
    this.orders.push(row)
    for (const listener of this.#listeners) listener(row)
  }

  fault(row: FaultRow): void {
    this.faults.push(row)
    for (const listener of this.#listeners) listener(row)
  }

  /** Returns the function that ends it. */
  listen(listener: (row: OrderRow | FaultRow) => void): () => void {
    this.#listeners.add(listener)
    return () => this.#listeners.delete(listener)
  }
}

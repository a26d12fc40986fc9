// How much is measured: enough for figures that hold, or with --quick just enough to see that everything works.
import type { Pace } from './beside.ts'

export interface Plan {
  /** On a real disk. */
  readonly folder: string
  readonly rounds: number
  /** Orders of a round, by the number in flight. */
  readonly orders: Readonly<Record<1 | 64 | 1024, number>>
  /** Of two contenders that differ by a few percent: more rounds, and longer ones. */
  readonly pairs: { readonly rounds: number; readonly orders: number }
  /** Orders of a round that go through one by one, each beside as many raw commits. */
  readonly alone: number
  /** Batches of a raw insert. */
  readonly rawBatches: number
}

export function planOf(quick: boolean, folder: string): Plan {
  return quick
    ? {
        folder,
        rounds: 2,
        orders: { 1: 40, 64: 640, 1024: 3072 },
        pairs: { rounds: 2, orders: 640 },
        alone: 40,
        rawBatches: 40,
      }
    : {
        folder,
        rounds: 5,
        orders: { 1: 150, 64: 3200, 1024: 8192 },
        pairs: { rounds: 12, orders: 8000 },
        alone: 150,
        rawBatches: 160,
      }
}

/** Of systems that are measured beside each other, each in processes of its own. */
export function paceOf(quick: boolean): Pace {
  return quick ? { rounds: 1, seconds: 0.5, warmOrders: 64 } : { rounds: 5, seconds: 1.5, warmOrders: 2000 }
}

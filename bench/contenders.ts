// Everything that is measured side by side, each open on a file of its own for all rounds: the engine with the work in
// its variants, the ceiling, and raw rows. The end of an order is seen in the commit that made it durable.
import { join } from 'node:path'
import { open, type Application, type Batch } from 'ballet'
import { Ceiling } from './ceiling.ts'
import { checkout, definition, keyedCheckout, newOrder, Notified, orchestrated, Placed } from './checkout.ts'
import { closedLoop } from './meter.ts'
import { observedStore, type Observed } from './observed-store.ts'
import { RawRows } from './raw-rows.ts'

/** Carries `orders` orders through, with `inFlight` of them under way at any time. */
type Drive = (orders: number, inFlight: number) => Promise<void>

/** `keyed`: the order's id is the run's. `awaited`: the same, with a client that asks for the result. */
export type Contender = 'engine' | 'ceiling' | 'keyed' | 'awaited' | 'orchestrated' | 'choreographed'

export interface Engine {
  readonly app: Application
  readonly observed: Observed
}

export interface Contenders extends Engine {
  readonly raw: RawRows
  readonly drive: Readonly<Record<Contender, Drive>>
  close(): Promise<void>
}

const log = { info: () => {}, warn: () => {}, error: (message: string) => console.error(message) }

/** The application on a file store whose commits are seen. */
export async function openEngine(file: string): Promise<Engine> {
  const observed = observedStore(file)
  return { observed, app: await open(definition, { store: observed.store, log }) }
}

export async function openContenders(folder: string): Promise<Contenders> {
  const { app, observed } = await openEngine(join(folder, 'engine.db'))
  const ceiling = new Ceiling(join(folder, 'ceiling.db'))
  const raw = new RawRows(join(folder, 'raw.db'))
  const seen = (begin: () => Promise<unknown>, endedIn: (batch: Batch) => number): Drive => {
    return (orders, inFlight) =>
      closedLoop(orders, inFlight, begin, (ended) => {
        observed.onCommit = (batch) => ended(endedIn(batch))
      })
  }
  const told = (carry: () => Promise<unknown>): Drive => {
    return (orders, inFlight) => closedLoop(orders, inFlight, carry)
  }
  return {
    app,
    observed,
    raw,
    drive: {
      engine: seen(() => app.start(checkout(newOrder())), runsEnded),
      ceiling: told(() => ceiling.order(newOrder())),
      keyed: seen(() => app.start(keyedCheckout(newOrder())), runsEnded),
      awaited: told(async () => app.result((await app.start(keyedCheckout(newOrder()))).id)),
      orchestrated: seen(() => app.start(orchestrated(newOrder())), runsEnded),
      choreographed: seen(() => app.publish(Placed(newOrder())), notified),
    },
    close: async () => {
      await app.close()
      await raw.close()
      ceiling.close()
    },
  }
}

/** How many runs a batch ended. */
export const runsEnded = (batch: Batch): number => batch.changes.filter(({ ended }) => ended !== null).length
const notified = (batch: Batch): number => batch.events.filter(({ type }) => type === Notified.type).length

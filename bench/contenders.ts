// Everything that is measured side by side, each open on a file of its own for all rounds: the engine with the work in
// its variants, the ceiling, and raw rows. An order has ended when its client holds the result; a choreographed one has no
// client, it has ended when its last event is durable.
import { join } from 'node:path'
import { open, type Application, type Batch, type CallValue, type EventValue } from 'ballet'
import { Ceiling } from './ceiling.ts'
import { checkout, definition, keyedCheckout, monitored, Notified, orchestrated, Placed } from './checkout.ts'
import { KeptCeiling } from './kept-ceiling.ts'
import { closedLoop } from './meter.ts'
import { observedStore, type Observed } from './observed-store.ts'
import { newOrder } from './order.ts'
import { RawRows } from './raw-rows.ts'

/** Carries `orders` orders through, with `inFlight` of them under way at any time. */
type Drive = (orders: number, inFlight: number) => Promise<void>

/** The orders of `kept` can be found by their ids, as those of the engine. `keyed` orders have a business key, so the engine looks first whether the order exists; those of `engine` have none. */
export type Contender = 'engine' | 'ceiling' | 'kept' | 'keyed' | 'orchestrated' | 'choreographed' | 'monitored'

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
export async function openEngine(file: string, application = definition): Promise<Engine> {
  const observed = observedStore(file)
  return { observed, app: await open(application, { store: observed.store, log }) }
}

export async function openContenders(folder: string): Promise<Contenders> {
  const { app, observed } = await openEngine(join(folder, 'engine.db'))
  const followed = await openEngine(join(folder, 'monitored.db'), monitored)
  const ceiling = new Ceiling(join(folder, 'ceiling.db'))
  const kept = new KeptCeiling(join(folder, 'kept.db'))
  const raw = new RawRows(join(folder, 'raw.db'))
  const carried = (carry: () => Promise<unknown>): Drive => {
    return (orders, inFlight) => closedLoop(orders, inFlight, carry)
  }
  const called = (call: () => CallValue): Drive => carried(async () => app.result((await app.start(call())).id))
  const published = (engine: Engine, event: () => EventValue): Drive => {
    return (orders, inFlight) =>
      closedLoop(
        orders,
        inFlight,
        () => engine.app.publish(event()),
        (ended) => (engine.observed.onCommit = (batch) => ended(lastEvents(batch))),
      )
  }
  return {
    app,
    observed,
    raw,
    drive: {
      engine: called(() => checkout(newOrder())),
      ceiling: carried(() => ceiling.order(newOrder())),
      kept: carried(() => kept.order(newOrder())),
      keyed: called(() => keyedCheckout(newOrder())),
      orchestrated: called(() => orchestrated(newOrder())),
      choreographed: published({ app, observed }, () => Placed(newOrder())),
      monitored: published(followed, () => Placed(newOrder())),
    },
    close: async () => {
      await app.close()
      await followed.app.close()
      await raw.close()
      ceiling.close()
      kept.close()
    },
  }
}

/** How many choreographed orders a batch brought to their end. */
const lastEvents = (batch: Batch): number => batch.events.filter(({ type }) => type === Notified.type).length

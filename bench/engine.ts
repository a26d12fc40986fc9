// The engine as a contender: an application of its own on a file of its own, driven with a given number of orders in
// flight. The end of an order is seen in the store's commits, where it became durable.
import { join } from 'node:path'
import { open, type Application, type Batch } from 'ballet'
import { definition } from './checkout.ts'
import { closedLoop } from './meter.ts'
import { endedIn, observedStore, type Observed } from './observed-store.ts'

const silent = { info: () => {}, warn: () => {}, error: (message: string) => console.error(message) }

export class Engine {
  readonly app: Application
  readonly observed: Observed

  private constructor(app: Application, observed: Observed) {
    this.app = app
    this.observed = observed
  }

  static async open(file: string): Promise<Engine> {
    const observed = observedStore(file)
    return new Engine(await open(definition, { store: observed.store, log: silent }), observed)
  }

  /** Keeps `inFlight` orders going until `total` are through; `endsIn` tells how many ended in a commit. */
  async drive(
    total: number,
    inFlight: number,
    begin: (app: Application) => Promise<unknown>,
    endsIn: (batch: Batch) => number = endedIn,
  ): Promise<void> {
    const loop = closedLoop(total, inFlight, () => begin(this.app))
    this.observed.onCommit = (batch) => {
      const count = endsIn(batch)
      if (count > 0) loop.ended(count)
    }
    loop.fill()
    await loop.done
    this.observed.onCommit = () => {}
  }

  close(): Promise<void> {
    return this.app.close()
  }
}

/** A name for a file in the folder of the measurements. */
export const inFolder = (folder: string, name: string): string => join(folder, `${name}.db`)

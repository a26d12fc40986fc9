// What SQLite and the disk allow: rows of the size of the engine's, inserted in batches, in a thread of their own
// (raw-rows-thread.ts). Every figure of the engine stands beside what this gives in the same round.
import { once } from 'node:events'
import { Worker } from 'node:worker_threads'

export interface InsertRequest {
  readonly batches: number
  /** Of one batch, and bytes of data of one row. */
  readonly rows: number
  readonly bytes: number
}

export interface Inserted {
  /** Of each batch. */
  readonly durationsMs: readonly number[]
  /** Processor time of the thread. */
  readonly cpuUs: number
}

export class RawRows {
  readonly #worker: Worker

  constructor(file: string) {
    this.#worker = new Worker(new URL('./raw-rows-thread.ts', import.meta.url), { workerData: file })
  }

  /** Inserts the batches, a commit for each. */
  async insert(request: InsertRequest): Promise<Inserted> {
    // oxlint-disable-next-line unicorn/require-post-message-target-origin -- a thread, not a window
    this.#worker.postMessage(request)
    const [inserted] = (await once(this.#worker, 'message')) as [Inserted]
    return inserted
  }

  async close(): Promise<void> {
    await this.#worker.terminate()
  }
}

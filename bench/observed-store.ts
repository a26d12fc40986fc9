// A file store whose commits are seen: every batch is shown once it is durable, and never before. It counts what the
// engine asks the store for, so no figure rests on what the engine says of itself.
import { sqlite, type Batch, type Store } from 'ballet'

export interface Observed {
  readonly store: Store
  /** What has become durable: commits, journal rows, and bytes in those. */
  readonly seen: { commits: number; rows: number; bytes: number }
  /** Called after every commit, in the next round of the event loop: the engine has taken note by then. */
  onCommit: (batch: Batch) => void
  /** When the engine had taken the store and its recovery began, by the process's clock, milliseconds. */
  acquiredAt: number
}

export function observedStore(file: string): Observed {
  const store = sqlite({ file })
  const commit = store.commit.bind(store)
  const seen = { commits: 0, rows: 0, bytes: 0 }
  const observed: Observed = { store, seen, onCommit: () => {}, acquiredAt: 0 }
  store.commit = async (batch) => {
    await commit(batch)
    seen.commits += 1
    seen.rows += batch.journal.length
    for (const { data } of batch.journal) seen.bytes += data.length
    setImmediate(() => observed.onCommit(batch))
  }
  const acquire = store.acquire.bind(store)
  store.acquire = async (shard, owner) => {
    const tenure = await acquire(shard, owner)
    observed.acquiredAt = performance.now()
    return tenure
  }
  return observed
}

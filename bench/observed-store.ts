// A file store whose commits are seen: every batch is shown once it is durable, and never before. It counts what the
// engine asks the store for, so no figure rests on what the engine says of itself.
import { sqlite, type Batch, type Store } from 'ballet'

export interface Observed {
  readonly store: Store
  /** What has become durable: commits, journal rows, and bytes in those. */
  readonly seen: { commits: number; rows: number; bytes: number }
  /** Called after every commit; set by whoever measures. */
  onCommit: (batch: Batch) => void
}

export function observedStore(file: string): Observed {
  const store = sqlite({ file })
  const commit = store.commit.bind(store)
  const seen = { commits: 0, rows: 0, bytes: 0 }
  const show = (batch: Batch): void => {
    seen.commits += 1
    seen.rows += batch.journal.length
    for (const { data } of batch.journal) seen.bytes += data.length
    observed.onCommit(batch)
  }
  const seeing: Pick<Store, 'commit'> = { commit: async (batch) => commit(batch).then(() => show(batch)) }
  const observed: Observed = { store: Object.assign(store, seeing), seen, onCommit: () => {} }
  return observed
}

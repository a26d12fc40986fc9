// A file store whose commits are seen: every batch is shown once it is durable, and never before. It counts what the
// engine asks the store for, so no figure rests on what the engine says of itself.
import { sqlite, type Batch, type Store } from 'ballet'

export interface Observed {
  readonly store: Store
  /** Batches that have become durable. */
  readonly seen: { commits: number; rows: number; steps: number; bytes: number }
  /** Called after every commit; set by whoever measures. */
  onCommit: (batch: Batch) => void
}

export function observedStore(file: string): Observed {
  const store = sqlite({ file })
  const commit = store.commit.bind(store)
  const observed: Observed = {
    store: Object.assign(store, {
      commit: async (batch: Batch): Promise<void> => {
        await commit(batch)
        observed.seen.commits += 1
        observed.seen.rows += batch.journal.length
        for (const { data } of batch.journal) observed.seen.bytes += data.length
        observed.onCommit(batch)
      },
    }),
    seen: { commits: 0, rows: 0, steps: 0, bytes: 0 },
    onCommit: () => {},
  }
  return observed
}

/** How many runs a batch ended. */
export const endedIn = (batch: Batch): number => batch.changes.filter(({ ended }) => ended !== null).length
